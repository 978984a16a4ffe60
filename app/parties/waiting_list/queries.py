"""Queries about the waiting list: who waits, in which order, and which offers are open."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, exists, func, or_, select, union
from sqlalchemy.orm import joinedload

from app import clock
from app.extensions import db
from app.parties.enums import OfferState, PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list.allocation import NO_OVERTAKING_UNTIL, QueueEntry
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer

# Of what happened in line, the latest steps are told; of those who stand in it, the first.
HISTORY_SIZE = 100
LIST_SIZE = 200


def select_waiting(party_id: int) -> Select[Rsvp]:
    """Return the waiting list of a party as a statement, first in line first."""
    return (
        select(Rsvp)
        .where(Rsvp.party_id == party_id, Rsvp.status == RsvpStatus.WAITLISTED)
        .order_by(Rsvp.waitlisted_at, Rsvp.id)
    )


def queue(party_id: int) -> list[QueueEntry]:
    """Return the groups that wait, first in line first."""
    groups = select_waiting(party_id).with_only_columns(Rsvp.id, Rsvp.party_size, Rsvp.min_party, Rsvp.resting)
    return [QueueEntry(*row) for row in db.session.execute(groups)]


def waiting_rsvps(party_id: int) -> list[Rsvp]:
    """Return the first of those who wait, with what they said."""
    return list(db.session.scalars(select_waiting(party_id).limit(LIST_SIZE)))


def next_waitlisted_at(party_id: int) -> datetime:
    """Return the moment at which somebody joins the line now: later than all others, whatever their clocks said."""
    statement = select(func.max(Rsvp.waitlisted_at)).where(
        Rsvp.party_id == party_id, Rsvp.status == RsvpStatus.WAITLISTED
    )
    last = db.session.execute(statement).scalar_one()
    now = clock.now()
    return max(now, last + timedelta(microseconds=1)) if last else now


def pending_offer(rsvp: Rsvp) -> WaitOffer | None:
    """Return the offer to an answer that has not ended, as far as it is stored: it may have run out meanwhile."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == rsvp.id, WaitOffer.state == OfferState.PENDING)
    return db.session.scalars(statement.execution_options(populate_existing=True)).one_or_none()


def latest_offer(rsvp: Rsvp) -> WaitOffer | None:
    """Return the last offer that was made to an answer."""
    statement = select(WaitOffer).where(WaitOffer.rsvp_id == rsvp.id).order_by(WaitOffer.id.desc()).limit(1)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def open_offers(rsvps: Iterable[Rsvp]) -> dict[int, WaitOffer]:
    """Return the offers to some answers that can still be claimed, by the answer's key."""
    keys = [rsvp.id for rsvp in rsvps]
    if not keys:
        return {}
    statement = select(WaitOffer).where(WaitOffer.rsvp_id.in_(keys), WaitOffer.state == OfferState.PENDING)
    return {offer.rsvp_id: offer for offer in db.session.scalars(statement) if offer.is_open}


def pending_offers(party: DinnerParty) -> list[WaitOffer]:
    """Return the offers of a party that have not ended, with whom they were made to; some may have run out."""
    statement = (
        select(WaitOffer)
        .options(joinedload(WaitOffer.rsvp))
        .where(WaitOffer.party_id == party.id, WaitOffer.state == OfferState.PENDING)
        .order_by(WaitOffer.expires_at, WaitOffer.id)
    )
    return list(db.session.scalars(statement))


def events(party: DinnerParty) -> list[WaitingListEvent]:
    """Return the latest of what happened in a party's line, the newest first."""
    statement = (
        select(WaitingListEvent)
        .options(joinedload(WaitingListEvent.rsvp))
        .where(WaitingListEvent.party_id == party.id)
        .order_by(WaitingListEvent.id.desc())
        .limit(HISTORY_SIZE)
    )
    return list(db.session.scalars(statement))


def parties_to_sweep(now: datetime) -> list[int]:
    """Return the parties that time has changed something for: an offer ran out, or kept seats may go to others."""
    ran_out = select(WaitOffer.party_id).where(WaitOffer.state == OfferState.PENDING, WaitOffer.expires_at <= now)
    fits = exists().where(
        Rsvp.party_id == DinnerParty.id,
        Rsvp.status == RsvpStatus.WAITLISTED,
        Rsvp.resting.is_(False),
        Rsvp.min_party <= DinnerParty.number_seats - DinnerParty.seats_taken,
    )
    unguarded = select(DinnerParty.id).where(
        DinnerParty.status == PartyStatus.PUBLISHED,
        DinnerParty.starts_at > now,
        DinnerParty.starts_at <= now + NO_OVERTAKING_UNTIL,
        or_(DinnerParty.rsvp_deadline.is_(None), DinnerParty.rsvp_deadline > now),
        fits,
    )
    return sorted(db.session.scalars(union(ran_out, unguarded)))


def waiting_count(party_id: int) -> int:
    """Return how many answers wait."""
    statement = select(func.count()).where(Rsvp.party_id == party_id, Rsvp.status == RsvpStatus.WAITLISTED)
    return db.session.execute(statement).scalar_one()


def position(rsvp: Rsvp) -> int:
    """Return the place of a waiting answer; the next to get a seat is 1. An offer that ran out counts as the last."""
    if rsvp.status != RsvpStatus.WAITLISTED:
        return waiting_count(rsvp.party_id) + 1
    earlier = or_(
        Rsvp.waitlisted_at < rsvp.waitlisted_at,
        and_(Rsvp.waitlisted_at == rsvp.waitlisted_at, Rsvp.id < rsvp.id),
    )
    statement = select(func.count()).where(
        Rsvp.party_id == rsvp.party_id, Rsvp.status == RsvpStatus.WAITLISTED, earlier
    )
    return db.session.execute(statement).scalar_one() + 1
