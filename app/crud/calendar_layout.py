"""A list of rows with a moment as the month in which these lie."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from babel import dates
from flask_babel import get_locale

from app import clock
from app.i18n import formats, selectors

# More rows of a month are found by a filter.
MAX_ROWS = 300
WEEK = 7


@dataclass(frozen=True)
class Entry:
    """One row: its name, the time of the day, the URL of its page, and the tone of its state."""

    name: str
    time: str
    url: str | None
    tone: str = ""


@dataclass
class Day:
    """One day of the month; `weekday` counts from the first day of the reader's week."""

    date: date
    weekday: int
    name: str
    is_today: bool
    entries: list[Entry] = field(default_factory=list)


def this_month() -> date:
    """Return the first day of the month on the reader's clock."""
    return _today().replace(day=1)


def parse(text: str) -> date:
    """Return the first day of a month such as 2026-12."""
    return date.fromisoformat(f"{text}-01")


def other(month: date, step: int) -> date:
    """Return the month before (-1) or after (1)."""
    return (month.replace(day=15) + timedelta(days=30 * step)).replace(day=1)


def days(
    month: date, rows: Iterable[Any], moment: Callable[[Any], datetime | date], entry: Callable[[Any], Entry]
) -> list[Day]:
    """Return the days of a month with their rows, in order."""
    first, today = first_weekday(), _today()
    found: Mapping[date, Day] = {
        day: Day(day, (day.weekday() - first) % WEEK, formats.date(day), day == today)
        for number in range((other(month, 1) - month).days)
        for day in [month + timedelta(days=number)]
    }
    for row in rows:
        day = found.get(local_day(moment(row)))
        if day is not None:
            day.entries.append(entry(row))
    return list(found.values())


def local_day(moment: datetime | date) -> date:
    """Return the day of a moment on the reader's clock."""
    if not isinstance(moment, datetime):
        return moment
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(selectors.zone_info()).date()


def weekdays() -> list[str]:
    """Return the short names of the days of the reader's week."""
    names = dates.get_day_names("abbreviated", locale=get_locale())
    return [names[(first_weekday() + number) % WEEK] for number in range(WEEK)]


def name_of(month: date) -> str:
    """Return a month with its year."""
    return dates.format_skeleton("yMMMM", month, locale=get_locale())


def first_weekday() -> int:
    """Return the first day of the reader's week, counted from Monday."""
    locale = get_locale()
    return locale.first_week_day if locale is not None else 0


def _today() -> date:
    return clock.now().astimezone(selectors.zone_info()).date()
