"""Formats dates, times and values in the current language and time zone. Templates have filters of the same names."""

import datetime as dt
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum, StrEnum
from functools import lru_cache, singledispatch, wraps
from typing import Literal, ParamSpec
from zoneinfo import ZoneInfo

import flask_babel
from babel import dates, lists, numbers
from flask import Flask
from flask_babel import gettext as _

from app.i18n import selectors

Width = Literal["short", "medium", "long", "full"]
NOTHING = "\N{EM DASH}"
# CLDR's names of the patterns with hour and minute.
SKELETONS = {"h23": "Hm", "h12": "hm"}
# Moments of each function.
REMEMBERED = 2048
P = ParamSpec("P")


def init_app(app: Flask) -> None:
    """Add the filters to the templates of `app`."""
    app.jinja_env.filters.update(date_time=date_time, date=date, time=time, value=value, number=number)
    app.jinja_env.globals.update(planned_time=planned_time, place=place)


def _remembered(function: Callable[P, str]) -> Callable[P, str]:
    """Have a function remember what it has written for readers of one kind: a list shows few moments many times."""

    @lru_cache(maxsize=REMEMBERED)
    def write(_reader: selectors.Reader, *arguments: P.args, **options: P.kwargs) -> str:
        return function(*arguments, **options)

    @wraps(function)
    def remember(*arguments: P.args, **options: P.kwargs) -> str:
        return write(selectors.reader(), *arguments, **options)  # type: ignore[arg-type]

    return remember


@_remembered
def date_time(moment: dt.datetime, zone: str | None = None, width: Width = "medium") -> str:
    """Return date and time of an aware moment (a naive one is UTC), in `zone` or the current time zone.

    The zone is named if the reader's is not known, or has another UTC offset at that moment.
    """
    local = in_zone(moment, zone)
    return _with_zone(_date_and_clock(local, width), local, zone)


@_remembered
def planned_time(local: dt.datetime, offset: dt.timedelta, zone: str, width: Width = "full") -> str:
    """Return date and time of a local time, always with its zone, whatever offset the zone has by now."""
    local = local.replace(tzinfo=dt.timezone(offset))
    return _named(_date_and_clock(local, width), local, zone)


@_remembered
def date(moment: dt.date, zone: str | None = None, width: Width = "full") -> str:
    """Format the date of a datetime in `zone` or the current time zone, or a plain date."""
    local = in_zone(moment, zone) if isinstance(moment, dt.datetime) else moment
    return dates.format_date(local, width, locale=flask_babel.get_locale())


@_remembered
def time(moment: dt.datetime | dt.time, zone: str | None = None) -> str:
    """Format the time of a datetime, with its zone as in `date_time`, or a plain time."""
    if isinstance(moment, dt.time):
        return clock_time(moment)
    local = in_zone(moment, zone)
    return _with_zone(clock_time(local), local, zone)


def place(zone: str) -> str:
    """Return the city of a time zone in the current language; an empty text for zones that have none."""
    return _place(zone, str(flask_babel.get_locale()))


@singledispatch
def value(thing: object) -> str:
    """Format any value for display: None is a dash, a boolean is Yes or No."""
    return str(thing)


@value.register
def _nothing(_thing: None) -> str:
    return NOTHING


@value.register
def _text(thing: str) -> str:
    return thing or NOTHING


@value.register
def _boolean(thing: bool) -> str:  # noqa: FBT001 - it is what is formatted
    return str(_("Yes") if thing else _("No"))


@value.register(StrEnum)
@value.register
def _enumeration(thing: Enum) -> str:
    """Return the `label` of a member of an enumeration, or else its value."""
    return str(getattr(thing, "label", thing.value))


value.register(dt.datetime, date_time)


@value.register
def _day(thing: dt.date) -> str:
    return date(thing, width="medium")


value.register(dt.time, time)


@value.register
def _duration(thing: dt.timedelta) -> str:
    return dates.format_timedelta(thing, threshold=2, locale=flask_babel.get_locale())


@value.register
def number(thing: float | Decimal) -> str:
    """Return a number as it is written in the current language."""
    return numbers.format_decimal(thing, locale=flask_babel.get_locale())


@value.register
def _several(thing: Sequence | AbstractSet) -> str:  # type: ignore[type-arg]
    return lists.format_list([value(item) for item in thing], locale=flask_babel.get_locale()) or NOTHING


def in_zone(moment: dt.datetime, zone: str | None) -> dt.datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(selectors.zone_info(zone))


def clock_time(local: dt.datetime | dt.time) -> str:
    locale = flask_babel.get_locale()
    skeleton = SKELETONS.get(selectors.hour_cycle() or "")
    pattern = locale.datetime_skeletons[skeleton].pattern if skeleton else "short"
    return dates.format_time(local, pattern, locale=locale)


def _date_and_clock(local: dt.datetime, width: Width) -> str:
    locale = flask_babel.get_locale()
    pattern = str(dates.get_datetime_format(width, locale=locale))
    return pattern.replace("{0}", clock_time(local)).replace("{1}", dates.format_date(local, width, locale=locale))


def _with_zone(text: str, local: dt.datetime, zone: str | None) -> str:
    return text if is_on_clock_of_reader(local) else _named(text, local, selectors.zone_info(zone).key)


def is_on_clock_of_reader(local: dt.datetime) -> bool:
    """Whether the reader's clock is known, and shows the same at that moment."""
    own = local.astimezone(selectors.zone_info())
    return selectors.known_timezone() is not None and local.utcoffset() == own.utcoffset()


def _named(text: str, local: dt.datetime, zone: str) -> str:
    """Add the place and its UTC offset. Names such as "Irish Standard Time" are often wrong, and few people know them."""
    offset = utc_offset(local.utcoffset() or dt.timedelta())
    city = place(zone)
    name = _("%(city)s, %(offset)s", city=city, offset=offset) if city else offset
    return f"{text} ({name})"


def utc_offset(offset: dt.timedelta) -> str:
    """Return an offset as people write it, such as UTC+5:30."""
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    if not minutes:
        return "UTC"
    return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


@lru_cache(maxsize=2048)
def _place(zone: str, locale: str) -> str:
    if "/" not in zone or zone.startswith("Etc/"):
        return ""
    # Given the name, Babel would look for the zone in pytz.
    return dates.get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)
