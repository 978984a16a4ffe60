"""Values of JSON as values of charts. Nothing raises: what cannot be shown becomes None or an empty text."""

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from flask import has_app_context

from app.charts.ends import ends
from app.charts.limits import MAX_LABEL, MAX_NUMBER
from app.charts.model import Kind, Value
from app.i18n import formats

# XML cannot hold these: control characters, halves of characters, and two that are none.
UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
MOMENT = re.compile(
    r"(\d{4})[-/](\d{1,2})(?:[-/](\d{1,2}))?"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?",
    re.ASCII,
)
# Any time zone may be applied to moments between them.
T = TypeVar("T")
NUMERIC = {int, float, Decimal}
FIRST_YEAR, LAST_YEAR = 2, 9998
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def text(value: object, limit: int = MAX_LABEL) -> str:
    """Return a scalar as a short text of one line. Lists, dictionaries and None are empty."""
    return " ".join(long_text(value, limit * 4).split())[:limit]


def long_text(value: object, limit: int) -> str:
    """Return a scalar as a text, with its lines."""
    if isinstance(value, str):
        return UNPRINTABLE.sub("", value[:limit])
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        known = number(value)
        if known is None:
            return ""
        return str(int(known)) if known.is_integer() else repr(known)
    if isinstance(value, dt.date):
        return formats.value(value) if has_app_context() else value.isoformat()
    return ""


def number(value: object) -> float | None:
    """Return a number, also one that is written as a text."""
    if isinstance(value, bool) or (isinstance(value, str) and (len(value) > 40 or "_" in value)):
        return None
    if not isinstance(value, int | float | Decimal | str):
        return None
    try:
        known = float(value)
    except (ValueError, OverflowError):
        return None
    return known if math.isfinite(known) and abs(known) < MAX_NUMBER else None


def whole(value: object) -> Value:
    """Return a number without the zero behind its point."""
    known = number(value)
    return int(known) if known is not None and known.is_integer() else known


