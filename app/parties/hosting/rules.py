"""What the form of a new party proposes. Pure functions without a database."""

from datetime import datetime, time, timedelta

SATURDAY = 5
EVENING = time(19)
# Guests need some days to make up their minds.
LEAST_NOTICE = timedelta(days=5)


def proposed_start(local_now: datetime) -> datetime:
    """Return a Saturday evening in some days, on the same clock as `local_now`."""
    first = (local_now + LEAST_NOTICE).date()
    day = first + timedelta(days=(SATURDAY - first.weekday()) % 7)
    return datetime.combine(day, EVENING)
