"""Queries about invitations and the RSVPs to them."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple

from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts.models import Member
from app.accounts.rules import token_hash
from app.address_key import address_key
from app.extensions import db
from app.outbox import unreachable
from app.outbox.models import EmailState, MailProblem, OutboxEmail
from app.outbox.service import delivers, suppresses
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.invitations.rules import InvitationState
from app.parties.models import DinnerParty, Invitation, Rsvp

PAGE_SIZE = 100
OWN_SIZE = 100
ONE_DAY = timedelta(days=1)
# Guests with these RSVPs can be invited again.
NOT_COMING = (RsvpStatus.NO, RsvpStatus.WITHDRAWN, RsvpStatus.REMOVED)


class InvitedGuest(NamedTuple):
    """An invitation and the RSVP to it."""

    invitation: Invitation
    rsvp: Rsvp | None
    # Why e-mails do not reach the address.
    problem: MailProblem | None = None

    @property
    def state(self) -> InvitationState:
        return InvitationState.of(
            sent_at=self.invitation.sent_at,
            opened_at=self.invitation.opened_at,
            reminded_at=self.invitation.reminded_at,
            revoked_at=self.invitation.revoked_at,
            is_answered=self.rsvp is not None,
            unsent=_unsent_state(),
        )


def _unsent_state() -> InvitationState | None:
    if delivers():
        return None
    return InvitationState.SUPPRESSED if suppresses() else InvitationState.NO_SERVER


class InvitedPage(NamedTuple):
    """One page of the invitations of a party. Pages count from 1; `total` is the number of all invitations."""

    rows: list[InvitedGuest]
    number: int
    total: int
    # How many addresses cannot be reached.
    unreachable: int = 0

    @property
    def has_next(self) -> bool:
        return self.number * PAGE_SIZE < self.total


def by_token(token: str) -> Invitation | None:
    """Return the invitation with this token, its party and host loaded. It may be revoked."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.party).joinedload(DinnerParty.host))
        .where(Invitation.token_hash == token_hash(token))
    )
    return db.session.scalars(statement).one_or_none()


