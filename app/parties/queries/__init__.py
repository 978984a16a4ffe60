"""Questions to the database about parties, answers, and those who wait.

roster     the list of guests as hosts read it
invited    who is invited, and what became of it
audiences  whom letters of hosts and reminders reach
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, union
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts.models import Member
from app.accounts.rules import token_hash
from app.extensions import db
from app.parties.guests import Guest
from app.parties.models import (
    AWAITING,
    CANCELLED,
    DRAFT,
    PENDING,
    PUBLIC,
    PUBLISHED,
    SEATED,
    WAITLISTED,
    CoHost,
    DinnerParty,
    Invitation,
    LineEvent,
    Rsvp,
    WaitOffer,
)
from app.parties.rules import GUARD, IN_LINE, Waiter

PAGE_SIZE = 24
LANDING_SIZE = 6
LARGEST_ID = 2**31 - 1
# A member's own page shows the latest of each kind; the generated UI lists them all.
OWN_SIZE = 100
# Of what happened in line, the latest steps are told; of those who stand in it, the first.
STEPS_SIZE = 100
LINE_SIZE = 200


@dataclass(frozen=True)
class Page:
    """One page of parties; `number` counts from 1."""

    items: list[DinnerParty]
    number: int
    has_next: bool


def next_public_parties(limit: int = LANDING_SIZE) -> list[DinnerParty]:
    """Return the next parties that everybody may join, soonest first."""
    return list(db.session.scalars(_public_parties().limit(limit)))


def public_page(number: int) -> Page:
    """Return page `number` of the coming public parties."""
    found = list(db.session.scalars(_public_parties().offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)))
    return Page(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE)


def party_by_slug(slug: str) -> DinnerParty | None:
    """Return the party at an address, its hosts loaded."""
    loaded = joinedload(DinnerParty.host), joinedload(DinnerParty.co_hosts)
    statement = select(DinnerParty).options(*loaded).where(DinnerParty.slug == slug)
    return db.session.execute(statement).unique().scalar_one_or_none()


def party_and_invitation(slug: str, member: Member) -> tuple[DinnerParty, Invitation | None] | None:
    """Return the party at an address, its hosts loaded, and the valid invitation to it at a member's address."""
    loaded = joinedload(DinnerParty.host), joinedload(DinnerParty.co_hosts)
    theirs = and_(
        Invitation.party_id == DinnerParty.id,
        func.lower(Invitation.email) == member.email.lower(),
        Invitation.revoked_at.is_(None),
    )
    statement = select(DinnerParty, Invitation).outerjoin(Invitation, theirs).options(*loaded)
    row = db.session.execute(statement.where(DinnerParty.slug == slug)).unique().one_or_none()
    return row and (row[0], row[1])


def public_party_by_id(text: str) -> DinnerParty | None:
    """Return the public party whose number somebody typed, or None for anything else they may have typed."""
    digits = text.strip().removeprefix("#")
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(LARGEST_ID)) or int(digits) > LARGEST_ID:
        return None
    statement = (
        select(DinnerParty)
        .options(joinedload(DinnerParty.host))
        .where(
            DinnerParty.id == int(digits),
            DinnerParty.visibility == PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status != DRAFT,
        )
    )
    return db.session.execute(statement).scalar_one_or_none()


def answer_of(party: DinnerParty, guest: Guest) -> Rsvp | None:
    """Return a guest's answer to a party, given with their account, their address or their link.

    An answer that was given with an account is its member's alone, whoever else has the link.
    """
    nobodys, theirs = Rsvp.member_id.is_(None), []
    if guest.member is not None:
        theirs += [Rsvp.member_id == guest.member.id, and_(nobodys, func.lower(Rsvp.email) == guest.email.lower())]
    if guest.invitation is not None:
        theirs.append(and_(nobodys, Rsvp.invitation_id == guest.invitation.id))
    statement = select(Rsvp).where(Rsvp.party_id == party.id, or_(*theirs)).order_by(nobodys, Rsvp.id).limit(1)
    return db.session.scalars(statement).first()


