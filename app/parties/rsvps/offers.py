"""Guests take the seats that are offered to them, or give them back."""

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import queries
from app.parties.enums import OfferState, RsvpStatus, WaitingListEventKind
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import leaving
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.types import RsvpResult, held_offer, position
from app.parties.waiting_list import history, seats
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.models import WaitOffer

NO_OFFER = lazy_gettext("No seats are offered to you at the moment.")


def claim(party: DinnerParty, guest: Respondent) -> RsvpResult:
    """Take the seats that are offered. Raises DomainError when none are; one that ran out is told as `lapsed`."""
    answer, offer = _offered(party, guest)
    if not offer.is_open:
        return _no_longer_open(answer, offer)
    offer.state = OfferState.CLAIMED
    answer.status, answer.waitlisted_at, answer.resting = RsvpStatus.YES, None, False
    answer.party_size, answer.min_party = offer.seats, min(answer.min_party, offer.seats)
    answer.answered_at = clock.now()
    history.record(WaitingListEventKind.CLAIMED, party.id, answer.id, seats=offer.seats)
    db.session.flush()
    rsvp_mail.rsvp_yes(party, answer)
    return RsvpResult(answer, changed=True, clashes=menu_service.remember_usual(answer))


def decline(party: DinnerParty, guest: Respondent, *, stay: bool) -> RsvpResult:
    """Give offered seats to the next in line, and go, or `stay` in line.

    A group that was offered only a part of its seats keeps its place, and is not asked about so few again. Others
    stand at the end. Raises DomainError when nothing is offered.
    """
    answer, offer = _offered(party, guest)
    if not offer.is_open:
        if not stay and answer.status == RsvpStatus.WAITLISTED:
            leaving.release(answer, RsvpStatus.WITHDRAWN)
            return RsvpResult(answer, changed=True)
        return _no_longer_open(answer, offer)
    offer.state, answer.answered_at = OfferState.DECLINED, clock.now()
    if not stay:
        answer.status, answer.waitlisted_at = RsvpStatus.WITHDRAWN, None
    elif offer.seats < answer.party_size:
        answer.status, answer.min_party = RsvpStatus.WAITLISTED, offer.seats + 1
    else:
        answer.waitlisted_at = waiting_list_queries.next_waitlisted_at(party.id)
        answer.status, answer.resting = RsvpStatus.WAITLISTED, True
    db.session.flush()
    where = position(answer)
    history.record(WaitingListEventKind.DECLINED, party.id, answer.id, place=where, seats=offer.seats)
    seats.release_and_reoffer(party.id, offer.seats)
    # With others that are free, more may be within reach than was offered.
    return (
        held_offer(answer, changed=True)
        if answer.status == RsvpStatus.OFFERED
        else RsvpResult(answer, changed=True, place=where)
    )


def _offered(party: DinnerParty, guest: Respondent) -> tuple[Rsvp, WaitOffer]:
    """Return a guest's answer and the latest offer to it, under the party's lock and as time has left them."""
    answer = queries.rsvp_of(party, guest)
    if answer is None:
        raise DomainError(NO_OFFER, "warning", code="no_offer")
    seats.release_and_reoffer(party.id)
    db.session.refresh(answer)
    offer = waiting_list_queries.latest_offer(answer)
    if offer is None:
        raise DomainError(NO_OFFER, "warning", code="no_offer")
    return answer, offer


def _no_longer_open(answer: Rsvp, offer: WaitOffer) -> RsvpResult:
    """Tell what became of an offer that was to be decided once more, or too late."""
    if offer.state == OfferState.CLAIMED and answer.status == RsvpStatus.YES:
        return RsvpResult(answer, changed=False)
    if offer.state == OfferState.EXPIRED and answer.status == RsvpStatus.WAITLISTED:
        return RsvpResult(answer, changed=False, place=position(answer), lapsed=True)
    raise DomainError(NO_OFFER, "warning", code="no_offer")
