"""The rules of the table. Pure functions: facts in, decision out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple
from urllib.parse import urlsplit

from app.parties import models

# Answers that hold, or wait for, a seat and so may be withdrawn.
WITHDRAWABLE = (models.YES, models.OFFERED, models.WAITLISTED, models.AWAITING, models.MAYBE)
# Those a change or a cancellation must reach.
CONCERNED = (*WITHDRAWABLE, models.CHECKED_IN)
# Those who stand in line, or did until seats were offered to them.
IN_LINE = (models.WAITLISTED, models.OFFERED)
# Until so long before the start, a group too large for the free seats is not overtaken by a smaller one.
GUARD = timedelta(hours=48)
# When guests are checked in: from so long before the start until so long after the end.
DOORS_OPEN, DOORS_CLOSE = timedelta(hours=12), timedelta(hours=24)
# So long after its end a party is done.
DONE_AFTER = timedelta(hours=6)
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


def is_web_link(text: str) -> bool:
    """Whether `text` is an address on the web that a reader may be led to: by http, to a host, and as nobody."""
    if not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


class Invited(Enum):
    """What became of an invitation."""

    WAITING = "waiting"
    SENT = "sent"
    OPENED = "opened"
    REMINDED = "reminded"
    ANSWERED = "answered"
    REVOKED = "revoked"

    @classmethod
    def of(
        cls,
        *,
        sent_at: datetime | None,
        opened_at: datetime | None,
        reminded_at: datetime | None,
        revoked_at: datetime | None,
        is_answered: bool,
    ) -> "Invited":
        """Return the last that happened to an invitation; one that is taken back stays so, whatever was answered."""
        if revoked_at is not None:
            return cls.REVOKED
        if is_answered:
            return cls.ANSWERED
        if sent_at is None:
            return cls.WAITING
        if reminded_at is not None and (opened_at is None or reminded_at > opened_at):
            return cls.REMINDED
        return cls.SENT if opened_at is None else cls.OPENED


def needs_approval(*, approval: bool, is_invited: bool, was_approved: bool) -> bool:
    """Whether the host is asked before somebody gets a seat."""
    return approval and not is_invited and not was_approved


class Doors(Enum):
    """Whether guests are checked in now."""

    EARLY = "early"
    OPEN = "open"
    LATE = "late"


def doors(starts_at: datetime, ends_at: datetime, now: datetime) -> Doors:
    """Return whether the door of a party is open now."""
    if now < starts_at - DOORS_OPEN:
        return Doors.EARLY
    return Doors.LATE if now >= ends_at + DOORS_CLOSE else Doors.OPEN


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


# -- reminders


class Reminding(Enum):
    """How things stand with a reminder."""

    # There is no last day to answer that it could be counted from.
    NEVER = "never"
    TO_COME = "to come"
    DUE = "due"
    SENT = "sent"
    MISSED = "missed"


class Occasion(NamedTuple):
    """When a reminder goes out: at `due`, and not from `until` on, for then it would come too late."""

    due: datetime
    until: datetime


def occasion(kind: str, hours_before: int, starts_at: datetime, deadline: datetime | None) -> Occasion | None:
    """Return when a reminder goes out: so many hours before the start, or the last moment to answer, whatever it is now.

    Where the party was published or moved too late for that, or nobody could send it, it still goes out until half
    of these hours are over; later it is left out.
    """
    moment = starts_at if kind == models.BEFORE_START else deadline and min(deadline, starts_at)
    if moment is None:
        return None
    return Occasion(moment - timedelta(hours=hours_before), moment - timedelta(hours=hours_before) / 2)


def reminding(when: Occasion | None, sent_at: datetime | None, now: datetime) -> Reminding:
    """Return how things stand with a reminder. One that was sent before a date that is not the party's any more counts not."""
    if when is None:
        return Reminding.NEVER
    if sent_at is not None and sent_at >= when.due:
        return Reminding.SENT
    if now < when.due:
        return Reminding.TO_COME
    return Reminding.DUE if now < when.until else Reminding.MISSED
