"""Queries about the waiting list: who waits, in which order, and which offers are open."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, bindparam, exists, func, or_, select, union
from sqlalchemy.orm import joinedload

from app import clock
from app.extensions import db
from app.parties.enums import OfferState, PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list.allocation import NO_OVERTAKING_UNTIL, QueueEntry
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer

# Pages show the latest events of the waiting list, and its first groups.
HISTORY_SIZE = 100
LIST_SIZE = 200


@dataclass(frozen=True)
class Standing:
    """A guest's RSVP, with its open seat offer or its position on the waiting list."""

    rsvp: Rsvp | None
    offer: WaitOffer | None = None
    # 1 is offered seats next.
    position: int | None = None


def standing(rsvp: Rsvp | None) -> Standing:
    """Return how a guest stands. An offer that has expired counts as none, also before the scheduler has ended it."""
    if rsvp is None or not rsvp.is_queued:
        return Standing(rsvp)
    offer = pending_offer(rsvp) if rsvp.status == RsvpStatus.OFFERED else None
    if offer is not None and offer.is_open:
        return Standing(rsvp, offer)
    return Standing(rsvp, position=position(rsvp))


def select_waiting(party_id: int) -> Select[Rsvp]:
    """Return a statement for the waiting RSVPs of a party, in order."""
    return (
        select(Rsvp)
        .where(Rsvp.party_id == party_id, Rsvp.status == RsvpStatus.WAITLISTED)
        .order_by(Rsvp.waitlisted_at, Rsvp.id)
    )


def queue(party_id: int) -> list[QueueEntry]:
    """Return the groups on the waiting list, in order."""
    groups = select_waiting(party_id).with_only_columns(Rsvp.id, Rsvp.party_size, Rsvp.min_party, Rsvp.resting)
    return [QueueEntry(*row) for row in db.session.execute(groups)]


def queue_and_partial_offers(party_id: int) -> tuple[list[QueueEntry], dict[int, int]]:
    """Return who may be offered seats, in order, and the seats of open offers that have fewer than were asked for.

    A group with such an offer keeps its place for the rest.
    """
    is_partial = and_(Rsvp.status == RsvpStatus.OFFERED, WaitOffer.seats < Rsvp.party_size)
    statement = (
        select(Rsvp.id, Rsvp.party_size, Rsvp.min_party, Rsvp.resting, WaitOffer.seats)
        .outerjoin(WaitOffer, and_(WaitOffer.rsvp_id == Rsvp.id, WaitOffer.state == OfferState.PENDING))
        .where(Rsvp.party_id == party_id, or_(Rsvp.status == RsvpStatus.WAITLISTED, is_partial))
        .order_by(Rsvp.waitlisted_at, Rsvp.id)
    )
    groups, held = [], {}
    for key, size, minimum, resting, seats in db.session.execute(statement):
        if seats:
            held[key] = seats
            groups.append(QueueEntry(key, size - seats, 1))
        else:
            groups.append(QueueEntry(key, size, minimum, resting))
    return groups, held


def waiting_rsvps(party_id: int) -> list[Rsvp]:
    """Return the first LIST_SIZE RSVPs on the waiting list, in order."""
    return list(db.session.scalars(select_waiting(party_id).limit(LIST_SIZE)))


def next_waitlisted_at(party_id: int) -> datetime:
    """Return the time to store for an RSVP that joins now: later than all others, even if clocks differ."""
    last = db.session.scalar(LAST_WAITLISTED_AT, {"of_party": party_id})
    now = clock.now()
    return max(now, last + timedelta(microseconds=1)) if last else now


LAST_WAITLISTED_AT = select(func.max(Rsvp.waitlisted_at)).where(
    Rsvp.party_id == bindparam("of_party"), Rsvp.status == RsvpStatus.WAITLISTED
)


def pending_offer(rsvp: Rsvp) -> WaitOffer | None:
    """Return the RSVP's offer that is stored as pending. It may have expired."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == rsvp.id, WaitOffer.state == OfferState.PENDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def latest_offer(rsvp: Rsvp) -> WaitOffer | None:
    """Return the last offer that was made to an RSVP."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == rsvp.id).order_by(WaitOffer.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def open_offers(rsvps: Iterable[Rsvp]) -> dict[int, WaitOffer]:
    """Return the offers to these RSVPs that can still be claimed, by the RSVP's id."""
    keys = [rsvp.id for rsvp in rsvps if rsvp.status == RsvpStatus.OFFERED]
    if not keys:
        return {}
    statement = select(WaitOffer).where(WaitOffer.rsvp_id.in_(keys), WaitOffer.state == OfferState.PENDING)
    return {offer.rsvp_id: offer for offer in db.session.scalars(statement) if offer.is_open}


