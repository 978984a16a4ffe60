"""Flash messages after an RSVP or a decision about an offer."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.i18n import formats
from app.parties.enums import RsvpStatus
from app.parties.menu import texts as menu_texts
from app.parties.models import DinnerParty
from app.parties.rsvps.types import PartialAvailability, RsvpResult
from app.parties.texts import Flash


def answered(party: DinnerParty, outcome: RsvpResult) -> Flash:
    """Return the flash that tells a guest what became of their answer."""
    return _with_warning(_answered(party, outcome), outcome)


def _answered(party: DinnerParty, outcome: RsvpResult) -> Flash:
    status = outcome.rsvp.status
    if status == RsvpStatus.OFFERED:
        return seats_held(outcome.offered)
    if status == RsvpStatus.WAITLISTED:
        text = ngettext(
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seat becomes free.",
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seats become free.",
            outcome.rsvp.party_size,
            pos=outcome.place,
        )
        return text, "warning"
    if not outcome.changed:
        return str(UNCHANGED[status]), "info"
    return _changed(party, outcome)


def _changed(party: DinnerParty, outcome: RsvpResult) -> Flash:
    when = formats.date(party.starts_at, party.timezone)
    if outcome.rsvp.status == RsvpStatus.AWAITING_APPROVAL:
        return _("Your request was sent to the host."), "info"
    if outcome.resized or (outcome.rsvp.status == RsvpStatus.YES and outcome.rsvp.member_id is None):
        text = ngettext(
            "See you on %(date)s! Seats for %(num)d are reserved.",
            "See you on %(date)s! Seats for %(num)d are reserved.",
            outcome.rsvp.party_size,
            date=when,
        )
        return text, "info"
    if outcome.rsvp.status == RsvpStatus.YES:
        host = party.host.display_name
        return _("You successfully RSVP'd to %(host)s's dinner party on %(date)s!", host=host, date=when), "info"
    if outcome.rsvp.status == RsvpStatus.MAYBE:
        return _("Noted. No seat is held for a maybe."), "warning"
    deadline = formats.date_time(party.answers_until, party.timezone)
    return _("Thanks for telling us. You can change your mind until %(deadline)s.", deadline=deadline), "info"


def _with_warning(said: Flash, outcome: RsvpResult) -> Flash:
    return (" ".join([said[0], *menu_texts.conflict_warnings(outcome.clashes)]), "warning") if outcome.clashes else said


def partially_available(question: PartialAvailability) -> Flash:
    """Return what a group is asked that does not fit as a whole."""
    text = ngettext(
        "Only %(num)d of %(size)d seats is free. Come with %(num)d or wait?",
        "Only %(num)d of %(size)d seats are free. Come with %(num)d or wait?",
        question.free,
        size=question.size,
    )
    return text, "warning"


def seats_held(seats: int) -> Flash:
    """Return what somebody reads who asks for seats while some are held for them."""
    text = ngettext(
        "%(num)d seat is being held for you. Accept or decline the offer.",
        "%(num)d seats are being held for you. Accept or decline the offer.",
        seats,
    )
    return text, "info"


def claimed(outcome: RsvpResult) -> Flash:
    """Return what is said to somebody who takes the seats that were offered."""
    if outcome.lapsed:
        return _("This offer has expired; you are back on the waiting list."), "warning"
    return _with_warning((_("The seats are yours."), "info"), outcome)


def declined(outcome: RsvpResult) -> Flash:
    """Return what is said to somebody who gives back the seats that were offered."""
    if outcome.lapsed:
        return claimed(outcome)
    if outcome.offered:
        return seats_held(outcome.offered)
    if outcome.place is None:
        return _("Your seats have been released."), "info"
    return _(
        "The seats are offered to the next guest. You are now number %(pos)d on the waiting list.", pos=outcome.place
    ), "info"


UNCHANGED = {
    RsvpStatus.AWAITING_APPROVAL: lazy_gettext("Nothing changed: your request is waiting for the host's approval."),
    RsvpStatus.YES: lazy_gettext("Nothing changed: you had already answered yes."),
    RsvpStatus.NO: lazy_gettext("Nothing changed: you had already answered no."),
    RsvpStatus.MAYBE: lazy_gettext("Nothing changed: you had already answered maybe."),
}
