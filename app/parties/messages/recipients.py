"""The recipients of messages and reminders: guests who have not unsubscribed from them."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from app.accounts.models import Member
from app.extensions import db
from app.outbox import unreachable, unsubscribe
from app.parties.enums import QUEUED, SEATED, Audience, RsvpStatus
from app.parties.messages.mail import InvitedContext
from app.parties.models import ANONYMISED_DOMAIN, NO_ADDRESS_DOMAIN, DinnerParty, Invitation, Rsvp

_SAME_EMAIL = and_(Member.email_key == Invitation.email_key, Member.duplicate == 0)
# The RSVPs in each audience.
STATUSES_OF: dict[str, tuple[str, ...]] = {
    Audience.COMING: SEATED,
    Audience.MAYBE: (RsvpStatus.MAYBE,),
    Audience.WAITING: QUEUED,
    Audience.AWAITING_APPROVAL: (RsvpStatus.AWAITING_APPROVAL,),
}


def select_rsvps(
    party: DinnerParty, audiences: Collection[str], topic: str, author_id: int | None = None
) -> list[Rsvp]:
    """Return the RSVPs in these audiences that have not unsubscribed from `topic`, except those of owner and author."""
    statuses = [status for audience in audiences for status in STATUSES_OF.get(audience, ())]
    if not statuses:
        return []
    statement = (
        select(Rsvp)
        .options(joinedload(Rsvp.member), joinedload(Rsvp.invitation))
        .where(Rsvp.status.in_(statuses), *_is_recipient(party, topic, author_id))
        .order_by(Rsvp.id)
    )
    return list(db.session.scalars(statement))


def select_not_answered(party: DinnerParty, topic: str, *conditions: ColumnElement[bool]) -> list[InvitedContext]:
    """Return the invited guests who have not answered and have not unsubscribed from `topic`."""
    statement = _not_answered(party, topic).outerjoin(Member, _SAME_EMAIL).add_columns(Member).where(*conditions)
    return [InvitedContext(*row) for row in db.session.execute(statement.order_by(Invitation.id))]


def with_keys(keys: Collection[str]) -> list[Rsvp | InvitedContext]:
    """Return recipients by the keys of app.parties.guest_addresses; those who are gone are left out."""
    of_kind = {kind: [int(key[1:]) for key in keys if key[0] == kind] for kind in "ri"}
    loaded = joinedload(Rsvp.member), joinedload(Rsvp.invitation)
    rsvps = select(Rsvp).options(*loaded).where(Rsvp.id.in_(of_kind["r"])).order_by(Rsvp.id)
    invited = select(Invitation, Member).outerjoin(Member, _SAME_EMAIL).where(Invitation.id.in_(of_kind["i"]))
    return [
        *db.session.scalars(rsvps),
        *(InvitedContext(*row) for row in db.session.execute(invited.order_by(Invitation.id))),
    ]


def counts(party: DinnerParty, topic: str, author_id: int | None = None) -> dict[str, int]:
    """Return the number of recipients in each audience."""
    statement = select(Rsvp.status, func.count()).where(*_is_recipient(party, topic, author_id)).group_by(Rsvp.status)
    by_status: dict[str, int] = dict(db.session.execute(statement).all())
    counted = {name: sum(by_status.get(status, 0) for status in statuses) for name, statuses in STATUSES_OF.items()}
    not_answered = _not_answered(party, topic).with_only_columns(func.count())
    return {**counted, Audience.NOT_ANSWERED: db.session.execute(not_answered).scalar_one()}


def _is_recipient(party: DinnerParty, topic: str, author_id: int | None) -> tuple[ColumnElement[bool], ...]:
    hosts = {party.host_id, author_id} - {None}
    return (
        Rsvp.party_id == party.id,
        or_(Rsvp.member_id.is_(None), Rsvp.member_id.not_in(hosts)),
        *(~Rsvp.email.endswith(domain) for domain in (ANONYMISED_DOMAIN, NO_ADDRESS_DOMAIN)),
        unsubscribe.accepts(Rsvp.email_key, topic),
        ~unreachable.is_blocked(Rsvp.email_key),
    )


def _not_answered(party: DinnerParty, topic: str) -> Select[Invitation]:
    # A visitor with the share link may have typed the address of somebody else: they must have opened the link.
    confirmed = or_(Invitation.invited_by_id.is_not(None), Invitation.opened_at.is_not(None))
    belongs = or_(Rsvp.invitation_id == Invitation.id, Rsvp.email_key == Invitation.email_key)
    answered = exists().where(Rsvp.party_id == party.id, belongs).correlate_except(Rsvp)
    return select(Invitation).where(
        Invitation.party_id == party.id,
        Invitation.sent_at.is_not(None),
        Invitation.revoked_at.is_(None),
        confirmed,
        ~Invitation.email.endswith(NO_ADDRESS_DOMAIN),
        ~answered,
        unsubscribe.accepts(Invitation.email_key, topic),
        ~unreachable.is_blocked(Invitation.email_key),
    )
