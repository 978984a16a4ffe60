"""Queries about parties, and about RSVPs that concern more than one subject."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, CompoundSelect, Integer, Select, String, and_, bindparam, func, or_, select, union
from sqlalchemy.orm import joinedload, selectinload

from app import clock, replica
from app.accounts.models import Member
from app.address_key import address_key
from app.extensions import db
from app.http import MAX_NUMBERED_PAGE, parse_int
from app.parties.enums import QUEUED, SEATED, PartyStatus, RsvpStatus, Visibility
from app.parties.listed import ListedParty, listed, read
from app.parties.models import CoHost, DinnerParty, Invitation, Rsvp, RsvpPerson
from app.parties.respondent import Respondent
from app.search_key import is_like

PAGE_SIZE = 24
LANDING_SIZE = 6
# The page of a member shows only the latest; the generated administration lists all.
OWN_SIZE = 100
FOUND_SIZE = 10


@dataclass(frozen=True)
class PartyPage:
    """One page of parties; `number` counts from 1."""

    items: list[DinnerParty]
    number: int
    has_next: bool


class ListedPage(NamedTuple):
    """One page of parties, as lists show them; `number` counts from 1."""

    items: list[ListedParty]
    number: int
    has_next: bool


def next_public_parties() -> list[ListedParty]:
    """Return the next public parties, soonest first, as lists show them."""
    return _listed(_coming(listed()).limit(LANDING_SIZE))


def listed_page(number: int, conditions: Iterable[ColumnElement[bool]] = ()) -> ListedPage:
    """Return page `number` of the coming public parties that fulfil all `conditions`, as lists show them."""
    page = _coming(listed()).where(*conditions).offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
    found = _listed(page)
    return ListedPage(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE)


def public_page(number: int) -> PartyPage:
    """Return page `number` of the coming public parties."""
    page = _coming(select(DinnerParty)).offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)
    page = page.options(selectinload(DinnerParty.host))
    found = replica.read(lambda: list(db.session.scalars(page)))
    return PartyPage(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE and number < MAX_NUMBERED_PAGE)


def seats_at(parties: Iterable[DinnerParty | ListedParty], member: Any) -> dict[int, int]:
    """Return how many seats a member has at each of some parties, where they have any; nobody has none."""
    keys = [party.id for party in parties]
    if not keys or not member.is_authenticated:
        return {}
    statement = select(Rsvp.party_id, Rsvp.party_size).where(
        Rsvp.party_id.in_(keys), Rsvp.member_id == member.id, Rsvp.status.in_(SEATED)
    )
    return {row.party_id: row.party_size for row in db.session.execute(statement)}


def public_between(
    start: datetime, end: datetime, limit: int, conditions: Iterable[ColumnElement[bool]] = ()
) -> list[DinnerParty]:
    """Return the coming public parties of a period that fulfil all `conditions`, without their hosts."""
    statement = _coming(select(DinnerParty)).where(*conditions)
    within = DinnerParty.starts_at >= start, DinnerParty.starts_at < end
    return replica.read(lambda: list(db.session.scalars(statement.where(*within).limit(limit))))


def party_by_slug(slug: str) -> DinnerParty | None:
    """Return the party with its hosts loaded."""
    loaded = joinedload(DinnerParty.host), joinedload(DinnerParty.co_hosts)
    statement = select(DinnerParty).options(*loaded).where(DinnerParty.slug == slug)
    return db.session.execute(statement).unique().scalar_one_or_none()


def party_and_invitation(slug: str, member: Member) -> tuple[DinnerParty, Invitation | None] | None:
    """Return the party with its hosts loaded, and the valid invitation to the member's e-mail address."""
    values = {"of_slug": slug, "key": address_key(member.email)}
    row = db.session.execute(PARTY_AND_INVITATION, values).unique().one_or_none()
    return row and (row[0], row[1])


PARTY_AND_INVITATION = (
    select(DinnerParty, Invitation)
    .outerjoin(
        Invitation,
        and_(
            Invitation.party_id == DinnerParty.id,
            Invitation.email_key == bindparam("key", type_=String),
            Invitation.duplicate == 0,
            Invitation.revoked_at.is_(None),
        ),
    )
    .options(joinedload(DinnerParty.host), joinedload(DinnerParty.co_hosts))
    .where(DinnerParty.slug == bindparam("of_slug"))
)


