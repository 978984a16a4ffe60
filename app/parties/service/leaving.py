"""Who held seats, or waited for some, does so no more; what they held goes to the next in line at once."""

from flask_babel import lazy_gettext

from app import audit, clock
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, rules
from app.parties.models import AWAITING, DECLINED, OFFERED, REMOVED, REVOKED, SEATED, Rsvp, Step
from app.parties.service import potluck, seats
from app.parties.service.line import tell
from app.parties.service.wishes import place


def leave(answer: Rsvp, status: str, *, step: str = Step.LEFT, state: str = DECLINED) -> int:
    """Change an answer to one that holds nothing, and hand on what it held; return how many seats were offered."""
    before, where = answer.status, place(answer)
    held = answer.party_size if before in SEATED else 0
    if before == OFFERED:
        held = seats.end_offer(answer, state)
    answer.status, answer.waitlisted_at, answer.resting, answer.answered_at = status, None, False, clock.now()
    if before in rules.IN_LINE:
        tell(step, answer.party_id, answer.id, place=where)
    db.session.flush()
    if before in SEATED:
        potluck.release(answer.id)
    return seats.free(answer.party_id, held, unseen=held if before in SEATED else 0).offered


def remove(answer: Rsvp) -> int:
    """Take an answer off the table and tell its guest; return how many seats were offered to the next in line.

    Raises DomainError when it is the host's.
    """
    if answer.member_id == answer.party.host_id:
        raise DomainError(lazy_gettext("The host keeps their seat; cancel the party instead."))
    seats.lock(answer.party_id)
    db.session.refresh(answer)
    before = answer.status
    if before == REMOVED:
        return 0
    offered = leave(answer, REMOVED, step=Step.REMOVED, state=REVOKED)
    audit.record("guest_removed", "answer", answer, name=answer.party.title, before={"name": answer.name})
    if before == AWAITING:
        mail.request_declined(answer.party, answer)
    elif before in rules.CONCERNED:
        mail.removed(answer.party, answer, before)
    return offered
