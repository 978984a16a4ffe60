"""Seats: taken by a guarded UPDATE, freed and handed on in the same transaction.

Reading the free seats and then writing would sell them twice; here the database decides, on SQLite and PostgreSQL
alike. Who needs more than one row takes the party's first (`lock`, `take`, `free`), so that no two can wait for each
other. Seats that are offered to somebody who waits are held: they count as taken until the offer ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.orm import joinedload

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import OfferState, PartyStatus, RsvpStatus, WaitingListEventKind
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list import allocation, history
from app.parties.waiting_list import mail as waiting_list_mail
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list.allocation import QueueEntry, SeatCount
from app.parties.waiting_list.models import WaitOffer

COLUMNS = (
    DinnerParty.seats_taken,
    DinnerParty.number_seats,
    DinnerParty.status,
    DinnerParty.starts_at,
    DinnerParty.rsvp_deadline,
)


@dataclass(frozen=True)
class WaitingListState:
    """A party and those who wait for it, after seats were handed on: nobody in `queue` can be offered any."""

    table: SeatCount
    queue: Sequence[QueueEntry] = ()
    offers: Sequence[WaitOffer] = ()

    @property
    def offered(self) -> int:
        """How many seats were offered just now."""
        return sum(offer.seats for offer in self.offers)

    def seats_for(self, group: QueueEntry, *, place: int | None = None) -> int:
        """Return how many seats a group gets at once, that asks for them in `place`, counted from 0, or at the end."""
        queue = [waiter for waiter in self.queue if waiter.key != group.key]
        queue.insert(len(queue) if place is None else place, group)
        return next(verdict.seats for verdict in _allocate(self.table, queue) if verdict.key == group.key)


# -- taking


def take(party_id: int, seats: int) -> bool:
    """Take `seats` seats if so many are free and nobody is waiting for them; return whether it did."""
    somebody_waits = exists(
        select(Rsvp.id)
        .where(Rsvp.party_id == DinnerParty.id, Rsvp.status == RsvpStatus.WAITLISTED, Rsvp.resting.is_(False))
        .correlate(DinnerParty)
    )
    return _add_taken(party_id, seats, DinnerParty.status == PartyStatus.PUBLISHED, ~somebody_waits)


def take_in_turn(party_id: int, seats: int) -> bool:
    """Take seats for somebody whose turn it is, as `Line.seats_for` has told under the party's lock."""
    return _add_taken(party_id, seats, DinnerParty.status == PartyStatus.PUBLISHED)


def take_first(party_id: int) -> bool:
    """Take the seat of a host, who goes before those who wait; return whether one was free."""
    return _add_taken(party_id, 1)


def retake(party_id: int, seats: int) -> bool:
    """Take the seats of somebody who was missed, and came after all; return whether they are still free."""
    return _add_taken(party_id, seats)


def lock(party_id: int) -> SeatCount:
    """Hold the party's row until the end of the transaction; return what it says.

    Raises DomainError when the party was deleted meanwhile.
    """
    return _return_seats(party_id, 0)


# -- freeing and handing on


def release_and_reoffer(party_id: int, seats: int = 0, *, unseen: int = 0) -> WaitingListState:
    """Give `seats` seats back and offer all that are free to those who wait: the one way in which seats move on.

    Offers that ran out give theirs back too. Of the free seats, `unseen` were offered to nobody yet: for them, those
    who let an offer pass are asked again.
    """
    table = _return_seats(party_id, seats)
    lapsed = expire_offers_of_party(party_id)
    if lapsed:
        requeue(lapsed)
        table = lock(party_id)
    return _offer_free_seats(party_id, table, unseen=unseen)


def expire_offers_of_party(party_id: int) -> list[int]:
    """End the offers of a party that ran out and give their seats back; return which, for `put_back`.

    It sends nothing else that the session may have changed.
    """
    statement = (
        update(WaitOffer)
        .where(
            WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at <= clock.now()
        )
        .values(state=OfferState.EXPIRED)
        .returning(WaitOffer.id, WaitOffer.seats)
    )
    with db.session.no_autoflush:
        ended = db.session.execute(statement).all()
        if ended:
            _return_seats(party_id, sum(seats for _offer_id, seats in ended))
    return [offer_id for offer_id, _seats in ended]


def requeue(lapsed: Sequence[int]) -> None:
    """Put those whose offers ran out at the end of the line, and tell them."""
    offers = _offers(WaitOffer.id.in_(lapsed))
    for offer in offers:
        offer.rsvp.waitlisted_at = waiting_list_queries.next_waitlisted_at(offer.party_id)
        offer.rsvp.status, offer.rsvp.resting = RsvpStatus.WAITLISTED, True
        db.session.flush()
    for offer in offers:
        place = waiting_list_queries.position(offer.rsvp)
        history.record(WaitingListEventKind.EXPIRED, offer.party_id, offer.rsvp_id, place=place, seats=offer.seats)
        waiting_list_mail.offer_expired(offer, place)
    db.session.flush()


def revoke_all(party_id: int) -> None:
    """Take every offer of a party back that is called off or over; those who had one wait again."""
    offers = _offers(WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING)
    for offer in offers:
        offer.state, offer.rsvp.status = OfferState.REVOKED, RsvpStatus.WAITLISTED
        history.record(WaitingListEventKind.REVOKED, offer.party_id, offer.rsvp_id, seats=offer.seats)
    db.session.flush()
    _return_seats(party_id, sum(offer.seats for offer in offers))


