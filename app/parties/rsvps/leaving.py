"""Who held seats, or waited for some, does so no more; what they held goes to the next in line at once."""

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
    step: WaitingListEventKind = WaitingListEventKind.LEFT,
    state: OfferState = OfferState.DECLINED,
) -> int:
    """Change an answer to one that holds nothing, and hand on what it held; return how many seats were offered."""
    before, where = rsvp.status, position(rsvp)
    held = rsvp.party_size if before in SEATED else 0
    if before == RsvpStatus.OFFERED:
        held = seats.end_offer(rsvp, state)
    rsvp.status, rsvp.waitlisted_at, rsvp.resting, rsvp.answered_at = status, None, False, clock.now()
    if before in QUEUED:
        history.record(step, rsvp.party_id, rsvp.id, place=where)
    db.session.flush()
    if before in SEATED:
        potluck_service.release_claims_of(rsvp.id)
    return seats.release_and_reoffer(rsvp.party_id, held, unseen=held if before in SEATED else 0).offered


def remove(rsvp: Rsvp) -> int:
    """Take an answer off the table and tell its guest; return how many seats were offered to the next in line.

    Raises DomainError when it is the host's.
    """
    if rsvp.member_id == rsvp.party.host_id:
        raise DomainError(lazy_gettext("The host's own seat cannot be released. Cancel the party instead."))
    seats.lock(rsvp.party_id)
    db.session.refresh(rsvp)
    before = rsvp.status
    if before == RsvpStatus.REMOVED:
        return 0
    offered = release(rsvp, RsvpStatus.REMOVED, step=WaitingListEventKind.REMOVED, state=OfferState.REVOKED)
    audit.record("guest_removed", "answer", rsvp, name=rsvp.party.title, before={"name": rsvp.name})
    if before == RsvpStatus.AWAITING_APPROVAL:
        rsvp_mail.request_declined(rsvp.party, rsvp)
    elif before in NOTIFIED:
        rsvp_mail.removed(rsvp.party, rsvp, before)
    return offered
