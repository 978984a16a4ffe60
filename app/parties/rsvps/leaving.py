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
    answer: Rsvp,
    status: RsvpStatus,
    *,
    step: WaitingListEventKind = WaitingListEventKind.LEFT,
    state: OfferState = OfferState.DECLINED,
) -> int:
    """Change an answer to one that holds nothing, and hand on what it held; return how many seats were offered."""
    before, where = answer.status, position(answer)
    held = answer.party_size if before in SEATED else 0
    if before == RsvpStatus.OFFERED:
        held = seats.end_offer(answer, state)
    answer.status, answer.waitlisted_at, answer.resting, answer.answered_at = status, None, False, clock.now()
    if before in QUEUED:
        history.record(step, answer.party_id, answer.id, place=where)
    db.session.flush()
    if before in SEATED:
        potluck_service.release_claims_of(answer.id)
    return seats.release_and_reoffer(answer.party_id, held, unseen=held if before in SEATED else 0).offered


def remove(answer: Rsvp) -> int:
    """Take an answer off the table and tell its guest; return how many seats were offered to the next in line.

    Raises DomainError when it is the host's.
    """
    if answer.member_id == answer.party.host_id:
        raise DomainError(lazy_gettext("The host keeps their seat; cancel the party instead."))
    seats.lock(answer.party_id)
    db.session.refresh(answer)
    before = answer.status
    if before == RsvpStatus.REMOVED:
        return 0
    offered = release(answer, RsvpStatus.REMOVED, step=WaitingListEventKind.REMOVED, state=OfferState.REVOKED)
    audit.record("guest_removed", "answer", answer, name=answer.party.title, before={"name": answer.name})
    if before == RsvpStatus.AWAITING_APPROVAL:
        rsvp_mail.request_declined(answer.party, answer)
    elif before in NOTIFIED:
        rsvp_mail.removed(answer.party, answer, before)
    return offered
