"""Questions to the database that charts may show: declared beside each feature, in its file `named_queries`.

Days and months are in UTC, as on the page of statistics.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask_babel import gettext, lazy_gettext

from app import clock
from app.charts.model import Column, Table, Value
from app.http import parse_int

Row = tuple[Value, ...]
MAX_MONTHS, MAX_DAYS, MAX_TEXT = 60, 366, 120


@dataclass(frozen=True)
class Parameter:
    """What a query may be asked with. `read` makes a value of what was typed, or raises ValueError with a localized text."""

    name: str
    title: Any
    default: Any
    read: Callable[[str], Any]


@dataclass(frozen=True)
class NamedQuery:
    """A question with a name. `read` gets the parameters by name, and returns the rows of `columns`.

    `permission` is a pair of Flask-AppBuilder's (permission, view): all who have it get the same answer. Without one,
    each member is answered about what is theirs. `read` may raise ValueError with a localized text.
    """

    name: str
    title: Any
    columns: tuple[Column, ...]
    read: Callable[..., list[Row]]
    permission: tuple[str, str] | None
    parameters: tuple[Parameter, ...] = ()
    # More rows are cut off.
    most: int = 1000

    def table(self, rows: Sequence[Row]) -> Table:
        """Return rows with the titles of the columns in the language of the reader."""
        columns = tuple(replace(column, title=str(column.title)) for column in self.columns)
        return Table(columns, list(rows[: self.most]), is_cut=len(rows) > self.most)


QUERIES: dict[str, NamedQuery] = {}


def declare(query: NamedQuery) -> NamedQuery:
    """Add a query. Raises ValueError if there is one of this name."""
    if query.name in QUERIES:
        raise ValueError(f"There is a query {query.name!r} already.")
    QUERIES[query.name] = query
    return query


# -- parameters


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return what reads a number from `least` to `most`."""

    def read(text: str) -> int:
        number = parse_int(text.strip(), most)
        if number is None or number < least:
            raise ValueError(gettext("Enter a whole number from %(least)d to %(most)d.", least=least, most=most))
        return number

    return read


def short_text(text: str) -> str:
    """Read a name, such as that of a member in a URL."""
    if len(text) > MAX_TEXT or not text.isprintable():
        raise ValueError(gettext("Enter a name of at most %(most)d characters.", most=MAX_TEXT))
    return text.strip()


MONTHS = Parameter("months", lazy_gettext("Months"), 12, whole_number(1, MAX_MONTHS))
DAYS = Parameter("days", lazy_gettext("Days"), 30, whole_number(1, MAX_DAYS))


# -- periods


def last_months(count: int) -> list[date]:
    """Return the first days of the last months, including the current one, the earliest first."""
    today = clock.now().date()
    numbers = range(today.year * 12 + today.month - count, today.year * 12 + today.month)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def last_days(count: int) -> list[date]:
    """Return the last days, including today, the earliest first."""
    today = clock.now().date()
    return [today - timedelta(days=back) for back in range(count - 1, -1, -1)]


def midnight(day: date) -> datetime:
    """Return when a day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def next_month(day: date) -> date:
    """Return the first day of the month after `day`."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def each_period(periods: Iterable[date], found: Mapping[date, Row], nothing: Row) -> list[Row]:
    """Return a row for each period, also for those of which nothing was found."""
    return [(period, *found.get(period, nothing)) for period in periods]