def shorten_offers(party_id: int, until: datetime) -> None:
    """Let no offer of a party last longer than answers are taken."""
    statement = (
        update(WaitOffer)
        .where(WaitOffer.party_id == party_id, WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at > until)
        .values(expires_at=until)
    )
    db.session.execute(statement)


def end_offer(rsvp: Rsvp, state: OfferState) -> int:
    """End the open offer to an answer, under the party's lock; return how many seats it held."""
    offer = waiting_list_queries.pending_offer(rsvp)
    if offer is None:
        return 0
    offer.state = state
    db.session.flush()
    return offer.seats


def expire(offer: WaitOffer) -> WaitingListState | None:
    """End an offer before its time; its seats go on. Return None when it had ended already."""
    lock(offer.party_id)
    db.session.refresh(offer)
    if offer.state != OfferState.PENDING:
        return None
    offer.expires_at = clock.now()
    db.session.flush()
    return release_and_reoffer(offer.party_id)


def expire_offers(party_id: int) -> int:
    """Do what time has brought about for a party: offers ran out, or kept seats go to whom they fit.

    Return how many seats were offered. It may be done at any time, by any number of processes at once.
    """
    return release_and_reoffer(party_id).offered


# -- inside


def _offer_free_seats(party_id: int, table: SeatCount, *, unseen: int) -> WaitingListState:
    if not table.takes_answers(clock.now()) or table.free <= 0:
        return WaitingListState(table)
    if unseen:
        _unpause(party_id)
    queue = waiting_list_queries.queue(party_id)
    if unseen and queue:
        history.record(WaitingListEventKind.FREED, party_id, seats=unseen)
    verdicts = _allocate(table, queue)
    offered = {verdict.key: verdict.seats for verdict in verdicts if verdict.seats}
    if not offered:
        return WaitingListState(table, queue)
    _record_skipped(party_id, table, queue, verdicts)
    places = {waiter.key: number for number, waiter in enumerate(queue, 1)}
    offers = _offer(party_id, offered, places, table)
    left = [waiter for waiter in queue if waiter.key not in offered]
    return WaitingListState(replace(table, seats_taken=table.seats_taken + sum(offered.values())), left, offers)


def _allocate(table: SeatCount, queue: Sequence[QueueEntry]) -> list[allocation.Allocation]:
    return allocation.allocate_seats(
        queue,
        table.free,
        guarded=allocation.is_strict_order(table.starts_at, clock.now()),
        table=allocation.guest_seats(table.number_seats),
    )


def _offer(party_id: int, offered: dict[int, int], places: dict[int, int], table: SeatCount) -> list[WaitOffer]:
    """Hold seats for those who wait, and write to them."""
    now = clock.now()
    until = allocation.offer_expiry(now, table.answers_until)
    _add_taken(party_id, sum(offered.values()))
    statement = select(Rsvp).options(joinedload(Rsvp.member)).where(Rsvp.id.in_(offered))
    rsvps = {rsvp.id: rsvp for rsvp in db.session.scalars(statement.execution_options(populate_existing=True))}
    offers = []
    for key, seats in offered.items():
        rsvps[key].status = RsvpStatus.OFFERED
        offer = WaitOffer(party_id=party_id, rsvp=rsvps[key], seats=seats, created_at=now, expires_at=until)
        db.session.add(offer)
        offers.append(offer)
        history.record(WaitingListEventKind.OFFERED, party_id, key, place=places[key], seats=seats, until=until)
    db.session.flush()
    for offer in offers:
        waiting_list_mail.seat_offered(offer)
    return offers


def _record_skipped(
    party_id: int, table: SeatCount, queue: Sequence[QueueEntry], verdicts: Sequence[allocation.Allocation]
) -> None:
    """Note whom those behind them overtake, and why."""
    free = table.free
    last = max(number for number, verdict in enumerate(verdicts) if verdict.seats)
    for number, (waiter, verdict) in enumerate(zip(queue, verdicts, strict=True)):
        if number < last and verdict.why is allocation.AllocationReason.TOO_FEW:
            history.record(
                WaitingListEventKind.SKIPPED,
                party_id,
                waiter.key,
                place=number + 1,
                seats=free,
                least=waiter.least,
            )
        free -= verdict.seats


def _unpause(party_id: int) -> None:
    statement = update(Rsvp).where(Rsvp.party_id == party_id, Rsvp.resting.is_(True)).values(resting=False)
    db.session.execute(statement)


def _offers(*conditions: ColumnElement[bool]) -> list[WaitOffer]:
    statement = (
        select(WaitOffer)
        .options(joinedload(WaitOffer.rsvp).joinedload(Rsvp.member))
        .where(*conditions)
        .order_by(WaitOffer.id)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(statement))


def _return_seats(party_id: int, seats: int) -> SeatCount:
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id)
        .values(seats_taken=DinnerParty.seats_taken - seats)
        .returning(*COLUMNS)
    )
    row = db.session.execute(statement).one_or_none()
    if row is None:
        raise DomainError(lazy_gettext("This party no longer exists."))
    return SeatCount(*row)


def _add_taken(party_id: int, seats: int, *conditions: ColumnElement[bool]) -> bool:
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id, DinnerParty.seats_taken + seats <= DinnerParty.number_seats, *conditions)
        .values(seats_taken=DinnerParty.seats_taken + seats)
        .returning(DinnerParty.id)
    )
    return db.session.execute(statement).first() is not None
