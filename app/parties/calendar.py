"""Dinners as entries of a calendar (RFC 5545), each in its own time zone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from icalendar import Calendar, Event

from app import clock
from app.http import public_url
from app.i18n.selectors import is_timezone
from app.parties.models import DinnerParty

PRODUCT = "-//DinnerParty//DinnerParty//EN"
# The clocks of a zone are described up to here; nobody knows when they will be changed in a hundred years.
FORESEEABLE = timedelta(days=20 * 366)
DAY = timedelta(days=1)


def calendar(parties: Sequence[DinnerParty]) -> bytes:
    """Return a calendar of `parties`, with the zones they are in."""
    made = Calendar()
    made.add("prodid", PRODUCT)
    made.add("version", "2.0")
    for party in parties:
        made.add_component(_event(party))
    if parties:
        first, last = min(party.starts_at for party in parties), max(party.ends_at for party in parties)
        made.add_missing_timezones((first - DAY).date(), (min(last, _horizon()) + DAY).date())
    return made.to_ical()


def uid(party: DinnerParty) -> str:
    """Return what calendars know a dinner by, for ever."""
    return f"dinner-{party.id}@{urlsplit(current_app.config['PUBLIC_URL']).hostname}"


def _event(party: DinnerParty) -> Event:
    event = Event()
    event.add("uid", uid(party))
    event.add("dtstamp", clock.now())
    # Beyond what is foreseeable a moment is only known in UTC.
    zone = ZoneInfo(party.timezone if is_timezone(party.timezone) and party.ends_at < _horizon() else "UTC")
    event.add("dtstart", party.starts_at.astimezone(zone))
    event.add("dtend", party.ends_at.astimezone(zone))
    event.add("summary", party.title)
    event.add("location", ", ".join(filter(None, (party.venue, party.address))))
    event.add("description", "\n".join(filter(None, (party.main_dish, party.description))))
    event.add("url", public_url("PartyView.show", slug=party.slug))
    return event


def _horizon() -> datetime:
    return clock.now() + FORESEEABLE
