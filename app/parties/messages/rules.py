"""When reminders are sent. Pure functions: facts in, decision out."""

from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from app.parties.enums import ReminderKind

# -- reminders


class ReminderState(Enum):
    """How things stand with a reminder."""

    # There is no last day to answer that it could be counted from.
    NEVER = "never"
    TO_COME = "to come"
    DUE = "due"
    SENT = "sent"
    MISSED = "missed"


class SendWindow(NamedTuple):
    """When a reminder goes out: at `due`, and not from `until` on, for then it would come too late."""

    due: datetime
    until: datetime


def send_window(
    kind: ReminderKind, hours_before: int, starts_at: datetime, deadline: datetime | None
) -> SendWindow | None:
    """Return when a reminder goes out: so many hours before the start, or the last moment to answer, whatever it is now.

    Where the party was published or moved too late for that, or nobody could send it, it still goes out until half
    of these hours are over; later it is left out.
    """
    moment = starts_at if kind == ReminderKind.BEFORE_START else deadline and min(deadline, starts_at)
    if moment is None:
        return None
    return SendWindow(moment - timedelta(hours=hours_before), moment - timedelta(hours=hours_before) / 2)


def reminder_state(when: SendWindow | None, sent_at: datetime | None, now: datetime) -> ReminderState:
    """Return how things stand with a reminder. One that was sent before a date that is not the party's any more counts not."""
    if when is None:
        return ReminderState.NEVER
    if sent_at is not None and sent_at >= when.due:
        return ReminderState.SENT
    if now < when.due:
        return ReminderState.TO_COME
    return ReminderState.DUE if now < when.until else ReminderState.MISSED
