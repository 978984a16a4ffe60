"""Links that add a party to a calendar on the web, in one click."""

from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from app.http import public_url
from app.parties.location import Location
from app.parties.models import DinnerParty

MAX_DESCRIPTION = 1000


class CalendarLink(NamedTuple):
    name: str
    url: str


def links(party: DinnerParty, where: Location) -> list[CalendarLink]:
    """Return the links for a party, with as much of the location as the reader sees."""
    place = ", ".join(filter(None, (where.venue, where.address)))
    page = public_url("PartyView.show", slug=party.slug)
    details = "\n\n".join(filter(None, (party.description[:MAX_DESCRIPTION], page)))
    google = {
        "action": "TEMPLATE",
        "text": party.title,
        "dates": f"{_basic(party.starts_at)}/{_basic(party.ends_at)}",
        "ctz": party.timezone,
        "details": details,
        "location": place,
    }
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": party.title,
        "startdt": _extended(party.starts_at),
        "enddt": _extended(party.ends_at),
        "body": details,
        "location": place,
    }
    return [
        CalendarLink("Google", f"https://calendar.google.com/calendar/render?{urlencode(google)}"),
        CalendarLink("Outlook", f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}"),
    ]


def _basic(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _extended(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
