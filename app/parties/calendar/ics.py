"""Dinners as iCalendar (RFC 5545) and as invitations between calendars (iTIP, RFC 5546).

A dinner keeps one UID for ever. Its SEQUENCE grows with each change that guests are told of, so that a calendar knows
the newer of two letters whichever comes first. Times are those of the dinner's own zone, which is sent along.
"""

from collections.abc import Iterable
from datetime import timedelta
from email.utils import parseaddr
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from icalendar import Calendar, Event, vCalAddress, vText, vUri

from app import clock
from app.http import public_url
from app.i18n.selectors import current_locale
from app.parties import location
from app.parties.enums import PartyStatus, RsvpStatus
from app.parties.location import Location
from app.parties.models import DinnerParty, Invitation, Rsvp

REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
# What a guest's own calendar says of them.
PARTICIPATION = {RsvpStatus.YES: "ACCEPTED", RsvpStatus.CHECKED_IN: "ACCEPTED", RsvpStatus.MAYBE: "TENTATIVE"}
# So much of a zone's history is sent along on both sides of the dinners.
ZONE_MARGIN = timedelta(days=366)
# Up to here a zone's clocks are described; nobody knows when they will be changed in a hundred years.
FORESEEABLE = timedelta(days=20 * 366)


def request(party: DinnerParty, guest: Rsvp | Invitation) -> str:
    """Return what puts `party` into the calendar of somebody who answered or is invited, or brings it up to date there."""
    return _text(REQUEST, [(party, _shows_address(party, guest))], guest=guest)


def cancellation(party: DinnerParty, guest: Rsvp | Invitation) -> str:
    """Return what takes `party` out of the calendar of somebody who answered or is invited."""
    return _text(CANCEL, [(party, _shows_address(party, guest))], guest=guest)


def published(parties: Iterable[tuple[DinnerParty, bool]]) -> str:
    """Return parties for somebody who looks at them, such as a calendar that subscribed to a feed.

    With each comes whether they are told its address.
    """
    return _text(PUBLISH, list(parties))


def uid(party: DinnerParty) -> str:
    """Return what a dinner is called in every calendar, for ever."""
    return f"dinner-{party.id}@{urlsplit(current_app.config['PUBLIC_URL']).hostname}"


def _text(method: str, parties: list[tuple[DinnerParty, bool]], guest: Rsvp | Invitation | None = None) -> str:
    calendar = Calendar()
    calendar.add("prodid", f"-//{current_app.config['APP_NAME']}//DinnerParty//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if method == PUBLISH:
        calendar.add("name", current_app.config["APP_NAME"])
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for party, with_address in parties:
        place = location.visible_location(party, with_address=with_address)
        calendar.add_component(_event(party, place, guest=guest, cancelled=method == CANCEL))
    foreseeable = [party.starts_at for party, _with_address in parties if party.starts_at < clock.now() + FORESEEABLE]
    if foreseeable:
        calendar.add_missing_timezones(
            first_date=(min(foreseeable) - ZONE_MARGIN).date(), last_date=(max(foreseeable) + ZONE_MARGIN).date()
        )
    return calendar.to_ical().decode()


def _event(party: DinnerParty, place: Location, *, guest: Rsvp | Invitation | None, cancelled: bool) -> Event:
    # Beyond what is foreseeable a moment is only known in UTC.
    zone = ZoneInfo(party.timezone if party.starts_at < clock.now() + FORESEEABLE else "UTC")
    event = Event()
    event.add("uid", uid(party))
    event.add("dtstamp", clock.now())
    event.add("sequence", party.ics_sequence)
    event.add("dtstart", party.starts_at.astimezone(zone))
    event.add("dtend", party.ends_at.astimezone(zone))
    event.add("summary", party.title, parameters={"LANGUAGE": current_locale().replace("_", "-")})
    event.add("description", _description(party))
    if place.venue or place.address:
        event.add("location", ", ".join(filter(None, (place.venue, place.address))))
    event.add("url", vUri(public_url("PartyView.show", slug=party.slug)))
    event.add("status", "CANCELLED" if cancelled or party.status == PartyStatus.CANCELLED else "CONFIRMED")
    if guest is not None:
        event.add("organizer", _organizer(party), encode=False)
        event.add("attendee", _attendee(guest), encode=False)
    return event


def _description(party: DinnerParty) -> str:
    host = _("Your host is %(host)s.", host=party.host.display_name)
    return "\n\n".join(filter(None, (party.main_dish, party.description, host)))


def _organizer(party: DinnerParty) -> vCalAddress:
    """Return the host by name and the site by address: replies come to us, and no guest learns the host's address."""
    organizer = vCalAddress(f"mailto:{parseaddr(str(current_app.config['MAIL_DEFAULT_SENDER']))[1]}")
    organizer.params["CN"] = vText(party.host.display_name)
    return organizer


def _shows_address(party: DinnerParty, guest: Rsvp | Invitation) -> bool:
    return location.shows_address(party, guest if isinstance(guest, Rsvp) else None)


def _attendee(guest: Rsvp | Invitation) -> vCalAddress:
    reader = (guest.member if isinstance(guest, Rsvp) else None) or guest
    attendee = vCalAddress(f"mailto:{reader.email}")
    attendee.params["CN"] = vText(guest.name or reader.email)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    status = PARTICIPATION.get(guest.status) if isinstance(guest, Rsvp) else None
    attendee.params["PARTSTAT"] = vText(status or "NEEDS-ACTION")
    attendee.params["RSVP"] = vText("FALSE")
    return attendee
