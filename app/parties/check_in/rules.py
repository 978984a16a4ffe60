"""When guests can be checked in."""

from datetime import datetime, timedelta
from enum import Enum

# Check-in is open from this long before the start until this long after the end.
OPENS_BEFORE, CLOSES_AFTER = timedelta(hours=12), timedelta(hours=24)


class CheckInWindow(Enum):
    """Whether check-in is open."""

    EARLY = "early"
    OPEN = "open"
    LATE = "late"


def check_in_window(starts_at: datetime, ends_at: datetime, now: datetime) -> CheckInWindow:
    """Return whether check-in of a party is open at `now`."""
    if now < starts_at - OPENS_BEFORE:
        return CheckInWindow.EARLY
    return CheckInWindow.LATE if now >= ends_at + CLOSES_AFTER else CheckInWindow.OPEN
