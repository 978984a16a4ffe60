"""Which groups on the waiting list are offered free seats. Pure functions: facts in, decision out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from app.parties import rules
from app.parties.enums import PartyStatus

# Until this long before the start, smaller groups cannot overtake a group that is too large for the free seats.
NO_OVERTAKING_UNTIL = timedelta(hours=48)
OFFER_LIFETIME, MIN_OFFER_LIFETIME = timedelta(hours=12), timedelta(minutes=30)


# -- the waiting list


@dataclass(frozen=True)
class SeatCount:
    """The columns of a party that decide who gets seats."""

    seats_taken: int
    number_seats: int
    status: PartyStatus
    starts_at: datetime
    rsvp_deadline: datetime | None

    @property
    def free(self) -> int:
        """How many seats are free."""
        return self.number_seats - self.seats_taken

    @property
    def answers_until(self) -> datetime:
        """The last moment for an RSVP."""
        return min(self.rsvp_deadline or self.starts_at, self.starts_at)

    def accepts_rsvps(self, now: datetime) -> bool:
        """Whether seats can be taken and offered now."""
        return rules.closed_reason(self.status, self.answers_until, now) is None


class QueueEntry(NamedTuple):
    """A group on the waiting list. It wants seats for `size` people and would also accept `minimum`."""

    rsvp_id: int
    size: int
    minimum: int
    # Did not accept an offer: gets none until more seats become free, and blocks no other group.
    paused: bool = False


class AllocationReason(Enum):
    """Why a group is offered seats, or is not."""

    OFFERED = "offered"
    FULL = "full"
    # Fewer seats are free than the group accepts.
    TOO_FEW = "too few"
    # Free seats are reserved for a larger group ahead.
    BEHIND = "behind"
    # The group did not accept an offer; the next comes when more seats become free.
    PAUSED = "paused"
    # The party has fewer seats in total than the group accepts.
    TOO_MANY = "too many"


class Allocation(NamedTuple):
    """How many seats one group is offered, and why so many or none."""

    rsvp_id: int
    seats: int
    reason: AllocationReason


def is_strict_order(starts_at: datetime, now: datetime) -> bool:
    """Whether smaller groups cannot overtake larger ones yet."""
    return starts_at - now > NO_OVERTAKING_UNTIL


def allocate_seats(queue: Iterable[QueueEntry], free: int, *, strict_order: bool, guest_seats: int) -> list[Allocation]:
    """Return what each group in `queue` is offered of `free` seats, first come, first served.

    A group is offered all seats it wants, or the free ones if it accepts so few. In `strict_order`, seats that are too
    few for a group are reserved for it; otherwise they go to the first group that fits. Paused groups, and groups that
    want more than all `guest_seats` of the party, block no other group.
    """
    allocations, reserved = [], False
    for group in queue:
        seats, reason = 0, AllocationReason.OFFERED
        if group.paused:
            reason = AllocationReason.PAUSED
        elif group.minimum > guest_seats:
            reason = AllocationReason.TOO_MANY
        elif free <= 0:
            reason = AllocationReason.FULL
        elif reserved:
            reason = AllocationReason.BEHIND
        elif group.minimum > free:
            reason, reserved = AllocationReason.TOO_FEW, strict_order
        else:
            seats = min(group.size, free)
            free -= seats
        allocations.append(Allocation(group.rsvp_id, seats, reason))
    return allocations


def max_guest_seats(number_seats: int) -> int:
    """Return how many seats guests can have: one belongs to the host."""
    return number_seats - 1


def offer_expiry(now: datetime, answers_until: datetime) -> datetime:
    """Return when an offer made now expires: after 12 hours, or half of the time until the RSVP deadline if that is less.

    It lasts at least half an hour, but never beyond the deadline.
    """
    half = max((answers_until - now) / 2, MIN_OFFER_LIFETIME)
    return min(now + min(OFFER_LIFETIME, half), answers_until)
