"""The rules of the table. Pure functions: facts in, decision out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from app.parties import models

# Answers that hold, or wait for, a seat and so may be withdrawn.
WITHDRAWABLE = (models.YES, models.OFFERED, models.WAITLISTED, models.AWAITING, models.MAYBE)
# Those a change or a cancellation must reach.
CONCERNED = (*WITHDRAWABLE, models.CHECKED_IN)
# Those who stand in line, or did until seats were offered to them.
IN_LINE = (models.WAITLISTED, models.OFFERED)
# Until so long before the start, a group too large for the free seats is not overtaken by a smaller one.
GUARD = timedelta(hours=48)
OFFER_LIFETIME, SHORTEST_OFFER = timedelta(hours=12), timedelta(minutes=30)


# What a party may become. Guests of one that was called off were told so: another one is laid instead.
NEXT_STATUSES: dict[str, tuple[str, ...]] = {
    models.DRAFT: (models.PUBLISHED, models.CANCELLED),
    models.PUBLISHED: (models.CANCELLED, models.DONE),
    models.CANCELLED: (),
    models.DONE: (models.PUBLISHED,),
}


class Closed(Enum):
    """Why a party takes no answer."""

    DRAFT = "draft"
    CANCELLED = "cancelled"
    LATE = "late"


def closed(status: str, answers_until: datetime, now: datetime) -> Closed | None:
    """Return why a party takes no answer now, or None when it does."""
    if status == models.DRAFT:
        return Closed.DRAFT
    if status == models.CANCELLED:
        return Closed.CANCELLED
    if status == models.DONE or answers_until <= now:
        return Closed.LATE
    return None


def is_visible(  # noqa: PLR0913 - what it depends on
    *, visibility: str, status: str, is_hidden: bool, is_host: bool, is_guest: bool, is_staff: bool
) -> bool:
    """Whether somebody who has the link may see the party. Guests are those who answered or are invited."""
    if is_host or is_staff:
        return True
    if status == models.DRAFT:
        return False
    return is_guest or (visibility != models.PRIVATE and not is_hidden)


def shows_address(*, for_guests: bool, status: str | None, is_host: bool) -> bool:
    """Whether somebody whose answer has `status` is told where exactly the party is."""
    return is_host or not for_guests or status in models.SEATED


def needs_approval(*, approval: bool, is_invited: bool, was_approved: bool) -> bool:
    """Whether the host is asked before somebody gets a seat."""
    return approval and not is_invited and not was_approved


# -- the waiting list


@dataclass(frozen=True)
class Table:
    """What the waiting list must know of a party."""

    seats_taken: int
    number_seats: int
    status: str
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
        return closed(self.status, self.answers_until, now) is None


class Waiter(NamedTuple):
    """A group in line: `size` people, who would also come with `least`."""

    key: int
    size: int
    least: int
    resting: bool = False


class Why(Enum):
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


class Verdict(NamedTuple):
    """What the line's order means for one group: how many seats it is offered, and why so many or none."""

    key: int
    seats: int
    why: Why


def is_guarded(starts_at: datetime, now: datetime) -> bool:
    """Whether a large group is still not overtaken by smaller ones."""
    return starts_at - now > GUARD


def decide(queue: Iterable[Waiter], free: int, *, guarded: bool, table: int) -> list[Verdict]:
    """Return what each group in line is offered of `free` seats, first come first served.

    A group is offered all it wants, or what is free if it would come with that. While the line is `guarded`, seats
    that are too few for a group are kept for it; later they go to the first who fits. Who rests, or could never sit
    down at a table with `table` seats for guests, is in nobody's way.
    """
    verdicts, kept = [], False
    for waiter in queue:
        seats, why = 0, Why.OFFERED
        if waiter.resting:
            why = Why.RESTING
        elif waiter.least > table:
            why = Why.TOO_MANY
        elif free <= 0:
            why = Why.FULL
        elif kept:
            why = Why.BEHIND
        elif waiter.least > free:
            why, kept = Why.TOO_FEW, guarded
        else:
            seats = min(waiter.size, free)
            free -= seats
        verdicts.append(Verdict(waiter.key, seats, why))
    return verdicts


def for_guests(number_seats: int) -> int:
    """Return how many seats of a table guests can have: one is the host's."""
    return number_seats - 1


def offered_until(now: datetime, answers_until: datetime) -> datetime:
    """Return how long an offer made now may be claimed: 12 hours, but at most half of the time that is left.

    It lasts for half an hour at least, and never longer than answers are taken.
    """
    half = max((answers_until - now) / 2, SHORTEST_OFFER)
    return min(now + min(OFFER_LIFETIME, half), answers_until)