def is_answered_otherwise(party: DinnerParty, guest: Guest) -> bool:
    """Whether the link or the address of somebody who has no answer of their own was answered with an account."""
    others = [func.lower(Rsvp.email) == guest.email.lower()]
    if guest.invitation is not None:
        others.append(Rsvp.invitation_id == guest.invitation.id)
    statement = select(Rsvp.id).where(Rsvp.party_id == party.id, or_(*others)).limit(1)
    return db.session.execute(statement).first() is not None


def invitation(invitation_id: int) -> Invitation | None:
    """Return an invitation by its key."""
    return db.session.get(Invitation, invitation_id)


def invitation_by_token(token: str) -> Invitation | None:
    """Return the invitation with that token, and its party; it may have been taken back."""
    statement = (
        select(Invitation)
        .options(joinedload(Invitation.party).joinedload(DinnerParty.host))
        .where(Invitation.token_hash == token_hash(token))
    )
    return db.session.scalars(statement).one_or_none()


def waiting(party_id: int) -> Select[Rsvp]:
    """Return the waiting list of a party as a statement, first in line first."""
    return (
        select(Rsvp).where(Rsvp.party_id == party_id, Rsvp.status == WAITLISTED).order_by(Rsvp.waitlisted_at, Rsvp.id)
    )


def line(party_id: int) -> list[Waiter]:
    """Return the groups that wait, first in line first."""
    groups = waiting(party_id).with_only_columns(Rsvp.id, Rsvp.party_size, Rsvp.min_party, Rsvp.resting)
    return [Waiter(*row) for row in db.session.execute(groups)]


def line_with_guests(party_id: int) -> list[Rsvp]:
    """Return the first of those who wait, with what they said."""
    return list(db.session.scalars(waiting(party_id).limit(LINE_SIZE)))


def end_of_line(party_id: int) -> datetime:
    """Return the moment at which somebody joins the line now: later than all others, whatever their clocks said."""
    statement = select(func.max(Rsvp.waitlisted_at)).where(Rsvp.party_id == party_id, Rsvp.status == WAITLISTED)
    last = db.session.execute(statement).scalar_one()
    now = clock.now()
    return max(now, last + timedelta(microseconds=1)) if last else now


def pending_offer(answer: Rsvp) -> WaitOffer | None:
    """Return the offer to an answer that has not ended, as far as it is stored: it may have run out meanwhile."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == answer.id, WaitOffer.state == PENDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def latest_offer(answer: Rsvp) -> WaitOffer | None:
    """Return the last offer that was made to an answer."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == answer.id).order_by(WaitOffer.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def open_offers(answers: Iterable[Rsvp]) -> dict[int, WaitOffer]:
    """Return the offers to some answers that can still be claimed, by the answer's key."""
    keys = [answer.id for answer in answers]
    if not keys:
        return {}
    statement = select(WaitOffer).where(WaitOffer.rsvp_id.in_(keys), WaitOffer.state == PENDING)
    return {offer.rsvp_id: offer for offer in db.session.scalars(statement) if offer.is_open}


def offers_of(party: DinnerParty) -> list[WaitOffer]:
    """Return the offers of a party that have not ended, with whom they were made to; some may have run out."""
    statement = (
        select(WaitOffer)
        .options(joinedload(WaitOffer.rsvp))
        .where(WaitOffer.party_id == party.id, WaitOffer.state == PENDING)
        .order_by(WaitOffer.expires_at, WaitOffer.id)
    )
    return list(db.session.scalars(statement))


def steps_in_line(party: DinnerParty) -> list[LineEvent]:
    """Return the latest of what happened in a party's line, the newest first."""
    statement = (
        select(LineEvent)
        .options(joinedload(LineEvent.rsvp))
        .where(LineEvent.party_id == party.id)
        .order_by(LineEvent.id.desc())
        .limit(STEPS_SIZE)
    )
    return list(db.session.scalars(statement))


