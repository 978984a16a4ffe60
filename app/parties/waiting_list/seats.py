"""Seats: taken by a guarded UPDATE, released and offered again in the same transaction.

Reading the free seats and then writing could give one seat to two guests. So the database decides, on SQLite and
PostgreSQL alike. Code that changes more than one row locks the party's row first (`lock`, `take`,
`release_and_reoffer`), so that two transactions cannot wait for each other. Seats that are offered to a guest are
held: `seats_taken` counts them until the offer ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, Integer, bindparam, exists, select, update
from sqlalchemy.orm import joinedload

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import OfferState, PartyStatus, RsvpStatus, WaitingListEventKind
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list import history
from app.parties.waiting_list import mail as waiting_list_mail
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.allocation import (
    Allocation,
    AllocationReason,
    QueueEntry,
    SeatCount,
    allocate_seats,
    is_strict_order,
    max_guest_seats,
    offer_expiry,
)
from app.parties.waiting_list.models import WaitOffer

PARTY, RSVP, OFFER = DinnerParty.__table__, Rsvp.__table__, WaitOffer.__table__
COLUMNS = (
    *(PARTY.c.seats_taken, PARTY.c.number_seats, PARTY.c.status),
    *(PARTY.c.starts_at, PARTY.c.rsvp_deadline),
)


@dataclass(frozen=True)
class WaitingListState:
    """The seats and the waiting list of a party after free seats were offered: no group in `queue` can get any."""

    count: SeatCount
    queue: Sequence[QueueEntry] = ()
    # How many seats were just offered.
    offered: int = 0

    def seats_for(self, group: QueueEntry, *, index: int | None = None) -> int:
        """Return how many seats a group can take now if it joins `queue` at `index`, or at the end."""
        queue = [entry for entry in self.queue if entry.rsvp_id != group.rsvp_id]
        queue.insert(len(queue) if index is None else index, group)
        return next(entry.seats for entry in _allocate(self.count, queue) if entry.rsvp_id == group.rsvp_id)


# -- taking


IS_PUBLISHED = PARTY.c.status == PartyStatus.PUBLISHED
NOBODY_WAITS = ~exists(
    select(RSVP.c.id)
    .where(RSVP.c.party_id == PARTY.c.id, RSVP.c.status == RsvpStatus.WAITLISTED, RSVP.c.resting.is_(False))
    .correlate(PARTY)
)


def take(party_id: int, seats: int, *conditions: ColumnElement[bool]) -> bool:
    """Take `seats` seats if so many are free and the party meets all `conditions`. Return whether they were taken."""
    return _execute(_taking(*conditions), of_party=party_id, seats=seats).first() is not None


@cache
def _taking(*conditions: ColumnElement[bool]) -> Any:
    taken = PARTY.c.seats_taken + bindparam("seats", type_=Integer)
    statement = update(PARTY).where(PARTY.c.id == bindparam("of_party"), taken <= PARTY.c.number_seats, *conditions)
    return statement.values(seats_taken=taken).returning(PARTY.c.id)


def lock(party_id: int) -> SeatCount:
    """Lock the party's row until the end of the transaction. Return its seats.

    Raises DomainError when the party has been deleted.
    """
    return _release(party_id, 0)[0]


# -- releasing and offering


def release_and_reoffer(party_id: int, seats: int = 0, *, newly_freed: int = 0) -> WaitingListState:
    """Release `seats` seats, and offer all free seats to the waiting list. Nothing else passes seats on.

    Expired offers release their seats, too. Of the free seats, `newly_freed` have not been offered before: then groups
    that did not accept an offer are no longer paused.
    """
    count, has_expired = _release(party_id, seats)
    expired = expire_offers_of_party(party_id) if has_expired else []
    if expired:
        requeue(expired)
        count = lock(party_id)
    return _offer_free_seats(party_id, count, newly_freed=newly_freed)


def expire_offers_of_party(party_id: int) -> list[int]:
    """End the expired offers of a party and release their seats. Return their ids, for `requeue`.

    Other changes in the session are not flushed.
    """
    statement = (
        update(WaitOffer)
        .where(WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING)
        .where(WaitOffer.expires_at <= clock.now())
        .values(state=OfferState.EXPIRED)
        .returning(WaitOffer.id, WaitOffer.seats)
    )
    with db.session.no_autoflush:
        ended = db.session.execute(statement).all()
        if ended:
            _release(party_id, sum(seats for _offer_id, seats in ended))
    return [offer_id for offer_id, _seats in ended]


def requeue(offer_ids: Sequence[int]) -> None:
    """Move the guests of expired offers to the end of the waiting list, and e-mail them."""
    offers = _offers(WaitOffer.id.in_(offer_ids))
    for offer in offers:
        offer.rsvp.waitlisted_at = waiting_list_queries.next_waitlisted_at(offer.party_id)
        offer.rsvp.status, offer.rsvp.resting = RsvpStatus.WAITLISTED, True
        db.session.flush()
    for offer in offers:
        position = waiting_list_queries.position(offer.rsvp)
        history.record(WaitingListEventKind.EXPIRED, offer.party_id, offer.rsvp_id, place=position, seats=offer.seats)
        waiting_list_mail.offer_expired(offer, position)
    db.session.flush()


def revoke_all(party_id: int) -> None:
    """Revoke all offers of a party that is cancelled or over. Their guests are on the waiting list again."""
    offers = _offers(WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING)
    for offer in offers:
        offer.state, offer.rsvp.status = OfferState.REVOKED, RsvpStatus.WAITLISTED
        history.record(WaitingListEventKind.REVOKED, offer.party_id, offer.rsvp_id, seats=offer.seats)
    db.session.flush()
    _release(party_id, sum(offer.seats for offer in offers))


def shorten_offers(party_id: int, until: datetime) -> None:
    """Let no offer of a party last longer than `until`, its new RSVP deadline."""
    statement = (
        update(WaitOffer)
        .where(WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at > until)
        .values(expires_at=until)
    )
    db.session.execute(statement)


def end_offer(rsvp: Rsvp, state: OfferState) -> int:
    """End the pending offer to an RSVP. Return how many seats it held. The caller has locked the party."""
    offer = waiting_list_queries.pending_offer(rsvp)
    if offer is None:
        return 0
    offer.state = state
    db.session.flush()
    return offer.seats


def expire(offer: WaitOffer) -> WaitingListState | None:
    """End an offer early, and offer its seats to others. Return None if it had ended already."""
    lock(offer.party_id)
    db.session.refresh(offer)
    if offer.state != OfferState.PENDING:
        return None
    offer.expires_at = clock.now()
    db.session.flush()
    return release_and_reoffer(offer.party_id)


def expire_offers(party_id: int) -> int:
    """End the expired offers of a party, and offer free seats that smaller groups may take by now.

    Return how many seats were offered. Several processes may run this at once.
    """
    return release_and_reoffer(party_id).offered


# -- inside


def _offer_free_seats(party_id: int, count: SeatCount, *, newly_freed: int) -> WaitingListState:
    if not count.accepts_rsvps(clock.now()) or count.free <= 0:
        return WaitingListState(count)
    groups, held = waiting_list_queries.queue_and_partial_offers(party_id)
    if newly_freed and any(group.paused for group in groups):
        resting = update(Rsvp).where(Rsvp.party_id == party_id, Rsvp.resting.is_(True))
        db.session.execute(resting.values(resting=False))
        groups = [group._replace(paused=False) for group in groups]
    queue = [group for group in groups if group.rsvp_id not in held]
    if newly_freed and groups:
        history.record(WaitingListEventKind.FREED, party_id, seats=newly_freed)
    allocations = _allocate(count, groups)
    offered = {allocation.rsvp_id: allocation.seats for allocation in allocations if allocation.seats}
    if not offered:
        return WaitingListState(count, queue)
    positions = {group.rsvp_id: position for position, group in enumerate(queue, 1)}
    _record_skipped(party_id, count.free, groups, allocations, positions)
    _offer(party_id, offered, held, positions, count)
    rest = [group for group in queue if group.rsvp_id not in offered]
    seats = sum(offered.values())
    return WaitingListState(replace(count, seats_taken=count.seats_taken + seats), rest, seats)


def _allocate(count: SeatCount, queue: Sequence[QueueEntry]) -> list[Allocation]:
    return allocate_seats(
        queue,
        count.free,
        strict_order=is_strict_order(count.starts_at, clock.now()),
        guest_seats=max_guest_seats(count.number_seats),
    )


def _offer(
    party_id: int, offered: dict[int, int], held: dict[int, int], positions: dict[int, int], count: SeatCount
) -> None:
    """Hold the `offered` seats, by RSVP id, with those that an offer has `held` before, and e-mail their guests."""
    now = clock.now()
    until = offer_expiry(now, count.answers_until)
    take(party_id, sum(offered.values()))
    statement = select(Rsvp).options(joinedload(Rsvp.member)).where(Rsvp.id.in_(offered))
    rsvps = {rsvp.id: rsvp for rsvp in db.session.scalars(statement.execution_options(populate_existing=True))}
    offers = []
    for rsvp_id, more in offered.items():
        seats = more + held.get(rsvp_id, 0)
        if rsvp_id in held:
            end_offer(rsvps[rsvp_id], OfferState.REVOKED)
            history.record(WaitingListEventKind.REVOKED, party_id, rsvp_id, seats=held[rsvp_id])
        rsvps[rsvp_id].status = RsvpStatus.OFFERED
        offer = WaitOffer(party_id=party_id, rsvp=rsvps[rsvp_id], seats=seats, created_at=now, expires_at=until)
        db.session.add(offer)
        offers.append(offer)
        history.record(
            WaitingListEventKind.OFFERED, party_id, rsvp_id, place=positions.get(rsvp_id), seats=seats, until=until
        )
    db.session.flush()
    for offer in offers:
        waiting_list_mail.seat_offered(offer)


def _record_skipped(
    party_id: int,
    free: int,
    groups: Sequence[QueueEntry],
    allocations: Sequence[Allocation],
    positions: dict[int, int],
) -> None:
    """Record each group that a group behind it overtakes, because too few of the `free` seats were left for it."""
    last = max(number for number, allocation in enumerate(allocations) if allocation.seats)
    for number, (group, allocation) in enumerate(zip(groups, allocations, strict=True)):
        if number < last and allocation.reason is AllocationReason.TOO_FEW:
            history.record(
                WaitingListEventKind.SKIPPED,
                party_id,
                group.rsvp_id,
                place=positions.get(group.rsvp_id),
                seats=free,
                least=group.minimum,
            )
        free -= allocation.seats


def _offers(*conditions: ColumnElement[bool]) -> list[WaitOffer]:
    statement = (
        select(WaitOffer)
        .options(joinedload(WaitOffer.rsvp).joinedload(Rsvp.member))
        .where(*conditions)
        .order_by(WaitOffer.id)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(statement))


def _release(party_id: int, seats: int) -> tuple[SeatCount, bool]:
    """Lock a party and release `seats` seats. Return its seats, and whether an offer has expired and is not ended."""
    row = _execute(RELEASE, of_party=party_id, seats=seats, at=clock.now()).one_or_none()
    if row is None:
        raise DomainError(lazy_gettext("This party no longer exists."))
    *columns, has_expired = row
    return SeatCount(*columns), bool(has_expired)


RELEASE = (
    update(PARTY)
    .where(PARTY.c.id == bindparam("of_party"))
    .values(seats_taken=PARTY.c.seats_taken - bindparam("seats", type_=Integer))
    .returning(
        *COLUMNS,
        select(OFFER.c.id)
        .where(OFFER.c.party_id == bindparam("of_party"), OFFER.c.state == OfferState.PENDING)
        .where(OFFER.c.expires_at <= bindparam("at", type_=OFFER.c.expires_at.type))
        .limit(1)
        .scalar_subquery(),
    )
)


def _execute(statement: Any, **values: object) -> Any:
    """Execute a statement that is built once, after what the session has to store."""
    if db.session.autoflush:
        db.session.flush()
    return db.session.connection().execute(statement, values)
