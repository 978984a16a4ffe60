"""When guests can be checked in."""

from datetime import datetime, timedelta
from enum import Enum

# When guests are checked in: from so long before the start until so long after the end.
OPENS_BEFORE, CLOSES_AFTER = timedelta(hours=12), timedelta(hours=24)


class CheckInWindow(Enum):
    """Whether guests are checked in now."""

    EARLY = "early"
    OPEN = "open"
    LATE = "late"


def check_in_window(starts_at: datetime, ends_at: datetime, now: datetime) -> CheckInWindow:
    """Return whether the door of a party is open now."""
    if now < starts_at - OPENS_BEFORE:
        return CheckInWindow.EARLY
    return CheckInWindow.LATE if now >= ends_at + CLOSES_AFTER else CheckInWindow.OPEN