def member_by_email(email: str) -> Member | None:
    """Return the member with an e-mail address."""
    return members_by_email([email]).get(address_key(email))


def members_by_email(emails: Iterable[str]) -> dict[str, Member]:
    """Return the members with these e-mail addresses, by the key of the address."""
    statement = select(Member).where(Member.email_key.in_({address_key(email) for email in emails}))
    # Of several members with one key the first one counts.
    return {member.email_key: member for member in db.session.scalars(statement.order_by(Member.duplicate.desc()))}


def public_party_by_id(text: str) -> DinnerParty | None:
    """Return the public party with the number in `text`, such as "#12"; None for any other text."""
    party_id = parse_int(text.strip().removeprefix("#"))
    if party_id is None:
        return None
    statement = (
        select(DinnerParty)
        .options(joinedload(DinnerParty.host))
        .where(
            DinnerParty.id == party_id,
            DinnerParty.visibility == Visibility.PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status != PartyStatus.DRAFT,
        )
    )
    return db.session.execute(statement).scalar_one_or_none()


def rsvp_of(party: DinnerParty, guest: Respondent) -> Rsvp | None:
    """Return the guest's RSVP, found by their account, e-mail address or personal link.

    An RSVP that was given with an account belongs to this member only, even if somebody else has the personal link.
    """
    member, invitation = guest.member, guest.invitation
    values = {
        "of_party": party.id,
        # What the guest does not have is NULL, which equals nothing.
        "member": member and member.id,
        "key": member and address_key(guest.email),
        "invitation": invitation and invitation.id,
    }
    return db.session.scalars(RSVP_OF, values).first()


_WITHOUT_ACCOUNT = Rsvp.member_id.is_(None)
_SAME_GUEST = or_(
    Rsvp.email_key == bindparam("key", type_=String), Rsvp.invitation_id == bindparam("invitation", type_=Integer)
)
RSVP_OF = (
    select(Rsvp)
    .where(Rsvp.party_id == bindparam("of_party"))
    .where(or_(Rsvp.member_id == bindparam("member", type_=Integer), and_(_WITHOUT_ACCOUNT, _SAME_GUEST)))
    .order_by(_WITHOUT_ACCOUNT, Rsvp.id)
    .limit(1)
)


def has_rsvp_of_other_account(party: DinnerParty, guest: Respondent) -> bool:
    """Whether the link or e-mail address of a guest without an RSVP was used for one by another member."""
    others = [Rsvp.email_key == address_key(guest.email)]
    if guest.invitation is not None:
        others.append(Rsvp.invitation_id == guest.invitation.id)
    statement = select(Rsvp.id).where(Rsvp.party_id == party.id, or_(*others)).limit(1)
    return db.session.execute(statement).first() is not None


def named_guests(party: DinnerParty, reader: Rsvp | None) -> list[str]:
    """Return the names of the guests who come and let others see it, without the reader; none if the hosts do not want it."""
    if not party.shows_guests:
        return []
    statement = (
        select(Rsvp.name)
        .where(Rsvp.party_id == party.id, Rsvp.status.in_(SEATED), Rsvp.shows_name, Rsvp.name != "")
        .where(Rsvp.id != (reader.id if reader else 0))
        .order_by(Rsvp.name, Rsvp.id)
        .limit(OWN_SIZE)
    )
    return list(db.session.scalars(statement))


def guest_state(party: DinnerParty) -> tuple[object, ...]:
    """Return what differs after any answer, check-in or change of the people who come: it tells pages whether to renew.

    The sum of the keys differs when two guests change places in one moment.
    """
    # The people of an RSVP are replaced as a whole, by rows with new keys.
    newest = select(func.max(RsvpPerson.id)).join(Rsvp, Rsvp.id == RsvpPerson.rsvp_id).where(Rsvp.party_id == party.id)
    sums = func.count(), func.sum(Rsvp.party_size), func.sum(Rsvp.id)
    moments = func.max(Rsvp.answered_at), func.max(Rsvp.checked_in_at)
    statement = (
        select(Rsvp.status, *sums, *moments, newest.scalar_subquery())
        .where(Rsvp.party_id == party.id)
        .group_by(Rsvp.status)
        .order_by(Rsvp.status)
    )
    return (party.version, party.seats_taken, *(tuple(row) for row in db.session.execute(statement)))


