"""Guests accept or decline seat offers."""

from flask_babel import lazy_gettext

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import queries
from app.parties.enums import OfferState, RsvpStatus, WaitingListEventKind
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.respondent import Respondent
from app.parties.rsvps import leaving, news
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.types import RsvpResult, offered_result, position
from app.parties.waiting_list import history, seats
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.models import WaitOffer

NO_OFFER = lazy_gettext("You have no seat offer at the moment.")


def claim(party: DinnerParty, guest: Respondent) -> RsvpResult:
    """Accept the open offer. Raises DomainError if there is none; after an expired one, the result says so."""
    rsvp, offer = _offered(party, guest)
    if not offer.is_open:
        return _no_longer_open(rsvp, offer)
    offer.state = OfferState.CLAIMED
    rsvp.status, rsvp.waitlisted_at, rsvp.resting = RsvpStatus.YES, None, False
    rsvp.party_size, rsvp.min_party = offer.seats, min(rsvp.min_party, offer.seats)
    rsvp.answered_at = clock.now()
    history.record(WaitingListEventKind.CLAIMED, party.id, rsvp.id, seats=offer.seats)
    db.session.flush()
    rsvp_mail.rsvp_yes(party, rsvp)
    news.tell(party, rsvp)
    return RsvpResult(rsvp, changed=True, dietary_conflicts=menu_service.apply_profile_diet(rsvp))


def decline(party: DinnerParty, guest: Respondent, *, stay: bool) -> RsvpResult:
    """Decline the open offer, and leave the waiting list or `stay` on it.

    A group that was offered only some of its seats keeps its position, and is not offered so few again. Others move to
    the end. Raises DomainError if there is no offer.
    """
    rsvp, offer = _offered(party, guest)
    if not offer.is_open:
        if not stay and rsvp.status == RsvpStatus.WAITLISTED:
            leaving.release(rsvp, RsvpStatus.WITHDRAWN)
            rsvp_mail.rsvp_no(party, rsvp)
            return RsvpResult(rsvp, changed=True)
        return _no_longer_open(rsvp, offer)
    offer.state, rsvp.answered_at = OfferState.DECLINED, clock.now()
    if not stay:
        rsvp.status, rsvp.waitlisted_at = RsvpStatus.WITHDRAWN, None
    elif offer.seats < rsvp.party_size:
        rsvp.status, rsvp.min_party = RsvpStatus.WAITLISTED, offer.seats + 1
    else:
        rsvp.waitlisted_at = waiting_list_queries.next_waitlisted_at(party.id)
        rsvp.status, rsvp.resting = RsvpStatus.WAITLISTED, True
    db.session.flush()
    new_position = position(rsvp)
    history.record(WaitingListEventKind.DECLINED, party.id, rsvp.id, place=new_position, seats=offer.seats)
    seats.release_and_reoffer(party.id, offer.seats)
    if not stay:
        rsvp_mail.rsvp_no(party, rsvp)
        news.tell(party, rsvp)
    # Together with other free seats, the guest may get a larger offer at once.
    return (
        offered_result(rsvp, changed=True)
        if rsvp.status == RsvpStatus.OFFERED
        else RsvpResult(rsvp, changed=True, position=new_position)
    )


def _offered(party: DinnerParty, guest: Respondent) -> tuple[Rsvp, WaitOffer]:
    """Return a guest's RSVP and the latest offer to it, after locking the party and ending expired offers."""
    rsvp = queries.rsvp_of(party, guest)
    if rsvp is None:
        raise DomainError(NO_OFFER, "warning", code="no_offer")
    seats.release_and_reoffer(party.id)
    db.session.refresh(rsvp)
    offer = waiting_list_queries.latest_offer(rsvp)
    if offer is None:
        raise DomainError(NO_OFFER, "warning", code="no_offer")
    return rsvp, offer


def _no_longer_open(rsvp: Rsvp, offer: WaitOffer) -> RsvpResult:
    """Return the result for an offer that is decided twice, or too late."""
    if offer.state == OfferState.CLAIMED and rsvp.status == RsvpStatus.YES:
        return RsvpResult(rsvp, changed=False)
    if offer.state == OfferState.EXPIRED and rsvp.status == RsvpStatus.WAITLISTED:
        return RsvpResult(rsvp, changed=False, position=position(rsvp), offer_expired=True)
    raise DomainError(NO_OFFER, "warning", code="no_offer")
