"""Calendar files and feeds, read with a second library."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import vobject

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.outbox import delivery
from app.outbox.models import OutboxEmail
from tests.support.factories import DinnerPartyFactory, RsvpFactory

EVENING = datetime(2030, 7, 1, 18, 30, tzinfo=UTC)
# vobject's own deprecation warnings.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:vobject")


def read(text):
    """Parse a calendar."""
    return vobject.readOne(text)


def events(page):
    assert page.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return {event.uid.value: event for event in read(page.text).contents.get("vevent", [])}


def appointments(records):
    """Return the e-mails with a calendar event, the oldest first: method, recipient and event."""
    letters = sorted((letter for letter in records.all(OutboxEmail) if letter.calendar), key=lambda letter: letter.id)
    found = []
    for letter in letters:
        calendar = read(letter.calendar)
        found.append((calendar.method.value, letter.recipient, calendar.vevent))
    return found


@pytest.fixture
def party(cast):
    clock.set_now(EVENING - timedelta(days=30))
    return DinnerPartyFactory(
        host=cast.host,
        title="Grüße; from, Madrid",
        starts_at=EVENING,
        timezone="Europe/Madrid",
        venue="Casa",
        address="",
    )


def test_a_party_is_downloaded_in_its_own_time_zone(visitor, party):
    page = visitor.get(f"/parties/{party.slug}/dinner.ics")
    (event,) = events(page).values()
    assert event.summary.value == "Grüße; from, Madrid"
    assert event.summary.params["LANGUAGE"] == ["en"]
    assert "DTSTART;TZID=Europe/Madrid:20300701T203000" in page.text
    assert event.dtstart.value.astimezone(UTC) == EVENING
    assert event.dtend.value.astimezone(UTC) == EVENING + timedelta(hours=3)
    assert event.location.value == "Casa, Old town"
    assert event.status.value == "CONFIRMED"
    assert "BEGIN:VTIMEZONE" in page.text


def test_a_party_that_one_may_not_see_cannot_be_downloaded(visitor, client_of, cast):
    party = DinnerPartyFactory(host=cast.host, private=True)
    assert visitor.get(f"/parties/{party.slug}/dinner.ics").status == 404
    assert client_of(cast.host).get(f"/parties/{party.slug}/dinner.ics").status == 200


def test_the_email_of_a_confirmed_rsvp_carries_a_calendar_event(app, client_of, cast, party, records, smtp):
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    ((method, recipient, event),) = appointments(records)
    assert (method, recipient) == ("REQUEST", cast.friend.email)
    assert event.attendee.value == f"mailto:{cast.friend.email}"
    assert event.attendee.params["PARTSTAT"] == ["ACCEPTED"]
    assert event.organizer.params["CN"] == [cast.host.display_name]
    assert cast.host.email not in event.serialize()
    with app.app_context():
        delivery.drain()
    letter = next(sent for sent in smtp.messages if sent["To"].addresses[0].addr_spec == cast.friend.email)
    parts = {part.get_content_type(): part for part in letter.walk()}
    assert parts["text/calendar"].get_param("method") == "REQUEST"
    assert read(parts["text/calendar"].get_content()).vevent.uid.value == event.uid.value
    assert parts["application/ics"].get_filename() == "dinner.ics"


def test_a_change_updates_the_calendar_event_and_a_cancellation_removes_it(client_of, cast, party, records):
    RsvpFactory(party=party, member=cast.friend)
    host = client_of(cast.host)
    page = host.get(f"/parties/{party.slug}/edit")
    host.submit(page.form(f"/parties/{party.slug}/edit"), venue="Another house")
    host.post(f"/parties/{party.slug}/cancel")
    (changed, _to, first), (cancelled, _to_too, second) = appointments(records)
    assert (changed, cancelled) == ("REQUEST", "CANCEL")
    assert first.uid.value == second.uid.value
    assert 0 < int(first.sequence.value) < int(second.sequence.value)
    assert second.status.value == "CANCELLED"


def test_the_calendar_event_is_in_the_language_of_its_recipient(client_of, cast, party, records, app):
    guest = client_of(cast.friend)
    guest.post("/lang/", {"locale": "ar"})
    guest.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    ((_method, _recipient, event),) = appointments(records)
    assert event.summary.params["LANGUAGE"] == ["ar"]


def test_the_feed_shows_the_parties_that_a_member_hosts_and_attends(visitor, client_of, cast, party):
    other = DinnerPartyFactory(host=cast.stranger)
    RsvpFactory(party=other, member=cast.host)
    DinnerPartyFactory(host=cast.stranger)
    DinnerPartyFactory(host=cast.host, draft=True)
    called_off = DinnerPartyFactory(host=cast.host, cancelled=True)
    shown = events(visitor.get(address_of(client_of(cast.host))))
    assert {uid.partition("@")[0] for uid in shown} == {
        f"dinner-{party.id}", f"dinner-{other.id}", f"dinner-{called_off.id}"
    }  # fmt: skip
    status = {uid.partition("@")[0]: event.status.value for uid, event in shown.items()}
    assert status[f"dinner-{called_off.id}"] == "CANCELLED"


def address_of(member):
    page = member.post("/account/calendar/renew")
    assert page.flashes == [
        ("info", "Here is the web address of your calendar feed. Copy it now; it is not shown again.")
    ]
    return urlsplit(re.search(r">(http[^<]+\.ics)<", page.text)[1]).path


def test_the_url_of_the_feed_is_renewed_and_switched_off(visitor, client_of, cast, party, records):
    host = client_of(cast.host)
    first = address_of(host)
    assert visitor.get(first).status == 200
    assert first.rpartition("/")[2].removesuffix(".ics") not in str(records.dump())
    second = address_of(host)
    assert visitor.get(first).status == 404
    assert visitor.get(second).status == 200
    assert "value=" + second not in host.get("/account/calendar/").text
    page = host.post("/account/calendar/stop")
    assert page.flashes == [("info", "The web address of your calendar feed no longer works.")]
    assert visitor.get(second).status == 404
    page = host.post("/account/calendar/stop")
    assert page.flashes == [("warning", "Nothing changed: your calendar feed had no web address.")]


def test_the_feed_of_a_blocked_member_is_gone(app, visitor, client_of, cast):
    address = address_of(client_of(cast.friend))
    with app.app_context():
        db.session.get(Member, cast.friend.id).active = False
        db.session.commit()
    assert visitor.get(address).status == 404
