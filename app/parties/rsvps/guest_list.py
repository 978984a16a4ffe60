"""The guest list, as hosts see it on its page, in a CSV file, and at check-in."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.outbox import unreachable
from app.outbox.models import MailProblem
from app.parties.enums import SEATED, RsvpStatus
from app.parties.models import DinnerParty, Invitation, Rsvp, RsvpPerson
from app.parties.potluck.models import DishClaim
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.models import WaitOffer
from app.search_key import is_like, search_key

PAGE_SIZE = 200
# In a file.
ROWS_AT_ONCE = 500
# The groups of the list in order: their titles and the statuses in them.
ASKING, COMING, WAITING, MISSED, GONE = "asking", "coming", "waiting", "missed", "gone"
GROUPS = {
    ASKING: (lazy_gettext("Seat requests"), (RsvpStatus.AWAITING_APPROVAL,)),
    COMING: (lazy_gettext("Coming"), SEATED),
    "offered": (lazy_gettext("Offered seats"), (RsvpStatus.OFFERED,)),
    WAITING: (lazy_gettext("On the waiting list"), (RsvpStatus.WAITLISTED,)),
    "maybe": (lazy_gettext("Maybe"), (RsvpStatus.MAYBE,)),
    MISSED: (lazy_gettext("No-show"), (RsvpStatus.NO_SHOW,)),
    "no": (lazy_gettext("Not coming"), (RsvpStatus.NO,)),
    GONE: (lazy_gettext("Withdrawn or removed"), (RsvpStatus.WITHDRAWN, RsvpStatus.REMOVED)),
}
GROUP_OF = {status: name for name, (_title, statuses) in GROUPS.items() for status in statuses}


@dataclass(frozen=True)
class Totals:
    """How many RSVPs and people are in each group, and how many invited guests have not answered."""

    rsvps: dict[str, int]
    people: dict[str, int]
    invited: int
    silent: int
    # RSVPs whose e-mail address has no mailbox.
    unreachable: int


@dataclass
class GuestEntry:
    """An RSVP with its people, dishes, position or offer."""

    rsvp: Rsvp
    people: list[RsvpPerson] = field(default_factory=list)
    # What the guest brings to a potluck.
    dishes: list[DishClaim] = field(default_factory=list)
    position: int | None = None
    # Why e-mails do not reach them.
    problem: MailProblem | None = None
    offer: WaitOffer | None = None

    @property
    def group(self) -> str:
        """The group of the list that the RSVP is in."""
        return GROUP_OF[self.rsvp.status]

    @property
    def companions(self) -> list[str]:
        """The names of the other people, as far as they were entered."""
        return [person.name for person in self.people if person.position and person.name]


@dataclass(frozen=True)
class GuestPage:
    """One page of guests; `number` counts from 1."""

    guests: list[GuestEntry]
    number: int
    has_next: bool

    @property
    def groups(self) -> list[tuple[str, list[GuestEntry]]]:
        """The guests of the page by group, in the order of the list."""
        return [(name, list(guests)) for name, guests in groupby(self.guests, key=lambda guest: guest.group)]


def totals(party: DinnerParty) -> Totals:
    """Count all guests of a party."""
    columns = []
    for _title, statuses in GROUPS.values():
        inside = Rsvp.status.in_(statuses)
        columns += [func.count().filter(inside), func.coalesce(func.sum(Rsvp.party_size).filter(inside), 0)]
    columns.append(func.count().filter(unreachable.is_blocked(Rsvp.email_key)))
    statement = select(*columns, *count_invited(party)).where(Rsvp.party_id == party.id)
    *counted, unreachable_count, invited_count, silent_count = db.session.execute(statement).one()
    return Totals(
        dict(zip(GROUPS, counted[::2], strict=True)),
        dict(zip(GROUPS, counted[1::2], strict=True)),
        invited_count,
        silent_count,
        unreachable_count,
    )


def count_invited(party: DinnerParty) -> tuple[ScalarSelect[int], ScalarSelect[int]]:
    """Return the numbers of people invited, and of those who have not answered, for another statement."""
    invited = select(func.count()).where(Invitation.party_id == party.id, Invitation.revoked_at.is_(None))
    theirs = or_(Rsvp.invitation_id == Invitation.id, Rsvp.email_key == Invitation.email_key)
    silent = invited.where(~exists(select(Rsvp.id).where(Rsvp.party_id == party.id, theirs).correlate(Invitation)))
    return invited.scalar_subquery(), silent.scalar_subquery()


def page(party: DinnerParty, number: int, *, group: str = "", text: str = "") -> GuestPage:
    """Return page `number` of a party's guests: of one group or all, with a name or address that contains `text`."""
    statement = _select_rsvps(party).where(*_matches(text)).options(joinedload(Rsvp.member))
    if group in GROUPS:
        statement = statement.where(Rsvp.status.in_(GROUPS[group][1]))
    statement = statement.add_columns(unreachable.problem_of(Rsvp.email_key))
    found: Sequence[Any] = db.session.execute(statement.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1)).all()
    guests = [GuestEntry(rsvp, problem=problem) for rsvp, problem in found[:PAGE_SIZE]]
    _assign_people(guests, _people_of(guest.rsvp.id for guest in guests))
    _load_positions(party, guests)
    return GuestPage(guests, number, has_next=len(found) > PAGE_SIZE)


