"""My dinners: the next one first, what one hosts with its numbers, and what is past."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import aliased, joinedload, selectinload

from app import clock, replica
from app.accounts.models import Member
from app.extensions import db
from app.parties import location
from app.parties.enums import QUEUED, SEATED, RsvpStatus
from app.parties.invitations import queries as invitation_queries
from app.parties.location import Location
from app.parties.models import DinnerParty, Rsvp
from app.parties.queries import OWN_SIZE, PAGE_SIZE, PartyPage, ids_hosted_by
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.models import WaitOffer

# A dinner is still the next one while people sit at the table.
EVENING = timedelta(hours=12)


@dataclass(frozen=True)
class Coming:
    """A coming dinner of another host, and how the member stands there."""

    rsvp: Rsvp
    # If the member were on the waiting list.
    position: int
    offer: WaitOffer | None

    @property
    def party(self) -> DinnerParty:
        return self.rsvp.party

    @property
    def is_waiting(self) -> bool:
        """Whether the member is on the waiting list, as is who let an offer expire."""
        return self.rsvp.is_queued and self.offer is None

    @property
    def has_ticket(self) -> bool:
        return self.rsvp.is_seated and self.party.is_held

    @property
    def location(self) -> Location:
        """The location, as far as the member sees it."""
        return location.visible_location(self.party, with_address=location.shows_address(self.party, self.rsvp))


@dataclass(frozen=True)
class Table:
    """A coming party that the member hosts, and how many RSVPs wait."""

    party: DinnerParty
    waiting: int


@dataclass(frozen=True)
class MyDinners:
    coming: list[Coming]
    invited: list[DinnerParty]
    tables: list[Table]
    past: PartyPage

    @property
    def next(self) -> Coming | None:
        """The next dinner at which the member has a seat; else the next one that they want to come to."""
        going = (each for each in self.coming if not each.party.is_cancelled)
        return min(going, key=lambda each: (not each.rsvp.is_seated, each.party.starts_at), default=None)

    @property
    def later(self) -> list[Coming]:
        return [each for each in self.coming if each is not self.next]


def of(member: Member, past_page: int) -> MyDinners:
    """Return the dinners of a member; of the coming ones the next hundred, the past ones by pages."""
    since = clock.now() - EVENING
    rows = replica.read(lambda: _coming(member, since))
    offers = waiting_list_queries.open_offers([rsvp for rsvp, _position in rows])
    return MyDinners(
        [Coming(rsvp, position + 1, offers.get(rsvp.id)) for rsvp, position in rows],
        invitation_queries.parties_inviting(member),
        replica.read(lambda: _tables(member, since)),
        replica.read(lambda: _past(member, since, past_page)),
    )


def _coming(member: Member, since: datetime) -> list[tuple[Rsvp, int]]:
    """Return the member's RSVPs that hold or want seats, soonest first, and how many wait before each."""
    other = aliased(Rsvp)
    is_earlier = or_(
        Rsvp.status != RsvpStatus.WAITLISTED,
        tuple_(other.waitlisted_at, other.id) < tuple_(Rsvp.waitlisted_at, Rsvp.id),
    )
    earlier = (
        select(func.count(other.id))
        .where(other.party_id == Rsvp.party_id, other.status == RsvpStatus.WAITLISTED, is_earlier)
        .scalar_subquery()
    )
    statement = (
        select(Rsvp, earlier)
        .join(Rsvp.party)
        .options(joinedload(Rsvp.party).options(joinedload(DinnerParty.host), selectinload(DinnerParty.co_hosts)))
        .where(Rsvp.member_id == member.id, DinnerParty.host_id != member.id, DinnerParty.starts_at > since)
        .where(Rsvp.status.in_((*SEATED, RsvpStatus.AWAITING_APPROVAL, *QUEUED)))
        .order_by(DinnerParty.starts_at, Rsvp.id)
        .limit(OWN_SIZE)
    )
    return [(rsvp, count) for rsvp, count in db.session.execute(statement)]


def _tables(member: Member, since: datetime) -> list[Table]:
    """Return the coming parties that the member hosts or co-hosts, soonest first."""
    waiting = (
        select(func.count(Rsvp.id))
        .where(Rsvp.party_id == DinnerParty.id, Rsvp.status == RsvpStatus.WAITLISTED)
        .scalar_subquery()
    )
    statement = (
        select(DinnerParty, waiting)
        .options(joinedload(DinnerParty.host))
        .where(DinnerParty.id.in_(ids_hosted_by(member.id)), DinnerParty.starts_at > since)
        .order_by(DinnerParty.starts_at, DinnerParty.id)
        .limit(OWN_SIZE)
    )
    return [Table(party, count) for party, count in db.session.execute(statement)]


def _past(member: Member, since: datetime, number: int) -> PartyPage:
    """Return a page of the dinners that the member hosted or had a seat at, the latest first."""
    seated = select(Rsvp.party_id).where(Rsvp.member_id == member.id, Rsvp.status.in_(SEATED))
    own = ids_hosted_by(member.id, seated)
    statement = (
        select(DinnerParty)
        .options(joinedload(DinnerParty.host))
        .where(DinnerParty.id.in_(own), DinnerParty.starts_at <= since)
        .order_by(DinnerParty.starts_at.desc(), DinnerParty.id.desc())
        .offset((number - 1) * PAGE_SIZE)
        .limit(PAGE_SIZE + 1)
    )
    found = list(db.session.scalars(statement))
    return PartyPage(found[:PAGE_SIZE], number, has_next=len(found) > PAGE_SIZE)
