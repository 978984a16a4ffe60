"""What a value in an address or form means, as its reader types it. All functions raise ValueError for what means nothing."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from app import clock
from app.crud.fields import as_moment
from app.crud.filters import Period
from app.crud.list_arguments import UNTIL
from app.i18n import selectors

MAX_INTEGER = 2**63 - 1
# How exactly a moment in ISO 8601 is written.
WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ]\d\d:\d\d(?P<seconds>:\d\d(?P<fraction>\.\d+)?)?)?", re.ASCII)
TRUE, FALSE = {"1", "y", "yes", "true", "on"}, {"0", "n", "no", "false", "off"}


def integer(text: str) -> int:
    """Return a whole number that the database can hold."""
    found = int(text)
    if abs(found) > MAX_INTEGER:
        raise ValueError(text)
    return found


def number(text: str) -> Decimal:
    """Return a number."""
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise ValueError(text) from error
    if not found.is_finite():
        raise ValueError(text)
    return found


def boolean(text: str) -> bool:
    """Return yes or no."""
    if text.lower() not in TRUE | FALSE:
        raise ValueError(text)
    return text.lower() in TRUE


def moment(text: str) -> datetime:
    """Return the moment that `text`, in ISO 8601, means; without a zone it is the reader's."""
    read = datetime.fromisoformat(text)
    try:
        found = read.astimezone(UTC) if read.tzinfo else as_moment(read, selectors.zone_info())
    except OverflowError as error:
        raise ValueError(text) from error
    if found is None:
        raise ValueError(text)
    return found


def days_around(name: str) -> tuple[date, date] | None:
    """Return the first day of a named period and the day after it, as the reader's clock has them now."""
    today = clock.now().astimezone(selectors.zone_info()).date()
    week = today - timedelta(days=today.weekday())
    month = today.replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)
    day, seven = timedelta(days=1), timedelta(days=7)
    return {
        "today": (today, today + day),
        "this-week": (week, week + seven),
        "this-month": (month, next_month),
        "last-7-days": (today - seven + day, today + day),
        "last-30-days": (today - timedelta(days=29), today + day),
        "next-7-days": (today, today + seven),
        "next-30-days": (today, today + timedelta(days=30)),
    }.get(name)


def period(text: str) -> Period:
    """Return what `text` means to the reader: a named period, a day, or with a time as much as that leaves open."""
    days = days_around(text)
    if days:
        start, end = (datetime.combine(each, time(), selectors.zone_info()).astimezone(UTC) for each in days)
        return Period(start, end, is_day=True)
    written = WRITTEN.match(text)
    if written and written.end() == len(text) and not written["time"]:
        day = date.fromisoformat(text)
        start, end = (
            datetime.combine(each, time(), selectors.zone_info()).astimezone(UTC)
            for each in (day, day + timedelta(days=1))
        )
        return Period(start, end, is_day=True)
    if UNTIL in text:
        return _days(*text.split(UNTIL, 1))
    start = moment(text)
    if written is None or written["fraction"]:
        return Period(start, start + timedelta(microseconds=1))
    return Period(start, start + (timedelta(seconds=1) if written["seconds"] else timedelta(minutes=1)))


def _days(first: str, last: str) -> Period:
    """Return the period from one day to another; without one of them, it is open."""
    start = period(first).start if first else datetime.min.replace(tzinfo=UTC)
    end = period(last).end if last else datetime.max.replace(tzinfo=UTC)
    return Period(start, end, is_day=True)


READERS: tuple[tuple[str, Callable[[str], Any]], ...] = (
    ("is_boolean", boolean),
    ("is_integer", integer),
    ("is_float", number),
    ("is_numeric", number),
    ("is_date", date.fromisoformat),
)
