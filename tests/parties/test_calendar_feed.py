"""What calendar programs get from a feed, and when they need not read it again."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import icalendar
import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, RsvpFactory
from tests.support.statements import count_statements

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon():
    clock.set_now(NOON)


@pytest.fixture
def feed(client_of, cast, visitor):
    """Read the feed of the friend."""
    page = client_of(cast.friend).post("/account/calendar/renew")
    path = urlsplit(re.search(r">(http[^<]+\.ics)<", page.text)[1]).path
    return lambda **headers: visitor.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()}).response


def later():
    clock.set_now(clock.now() + timedelta(hours=1))


def entries(response):
    calendar = icalendar.Calendar.from_ical(response.get_data())
    return {str(event["summary"]): event for event in calendar.walk("VEVENT")}


def change(app, model, key, **values):
    with app.app_context(), transaction():
        row = db.session.get(model, key)
        for name, value in values.items():
            setattr(row, name, value)


def test_the_feed_says_whose_it_is_and_how_often_it_is_to_be_read(feed, cast):
    calendar = icalendar.Calendar.from_ical(feed().get_data())
    assert calendar["name"] == calendar["x-wr-calname"] == f"DinnerParty of {cast.friend.display_name}"
    assert calendar["refresh-interval"].dt == timedelta(hours=1)
    assert b"X-PUBLISHED-TTL:PT1H\r\n" in feed().get_data()


def test_the_file_of_one_party_does_not_name_the_calendar_that_it_is_added_to(visitor, cast):
    party = DinnerPartyFactory(host=cast.host)
    calendar = icalendar.Calendar.from_ical(visitor.get(f"/parties/{party.slug}/dinner.ics").text)
    assert calendar.keys().isdisjoint({"NAME", "X-WR-CALNAME", "REFRESH-INTERVAL", "X-PUBLISHED-TTL"})


@pytest.mark.parametrize(
    ("status", "shown"),
    [
        *(("yes", "CONFIRMED"), ("checked_in", "CONFIRMED"), ("maybe", "TENTATIVE"), ("waitlisted", "TENTATIVE")),
        *(("awaiting_approval", "TENTATIVE"), ("no", None), ("removed", None)),
    ],
)
def test_the_feed_tells_where_one_may_come_from_where_one_comes(feed, cast, status, shown):
    waiting = NOON if status == "waitlisted" else None
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend, status=status, waitlisted_at=waiting)
    found = entries(feed())
    assert (found[party.title]["status"] if found else None) == shown


@pytest.mark.both_databases
def test_a_party_in_the_feed_has_the_date_of_its_last_change(app, feed, cast):
    party = DinnerPartyFactory(host=cast.friend)

    def seen():
        (event,) = entries(feed()).values()
        assert event["dtstamp"].dt == event["last-modified"].dt
        return event["dtstamp"].dt

    later()
    assert seen() == NOON
    change(app, DinnerParty, party.id, description="Bring a chair.")
    later()
    assert seen() == NOON + timedelta(hours=1)
    # A seat is taken, which no calendar shows.
    RsvpFactory(party=party, member=cast.stranger)
    assert seen() == NOON + timedelta(hours=1)


@pytest.mark.both_databases
def test_a_calendar_that_knows_the_feed_gets_it_again_only_after_a_change(app, feed, cast):
    party = DinnerPartyFactory(host=cast.host)
    rsvp = RsvpFactory(party=party, member=cast.friend)
    later()
    first = feed()
    assert first.status_code == 200
    assert first.last_modified == NOON
    assert first.headers["Cache-Control"] == "private, no-cache"
    known = {"If_None_Match": first.headers["ETag"]}, {"If_Modified_Since": first.headers["Last-Modified"]}
    for headers in known:
        again = feed(**headers)
        assert (again.status_code, again.get_data()) == (304, b"")
    # What is gone from the feed is a change, too.
    change(app, Rsvp, rsvp.id, status="no", answered_at=clock.now())
    for headers in known:
        assert feed(**headers).status_code == 200


def test_the_end_of_the_history_is_a_change(feed, cast):
    party = DinnerPartyFactory(host=cast.friend, starts_at=NOON + timedelta(hours=1))
    asked = {"If_Modified_Since": format_datetime(NOON + timedelta(days=1), usegmt=True)}
    clock.set_now(NOON + timedelta(days=2))
    assert feed(**asked).status_code == 304
    clock.set_now(party.starts_at + timedelta(days=91))
    assert feed(**asked).status_code == 200


def test_the_feed_is_compressed_for_those_who_ask(feed, cast):
    DinnerPartyFactory(host=cast.friend, description="Soup. " * 200)
    plain, packed = feed(), feed(Accept_Encoding="gzip")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert "Accept-Encoding" in plain.vary
    assert "Accept-Encoding" in packed.vary
    assert packed.headers["ETag"] != plain.headers["ETag"]
    assert feed(Accept_Encoding="gzip", If_None_Match=packed.headers["ETag"]).status_code == 304
    assert "Content-Encoding" not in feed(Accept_Encoding="gzip;q=0").headers


def test_the_feed_takes_few_statements_however_many_parties_there_are(feed, cast):
    for _number in range(3):
        RsvpFactory(party=DinnerPartyFactory(host=cast.host), member=cast.friend)
    with count_statements() as statements:
        feed()
    assert len(statements) <= 4, "\n".join(statements)
