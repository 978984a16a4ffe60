"""Whom a host can write to, and whom reminders go to: those who want such letters, and nobody else."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import joinedload

from app.accounts.models import Member
from app.extensions import db
from app.outbox import unsubscribe
from app.parties.enums import QUEUED, SEATED, Audience, RsvpStatus
from app.parties.messages.mail import InvitedContext
from app.parties.models import ANONYMISED_DOMAIN, DinnerParty, Invitation, Rsvp

# Whose answer puts them into which audience.
STATUSES_OF: dict[str, tuple[str, ...]] = {
    Audience.COMING: SEATED,
    Audience.MAYBE: (RsvpStatus.MAYBE,),
    Audience.WAITING: QUEUED,
    Audience.AWAITING_APPROVAL: (RsvpStatus.AWAITING_APPROVAL,),
}


def select_rsvps(
    party: DinnerParty, audiences: Collection[str], topic: str, author_id: int | None = None
) -> list[Rsvp]:
    """Return the answers of those who want letters about `topic`; the host and the author need none."""
    statuses = [status for audience in audiences for status in STATUSES_OF.get(audience, ())]
    if not statuses:
        return []
    statement = (
        select(Rsvp)
        .options(joinedload(Rsvp.member), joinedload(Rsvp.invitation))
        .where(Rsvp.status.in_(statuses), *_reached(party, topic, author_id))
        .order_by(Rsvp.id)
    )
    return list(db.session.scalars(statement))


def select_not_answered(party: DinnerParty, topic: str, *more: ColumnElement[bool]) -> list[InvitedContext]:
    """Return those who were invited, have not answered, and want letters about `topic`."""
    theirs = func.lower(Member.email) == func.lower(Invitation.email)
    statement = _silent(party, topic).outerjoin(Member, theirs).add_columns(Member).where(*more)
    return [InvitedContext(*row) for row in db.session.execute(statement.order_by(Invitation.id))]


def counts(party: DinnerParty, topic: str, author_id: int | None = None) -> dict[str, int]:
    """Return how many are in each audience."""
    statement = select(Rsvp.status, func.count()).where(*_reached(party, topic, author_id)).group_by(Rsvp.status)
    by_status: dict[str, int] = dict(db.session.execute(statement).all())
    counted = {name: sum(by_status.get(status, 0) for status in statuses) for name, statuses in STATUSES_OF.items()}
    quiet = _silent(party, topic).with_only_columns(func.count())
    return {**counted, Audience.NOT_ANSWERED: db.session.execute(quiet).scalar_one()}


def _reached(party: DinnerParty, topic: str, author_id: int | None) -> tuple[ColumnElement[bool], ...]:
    hosts = {party.host_id, author_id} - {None}
    return (
        Rsvp.party_id == party.id,
        or_(Rsvp.member_id.is_(None), Rsvp.member_id.not_in(hosts)),
        ~Rsvp.email.endswith(ANONYMISED_DOMAIN),
        unsubscribe.accepts(Rsvp.email, topic),
    )


def _silent(party: DinnerParty, topic: str) -> Select[Invitation]:
    # Whoever came by the share link may have typed somebody else's address, who has never opened the letter.
    known = or_(Invitation.invited_by_id.is_not(None), Invitation.opened_at.is_not(None))
    theirs = or_(Rsvp.invitation_id == Invitation.id, func.lower(Rsvp.email) == func.lower(Invitation.email))
    answered = exists().where(Rsvp.party_id == party.id, theirs).correlate_except(Rsvp)
    return select(Invitation).where(
        Invitation.party_id == party.id,
        Invitation.sent_at.is_not(None),
        Invitation.revoked_at.is_(None),
        known,
        ~answered,
        unsubscribe.accepts(Invitation.email, topic),
    )