def pending_offers(party: DinnerParty) -> list[WaitOffer]:
    """Return the offers of a party that are stored as pending, with their RSVPs. Some may have expired."""
    statement = (
        select(WaitOffer)
        .options(joinedload(WaitOffer.rsvp))
        .where(WaitOffer.party_id == party.id, WaitOffer.state == OfferState.PENDING)
        .order_by(WaitOffer.expires_at, WaitOffer.id)
    )
    return list(db.session.scalars(statement))


def open_offers_and_free_seats(party: DinnerParty) -> tuple[list[WaitOffer], int]:
    """Return the open offers of a party, and how many seats are free.

    The seats of expired offers count as free, though `seats_taken` still includes them until the party changes next.
    """
    pending = pending_offers(party)
    free = party.seats_free + sum(offer.seats for offer in pending if not offer.is_open)
    return [offer for offer in pending if offer.is_open], free


def events(party: DinnerParty) -> list[WaitingListEvent]:
    """Return the latest HISTORY_SIZE events of a party's waiting list, the newest first."""
    statement = (
        select(WaitingListEvent)
        .options(joinedload(WaitingListEvent.rsvp))
        .where(WaitingListEvent.party_id == party.id)
        .order_by(WaitingListEvent.id.desc())
        .limit(HISTORY_SIZE)
    )
    return list(db.session.scalars(statement))


def parties_to_sweep(now: datetime) -> list[int]:
    """Return the ids of parties whose seats can be offered anew: an offer has expired, or overtaking is now allowed."""
    expired = select(WaitOffer.party_id).where(WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at <= now)
    fits = exists().where(
        Rsvp.party_id == DinnerParty.id,
        Rsvp.status == RsvpStatus.WAITLISTED,
        Rsvp.resting.is_(False),
        Rsvp.min_party <= DinnerParty.number_seats - DinnerParty.seats_taken,
    )
    grows = exists().where(
        WaitOffer.party_id == DinnerParty.id,
        WaitOffer.state == OfferState.PENDING,
        WaitOffer.rsvp_id == Rsvp.id,
        WaitOffer.seats < Rsvp.party_size,
        DinnerParty.seats_taken < DinnerParty.number_seats,
    )
    overtaking_allowed = select(DinnerParty.id).where(
        DinnerParty.status == PartyStatus.PUBLISHED,
        DinnerParty.starts_at > now,
        DinnerParty.starts_at <= now + NO_OVERTAKING_UNTIL,
        or_(DinnerParty.rsvp_deadline.is_(None), DinnerParty.rsvp_deadline > now),
        or_(fits, grows),
    )
    return sorted(db.session.scalars(union(expired, overtaking_allowed)))


def waiting_count(party_id: int) -> int:
    """Return how many RSVPs are on the waiting list."""
    statement = select(func.count()).where(Rsvp.party_id == party_id, Rsvp.status == RsvpStatus.WAITLISTED)
    return db.session.execute(statement).scalar_one()


def position(rsvp: Rsvp) -> int:
    """Return the RSVP's position on the waiting list; 1 is next. An RSVP whose offer has expired comes last."""
    if rsvp.status != RsvpStatus.WAITLISTED:
        return waiting_count(rsvp.party_id) + 1
    values = {"of_party": rsvp.party_id, "since": rsvp.waitlisted_at, "key": rsvp.id}
    return db.session.execute(EARLIER, values).scalar_one() + 1


_SINCE = bindparam("since", type_=Rsvp.waitlisted_at.type)
EARLIER = select(func.count()).where(
    Rsvp.party_id == bindparam("of_party"),
    Rsvp.status == RsvpStatus.WAITLISTED,
    or_(Rsvp.waitlisted_at < _SINCE, and_(Rsvp.waitlisted_at == _SINCE, Rsvp.id < bindparam("key"))),
)
