"""Guests take the seats that are offered to them, or give them back."""

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, queries
from app.parties.guests import Guest
from app.parties.models import (
    CLAIMED,
    DECLINED,
    EXPIRED,
    OFFERED,
    WAITLISTED,
    WITHDRAWN,
    YES,
    DinnerParty,
    Rsvp,
    Step,
    WaitOffer,
)
from app.parties.service import food, seats
from app.parties.service.leaving import leave
from app.parties.service.line import tell
from app.parties.service.wishes import Outcome, held, place

NO_OFFER = lazy_gettext("No seats are offered to you at the moment.")


def claim(party: DinnerParty, guest: Guest) -> Outcome:
    """Take the seats that are offered. Raises DomainError when none are; one that ran out is told as `lapsed`."""
    answer, offer = _offered(party, guest)
    if not offer.is_open:
        return _no_longer_open(answer, offer)
    offer.state = CLAIMED
    answer.status, answer.waitlisted_at, answer.resting = YES, None, False
    answer.party_size, answer.min_party = offer.seats, min(answer.min_party, offer.seats)
    answer.answered_at = clock.now()
    tell(Step.CLAIMED, party.id, answer.id, seats=offer.seats)
    db.session.flush()
    mail.rsvp_yes(party, answer)
    return Outcome(answer, changed=True, clashes=food.tell_usual(answer))


def decline(party: DinnerParty, guest: Guest, *, stay: bool) -> Outcome:
    """Give offered seats to the next in line, and go, or `stay` in line.

    A group that was offered only a part of its seats keeps its place, and is not asked about so few again. Others
    stand at the end. Raises DomainError when nothing is offered.
    """
    answer, offer = _offered(party, guest)
    if not offer.is_open:
        if not stay and answer.status == WAITLISTED:
            leave(answer, WITHDRAWN)
            return Outcome(answer, changed=True)
        return _no_longer_open(answer, offer)
    offer.state, answer.answered_at = DECLINED, clock.now()
    if not stay:
        answer.status, answer.waitlisted_at = WITHDRAWN, None
    elif offer.seats < answer.party_size:
        answer.status, answer.min_party = WAITLISTED, offer.seats + 1
    else:
        answer.waitlisted_at = queries.end_of_line(party.id)
        answer.status, answer.resting = WAITLISTED, True
    db.session.flush()
    where = place(answer)
    tell(Step.DECLINED, party.id, answer.id, place=where, seats=offer.seats)
    seats.free(party.id, offer.seats)
    # With others that are free, more may be within reach than was offered.
    return held(answer, changed=True) if answer.status == OFFERED else Outcome(answer, changed=True, place=where)


def _offered(party: DinnerParty, guest: Guest) -> tuple[Rsvp, WaitOffer]:
    """Return a guest's answer and the latest offer to it, under the party's lock and as time has left them."""
    answer = queries.answer_of(party, guest)
    if answer is None:
        raise DomainError(NO_OFFER, "warning")
    seats.free(party.id)
    db.session.refresh(answer)
    offer = queries.latest_offer(answer)
    if offer is None:
        raise DomainError(NO_OFFER, "warning")
    return answer, offer


def _no_longer_open(answer: Rsvp, offer: WaitOffer) -> Outcome:
    """Tell what became of an offer that was to be decided once more, or too late."""
    if offer.state == CLAIMED and answer.status == YES:
        return Outcome(answer, changed=False)
    if offer.state == EXPIRED and answer.status == WAITLISTED:
        return Outcome(answer, changed=False, place=place(answer), lapsed=True)
    raise DomainError(NO_OFFER, "warning")