def moment(value: object) -> dt.date | dt.datetime | None:
    """Return a day, or an aware moment. A moment without a time zone is in UTC."""
    if isinstance(value, dt.date):
        return _possible(value)
    found = MOMENT.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 40 else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        date = dt.date(int(year), int(month), int(day or 1))
        time = dt.time(int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0")))
        return _possible(date if hour is None else dt.datetime.combine(date, time, _offset(zone)))
    except ValueError:
        return None


def _offset(zone: str | None) -> dt.tzinfo:
    if zone in {None, "Z"}:
        return dt.UTC
    digits = str(zone)[1:].replace(":", "")
    distance = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return dt.timezone(-distance if str(zone)[0] == "-" else distance)


def _possible(value: dt.date) -> dt.date | None:
    """Return a day or an aware moment, if any time zone may be applied to it."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        return None
    if not isinstance(value, dt.datetime):
        return value
    return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)


def from_milliseconds(value: object) -> dt.date | None:
    """Return the moment that JavaScript counts in milliseconds."""
    known = number(value)
    try:
        return None if known is None else _possible(EPOCH + dt.timedelta(milliseconds=known))
    except OverflowError:
        return None


def kind(found: Iterable[object]) -> Kind:
    """Return what a column holds. Texts that are all dates are dates; texts that are all numbers stay texts."""
    known = [value for value in found if value is not None and value != ""]
    types = set(map(type, known))
    if not known:
        return Kind.TEXT
    if types == {bool}:
        return Kind.BOOLEAN
    if types <= NUMERIC:
        return Kind.NUMBER
    if types <= {dt.date, dt.datetime}:
        return Kind.MOMENT if dt.datetime in types else Kind.DATE
    # Most texts are none, which the first one tells.
    if moment(known[0]) is None or None in (moments := remembered(moment, known)):
        return Kind.TEXT
    return Kind.MOMENT if dt.datetime in set(map(type, moments)) else Kind.DATE


def column(found: Sequence[object], wanted: Kind) -> Sequence[Value]:
    """Return the values of a column of this kind. Those that are so already are shared."""
    if wanted is Kind.NUMBER:
        return found if are_plain(found) else remembered(whole, found)  # type: ignore[return-value]
    if wanted is Kind.BOOLEAN:
        return [value if isinstance(value, bool) else None for value in found]
    if wanted is Kind.TEXT:
        return remembered(lambda value: None if value is None else text(value), found)
    if _are_times(found, wanted):
        return list(found)  # type: ignore[arg-type]
    convert = _moment_of if wanted is Kind.MOMENT else moment
    # Two days are seldom the same: nothing is gained by remembering them.
    return [convert(value) for value in found]


def times(found: Sequence[object]) -> list[Value]:
    """Return each as a day or a moment. Numbers count milliseconds, as in JavaScript."""
    if _are_times(found, Kind.DATE) or _are_times(found, Kind.MOMENT):
        return list(found)  # type: ignore[arg-type]
    return remembered(
        lambda value: from_milliseconds(value) if isinstance(value, int | float) else moment(value), found
    )


def _are_times(found: Sequence[object], wanted: Kind) -> bool:
    """Whether all are days, or moments in UTC, that can be drawn as they are."""
    if set(map(type, found)) != {dt.datetime if wanted is Kind.MOMENT else dt.date}:
        return False
    if wanted is Kind.MOMENT and set(map(operator.attrgetter("tzinfo"), found)) != {dt.UTC}:
        return False
    lowest, highest = min(found), max(found)  # type: ignore[type-var]
    return lowest.year >= FIRST_YEAR and highest.year <= LAST_YEAR  # type: ignore[attr-defined]


def _moment_of(value: object) -> dt.datetime | None:
    known = moment(value)
    return None if known is None else at_midnight(known)


def are_plain(found: Sequence[object]) -> bool:
    """Whether all are numbers that can be drawn as they are."""
    known = ends(found)
    return known is not None and known[0] > -MAX_NUMBER and known[1] < MAX_NUMBER


def numbers(found: Sequence[object]) -> Sequence[float | None]:
    """Return each as a number. Lists that are numbers already are shared: nobody may change what is returned."""
    return found if are_plain(found) else remembered(number, found)  # type: ignore[return-value]


def remembered(convert: Callable[[object], T], found: Sequence[object]) -> list[T]:
    """Return each value converted. Values that come again are converted once."""
    # 1 and True are the same key, and a list or an object inside a cell is none.
    if {bool, list, dict}.isdisjoint(map(type, found)):
        known = {value: convert(value) for value in dict.fromkeys(found)}
        return [*map(known.__getitem__, found)]
    return [convert(value) for value in found]


def at_midnight(value: dt.date) -> dt.datetime:
    """Return the moment at which a day begins, or the moment itself."""
    if isinstance(value, dt.datetime):
        return value
    return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)


def alike(found: Sequence[object]) -> Sequence[Value]:
    """Return the values of an axis: all numbers, all days, all moments, or all texts."""
    if are_plain(found):
        return found  # type: ignore[return-value]
    known = [value for value in found if value is not None]
    if known and isinstance(known[0], dt.date):
        return column(found, kind(known))
    if known and number(known[0]) is not None and None not in remembered(number, known):
        return remembered(whole, found)
    wanted = kind(known)
    return column(found, Kind.TEXT if wanted in {Kind.BOOLEAN, Kind.NUMBER} else wanted)


def mapping(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one for what is none."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> Sequence[object]:
    """Return a JSON array, or an empty one for what is none."""
    return value if isinstance(value, list | tuple) else []


def link(value: object) -> str:
    """Return a link of this site or with http, or nothing."""
    known = text(value, 2000).strip()
    # Browsers skip these while they read an address.
    if "\\" in known or re.search(r"\s", known):
        return ""
    if re.match(r"https?://[^/]", known, re.IGNORECASE):
        return known
    return known if known.startswith("/") and not known.startswith("//") else ""