def parties_to_sweep(now: datetime) -> list[int]:
    """Return the parties that time has changed something for: an offer ran out, or kept seats may go to others."""
    ran_out = select(WaitOffer.party_id).where(WaitOffer.state == PENDING, WaitOffer.expires_at <= now)
    fits = exists().where(
        Rsvp.party_id == DinnerParty.id,
        Rsvp.status == WAITLISTED,
        Rsvp.resting.is_(False),
        Rsvp.min_party <= DinnerParty.number_seats - DinnerParty.seats_taken,
    )
    unguarded = select(DinnerParty.id).where(
        DinnerParty.status == PUBLISHED,
        DinnerParty.starts_at > now,
        DinnerParty.starts_at <= now + GUARD,
        or_(DinnerParty.rsvp_deadline.is_(None), DinnerParty.rsvp_deadline > now),
        fits,
    )
    return sorted(db.session.scalars(union(ran_out, unguarded)))


def waiting_count(party_id: int) -> int:
    """Return how many answers wait."""
    statement = select(func.count()).where(Rsvp.party_id == party_id, Rsvp.status == WAITLISTED)
    return db.session.execute(statement).scalar_one()


def place_in_line(answer: Rsvp) -> int:
    """Return the place of a waiting answer; the next to get a seat is 1. An offer that ran out counts as the last."""
    if answer.status != WAITLISTED:
        return waiting_count(answer.party_id) + 1
    earlier = or_(
        Rsvp.waitlisted_at < answer.waitlisted_at,
        and_(Rsvp.waitlisted_at == answer.waitlisted_at, Rsvp.id < answer.id),
    )
    statement = select(func.count()).where(Rsvp.party_id == answer.party_id, Rsvp.status == WAITLISTED, earlier)
    return db.session.execute(statement).scalar_one() + 1


def hosted_by(member: Member, *, public_only: bool) -> list[DinnerParty]:
    """Return the parties somebody hosts or helps to host, the latest first; strangers get those that are public."""
    helping = select(CoHost.party_id).where(CoHost.member_id == member.id)
    statement = select(DinnerParty).where(or_(DinnerParty.host_id == member.id, DinnerParty.id.in_(helping)))
    if public_only:
        statement = statement.where(
            DinnerParty.visibility == PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status.not_in((DRAFT, CANCELLED)),
        )
    statement = statement.order_by(DinnerParty.starts_at.desc(), DinnerParty.id.desc()).limit(OWN_SIZE)
    return list(db.session.scalars(statement))


def answers_by(member: Member) -> list[Rsvp]:
    """Return the seats somebody holds or waits for at the tables of others, the latest party first."""
    statement = (
        select(Rsvp)
        .join(Rsvp.party)
        .options(joinedload(Rsvp.party).selectinload(DinnerParty.host))
        .where(Rsvp.member_id == member.id, DinnerParty.host_id != member.id)
        .where(Rsvp.status.in_((*SEATED, AWAITING, *IN_LINE)))
        .order_by(DinnerParty.starts_at.desc(), Rsvp.id.desc())
        .limit(OWN_SIZE)
    )
    return list(db.session.scalars(statement))


def member_by_username(username: str) -> Member | None:
    """Return the active member with that username."""
    statement = select(Member).where(func.lower(Member.username) == username.lower(), Member.active.is_(True))
    return db.session.execute(statement).scalar_one_or_none()


def _public_parties() -> Select[DinnerParty]:
    return (
        select(DinnerParty)
        .options(selectinload(DinnerParty.host))
        .where(*_is_public_and_coming())
        .order_by(DinnerParty.starts_at, DinnerParty.id)
    )


def _is_public_and_coming() -> tuple[ColumnElement[bool], ...]:
    return (
        DinnerParty.visibility == PUBLIC,
        DinnerParty.hidden_at.is_(None),
        DinnerParty.status == PUBLISHED,
        DinnerParty.starts_at > clock.now(),
    )
