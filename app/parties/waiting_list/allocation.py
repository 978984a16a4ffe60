"""Which groups on the waiting list are offered free seats. Pure functions: facts in, decision out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from app.parties import rules
from app.parties.enums import PartyStatus

# Until so long before the start, a group too large for the free seats is not overtaken by a smaller one.
NO_OVERTAKING_UNTIL = timedelta(hours=48)
OFFER_LIFETIME, MIN_OFFER_LIFETIME = timedelta(hours=12), timedelta(minutes=30)


# -- the waiting list


@dataclass(frozen=True)
class SeatCount:
    """What the waiting list must know of a party."""

    seats_taken: int
    number_seats: int
    status: PartyStatus
    starts_at: datetime
    rsvp_deadline: datetime | None

    @property
    def free(self) -> int:
        """Seats that nobody holds."""
        return self.number_seats - self.seats_taken

    @property
    def answers_until(self) -> datetime:
        """The last moment for an answer."""
        return min(self.rsvp_deadline or self.starts_at, self.starts_at)

    def takes_answers(self, now: datetime) -> bool:
        """Whether seats can be given and offered at all."""
        return rules.closed_reason(self.status, self.answers_until, now) is None


class QueueEntry(NamedTuple):
    """A group in line: `size` people, who would also come with `least`."""

    key: int
    size: int
    least: int
    resting: bool = False


class AllocationReason(Enum):
    """Why a group is offered seats, or is not."""

    OFFERED = "offered"
    FULL = "full"
    # Fewer seats are free than it would come with.
    TOO_FEW = "too few"
    # Free seats are kept for a larger group in front of it.
    BEHIND = "behind"
    # It let an offer pass, and is asked again when other seats become free.
    RESTING = "resting"
    # The whole table has fewer seats than it would come with.
    TOO_MANY = "too many"


class Allocation(NamedTuple):
    """What the line's order means for one group: how many seats it is offered, and why so many or none."""

    key: int
    seats: int
    why: AllocationReason


def is_strict_order(starts_at: datetime, now: datetime) -> bool:
    """Whether a large group is still not overtaken by smaller ones."""
    return starts_at - now > NO_OVERTAKING_UNTIL


def allocate_seats(queue: Iterable[QueueEntry], free: int, *, guarded: bool, table: int) -> list[Allocation]:
    """Return what each group in line is offered of `free` seats, first come first served.

    A group is offered all it wants, or what is free if it would come with that. While the line is `guarded`, seats
    that are too few for a group are kept for it; later they go to the first who fits. Who rests, or could never sit
    down at a table with `table` seats for guests, is in nobody's way.
    """
    verdicts, kept = [], False
    for waiter in queue:
        seats, why = 0, AllocationReason.OFFERED
        if waiter.resting:
            why = AllocationReason.RESTING
        elif waiter.least > table:
            why = AllocationReason.TOO_MANY
        elif free <= 0:
            why = AllocationReason.FULL
        elif kept:
            why = AllocationReason.BEHIND
        elif waiter.least > free:
            why, kept = AllocationReason.TOO_FEW, guarded
        else:
            seats = min(waiter.size, free)
            free -= seats
        verdicts.append(Allocation(waiter.key, seats, why))
    return verdicts


def guest_seats(number_seats: int) -> int:
    """Return how many seats of a table guests can have: one is the host's."""
    return number_seats - 1


def offer_expiry(now: datetime, answers_until: datetime) -> datetime:
    """Return how long an offer made now may be claimed: 12 hours, but at most half of the time that is left.

    It lasts for half an hour at least, and never longer than answers are taken.
    """
    half = max((answers_until - now) / 2, MIN_OFFER_LIFETIME)
    return min(now + min(OFFER_LIFETIME, half), answers_until)
