"""Guests leave a party: their seats are offered to the waiting list at once."""

from flask_babel import lazy_gettext

from app import audit, clock
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import NOTIFIED, QUEUED, SEATED, OfferState, RsvpStatus, WaitingListEventKind
from app.parties.models import Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.types import position
from app.parties.waiting_list import history, seats


def release(
    rsvp: Rsvp,
    status: RsvpStatus,
    *,
    event: WaitingListEventKind = WaitingListEventKind.LEFT,
    offer_state: OfferState = OfferState.DECLINED,
) -> int:
    """Give an RSVP a `status` without seats, and release those it held. Return how many seats were offered to others."""
    before, old_position = rsvp.status, position(rsvp)
    held = rsvp.party_size if before in SEATED else 0
    if before == RsvpStatus.OFFERED:
        held = seats.end_offer(rsvp, offer_state)
    rsvp.status, rsvp.waitlisted_at, rsvp.resting, rsvp.answered_at = status, None, False, clock.now()
    if before in QUEUED:
        history.record(event, rsvp.party_id, rsvp.id, place=old_position)
    db.session.flush()
    if before in SEATED:
        potluck_service.release_claims_of(rsvp.id)
    return seats.release_and_reoffer(rsvp.party_id, held, newly_freed=held if before in SEATED else 0).offered


def remove(rsvp: Rsvp) -> int:
    """Remove a guest and e-mail them. Return how many seats were offered to others.

    Raises DomainError for the host's own RSVP.
    """
    if rsvp.member_id == rsvp.party.host_id:
        raise DomainError(lazy_gettext("The host's own seat cannot be released. Cancel the party instead."))
    seats.lock(rsvp.party_id)
    db.session.refresh(rsvp)
    before = rsvp.status
    if before == RsvpStatus.REMOVED:
        return 0
    offered = release(rsvp, RsvpStatus.REMOVED, event=WaitingListEventKind.REMOVED, offer_state=OfferState.REVOKED)
    audit.record("guest_removed", "answer", rsvp, name=rsvp.party.title, before={"name": rsvp.name})
    if before == RsvpStatus.AWAITING_APPROVAL:
        rsvp_mail.request_declined(rsvp.party, rsvp)
    elif before in NOTIFIED:
        rsvp_mail.removed(rsvp.party, rsvp, before)
    return offered
