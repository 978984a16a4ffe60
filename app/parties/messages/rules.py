"""When reminders are sent. Pure functions without a database."""

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from app.parties.enums import ReminderKind

# The hours of the units in which hosts read and write how long before a reminder is sent.
HOUR, DAY, WEEK = 1, 24, 7 * 24


def in_units(hours: int) -> tuple[int, int]:
    """Return `hours` as a number of the largest unit that has no remainder, and that unit."""
    unit = next(unit for unit in (WEEK, DAY, HOUR) if hours % unit == 0)
    return hours // unit, unit


class ReminderState(Enum):
    """The state of a reminder."""

    # The party has no answer deadline.
    NEVER = "never"
    TO_COME = "to come"
    DUE = "due"
    SENT = "sent"
    MISSED = "missed"


class SendWindow(NamedTuple):
    """A reminder is sent from `due` on, and before `until`: later it would be too late."""

    due: datetime
    until: datetime


def send_window(
    kind: ReminderKind, hours_before: int, starts_at: datetime, deadline: datetime | None
) -> SendWindow | None:
    """Return when a reminder is sent: `hours_before` the start or the deadline. None if there is no deadline.

    A reminder that was not sent in time, because the party was published or moved too late, is still sent until half of
    these hours are over. Later it is skipped.
    """
    reference = starts_at if kind == ReminderKind.BEFORE_START else deadline and min(deadline, starts_at)
    if reference is None:
        return None
    return SendWindow(reference - timedelta(hours=hours_before), reference - timedelta(hours=hours_before) / 2)


def reminder_state(when: SendWindow | None, sent_at: datetime | None, now: datetime) -> ReminderState:
    """Return the state of a reminder. One that was sent for an earlier date of the party does not count as sent."""
    if when is None:
        return ReminderState.NEVER
    if sent_at is not None and sent_at >= when.due:
        return ReminderState.SENT
    if now < when.due:
        return ReminderState.TO_COME
    return ReminderState.DUE if now < when.until else ReminderState.MISSED
