"""What calendars answer: iTIP replies (RFC 5546), as calendar programs write them. A pure function, from text to answer."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from icalendar import Calendar, Event

from app.address_key import address_key

# Replies repeat the event, with a description of up to a few thousand characters.
MAX_LENGTH, MAX_LINES = 50_000, 1000
MAX_SEQUENCE = 2**31 - 1
MAILTO = "mailto:"


class Wish(Enum):
    """What a guest chose in their calendar."""

    YES = "ACCEPTED"
    NO = "DECLINED"
    MAYBE = "TENTATIVE"
    # They propose another time, send somebody else, or ask for the event again: only the page of the party can help.
    OTHER = "OTHER"


@dataclass(frozen=True)
class Reply:
    """An answer from a calendar."""

    wish: Wish
    uid: str
    # Which version of the event is answered.
    sequence: int = 0
    # When the answer was given: a later one counts.
    written_at: datetime | None = None
    # The start of the event, as the guest saw it, if the calendar repeats it.
    starts_at: datetime | None = None
    comment: str = ""


def parse(content: str | bytes, email: str) -> Reply | None:
    """Return the answer of the guest with this e-mail address. None if it is none, or cannot be read.

    A reply is about one event and has one ATTENDEE. If it has more, the one with the address of the guest counts.
    """
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    if len(text) > MAX_LENGTH or text.count("\n") > MAX_LINES:
        return None
    try:
        calendar = Calendar.from_ical(text.lstrip("\ufeff").strip())
        return _read(calendar, address_key(email))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        # The parser raises any of these for what is no calendar object.
        return None


def _read(calendar: Any, email: str) -> Reply | None:
    events = [part for part in calendar.subcomponents if part.name.upper() != "VTIMEZONE"]
    if len(events) != 1 or not isinstance(events[0], Event):
        return None
    (event,) = events
    wish = _wish(_text(calendar, "METHOD").upper(), event, email)
    uid = _text(event, "UID")
    if wish is None or not uid:
        return None
    sequence = _text(event, "SEQUENCE")
    return Reply(
        wish,
        uid,
        sequence=min(int(sequence), MAX_SEQUENCE) if sequence.isascii() and sequence.isdigit() else 0,
        written_at=_moment(event, "DTSTAMP"),
        starts_at=_moment(event, "DTSTART"),
        comment=_text(event, "COMMENT"),
    )


def _wish(method: str, event: Event, email: str) -> Wish | None:
    if method in {"COUNTER", "REFRESH"}:
        return Wish.OTHER
    if method != "REPLY":
        return None
    attendee = _attendee(event, email)
    status = str(attendee.params.get("PARTSTAT", "")).upper() if attendee is not None else ""
    if status == "DELEGATED":
        return Wish.OTHER
    return next((wish for wish in (Wish.YES, Wish.NO, Wish.MAYBE) if wish.value == status), None)


def _attendee(event: Event, email: str) -> Any:
    """Return the ATTENDEE who answers. Calendars may know a guest by another address than the one that was invited."""
    attendees = _all(event, "ATTENDEE")
    if len(attendees) == 1:
        return attendees[0]
    own = [attendee for attendee in attendees if _address_key(attendee) == email]
    return own[0] if len(own) == 1 else None


def _address_key(attendee: Any) -> str:
    uri = str(attendee)
    return address_key(uri[len(MAILTO) :] if uri.lower().startswith(MAILTO) else uri)


def _all(component: Any, name: str) -> list[Any]:
    found = component.get(name, [])
    return found if isinstance(found, list) else [found]


def _text(component: Any, name: str) -> str:
    """Return the first value of a property; empty if there is none."""
    return next((str(value).strip() for value in _all(component, name)), "")


def _moment(event: Event, name: str) -> datetime | None:
    """Return a property as a moment; None if it is missing or broken, or a time without a zone."""
    value = None
    with suppress(ValueError, AttributeError):
        value = next((each.dt for each in _all(event, name)), None)
    return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo is not None else None