def all_entries(party: DinnerParty) -> Iterator[list[GuestEntry]]:
    """Yield all guests of a party in pieces, with their people and the dishes they bring."""
    keys = db.session.scalars(_select_rsvps(party).with_only_columns(Rsvp.id)).all()
    for start in range(0, len(keys), ROWS_AT_ONCE):
        some = keys[start : start + ROWS_AT_ONCE]
        guests = [GuestEntry(rsvp) for rsvp in _fetch(_select_rsvps(party).where(Rsvp.id.in_(some)))]
        _assign_people(guests, _people_of(some))
        _load_dishes(some, guests)
        yield guests


@dataclass(frozen=True)
class CheckInList:
    """One page of expected guests, and how many people have arrived."""

    page: GuestPage
    here: int
    expected: int


def check_in_list(party: DinnerParty, number: int, *, text: str = "", only: Rsvp | None = None) -> CheckInList:
    """Return the expected guests, first those who have not arrived: those that match `text`, or `only` one of them."""
    is_guest = or_(Rsvp.member_id.is_(None), Rsvp.member_id != party.host_id)
    is_expected = and_(Rsvp.party_id == party.id, Rsvp.status.in_(SEATED), is_guest)
    people = func.sum(Rsvp.party_size)
    is_here = Rsvp.status == RsvpStatus.CHECKED_IN
    here, expected = db.session.execute(select(people.filter(is_here), people).where(is_expected)).one()
    wanted = _matches(text) if only is None else (Rsvp.id == only.id,)
    listed = (
        select(Rsvp).where(is_expected, *wanted).order_by(Rsvp.status != RsvpStatus.YES, search_key(Rsvp.name), Rsvp.id)
    )
    found = _fetch(listed.offset((number - 1) * PAGE_SIZE).limit(PAGE_SIZE + 1))
    guests = [GuestEntry(rsvp) for rsvp in found[:PAGE_SIZE]]
    _assign_people(guests, _people_of(guest.rsvp.id for guest in guests))
    return CheckInList(GuestPage(guests, number, has_next=len(found) > PAGE_SIZE), here or 0, expected or 0)


# -- inside


def _select_rsvps(party: DinnerParty) -> Select[Rsvp]:
    """Return a statement for the RSVPs of a party, in the order of the list."""
    numbers = {status: list(GROUPS).index(name) for status, name in GROUP_OF.items()}
    group = case(numbers, value=Rsvp.status)
    when = case(
        (Rsvp.status == RsvpStatus.AWAITING_APPROVAL, Rsvp.answered_at),
        (Rsvp.status == RsvpStatus.WAITLISTED, Rsvp.waitlisted_at),
    )
    return select(Rsvp).where(Rsvp.party_id == party.id).order_by(group, when, search_key(Rsvp.name), Rsvp.id)


def _fetch(statement: Select[Rsvp]) -> list[Rsvp]:
    return list(db.session.scalars(statement))


def _matches(text: str) -> Sequence[ColumnElement[bool]]:
    """Return the condition that a guest, or a person who comes with them, has `text` in their name or address."""
    if not text:
        return ()
    companions = select(RsvpPerson.id).where(
        RsvpPerson.rsvp_id == Rsvp.id,
        RsvpPerson.position < Rsvp.party_size,
        is_like(RsvpPerson.name, text, "%", "%"),
    )
    own = [is_like(column, text, "%", "%") for column in (Rsvp.name, Rsvp.email)]
    return (or_(*own, exists(companions.correlate(Rsvp))),)


def _load_dishes(keys: Sequence[int], guests: Iterable[GuestEntry]) -> None:
    """Add the dishes that each guest brings."""
    claims = select(DishClaim).join(DishClaim.slot).options(joinedload(DishClaim.slot))
    by_key = {guest.rsvp.id: guest for guest in guests}
    for claim in db.session.scalars(claims.where(DishClaim.rsvp_id.in_(keys)).order_by(DishClaim.id)):
        if claim.rsvp_id in by_key:
            by_key[claim.rsvp_id].dishes.append(claim)


def _people() -> Select[RsvpPerson]:
    return select(RsvpPerson).order_by(RsvpPerson.rsvp_id, RsvpPerson.position)


def _people_of(keys: Iterable[int]) -> list[RsvpPerson]:
    return list(db.session.scalars(_people().where(RsvpPerson.rsvp_id.in_(list(keys)))))


def _assign_people(guests: list[GuestEntry], people: Iterable[RsvpPerson]) -> None:
    by_key = {guest.rsvp.id: guest for guest in guests}
    for person in people:
        guest = by_key.get(person.rsvp_id)
        # The guest may have released seats after entering people for them.
        if guest is not None and person.position < guest.rsvp.party_size:
            guest.people.append(person)


def _load_positions(party: DinnerParty, guests: list[GuestEntry]) -> None:
    offers = waiting_list_queries.open_offers(guest.rsvp for guest in guests)
    any_waits = any(guest.rsvp.is_waitlisted for guest in guests)
    positions = (
        {entry.rsvp_id: number for number, entry in enumerate(waiting_list_queries.queue(party.id), 1)}
        if any_waits
        else {}
    )
    for guest in guests:
        guest.position, guest.offer = positions.get(guest.rsvp.id), offers.get(guest.rsvp.id)
