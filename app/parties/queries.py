"""Queries about parties, and about RSVPs that concern more than one subject."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.parties.enums import QUEUED, SEATED, PartyStatus, RsvpStatus, Visibility
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp
from app.parties.respondent import Respondent

PAGE_SIZE = 24
LANDING_SIZE = 6
MAX_ID = 2**31 - 1
# A member's own page shows the latest of each kind; the generated UI lists them all.
OWN_SIZE = 100


@dataclass(frozen=True)
class PartyPage:
    """One page of parties; `number` counts from 1."""

    items: list[DinnerParty]
    number: int
    has_next: bool


def next_public_parties(limit: int = LANDING_SIZE) -> list[DinnerParty]:
    """Return the next parties that everybody may join, soonest first."""
    return list(db.session.scalars(_public_parties().limit(limit)))


def public_page(number: int) -> PartyPage:
    """Return page `number` of the coming public parties."""
    found = list(db.session.scalars(_public_parties().offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)))
    return PartyPage(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE)


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
    if not digits.isascii() or not digits.isdigit() or len(digits) > len(str(MAX_ID)) or int(digits) > MAX_ID:
        return None
    statement = (
        select(DinnerParty)
        .options(joinedload(DinnerParty.host))
        .where(
            DinnerParty.id == int(digits),
            DinnerParty.visibility == Visibility.PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status != PartyStatus.DRAFT,
        )
    )
    return db.session.execute(statement).scalar_one_or_none()


def rsvp_of(party: DinnerParty, guest: Respondent) -> Rsvp | None:
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


def has_rsvp_of_other_account(party: DinnerParty, guest: Respondent) -> bool:
    """Whether the link or the address of somebody who has no answer of their own was answered with an account."""
    others = [func.lower(Rsvp.email) == guest.email.lower()]
    if guest.invitation is not None:
        others.append(Rsvp.invitation_id == guest.invitation.id)
    statement = select(Rsvp.id).where(Rsvp.party_id == party.id, or_(*others)).limit(1)
    return db.session.execute(statement).first() is not None


def hosted_by(member: Member, *, public_only: bool) -> list[DinnerParty]:
    """Return the parties somebody hosts or helps to host, the latest first; strangers get those that are public."""
    helping = select(CoHost.party_id).where(CoHost.member_id == member.id)
    statement = select(DinnerParty).where(or_(DinnerParty.host_id == member.id, DinnerParty.id.in_(helping)))
    if public_only:
        statement = statement.where(
            DinnerParty.visibility == Visibility.PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status.not_in((PartyStatus.DRAFT, PartyStatus.CANCELLED)),
        )
    statement = statement.order_by(DinnerParty.starts_at.desc(), DinnerParty.id.desc()).limit(OWN_SIZE)
    return list(db.session.scalars(statement))


def rsvps_by(member: Member) -> list[Rsvp]:
    """Return the seats somebody holds or waits for at the tables of others, the latest party first."""
    statement = (
        select(Rsvp)
        .join(Rsvp.party)
        .options(joinedload(Rsvp.party).selectinload(DinnerParty.host))
        .where(Rsvp.member_id == member.id, DinnerParty.host_id != member.id)
        .where(Rsvp.status.in_((*SEATED, RsvpStatus.AWAITING_APPROVAL, *QUEUED)))
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
        DinnerParty.visibility == Visibility.PUBLIC,
        DinnerParty.hidden_at.is_(None),
        DinnerParty.status == PartyStatus.PUBLISHED,
        DinnerParty.starts_at > clock.now(),
    )
