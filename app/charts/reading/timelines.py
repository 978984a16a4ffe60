"""Events in their order, as TimelineJS has them."""

import datetime as dt
import html
import re
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from app.charts.limits import MAX_EVENTS
from app.charts.model import Chart, Event, Timeline
from app.charts.reading import values
from app.charts.reading.notes import CannotDrawError, Notes, nothing

TAG = re.compile(r"<[^<>]*>")
PARTS = (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))


def draw(payload: object, notes: Notes) -> Chart:
    """Return the events of `{"events": [...]}`, or of a list of them."""
    found = values.sequence(values.mapping(payload).get("events", payload))
    if not found:
        raise nothing()
    events = [_event(values.mapping(each), notes) for each in found]
    return timeline([event for event in events if event is not None], notes)


def timeline(events: Sequence[Event], notes: Notes) -> Timeline:
    """Return events by their start, and no end before it."""
    if not events:
        raise CannotDrawError(_("A timeline needs dates, and its data has none."))
    ordered = sorted(events, key=lambda event: values.at_midnight(event.start))
    return Timeline(list(notes.first([_with_end(event) for event in ordered], MAX_EVENTS)))


def _with_end(event: Event) -> Event:
    if event.end is None or values.at_midnight(event.end) > values.at_midnight(event.start):
        return event
    return Event(event.title, event.start, None, event.text, event.url)


def _event(each: Mapping[str, object], notes: Notes) -> Event | None:
    start = _date(each, "start_date", "start", "date")
    words = values.mapping(each.get("text"))
    headline = words.get("headline", each.get("title", each.get("name")))
    if start is None:
        notes.say(_("Events without a readable date are left out."))
        return None
    said = words.get("text") if words else each.get("text", each.get("description"))
    return Event(
        plain(headline), start, _date(each, "end_date", "end"), plain(said, 1000), values.link(each.get("url"))
    )


def plain(written: object, limit: int = 200) -> str:
    """Return a text without the tags of its HTML."""
    return values.text(html.unescape(TAG.sub(" ", values.long_text(written, 5000))), limit)


def _date(each: Mapping[str, object], *names: str) -> dt.date | dt.datetime | None:
    value = next((each[name] for name in names if each.get(name)), None)
    if not isinstance(value, Mapping):
        year = values.number(value)
        return values.moment(f"{int(year):04}-01-01" if year is not None and 0 < year < 10_000 else value)
    parts = [values.number(value.get(name) or least) for name, least in PARTS]
    if any(part is None for part in parts):
        return None
    try:
        found = dt.datetime(*(int(part) for part in parts if part is not None), tzinfo=dt.UTC)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        return None
    return values.moment(found if value.get("hour") else found.date())
