"""Formats dates, times and values in the current language and time zone. Templates have filters of the same names."""

import datetime as dt
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum, StrEnum
from functools import singledispatch
from typing import Literal

import flask_babel
from babel import dates, lists, numbers
from flask import Flask
from flask_babel import gettext as _

from app.i18n import selectors

Width = Literal["short", "medium", "long", "full"]
NOTHING = "\N{EM DASH}"


def init_app(app: Flask) -> None:
    """Add the filters to the templates of `app`."""
    app.jinja_env.filters.update(date_time=date_time, date=date, time=time, value=value)


def date_time(moment: dt.datetime, zone: str | None = None, width: Width = "medium") -> str:
    """Return date and time of an aware moment (a naive one is UTC), in `zone` or the current time zone.

    The name of the zone is added if its UTC offset differs from the current zone's at that moment.
    """
    local = _in_zone(moment, zone)
    locale = flask_babel.get_locale()
    pattern = str(dates.get_datetime_format(width, locale=locale))
    day = dates.format_date(local, width, locale=locale)
    return _with_zone(pattern.replace("{0}", _clock(local)).replace("{1}", day), local)


def date(moment: dt.date, zone: str | None = None, width: Width = "full") -> str:
    """Format the date of a datetime in `zone` or the current time zone, or a plain date."""
    local = _in_zone(moment, zone) if isinstance(moment, dt.datetime) else moment
    return dates.format_date(local, width, locale=flask_babel.get_locale())


def time(moment: dt.datetime | dt.time, zone: str | None = None) -> str:
    """Format the time of a datetime, with its zone as in `date_time`, or a plain time."""
    if isinstance(moment, dt.time):
        return _clock(moment)
    local = _in_zone(moment, zone)
    return _with_zone(_clock(local), local)


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
def _fraction(thing: float | Decimal) -> str:
    return numbers.format_decimal(thing, locale=flask_babel.get_locale())


@value.register
def _several(thing: Sequence | AbstractSet) -> str:  # type: ignore[type-arg]
    return lists.format_list([value(item) for item in thing], locale=flask_babel.get_locale()) or NOTHING


def _in_zone(moment: dt.datetime, zone: str | None) -> dt.datetime:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return aware.astimezone(selectors.zone_info(zone))


def _clock(local: dt.datetime | dt.time) -> str:
    return dates.format_time(local, "short", locale=flask_babel.get_locale())


def _with_zone(text: str, local: dt.datetime) -> str:
    if local.utcoffset() == local.astimezone(selectors.zone_info()).utcoffset():
        return text
    name = dates.get_timezone_name(local, width="long", locale=flask_babel.get_locale())
    return f"{text} ({name})"
