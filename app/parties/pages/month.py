"""A month of public dinners. Each stands on the day and at the time of its place, whoever reads it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement

from app.crud import calendar_layout
from app.crud.calendar_layout import Entry
from app.i18n import formats, spoken_dates
from app.parties import queries
from app.parties.models import DinnerParty
from app.parties.pages import search

# Dinners that have begun are in no month, and few are planned for later.
MAX_MONTHS = 24
# A day begins and ends elsewhere as many hours earlier or later.
ELSEWHERE = timedelta(hours=15)


def parse(text: str) -> date | None:
    """Return the first day of a month such as 2026-12 that has dinners to come, or None."""
    try:
        month = calendar_layout.parse(text)
    except ValueError:
        return None
    first = calendar_layout.this_month()
    return month if 0 <= _months_between(first, month) <= MAX_MONTHS else None


def context(month: date, conditions: Iterable[ColumnElement[bool]]) -> dict[str, Any]:
    """Return what the page of a month shows."""
    start, end = (datetime.combine(day, time(), UTC) for day in (month, calendar_layout.other(month, 1)))
    limit = calendar_layout.MAX_ROWS
    parties = queries.public_between(start - ELSEWHERE, end + ELSEWHERE, limit + 1, conditions)
    days = calendar_layout.days(month, parties[:limit], _day, _entry)
    number = _months_between(calendar_layout.this_month(), month)
    return {
        "month": f"{month:%Y-%m}",
        "days": days,
        "month_name": calendar_layout.name_of(month),
        "weekdays": calendar_layout.weekdays(),
        "is_capped": len(parties) > limit,
        "previous_url": _url(calendar_layout.other(month, -1)) if number else None,
        "today_url": _url(calendar_layout.this_month()),
        "next_url": _url(calendar_layout.other(month, 1)) if number < MAX_MONTHS else None,
        "list_url": _url(None),
    }


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month


def _url(month: date | None) -> str:
    """Return the URL of another month, or of the list, with what the reader looks for."""
    wanted: dict[str, Any] = {name: request.args[name] for name in sorted(search.NAMES) if request.args.get(name)}
    return url_for("PartyView.list", **wanted, month=month and f"{month:%Y-%m}")


def _day(party: DinnerParty) -> date:
    return formats.in_zone(party.starts_at, party.timezone).date()


def _entry(party: DinnerParty) -> Entry:
    when = spoken_dates.spoken_clock(party.starts_at, party.timezone)
    return Entry(
        party.title,
        " · ".join([when, _("Fully booked")]) if party.is_full else when,
        url_for("PartyView.show", slug=party.slug),
        "warning" if party.is_full else "good",
    )
