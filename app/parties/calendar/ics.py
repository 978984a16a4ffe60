"""Parties as iCalendar objects (RFC 5545) and iTIP messages (RFC 5546).

A party keeps its UID. Its SEQUENCE counts the changes that guests are notified of, so that a calendar recognises the
newer of two e-mails. Times are in the time zone of the party, whose definition (VTIMEZONE) is included.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import current_app
from flask_babel import gettext as _
from icalendar import Calendar, Event, vCalAddress, vDuration, vText, vUri

from app import clock
from app.accounts.models import Member
from app.address_key import address_key
from app.http import public_url
from app.i18n.selectors import current_locale
from app.inbound import addresses
from app.parties import guest_addresses, location
from app.parties.calendar import zones
from app.parties.calendar.models import Method
from app.parties.enums import QUEUED, SEATED, PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Invitation, Rsvp

PUBLISH = "PUBLISH"
# Guests who may come, and whose calendars show the party as tentative.
TENTATIVE = (RsvpStatus.MAYBE, RsvpStatus.AWAITING_APPROVAL, *QUEUED)
# Guests with these RSVPs have the party in their calendars as an appointment.
PARTICIPATION = (*SEATED, RsvpStatus.MAYBE)
# The time zone is defined for this long before the first and after the last party.
ZONE_MARGIN = timedelta(days=366)
# Parties further ahead are in UTC, because their time zone may change until then.
FORESEEABLE = timedelta(days=20 * 366)
# How often calendars read the feed.
REFRESH = timedelta(hours=1)


class Published(NamedTuple):
    """A party in a download or a feed. `rsvp` is the reader's own."""

    party: DinnerParty
    # Whether the reader sees its postal address.
    with_address: bool
    rsvp: Rsvp | None = None

    @property
    def changed_at(self) -> datetime:
        """When what the reader sees last changed."""
        moments = [self.party.created_at, self.party.changed_at, self.rsvp and self.rsvp.answered_at]
        return max(moment for moment in moments if moment is not None)


def request(party: DinnerParty, guest: Rsvp | Invitation, sequence: int) -> str:
    """Return a request, which adds the party to the guest's calendar or updates it there."""
    return _message(Method.REQUEST, party, guest, sequence)


def cancellation(party: DinnerParty, guest: Rsvp | Invitation, sequence: int) -> str:
    """Return a cancellation, which removes the party from the guest's calendar."""
    return _message(Method.CANCEL, party, guest, sequence)


def published(parties: Iterable[Published], name: str = "") -> str:
    """Return parties for a download; with a `name`, for a feed that is called so."""
    parties = list(parties)
    calendar = _calendar(PUBLISH)
    if name:
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", vDuration(REFRESH), encode=False)
    for each in parties:
        calendar.add_component(_published_event(each))
    return _text(calendar, [each.party for each in parties])


def streamed(parties: Callable[[], Iterable[Published]]) -> Iterator[str]:
    """Yield a download of any number of parties in pieces. They are asked for twice: their time zones come first."""
    calendar = _calendar(PUBLISH)
    start, end, rest = _text(calendar, (each.party for each in parties())).partition("END:VCALENDAR")
    yield start
    for each in parties():
        yield _published_event(each).to_ical().decode()
    yield end + rest


def _published_event(published: Published) -> Event:
    status = published.rsvp.status if published.rsvp else None
    event = _event(published.party, with_address=published.with_address, status=status)
    event.add("dtstamp", published.changed_at)
    event.add("last-modified", published.changed_at)
    event.add("sequence", published.party.ics_sequence)
    return event


def uid(party: DinnerParty) -> str:
    """Return the UID of a party, which never changes."""
    return uid_of(party.id)


def uid_of(party_id: int | None) -> str:
    """Return the UID of the party with this key."""
    return f"dinner-{party_id}@{urlsplit(current_app.config['PUBLIC_URL']).hostname}"


def recipient(guest: Rsvp | Invitation) -> Member | Rsvp | Invitation:
    """Return what has the e-mail address of a guest: members may have a new one since they answered."""
    return (guest.member if isinstance(guest, Rsvp) else None) or guest


