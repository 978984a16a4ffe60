"""Labels of the columns of parties, and flash messages of hosting. Pages and APIs share them."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, lazy_pgettext, ngettext

from app.accounts.models import Member
from app.outbox import texts as outbox_texts
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty
from app.parties.texts import Flash

LABELS = {
    "id": lazy_gettext("Party ID"),
    "title": lazy_gettext("Title"),
    "slug": lazy_gettext("Web address on this site"),
    "host": lazy_gettext("Host"),
    "co_hosts": lazy_gettext("Co-hosts"),
    "starts_at": lazy_gettext("Starts at"),
    "timezone": lazy_gettext("Time zone"),
    "duration_minutes": lazy_gettext("Duration in minutes"),
    "venue": lazy_gettext("Venue"),
    "area": lazy_gettext("Area"),
    "address": lazy_gettext("Address"),
    "address_for_guests": lazy_gettext("Show the address only to guests who are coming"),
    "map_url": lazy_gettext("Link to a map"),
    "picture": lazy_gettext("Picture"),
    "main_dish": lazy_gettext("Main dish"),
    "description": lazy_gettext("Information for guests"),
    "number_seats": lazy_gettext("Seats"),
    "seats_taken": lazy_gettext("Seats taken"),
    "max_party": lazy_gettext("Maximum party size"),
    "rsvp_deadline": lazy_gettext("Answer deadline"),
    "approval": lazy_gettext("The host approves each guest"),
    "answers_by_email": lazy_gettext("Guests without an account can answer by e-mail"),
    "shows_guests": lazy_gettext("Guests who come can see who else comes"),
    "visibility": lazy_gettext("Visibility"),
    "status": lazy_gettext("Status"),
    "is_hidden": lazy_gettext("Hidden"),
    "hidden_at": lazy_gettext("Hidden since"),
    "hidden_reason": lazy_gettext("Reason for hiding"),
    "created_at": lazy_pgettext("column of moments", "Created"),
}


def saved(party: DinnerParty) -> Flash:
    if party.status == PartyStatus.PUBLISHED:
        return _("Party “%(title)s” published.", title=party.title), "info"
    if party.is_past:
        return _("Party “%(title)s” saved as draft, but its date is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved as draft.", title=party.title), "info"


def changed(party: DinnerParty, notified: int) -> Flash:
    """Return the message after a change, of which `notified` guests get an e-mail."""
    if not notified and party.status == PartyStatus.PUBLISHED:
        return _("Party “%(title)s” saved.", title=party.title), "info"
    if not notified:
        return saved(party)
    text = ngettext(
        "Saved. %(num)d guest will get an updated calendar entry.",
        "Saved. %(num)d guests will get an updated calendar entry.",
        notified,
    )
    return outbox_texts.queued(text)


def published(invitations: int) -> Flash:
    """Return the message after a draft with invitations was published."""
    if outbox_texts.not_sent():
        return _("Published, but this site sends no e-mail: give your guests their links."), "warning"
    text = ngettext(
        "Party published. %(num)d invitation queued.", "Party published. %(num)d invitations queued.", invitations
    )
    return text, "info"


def cancelled(notified: int) -> Flash:
    text = ngettext(
        "Party cancelled; %(num)d guest will be told.", "Party cancelled; %(num)d guests will be told.", notified
    )
    return outbox_texts.queued(text, "warning") if notified else (text, "warning")


def copied() -> Flash:
    return _("Copy created as a draft; pick a date."), "info"


def co_host_added(member: Member) -> Flash:
    return _("%(name)s is now a co-host.", name=member.display_name), "info"


def co_host_removed(member: Member) -> Flash:
    return _("%(name)s is no longer a host of this party.", name=member.display_name), "info"


def no_longer_changeable() -> Flash:
    return _("This party can no longer be changed."), "warning"


def edit_conflict() -> Flash:
    return _("The party has changed in the meantime; both versions are shown. Save again to keep yours."), "warning"
