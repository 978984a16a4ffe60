"""What is said after an answer or a change: a text and its category."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.errors import Category
from app.i18n import formats
from app.parties import models
from app.parties.models import DinnerParty
from app.parties.service.answers import Outcome

Flash = tuple[str, Category]


def answered(party: DinnerParty, outcome: Outcome) -> Flash:
    """Return the flash that tells a guest what became of their answer."""
    status, changed = outcome.answer.status, outcome.changed
    if status == models.WAITLISTED:
        text = ngettext(
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seat becomes free.",
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seats become free.",
            outcome.answer.party_size,
            pos=outcome.place,
        )
        return text, "warning"
    if not changed:
        return str(UNCHANGED[status]), "info"
    if status == models.YES:
        when = formats.date(party.starts_at, party.timezone)
        host = party.host.display_name
        return _("You successfully RSVP'd to %(host)s's dinner party on %(date)s!", host=host, date=when), "info"
    if status == models.MAYBE:
        return _("Noted. No seat is held for a maybe."), "warning"
    deadline = formats.date_time(party.answers_until, party.timezone)
    return _("Thanks for telling us. You can change your mind until %(deadline)s.", deadline=deadline), "info"


UNCHANGED = {
    models.YES: lazy_gettext("Nothing changed: you had already answered yes."),
    models.NO: lazy_gettext("Nothing changed: you had already answered no."),
    models.MAYBE: lazy_gettext("Nothing changed: you had already answered maybe."),
}


def saved(party: DinnerParty) -> Flash:
    """Return what a host reads after a party was stored."""
    if party.status == models.PUBLISHED:
        return _("Party “%(title)s” is published.", title=party.title), "info"
    if party.is_past:
        return _("Party “%(title)s” saved as draft, but its date is in the past.", title=party.title), "warning"
    return _("Party “%(title)s” saved as draft.", title=party.title), "info"


def changed(party: DinnerParty, told: int) -> Flash:
    """Return what a host reads after a change that `told` guests get a letter about."""
    if not told:
        return saved(party)
    return ngettext("Saved. %(num)d guest will be told.", "Saved. %(num)d guests will be told.", told), "info"


def cancelled(told: int) -> Flash:
    """Return what is said after parties were called off."""
    text = ngettext(
        "Party cancelled; %(num)d guest will be told.", "Party cancelled; %(num)d guests will be told.", told
    )
    return text, "warning"