def ids_hosted_by(member_id: Any, *others: Select[int]) -> CompoundSelect[int]:
    """Return the keys of the parties that a member hosts or co-hosts, and those of `others`.

    Each part has an index. With an OR of the two, PostgreSQL looks at every party in the order that a page asks for.
    """
    return union(
        select(DinnerParty.id).where(DinnerParty.host_id == member_id),
        select(CoHost.party_id).where(CoHost.member_id == member_id),
        *others,
    )


def hosted_by(member: Member, *, public_only: bool) -> list[DinnerParty]:
    """Return the parties that the member hosts or co-hosts, the latest first."""
    statement = select(DinnerParty).where(DinnerParty.id.in_(ids_hosted_by(member.id)))
    if public_only:
        statement = statement.where(
            DinnerParty.visibility == Visibility.PUBLIC,
            DinnerParty.hidden_at.is_(None),
            DinnerParty.status.not_in((PartyStatus.DRAFT, PartyStatus.CANCELLED)),
        )
    statement = statement.order_by(DinnerParty.starts_at.desc(), DinnerParty.id.desc()).limit(OWN_SIZE)
    return replica.read(lambda: list(db.session.scalars(statement)))


def rsvps_by(member: Member) -> list[Rsvp]:
    """Return the member's RSVPs that hold or want seats at parties of other hosts, the latest party first."""
    statement = (
        select(Rsvp)
        .join(Rsvp.party)
        .options(joinedload(Rsvp.party).selectinload(DinnerParty.host))
        .where(Rsvp.member_id == member.id, DinnerParty.host_id != member.id)
        .where(Rsvp.status.in_((*SEATED, RsvpStatus.AWAITING_APPROVAL, *QUEUED)))
        .order_by(DinnerParty.starts_at.desc(), Rsvp.id.desc())
        .limit(OWN_SIZE)
    )
    return replica.read(lambda: list(db.session.scalars(statement)))


def member_by_username(username: str) -> Member | None:
    """Return the active member with this username, in any case."""
    statement = select(Member).where(Member.username_key == address_key(username), Member.active.is_(True))
    return db.session.scalars(statement.order_by(Member.duplicate)).first()


class KnownMember(NamedTuple):
    """A member, and the e-mail address with which a host has seen them; their account may have another one."""

    member: Member
    email: str


def known_members(host: Member, text: str) -> list[KnownMember]:
    """Return the members whose name or e-mail address, as the host has seen it on a guest list, contains `text`.

    Whether anybody else has an account is not told.
    """
    statement = (
        select(Member, func.max(Rsvp.email))
        .join(Rsvp, Rsvp.member_id == Member.id)
        .where(
            Rsvp.party_id.in_(ids_hosted_by(host.id)),
            or_(*(is_like(each, text, "%", "%") for each in (Rsvp.name, Rsvp.email))),
        )
        .where(Member.id != host.id, Member.active.is_(True))
        .group_by(Member.id)
        .order_by(Member.first_name, Member.id)
        .limit(FOUND_SIZE)
    )
    return [KnownMember(*row) for row in db.session.execute(statement)]


def _listed(statement: Select[Any]) -> list[ListedParty]:
    return replica.read(lambda: [read(row) for row in db.session.execute(statement)])


def _coming(statement: Select[Any]) -> Select[Any]:
    """Return `statement` for the coming public parties only, soonest first."""
    return statement.where(
        DinnerParty.visibility == Visibility.PUBLIC,
        DinnerParty.hidden_at.is_(None),
        DinnerParty.status == PartyStatus.PUBLISHED,
        DinnerParty.starts_at > clock.now(),
    ).order_by(DinnerParty.starts_at, DinnerParty.id)
