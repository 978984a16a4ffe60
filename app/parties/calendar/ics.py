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
from icalendar.parser import Contentline, Parameters
from jinja2.utils import LRUCache

from app import clock, zone_rules
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
END_OF_EVENT = "END:VEVENT"
# What guests of a party get alike, by all that it says. So nobody has to drop one; the least recently used ones go.
FRAMES = LRUCache(64)


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
    event = _event(published.party, with_address=published.with_address)
    event.add("status", _status(published.party, status))
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


def message(method: Method, party: DinnerParty, guest: Rsvp | Invitation, sequence: int) -> str:
    """Return what adds the party to the guest's calendar, updates it there, or removes it."""
    # Where answers from calendars do not arrive, an invitation asks for none.
    asks_in_vain = isinstance(guest, Invitation) and method == Method.REQUEST and not addresses.is_open()
    status = _status(party, guest.status if isinstance(guest, Rsvp) else None)
    before, after = _frame(
        party,
        PUBLISH if asks_in_vain else method,
        "CANCELLED" if method == Method.CANCEL else status,
        with_address=_shows_address(party, guest),
    )
    own = [f"DTSTAMP:{clock.now():%Y%m%dT%H%M%SZ}", f"SEQUENCE:{sequence}", _organizer(party, guest)]
    if not asks_in_vain:
        own.append(_attendee(guest))
    return "\r\n".join([before, *own, after])


def _frame(party: DinnerParty, method: str, status: str, *, with_address: bool) -> tuple[str, str]:
    """Return what all guests of a party get who read the same language, before and after what is each one's own."""
    key = (
        *(method, status, with_address, addresses.is_open(), current_locale(), zone_rules.version(), _zone_name(party)),
        *(party.id, party.slug, party.series_id, party.title, party.starts_at, party.ends_at, party.timezone),
        *(party.venue, party.area, party.address, party.main_dish, party.description, party.host.display_name),
        *(current_app.config["APP_NAME"], current_app.config["PUBLIC_URL"]),
    )
    frame: tuple[str, str] | None = FRAMES.get(key)
    if frame is None:
        calendar, event = _calendar(method), _event(party, with_address=with_address)
        event.add("status", status)
        if method != Method.CANCEL and not addresses.is_open():
            only_link = _("Answers from your calendar do not arrive here. Please answer by the link in the e-mail.")
            event["description"] = vText(f"{event['description']}\n\n{only_link}")
        calendar.add_component(event)
        before, end, after = _text(calendar, [party]).rpartition(END_OF_EVENT)
        frame = FRAMES[key] = before.removesuffix("\r\n"), end + after
    return frame


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


def _event(party: DinnerParty, *, with_address: bool) -> Event:
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


def _organizer(party: DinnerParty, guest: Rsvp | Invitation) -> str:
    """Return the organizer: the name of the host, with an address of the site, because guests must not see the host's.

    Where the site receives e-mail, it is the guest's own, to which their calendar sends the answer.
    """
    address = addresses.make(addresses.CALENDAR, guest_addresses.key_of(_invited(guest)))
    address = address or parseaddr(str(current_app.config["MAIL_DEFAULT_SENDER"]))[1]
    return _person("ORGANIZER", address, CN=party.host.display_name)


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


def _attendee(guest: Rsvp | Invitation) -> str:
    email = recipient(guest).email
    answers = "TRUE" if addresses.is_open() else "FALSE"
    return _person(
        "ATTENDEE", email, CN=guest.name or email, ROLE="REQ-PARTICIPANT", PARTSTAT=_participation(guest), RSVP=answers
    )


def _person(name: str, email: str, **parameters: str) -> str:
    """Return a line about a person. A component of the library would take three times as long, for each guest."""
    line = Contentline.from_parts(name, Parameters(parameters), vCalAddress(f"mailto:{email}"))
    return line.to_ical().decode()


def _participation(guest: Rsvp | Invitation) -> str:
    """Return PARTSTAT, which says how the guest has answered."""
    if isinstance(guest, Invitation):
        return "NEEDS-ACTION"
    if guest.status in SEATED:
        return "ACCEPTED"
    return "TENTATIVE" if guest.status in TENTATIVE else "DECLINED"
