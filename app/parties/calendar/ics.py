"""Parties as iCalendar objects (RFC 5545) and iTIP messages (RFC 5546).

A party keeps its UID. Its SEQUENCE counts the changes that guests are notified of, so that a calendar recognises the
newer of two e-mails. Times are in the time zone of the party, whose definition (VTIMEZONE) is included.
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
# PARTSTAT of the guest. The appointment is in the calendars of guests with these RSVPs.
PARTICIPATION = {RsvpStatus.YES: "ACCEPTED", RsvpStatus.CHECKED_IN: "ACCEPTED", RsvpStatus.MAYBE: "TENTATIVE"}
# The time zone is defined for this long before the first and after the last party.
ZONE_MARGIN = timedelta(days=366)
# Parties further ahead are in UTC, because their time zone may change until then.
FORESEEABLE = timedelta(days=20 * 366)


def request(party: DinnerParty, guest: Rsvp | Invitation) -> str:
    """Return a request, which adds the party to the guest's calendar or updates it there."""
    return _calendar(REQUEST, [(party, _shows_address(party, guest))], guest=guest)


def cancellation(party: DinnerParty, guest: Rsvp | Invitation) -> str:
    """Return a cancellation, which removes the party from the guest's calendar."""
    return _calendar(CANCEL, [(party, _shows_address(party, guest))], guest=guest)


def published(parties: Iterable[tuple[DinnerParty, bool]]) -> str:
    """Return parties for a download or a feed. With each comes whether the reader sees its postal address."""
    return _calendar(PUBLISH, list(parties))


def uid(party: DinnerParty) -> str:
    """Return the UID of a party, which never changes."""
    return uid_of(party.id)


def uid_of(party_id: int | None) -> str:
    """Return the UID of the party with this key."""
    return f"dinner-{party_id}@{urlsplit(current_app.config['PUBLIC_URL']).hostname}"


def _calendar(method: str, parties: list[tuple[DinnerParty, bool]], guest: Rsvp | Invitation | None = None) -> str:
    calendar = Calendar()
    calendar.add("prodid", f"-//{current_app.config['APP_NAME']}//DinnerParty//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    if method == PUBLISH:
        calendar.add("name", current_app.config["APP_NAME"])
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for party, with_address in parties:
        visible = location.visible_location(party, with_address=with_address)
        calendar.add_component(_event(party, visible, guest=guest, cancelled=method == CANCEL))
    foreseeable = [party.starts_at for party, _with_address in parties if party.starts_at < clock.now() + FORESEEABLE]
    if foreseeable:
        calendar.add_missing_timezones(
            first_date=(min(foreseeable) - ZONE_MARGIN).date(), last_date=(max(foreseeable) + ZONE_MARGIN).date()
        )
    return calendar.to_ical().decode()


def _event(party: DinnerParty, visible: Location, *, guest: Rsvp | Invitation | None, cancelled: bool) -> Event:
    zone = ZoneInfo(party.timezone if party.starts_at < clock.now() + FORESEEABLE else "UTC")
    event = Event()
    event.add("uid", uid(party))
    event.add("dtstamp", clock.now())
    event.add("sequence", party.ics_sequence)
    event.add("dtstart", party.starts_at.astimezone(zone))
    event.add("dtend", party.ends_at.astimezone(zone))
    event.add("summary", party.title, parameters={"LANGUAGE": current_locale().replace("_", "-")})
    host = _("Your host is %(host)s.", host=party.host.display_name)
    event.add("description", "\n\n".join(filter(None, (party.main_dish, party.description, host))))
    if visible.venue or visible.address:
        event.add("location", ", ".join(filter(None, (visible.venue, visible.address))))
    event.add("url", vUri(public_url("PartyView.show", slug=party.slug)))
    if party.series_id not in {None, party.id}:
        # The first date of the series, whose key is also that of the series.
        event.add("related-to", uid_of(party.series_id), parameters={"RELTYPE": "SIBLING"})
    event.add("status", "CANCELLED" if cancelled or party.status == PartyStatus.CANCELLED else "CONFIRMED")
    if guest is not None:
        event.add("organizer", _organizer(party), encode=False)
        event.add("attendee", _attendee(guest), encode=False)
    return event


def _organizer(party: DinnerParty) -> vCalAddress:
    """Return the organizer: the name of the host, with the e-mail address of the site, because guests must not see the host's."""
    organizer = vCalAddress(f"mailto:{parseaddr(str(current_app.config['MAIL_DEFAULT_SENDER']))[1]}")
    organizer.params["CN"] = vText(party.host.display_name)
    return organizer


def _shows_address(party: DinnerParty, guest: Rsvp | Invitation) -> bool:
    return location.shows_address(party, guest if isinstance(guest, Rsvp) else None)


def _attendee(guest: Rsvp | Invitation) -> vCalAddress:
    recipient = (guest.member if isinstance(guest, Rsvp) else None) or guest
    attendee = vCalAddress(f"mailto:{recipient.email}")
    attendee.params["CN"] = vText(guest.name or recipient.email)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    status = PARTICIPATION.get(guest.status) if isinstance(guest, Rsvp) else None
    attendee.params["PARTSTAT"] = vText(status or "NEEDS-ACTION")
    attendee.params["RSVP"] = vText("FALSE")
    return attendee
