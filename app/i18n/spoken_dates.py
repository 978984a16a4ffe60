"""Dates as people say them: with the weekday, the year only if it is another one, and "Madrid time" where that differs."""

import datetime as dt
import re

import flask_babel
from babel import dates
from flask import Flask
from flask_babel import gettext as _

from app import clock
from app.i18n import formats, selectors

# CLDR's pattern of weekday, day and month, whose weekday is short; and of a full hour.
WEEKDAY_DAY, WEEKDAY, FULL_HOUR = "MMMMEd", re.compile("E+"), "h"
# What is further away is counted in weeks, months or years once there are so many of them.
LEAST_OF_A_UNIT = 4


def init_app(app: Flask) -> None:
    """Add the filters to the templates of `app`."""
    app.jinja_env.filters.update(spoken=spoken, spoken_day=spoken_day, days_until=days_until)
    app.jinja_env.globals.update(spoken_span=spoken_span)


def spoken_day(moment: dt.datetime, zone: str | None = None) -> str:
    """Return the day of a moment in `zone` or the current time zone, such as "Saturday, December 5"."""
    return _day(formats.in_zone(moment, zone))


def spoken(moment: dt.datetime, zone: str | None = None) -> str:
    """Return day and time of a moment, such as "Saturday, December 5, 8 PM"."""
    local = formats.in_zone(moment, zone)
    pattern = str(dates.get_datetime_format("full", locale=flask_babel.get_locale()))
    (clocked,) = _clocks(local)
    return _with_place(pattern.replace("{0}", clocked).replace("{1}", _day(local)), local, zone)


def spoken_clock(moment: dt.datetime, zone: str | None = None) -> str:
    """Return the time of a moment, such as "8 PM"."""
    local = formats.in_zone(moment, zone)
    return _with_place(_clocks(local)[0], local, zone)


def spoken_span(start: dt.datetime, end: dt.datetime, zone: str | None = None) -> str:
    """Return when something takes place, such as "Saturday, December 5, from 8 PM to 11 PM"."""
    first, last = formats.in_zone(start, zone), formats.in_zone(end, zone)
    from_clock, to_clock = _clocks(first, last)
    if last - first >= dt.timedelta(days=1):
        text = _(
            "%(day)s, %(start)s, until %(end_day)s, %(end)s",
            day=_day(first),
            start=from_clock,
            end_day=_day(last),
            end=to_clock,
        )
    else:
        text = _("%(day)s, from %(start)s to %(end)s", day=_day(first), start=from_clock, end=to_clock)
    return _with_place(text, first, zone)


def days_until(moment: dt.datetime, zone: str | None = None) -> str:
    """Return how far away the day of a moment is, such as "tomorrow" or "in 9 days"."""
    days = (formats.in_zone(moment, zone).date() - formats.in_zone(clock.now(), zone).date()).days
    if days in {0, 1}:
        return _("tomorrow") if days else _("today")
    return dates.format_timedelta(
        dt.timedelta(days=days),
        granularity="day",
        threshold=LEAST_OF_A_UNIT,
        add_direction=True,
        locale=flask_babel.get_locale(),
    )


def _day(local: dt.datetime) -> str:
    locale = flask_babel.get_locale()
    skeleton = locale.datetime_skeletons.get(WEEKDAY_DAY)
    if skeleton is None or local.year != clock.now().astimezone(local.tzinfo).year:
        return dates.format_date(local, "full", locale=locale)
    return dates.format_date(local, WEEKDAY.sub("EEEE", skeleton.pattern), locale=locale)


def _clocks(*moments: dt.datetime) -> list[str]:
    """Return the times, without minutes where the clock has 12 hours and all are full hours."""
    locale = flask_babel.get_locale()
    has_12_hours = (selectors.hour_cycle() or _usual_cycle()) == "h12"
    if not has_12_hours or any(moment.minute for moment in moments):
        return [formats.clock_time(moment) for moment in moments]
    pattern = locale.datetime_skeletons[FULL_HOUR].pattern
    return [dates.format_time(moment, pattern, locale=locale) for moment in moments]


def _usual_cycle() -> str:
    return "h12" if "h" in str(dates.get_time_format("short", locale=flask_babel.get_locale())) else "h23"


def _with_place(text: str, local: dt.datetime, zone: str | None) -> str:
    if formats.is_on_clock_of_reader(local):
        return text
    city = formats.place(selectors.zone_info(zone).key)
    name = _("%(city)s time", city=city) if city else formats.utc_offset(local.utcoffset() or dt.timedelta())
    return f"{text} ({name})"
