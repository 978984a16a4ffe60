"""What is said after an answer or a change: a text and its category."""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.errors import Category
from app.food import ALLERGENS, DIETS
from app.i18n import formats
from app.parties import models
from app.parties.clashes import Clash
from app.parties.models import DinnerParty, MenuItem
from app.parties.service.wishes import Outcome, Partly

Flash = tuple[str, Category]
# More than this many sentences in one flash nobody reads; the page below it has them all.
MOST_SENTENCES = 3


def answered(party: DinnerParty, outcome: Outcome) -> Flash:
    """Return the flash that tells a guest what became of their answer."""
    return _with_warning(_answered(party, outcome), outcome)


def _answered(party: DinnerParty, outcome: Outcome) -> Flash:
    status = outcome.answer.status
    if status == models.OFFERED:
        return held(outcome.offered)
    if status == models.WAITLISTED:
        text = ngettext(
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seat becomes free.",
            "The table is full. You are number %(pos)d on the waiting list; we will write if %(num)d seats become free.",
            outcome.answer.party_size,
            pos=outcome.place,
        )
        return text, "warning"
    if not outcome.changed:
        return str(UNCHANGED[status]), "info"
    return _changed(party, outcome)


def _changed(party: DinnerParty, outcome: Outcome) -> Flash:
    when = formats.date(party.starts_at, party.timezone)
    if outcome.answer.status == models.AWAITING:
        return _("Your request was sent to the host."), "info"
    if outcome.resized or (outcome.answer.status == models.YES and outcome.answer.member_id is None):
        text = ngettext(
            "See you on %(date)s! Seats for %(num)d are reserved.",
            "See you on %(date)s! Seats for %(num)d are reserved.",
            outcome.answer.party_size,
            date=when,
        )
        return text, "info"
    if outcome.answer.status == models.YES:
        host = party.host.display_name
        return _("You successfully RSVP'd to %(host)s's dinner party on %(date)s!", host=host, date=when), "info"
    if outcome.answer.status == models.MAYBE:
        return _("Noted. No seat is held for a maybe."), "warning"
    deadline = formats.date_time(party.answers_until, party.timezone)
    return _("Thanks for telling us. You can change your mind until %(deadline)s.", deadline=deadline), "info"


def _with_warning(said: Flash, outcome: Outcome) -> Flash:
    return (" ".join([said[0], *heads_up(outcome.clashes)]), "warning") if outcome.clashes else said


def heads_up(found: Sequence[tuple[MenuItem, Clash]]) -> list[str]:
    """Return what warns a guest of the first of the dishes they cannot eat."""
    return [
        _(
            "Heads-up: “%(dish)s” contains %(allergen)s. The host has been told.",
            dish=dish.name,
            allergen=formats.value([str(ALLERGENS[key]) for key in clash.allergens]),
        )
        if clash.allergens
        else _(
            "Heads-up: “%(dish)s” does not suit you (%(diet)s). The host has been told.",
            dish=dish.name,
            diet=formats.value([str(DIETS[key]) for key in clash.diets]),
        )
        for dish, clash in found[:MOST_SENTENCES]
    ]


def partly(question: Partly) -> Flash:
    """Return what a group is asked that does not fit as a whole."""
    text = ngettext(
        "Only %(num)d of %(size)d seats is free. Come with %(num)d or wait?",
        "Only %(num)d of %(size)d seats are free. Come with %(num)d or wait?",
        question.free,
        size=question.size,
    )
    return text, "warning"


def held(seats: int) -> Flash:
    """Return what somebody reads who asks for seats while some are held for them."""
    text = ngettext(
        "%(num)d seat is held for you: take it, or give it back.",
        "%(num)d seats are held for you: take them, or give them back.",
        seats,
    )
    return text, "info"


def claimed(outcome: Outcome) -> Flash:
    """Return what is said to somebody who takes the seats that were offered."""
    if outcome.lapsed:
        return _("This offer has expired; you are back on the waiting list."), "warning"
    return _with_warning((_("The seats are yours."), "info"), outcome)


def declined(outcome: Outcome) -> Flash:
    """Return what is said to somebody who gives back the seats that were offered."""
    if outcome.lapsed:
        return claimed(outcome)
    if outcome.offered:
        return held(outcome.offered)
    if outcome.place is None:
        return _("Your seats have been released."), "info"
    return _("The seats go to the next in line. You wait on, as number %(pos)d.", pos=outcome.place), "info"


UNCHANGED = {
    models.AWAITING: lazy_gettext("Nothing changed: your request waits for the host."),
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
    text = ngettext(
        "Saved. %(num)d guest will get an updated calendar entry.",
        "Saved. %(num)d guests will get an updated calendar entry.",
        told,
    )
    return text, "info"


def published(invitations: int, *, delivers: bool) -> Flash:
    """Return what a host reads who has published a draft whose guests were waiting to be invited."""
    if not delivers:
        return _("Published, but e-mail is not configured: share the link."), "warning"
    text = ngettext(
        "Party published. %(num)d invitation queued.", "Party published. %(num)d invitations queued.", invitations
    )
    return text, "info"


def cancelled(told: int) -> Flash:
    """Return what is said after parties were called off."""
    text = ngettext(
        "Party cancelled; %(num)d guest will be told.", "Party cancelled; %(num)d guests will be told.", told
    )
    return text, "warning"