def page(party: DinnerParty, number: int) -> InvitedPage:
    """Return page `number` of the invitations of the party, the latest first."""
    problem = unreachable.problem_of(Invitation.email_key)
    statement = (
        select(Invitation, problem, func.count().over(), func.count(problem).over())
        .where(Invitation.party_id == party.id)
        .order_by(Invitation.created_at.desc(), Invitation.id.desc())
        .offset((number - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE)
    )
    found = db.session.execute(statement).all()
    rsvps = rsvps_by_invitation(party, [row[0] for row in found])
    rows = [InvitedGuest(invitation, rsvps.get(invitation.id), why) for invitation, why, *_counts in found]
    return InvitedPage(rows, number, *(found[0][2:] if found else (0, 0)))


def problem_of(invitation: Invitation) -> MailProblem | None:
    """Return why e-mails do not reach the address of an invitation."""
    statement = select(unreachable.problem_of(Invitation.email_key)).where(Invitation.id == invitation.id)
    return db.session.scalar(statement)


def find(party: DinnerParty, key: int) -> Invitation | None:
    statement = select(Invitation).where(Invitation.id == key, Invitation.party_id == party.id)
    return db.session.scalars(statement).one_or_none()


def by_email(party: DinnerParty, email: str) -> Invitation | None:
    """Return the invitation of the party to an e-mail address, freshly read from the database."""
    statement = select(Invitation).where(Invitation.party_id == party.id, Invitation.email_key == address_key(email))
    statement = statement.order_by(Invitation.duplicate)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def unsent(party: DinnerParty) -> list[Invitation]:
    """Return the valid invitations whose e-mails wait until the party is published."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.invited_by))
        .where(Invitation.party_id == party.id, Invitation.sent_at.is_(None), Invitation.revoked_at.is_(None))
        .order_by(Invitation.id)
    )
    return list(db.session.scalars(statement))


def parties_inviting(member: Member) -> list[DinnerParty]:
    """Return the coming parties to which the member is invited and has not answered, soonest first."""
    own_invitation = and_(
        Invitation.party_id == DinnerParty.id,
        Invitation.email_key == address_key(member.email),
        Invitation.duplicate == 0,
        Invitation.sent_at.is_not(None),
        Invitation.revoked_at.is_(None),
    )
    own_rsvp = or_(Rsvp.member_id == member.id, Rsvp.email_key == address_key(member.email))
    answered = exists().where(Rsvp.party_id == DinnerParty.id, own_rsvp)
    statement = (
        select(DinnerParty)
        .join(Invitation, own_invitation)
        .options(selectinload(DinnerParty.host))
        .where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > clock.now(), ~answered)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(OWN_SIZE)
    )
    return list(db.session.scalars(statement))


def known_keys(party: DinnerParty, keys: Collection[str]) -> set[str]:
    """Return those keys of addresses that are invited to the party already or have a current RSVP."""
    invited = select(Invitation.email_key).where(Invitation.party_id == party.id)
    answered = select(Rsvp.email_key).where(Rsvp.party_id == party.id, Rsvp.status.not_in(NOT_COMING))
    return {
        *db.session.scalars(invited.where(Invitation.email_key.in_(keys))),
        *db.session.scalars(answered.where(Rsvp.email_key.in_(keys))),
    }


def remaining_today(host: Member) -> int:
    """Return how many more guests the host can invite within 24 hours."""
    return _remaining(Invitation.invited_by_id == host.id)


def remaining_requests_today(party: DinnerParty) -> int:
    """Return how many more visitors can ask for a personal link to the party within 24 hours."""
    return _remaining(Invitation.party_id == party.id, Invitation.invited_by_id.is_(None))


def was_sent(invitation: Invitation) -> bool:
    """Whether an e-mail about the invitation has left the outbox. Those of long ago are no longer in it."""
    of_invitation = or_(
        *(
            OutboxEmail.dedupe_key.startswith(f"{kind}:{invitation.id}:", autoescape=True)
            for kind in ("party_invitation", "invitation_changed")
        )
    )
    to_them = OutboxEmail.recipient_key == invitation.email_key
    states = set(db.session.scalars(select(OutboxEmail.state).where(to_them, of_invitation)))
    return not states or not states.isdisjoint({EmailState.SENDING, EmailState.SENT})


def sent_today(kind: str, email: str, *conditions: ColumnElement[bool]) -> int:
    """Return how many e-mails of one kind were queued for an e-mail address in the last 24 hours."""
    statement = select(func.count()).where(
        OutboxEmail.recipient_key == address_key(email),
        OutboxEmail.kind == kind,
        OutboxEmail.created_at > clock.now() - ONE_DAY,
        *conditions,
    )
    return db.session.execute(statement).scalar_one()


def rsvps_by_invitation(party: DinnerParty, invitations: Sequence[Invitation]) -> dict[int, Rsvp]:
    """Return the RSVPs to `invitations` by their keys: given by the link, or else with the same e-mail address."""
    if not invitations:
        return {}
    keys = {address_key(invitation.email): invitation.id for invitation in invitations}
    belongs = or_(Rsvp.invitation_id.in_([invitation.id for invitation in invitations]), Rsvp.email_key.in_(list(keys)))
    found = list(db.session.scalars(select(Rsvp).where(Rsvp.party_id == party.id, belongs)))
    by_email = {keys[key]: rsvp for rsvp in found if (key := address_key(rsvp.email)) in keys}
    by_link = {rsvp.invitation_id: rsvp for rsvp in found if rsvp.invitation_id is not None}
    return {**by_email, **by_link}


def _remaining(*conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).where(Invitation.created_at > clock.now() - ONE_DAY, *conditions)
    limit: int = current_app.config["INVITATION_DAILY_LIMIT"]
    return max(limit - db.session.execute(statement).scalar_one(), 0)
