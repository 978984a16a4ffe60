"""Questions to the database that charts may show: declared beside each feature, in its file `named_queries`.

Days and months are in UTC, as on the page of statistics.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import ColumnElement, and_

from app import clock
from app.charts.model import Column, Kind, Table, Value
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
class Series:
    """What a query counts in each month or day, the same for everybody who may ask.

    `last` gives the last periods, `count` what was counted in those from one to another, which may leave out some;
    `nothing` stands for these. Periods that are over for long are stored, so that nobody waits until years are counted.
    """

    last: Callable[[int], list[date]]
    count: Callable[[date, date], dict[date, Row]]
    nothing: Row
    most: int

    def rows(self, number: int) -> list[Row]:
        """Count in the last periods."""
        periods = self.last(number)
        found = self.count(periods[0], periods[-1])
        return [(period, *found.get(period, self.nothing)) for period in periods]


@dataclass(frozen=True)
class NamedQuery:
    """A question with a name. `read` gets the parameters in their order, and returns the rows of `columns`.

    `permission` is a pair of Flask-AppBuilder's (permission, view): all who have it get the same answer. Without one,
    each member is answered about what is theirs. `read` may raise ValueError with a localized text.
    """

    name: str
    title: Any
    columns: tuple[Column, ...]
    read: Callable[..., list[Row]]
    permission: tuple[str, str] | None
    parameters: tuple[Parameter, ...] = ()
    # What it answers if nothing but the number of periods, its first parameter, is chosen.
    series: Series | None = None
    # More rows are cut off.
    most: int = 1000
    # The list of what was counted: its URL by a row and the name of a column. Who may ask may see it, too.
    link: Callable[[Row, str], str] | None = None

    def table(self, rows: Sequence[Row], *, with_links: bool = False) -> Table:
        """Return rows with the titles of the columns in the language of the reader."""
        columns = tuple(replace(column, title=str(column.title)) for column in self.columns)
        shown, links = list(rows[: self.most]), {}
        if with_links and self.link is not None:
            numbers = [column.name for column in columns if column.kind is Kind.NUMBER]
            links = {name: [self.link(row, name) for row in shown] for name in numbers}
        return Table(columns, shown, is_cut=len(rows) > self.most, links=links)


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


def in_months(moment: Any, first: date, last: date) -> ColumnElement[bool]:
    """Return the condition that a moment is in the months from one to another."""
    return and_(moment >= midnight(first), moment < midnight(next_month(last)))


def on_days(moment: Any, first: date, last: date) -> ColumnElement[bool]:
    """Return the condition that a moment is on the days from one to another."""
    return and_(moment >= midnight(first), moment < midnight(last + timedelta(days=1)))


def monthly(count: Callable[[date, date], dict[date, Row]], nothing: Row) -> Series:
    """Return what is counted in each month."""
    return Series(last_months, count, nothing, MAX_MONTHS)


def daily(count: Callable[[date, date], dict[date, Row]], nothing: Row) -> Series:
    """Return what is counted on each day."""
    return Series(last_days, count, nothing, MAX_DAYS)


def list_url(endpoint: str, column: str, first: date, end: date, **filters: str) -> str:
    """Return the URL of a generated list of what is in the days from `first` to before `end`.

    `filters` are values by columns.
    """
    # The filters of moments: after the last second before, and before.
    chosen = {
        f"_flt_1_{column}": f"{midnight(first) - timedelta(seconds=1):%Y-%m-%dT%H:%M:%S}Z",
        f"_flt_2_{column}": f"{midnight(end):%Y-%m-%dT%H:%M:%S}Z",
        **{f"_flt_0_{name}": value for name, value in filters.items()},
    }
    return url_for(endpoint, **chosen)  # type: ignore[arg-type]
