"""Flash messages after an RSVP or a decision about a seat offer."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.i18n import formats
from app.outbox import texts as outbox_texts
from app.parties.enums import RsvpStatus
from app.parties.menu import texts as menu_texts
from app.parties.models import DinnerParty
from app.parties.rsvps.types import PartialAvailability, RsvpResult
from app.parties.texts import Flash
from app.parties.waiting_list.allocation import max_guest_seats


def answered(party: DinnerParty, result: RsvpResult) -> Flash:
    """Return the flash after an RSVP."""
    return _with_conflicts(_answered(party, result), result)


def _answered(party: DinnerParty, result: RsvpResult) -> Flash:
    status = result.rsvp.status
    if status == RsvpStatus.OFFERED:
        return seats_held(result.offered)
    if status == RsvpStatus.WAITLISTED:
        return _waitlisted(party, result)
    if not result.changed:
        return str(UNCHANGED[status]), "info"
    return _changed(party, result)


def _waitlisted(party: DinnerParty, result: RsvpResult) -> Flash:
    if result.rsvp.min_party > max_guest_seats(party.number_seats):
        text = ngettext(
            "Your group is larger than the table, which has %(num)d seat for guests. You are number %(pos)d on the "
            "waiting list; answer for fewer people, or ask the host for a larger table.",
            "Your group is larger than the table, which has %(num)d seats for guests. You are number %(pos)d on the "
            "waiting list; answer for fewer people, or ask the host for a larger table.",
            max_guest_seats(party.number_seats),
            pos=result.position,
        )
        return outbox_texts.queued(text, "warning")
    if outbox_texts.not_sent() or not result.rsvp.shown_email:
        text = _(
            "There are no seats for you yet. You are number %(pos)d on the waiting list. Nobody can write to you: come "
            "back to this page to see whether seats have become free.",
            pos=result.position,
        )
        return text, "warning"
    if not party.is_full:
        text = _(
            "There are no seats for you yet. You are number %(pos)d on the waiting list; we will write if there are.",
            pos=result.position,
        )
        return text, "warning"
    text = ngettext(
        "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seat becomes free.",
        "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seats become free.",
        result.rsvp.min_party,
        pos=result.position,
    )
    return text, "warning"


def _changed(party: DinnerParty, result: RsvpResult) -> Flash:
    when = formats.date(party.starts_at, party.timezone)
    if result.rsvp.status == RsvpStatus.AWAITING_APPROVAL:
        return _("Your request was sent to the host."), "info"
    if result.resized or (result.rsvp.status == RsvpStatus.YES and result.rsvp.member_id is None):
        text = ngettext(
            "See you on %(date)s! Seats for %(num)d are reserved.",
            "See you on %(date)s! Seats for %(num)d are reserved.",
            result.rsvp.party_size,
            date=when,
        )
        return text, "info"
    if result.rsvp.status == RsvpStatus.YES:
        host = party.host.display_name
        return _("You successfully RSVP'd to %(host)s's dinner party on %(date)s!", host=host, date=when), "info"
    if result.rsvp.status == RsvpStatus.MAYBE:
        return _("Noted. No seat is held for a maybe."), "warning"
    deadline = formats.date_time(party.answers_until, party.timezone)
    return _("Thanks for telling us. You can change your mind until %(deadline)s.", deadline=deadline), "info"


def _with_conflicts(flash: Flash, result: RsvpResult) -> Flash:
    if not result.dietary_conflicts:
        return flash
    return " ".join([flash[0], *menu_texts.conflict_warnings(result.dietary_conflicts)]), "warning"


def partially_available(partial: PartialAvailability) -> Flash:
    """Return the flash that asks a group to come with fewer or wait."""
    text = ngettext(
        "Only %(num)d of %(size)d seats is free. Come with %(num)d or wait?",
        "Only %(num)d of %(size)d seats are free. Come with %(num)d or wait?",
        partial.free,
        size=partial.size,
    )
    return text, "warning"


def withdrawn(result: RsvpResult) -> Flash:
    """Return the flash after a guest withdrew an RSVP."""
    return str(WITHDRAWN.get(result.before, _("Your seats have been released."))), "info"


def seats_held(seats: int) -> Flash:
    """Return the flash for a guest who has an open offer."""
    text = ngettext(
        "%(num)d seat is being held for you. Accept or decline the offer.",
        "%(num)d seats are being held for you. Accept or decline the offer.",
        seats,
    )
    return text, "info"


def claimed(result: RsvpResult) -> Flash:
    """Return the flash after a guest accepted an offer."""
    if result.offer_expired:
        return _("This offer has expired; you are back on the waiting list."), "warning"
    return _with_conflicts((_("The seats are yours."), "info"), result)


def declined(result: RsvpResult) -> Flash:
    """Return the flash after a guest declined an offer."""
    if result.offer_expired:
        return claimed(result)
    if result.offered:
        return seats_held(result.offered)
    if result.position is None:
        return _("Your seats have been released."), "info"
    return _(
        "The seats are offered to the next guest. You are now number %(pos)d on the waiting list.", pos=result.position
    ), "info"


# What a guest had who had no seats to release.
WITHDRAWN: dict[RsvpStatus | None, object] = {
    RsvpStatus.AWAITING_APPROVAL: lazy_gettext("Your request has been withdrawn."),
    RsvpStatus.WAITLISTED: lazy_gettext("You have left the waiting list."),
    RsvpStatus.MAYBE: lazy_gettext("Your answer has been withdrawn."),
}
UNCHANGED = {
    RsvpStatus.AWAITING_APPROVAL: lazy_gettext("Nothing changed: your request is waiting for the host's approval."),
    RsvpStatus.YES: lazy_gettext("Nothing changed: you had already answered yes."),
    RsvpStatus.NO: lazy_gettext("Nothing changed: you had already answered no."),
    RsvpStatus.MAYBE: lazy_gettext("Nothing changed: you had already answered maybe."),
}