def _message(method: Method, party: DinnerParty, guest: Rsvp | Invitation, sequence: int) -> str:
    # Where answers from calendars do not arrive, an invitation asks for none.
    asks_in_vain = isinstance(guest, Invitation) and method == Method.REQUEST and not addresses.is_open()
    calendar = _calendar(PUBLISH if asks_in_vain else method)
    status = guest.status if isinstance(guest, Rsvp) else None
    event = _event(party, with_address=_shows_address(party, guest), status=status)
    if method == Method.CANCEL:
        event["status"] = vText("CANCELLED")
    elif not addresses.is_open():
        only_link = _("Answers from your calendar do not arrive here. Please answer by the link in the e-mail.")
        event["description"] = vText(f"{event['description']}\n\n{only_link}")
    event.add("dtstamp", clock.now())
    event.add("sequence", sequence)
    event.add("organizer", _organizer(party, guest), encode=False)
    if not asks_in_vain:
        event.add("attendee", _attendee(guest), encode=False)
    calendar.add_component(event)
    return _text(calendar, [party])


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", f"-//{current_app.config['APP_NAME']}//DinnerParty//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _text(calendar: Calendar, parties: Iterable[DinnerParty]) -> str:
    """Return the calendar with the definitions of the time zones of its `parties`."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for party in parties:
        name = _zone_name(party)
        if name != "UTC":
            first, last = spans.get(name, (party.starts_at, party.ends_at))
            spans[name] = min(first, party.starts_at), max(last, party.ends_at)
    # The definitions come first: some readers expect them before the times.
    calendar.subcomponents[:0] = [
        zones.definition(name, ZoneInfo(name), first - ZONE_MARGIN, last + ZONE_MARGIN)
        for name, (first, last) in spans.items()
    ]
    return calendar.to_ical().decode()


def _zone_name(party: DinnerParty) -> str:
    return party.timezone if party.starts_at < clock.now() + FORESEEABLE else "UTC"


def _event(party: DinnerParty, *, with_address: bool, status: RsvpStatus | None) -> Event:
    event = Event()
    event.add("uid", uid(party))
    start, end = _times(party)
    event.add("dtstart", start)
    event.add("dtend", end)
    event.add("summary", party.title, parameters={"LANGUAGE": current_locale().replace("_", "-")})
    host = _("Your host is %(host)s.", host=party.host.display_name)
    event.add("description", "\n\n".join(filter(None, (party.main_dish, party.description, host))))
    visible = location.visible_location(party, with_address=with_address)
    where = ", ".join(filter(None, (visible.venue, visible.address or visible.area)))
    if where:
        event.add("location", where)
    event.add("url", vUri(public_url("PartyView.show", slug=party.slug)))
    if party.series_id not in {None, party.id}:
        # The first date of the series, whose key is also that of the series.
        event.add("related-to", uid_of(party.series_id), parameters={"RELTYPE": "SIBLING"})
    event.add("status", _status(party, status))
    return event


def _times(party: DinnerParty) -> tuple[datetime, datetime]:
    """Return the start and the end, both in local time or both in UTC."""
    zone = ZoneInfo(_zone_name(party))
    start, end = zones.in_zone(party.starts_at, zone), zones.in_zone(party.ends_at, zone)
    if UTC in {start.tzinfo, end.tzinfo}:
        return party.starts_at.astimezone(UTC), party.ends_at.astimezone(UTC)
    return start, end


def _status(party: DinnerParty, status: RsvpStatus | None) -> str:
    if party.status == PartyStatus.CANCELLED:
        return "CANCELLED"
    return "TENTATIVE" if status in TENTATIVE else "CONFIRMED"


def _organizer(party: DinnerParty, guest: Rsvp | Invitation) -> vCalAddress:
    """Return the organizer: the name of the host, with an address of the site, because guests must not see the host's.

    Where the site receives e-mail, it is the guest's own, to which their calendar sends the answer.
    """
    address = addresses.make(addresses.CALENDAR, guest_addresses.key_of(_invited(guest)))
    organizer = vCalAddress(f"mailto:{address or parseaddr(str(current_app.config['MAIL_DEFAULT_SENDER']))[1]}")
    organizer.params["CN"] = vText(party.host.display_name)
    return organizer


def _invited(guest: Rsvp | Invitation) -> Rsvp | Invitation:
    """Return the invitation that the guest answered at the same e-mail address.

    Its calendar address stays the same: a calendar may refuse an update from another organizer.
    """
    invitation = guest.invitation if isinstance(guest, Rsvp) else None
    if invitation is not None and address_key(invitation.email) == address_key(recipient(guest).email):
        return invitation
    return guest


def _shows_address(party: DinnerParty, guest: Rsvp | Invitation) -> bool:
    return location.shows_address(party, guest if isinstance(guest, Rsvp) else None)


def _attendee(guest: Rsvp | Invitation) -> vCalAddress:
    email = recipient(guest).email
    attendee = vCalAddress(f"mailto:{email}")
    attendee.params["CN"] = vText(guest.name or email)
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText(_participation(guest))
    attendee.params["RSVP"] = vText("TRUE" if addresses.is_open() else "FALSE")
    return attendee


def _participation(guest: Rsvp | Invitation) -> str:
    """Return PARTSTAT, which says how the guest has answered."""
    if isinstance(guest, Invitation):
        return "NEEDS-ACTION"
    if guest.status in SEATED:
        return "ACCEPTED"
    return "TENTATIVE" if guest.status in TENTATIVE else "DECLINED"
