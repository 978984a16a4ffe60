"""The dates of a series, on the calendar of its place: when that is in UTC is another matter."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice, takewhile

from app.parties.enums import SeriesFrequency

# Dates of a series, the first one included.
MAX_DATES = 52
# Nobody plans further ahead, and a month without a fifth Friday must not be looked for forever.
MAX_MONTHS = 12 * 52
WEEK = 7


def dates(
    first: date, frequency: str, every: int, *, until: date | None = None, number: int | None = None
) -> list[date]:
    """Return the dates of a series, `first` included: at most `number`, none after `until`, and never over MAX_DATES."""
    following = _weekly(first, every) if frequency == SeriesFrequency.WEEKLY else _monthly(first, frequency, every)
    in_time = takewhile(lambda day: until is None or day <= until, following)
    return list(islice(in_time, min(number or MAX_DATES, MAX_DATES)))


def is_last_of_month(day: date) -> bool:
    """Whether `day` is the last of its weekday in its month."""
    return day.day + WEEK > monthrange(day.year, day.month)[1]


def _weekly(first: date, every: int) -> Iterator[date]:
    possible = (date.max - first).days // (WEEK * every) + 1
    return (first + timedelta(weeks=every * number) for number in range(min(possible, MAX_DATES)))


def _monthly(first: date, frequency: str, every: int) -> Iterator[date]:
    """Yield the same weekday of each month: the same in number, or the last one. A month without a fifth one has none."""
    which = None if frequency == SeriesFrequency.MONTHLY_LAST else (first.day - 1) // WEEK
    for number in range(0, MAX_MONTHS, every):
        year, month = divmod(first.year * 12 + first.month - 1 + number, 12)
        found = _weekday_of_month(year, month + 1, first.weekday(), which) if year <= date.max.year else None
        if found is not None:
            yield found


def _weekday_of_month(year: int, month: int, weekday: int, which: int | None) -> date | None:
    """Return the day of a month that is the `which`th such weekday, counted from 0; None stands for the last one."""
    starts_with, length = monthrange(year, month)
    days = range(1 + (weekday - starts_with) % WEEK, length + 1, WEEK)
    if which is None:
        return date(year, month, days[-1])
    return date(year, month, days[which]) if which < len(days) else None
