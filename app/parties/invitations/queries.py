"""Who is invited: questions to the database about invitations and what became of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts.models import Member
from app.accounts.rules import token_hash
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Invitation, Rsvp


def get(invitation_id: int) -> Invitation | None:
    """Return an invitation by its key."""
    return db.session.get(Invitation, invitation_id)


def by_token(token: str) -> Invitation | None:
    """Return the invitation with that token, and its party; it may have been taken back."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.party).joinedload(DinnerParty.host))
        .where(Invitation.token_hash == token_hash(token))
    )
    return db.session.scalars(statement).one_or_none()


PAGE_SIZE = 100
OWN_SIZE = 100
ONE_DAY = timedelta(days=1)
# Whoever answered so is not at the table, and can be asked again.
NO_LONGER_COMING = (RsvpStatus.NO, RsvpStatus.WITHDRAWN, RsvpStatus.REMOVED)


class InvitedGuest(NamedTuple):
    """An invitation and the answer to it."""

    invitation: Invitation
    rsvp: Rsvp | None


class InvitedPage(NamedTuple):
    """Some of the invitations of a party; `number` counts from 1, `total` is that of all of them."""

    rows: list[InvitedGuest]
    number: int
    total: int

    @property
    def has_next(self) -> bool:
        """Whether there are more."""
        return self.number * PAGE_SIZE < self.total


def page(party: DinnerParty, number: int) -> InvitedPage:
    """Return page `number` of the invitations of a party, the latest first."""
    statement = (
        select(Invitation, func.count().over())
        .where(Invitation.party_id == party.id)
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
        .offset((number - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    )
    found = db.session.execute(statement).all()
    rsvps = _answers(party, [invitation for invitation, _total in found])
    rows = [InvitedGuest(invitation, rsvps.get(invitation.id)) for invitation, _total in found]
    return InvitedPage(rows, number, found[0][1] if found else 0)


def find(party: DinnerParty, key: int) -> Invitation | None:
    """Return an invitation to a party by its key."""
    statement = select(Invitation).where(Invitation.id == key, Invitation.party_id == party.id)
    return db.session.scalars(statement).one_or_none()


def by_address(party: DinnerParty, email: str) -> Invitation | None:
    """Return the invitation to a party at an address, as it is now."""
    statement = select(Invitation).where(Invitation.party_id == party.id, func.lower(Invitation.email) == email.lower())
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def unsent(party: DinnerParty) -> list[Invitation]:
    """Return the invitations that wait for a party to be published."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.invited_by))
        .where(Invitation.party_id == party.id, Invitation.sent_at.is_(None), Invitation.revoked_at.is_(None))
        .order_by(Invitation.id)
    )
    return list(db.session.scalars(statement))


def parties_inviting(member: Member) -> list[DinnerParty]:
    """Return the coming parties that somebody is invited to and has not answered, soonest first."""
    theirs = and_(
        Invitation.party_id == DinnerParty.id,
        func.lower(Invitation.email) == member.email.lower(),
        Invitation.sent_at.is_not(None),
        Invitation.revoked_at.is_(None),
    )
    by_them = or_(Rsvp.member_id == member.id, func.lower(Rsvp.email) == member.email.lower())
    answered = exists().where(Rsvp.party_id == DinnerParty.id, by_them)
    statement = (
        select(DinnerParty)
        .join(Invitation, theirs)
        .options(selectinload(DinnerParty.host))
        .where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > clock.now(), ~answered)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(OWN_SIZE)
    )
    return list(db.session.scalars(statement))


def emails_of_guests(party: DinnerParty, emails: Sequence[str]) -> set[str]:
    """Return those of `emails`, in small letters, that are invited to a party or have a place at its table already."""
    lowered = [email.lower() for email in emails]
    invited = select(func.lower(Invitation.email)).where(Invitation.party_id == party.id)
    answered = select(func.lower(Rsvp.email)).where(Rsvp.party_id == party.id, Rsvp.status.not_in(NO_LONGER_COMING))
    known = [
        *db.session.scalars(invited.where(func.lower(Invitation.email).in_(lowered))),
        *db.session.scalars(answered.where(func.lower(Rsvp.email).in_(lowered))),
    ]
    return set(known)


def left_today(host: Member) -> int:
    """Return how many more people a host may invite today."""
    return _left(Invitation.invited_by_id == host.id)


def left_to_ask_today(party: DinnerParty) -> int:
    """Return how many more people may ask for a link to a party themselves today."""
    return _left(Invitation.party_id == party.id, Invitation.invited_by_id.is_(None))


def written_today(kind: str, email: str, *conditions: ColumnElement[bool]) -> int:
    """Return how many letters of one kind a mailbox has been written today."""
    statement = select(func.count()).where(
        func.lower(OutboxEmail.recipient) == email.lower(),
        OutboxEmail.kind == kind,
        OutboxEmail.created_at > clock.now() - ONE_DAY,
        *conditions,
    )
    return db.session.execute(statement).scalar_one()


def _left(*conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).where(Invitation.created_at > clock.now() - ONE_DAY, *conditions)
    most: int = current_app.config["INVITATION_DAILY_LIMIT"]
    return max(most - db.session.execute(statement).scalar_one(), 0)


def _answers(party: DinnerParty, invitations: Sequence[Invitation]) -> dict[int, Rsvp]:
    """Return the answers to `invitations` by their keys: given by the link, or else from the same address."""
    if not invitations:
        return {}
    emails = {invitation.email.lower(): invitation.id for invitation in invitations}
    theirs = or_(
        Rsvp.invitation_id.in_([invitation.id for invitation in invitations]), func.lower(Rsvp.email).in_(list(emails))
    )
    found = list(db.session.scalars(select(Rsvp).where(Rsvp.party_id == party.id, theirs)))
    by_address = {emails[rsvp.email.lower()]: rsvp for rsvp in found if rsvp.email.lower() in emails}
    by_link = {rsvp.invitation_id: rsvp for rsvp in found if rsvp.invitation_id is not None}
    return {**by_address, **by_link}
