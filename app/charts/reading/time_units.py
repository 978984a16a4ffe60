"""Parts of dates, as Vega-Lite names them: `yearmonth` rounds down, `month` repeats each year."""

import datetime as dt
from collections.abc import Callable

import flask_babel
from babel import Locale, dates
from flask import has_app_context

from app.charts.model import Value
from app.charts.reading import values
from app.charts.reading.notes import unknown
from app.i18n import selectors

# Those that round down, by how many of year, month, day, hour, minute and second they keep.
ROUNDED = {
    "year": 1,
    "yearmonth": 2,
    "yearmonthdate": 3,
    "yeardayofyear": 3,
    "yearmonthdatehours": 4,
    "yearmonthdatehoursminutes": 5,
    "yearmonthdatehoursminutesseconds": 6,
}
PARTS: dict[str, Callable[[dt.datetime], int]] = {
    "quarter": lambda moment: (moment.month + 2) // 3,
    "month": lambda moment: moment.month,
    "week": lambda moment: moment.isocalendar().week,
    "date": lambda moment: moment.day,
    "day": lambda moment: moment.weekday(),
    "dayofyear": lambda moment: moment.timetuple().tm_yday,
    "hours": lambda moment: moment.hour,
    "minutes": lambda moment: moment.minute,
    "seconds": lambda moment: moment.second,
}


def plain(unit: str) -> str:
    """Return a unit without what says in which zone it is. Raises CannotDrawError if it is not known."""
    name = unit.removeprefix("binned").removeprefix("utc")
    if name not in ROUNDED and name not in PARTS and name not in {"yearquarter", "yearweek"}:
        raise unknown(unit)
    return name


def is_repeated(unit: str) -> bool:
    """Whether the values of a unit come again: they are categories, in an order of their own."""
    return plain(unit) in PARTS


def local(value: object) -> dt.datetime | dt.date | None:
    """Return a moment in the reader's time zone, or a day."""
    found = values.from_milliseconds(value) if isinstance(value, int | float) else values.moment(value)
    # Outside a request, as in a command, there is no reader.
    return found.astimezone(selectors.zone_info()) if isinstance(found, dt.datetime) and has_app_context() else found


def rounded(value: object, unit: str) -> Value:
    """Return the beginning of the year, month ... of a value, or the number of its part."""
    name = plain(unit)
    found = local(value)
    if found is None:
        return None
    if name in PARTS:
        return PARTS[name](values.at_midnight(found))
    if name == "yearquarter":
        return dt.date(found.year, (found.month + 2) // 3 * 3 - 2, 1)
    if name == "yearweek":
        day = dt.date(found.year, found.month, found.day)
        return day - dt.timedelta(days=day.weekday())
    kept = ROUNDED[name]
    if kept <= 3:
        return dt.date(found.year, found.month if kept > 1 else 1, found.day if kept > 2 else 1)
    found = values.at_midnight(found)
    return found.replace(minute=found.minute if kept > 4 else 0, second=found.second if kept > 5 else 0, microsecond=0)


def part(value: object, unit: str) -> Value:
    """Return a part of a date as a number, for comparisons: its year, its month."""
    if plain(unit) == "year":
        found = local(value)
        return None if found is None else found.year
    return rounded(value, unit)


def label(number: int, unit: str) -> str:
    """Return how a part of a date is called."""
    name = plain(unit)
    locale = flask_babel.get_locale() or Locale("en")
    if name == "month":
        return dates.get_month_names("abbreviated", locale=locale)[number]
    if name == "day":
        return dates.get_day_names("abbreviated", locale=locale)[number]
    return f"{number:02}" if name in {"hours", "minutes", "seconds"} else str(number)


def rank(number: int, unit: str) -> int:
    """Return the place of a part among the others: weeks begin on another day in each country."""
    if plain(unit) != "day":
        return number
    return (number - (flask_babel.get_locale() or Locale("en")).first_week_day) % 7
