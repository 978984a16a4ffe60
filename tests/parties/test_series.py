"""Recurring dinners: dates that are parties of their own, left, changed or cancelled from one on."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from app import clock
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.calendar import ics
from app.parties.enums import RsvpStatus, SeriesFrequency
from app.parties.models import CoHost, DinnerParty, PartySeries, Rsvp
from app.parties.series import rules
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

MADRID = ZoneInfo("Europe/Madrid")
# The second Friday of October: two weeks before the clocks go back.
START = datetime(2031, 10, 10, 19, 0, tzinfo=MADRID)
WEEKLY, MONTHLY, LAST = SeriesFrequency


@pytest.fixture(autouse=True)
def _in_september():
    clock.set_now(datetime(2031, 9, 1, 12, 0, tzinfo=UTC))


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(
        host=cast.host, title="Soup", slug="soup", starts_at=START, timezone="Europe/Madrid", number_seats=6
    )


def repeat(visitor, party, **fields):
    """Make a series through the form, with the preview first."""
    path = f"/parties/{party.slug}/series"
    preview = visitor.submit(visitor.get(path).form(path), button=("action", "preview"), **fields)
    return preview, visitor.submit(preview.form(path), button=("action", "create"))


def dates_of(records):
    return sorted(records.all(DinnerParty), key=lambda party: party.starts_at)


def local(party):
    """When a party begins, by the clock of its place."""
    return f"{party.starts_at.astimezone(ZoneInfo(party.timezone)):%m-%d %H:%M}"


def emails(records, *kinds):
    return [letter for letter in records.all(OutboxEmail) if letter.kind in kinds]


# -- the dates


@pytest.mark.parametrize(
    ("first", "frequency", "every", "end", "expected"),
    [
        ((2031, 10, 10), WEEKLY, 1, {"number": 3}, ["2031-10-10", "2031-10-17", "2031-10-24"]),
        ((2031, 10, 10), WEEKLY, 2, {"until": date(2031, 11, 7)}, ["2031-10-10", "2031-10-24", "2031-11-07"]),
        ((2031, 10, 10), MONTHLY, 1, {"number": 3}, ["2031-10-10", "2031-11-14", "2031-12-12"]),
        ((2031, 10, 31), MONTHLY, 1, {"number": 3}, ["2031-10-31", "2032-01-30", "2032-04-30"]),
        ((2031, 10, 31), LAST, 2, {"number": 3}, ["2031-10-31", "2031-12-26", "2032-02-27"]),
        ((2031, 10, 10), WEEKLY, 1, {"until": date(2031, 10, 9)}, []),
        ((2031, 10, 10), WEEKLY, 1, {"until": date(2031, 10, 20), "number": 9}, ["2031-10-10", "2031-10-17"]),
    ],
)
def test_the_dates_of_a_series(first, frequency, every, end, expected):
    assert [str(day) for day in rules.dates(date(*first), frequency, every, **end)] == expected


@pytest.mark.parametrize("frequency", SeriesFrequency)
def test_a_series_is_bounded(frequency):
    assert len(rules.dates(date(2031, 10, 10), frequency, 1, until=date.max)) == rules.MAX_DATES
    assert len(rules.dates(date(9999, 12, 3), frequency, 12, number=2)) <= 2


# -- making one


@pytest.mark.both_databases
def test_a_host_repeats_a_party_at_the_same_time_by_the_clock(client_of, cast, party, records):
    host = client_of(cast.host)
    preview, page = repeat(host, party, frequency="weekly", number="4")
    assert preview.flashes == [("info", "4 dates. Check them, then create the series.")]
    assert "Friday, October 31, 7 PM" in preview.text
    assert page.flashes == [("info", "3 more dates published.")]
    parties = dates_of(records)
    assert [local(each) for each in parties] == [f"10-{day} 19:00" for day in (10, 17, 24, 31)]
    assert parties[-1].starts_at - parties[0].starts_at == timedelta(weeks=3, hours=1)
    assert {(each.title, each.status, each.number_seats, each.seats_taken) for each in parties} == {
        ("Soup", "published", 6, 1)
    }
    assert {each.series_id for each in parties} == {party.id}
    assert len(records.all(Rsvp)) == 4
    page = host.post(
        f"/parties/{party.slug}/series", {"frequency": "weekly", "every": "1", "number": "2", "action": "create"}
    )
    assert page.flashes == [("warning", "This party is already a date of a series.")]
    assert records.count(DinnerParty) == 4


def test_the_deadline_and_the_co_hosts_are_those_of_each_date(client_of, cast, records, app):
    deadline = datetime(2031, 10, 8, 12, 0, tzinfo=MADRID)
    party = DinnerPartyFactory(
        host=cast.host, starts_at=START, timezone="Europe/Madrid", rsvp_deadline=deadline, slug="tea"
    )
    with app.app_context(), transaction() as session:
        session.add(CoHost(party_id=party.id, member_id=cast.friend.id))
    repeat(client_of(cast.host), party, frequency="monthly", every="2", until="2031-12-31")
    second = dates_of(records)[1]
    assert local(second) == "12-12 19:00"
    assert second.rsvp_deadline == datetime(2031, 12, 10, 12, 0, tzinfo=MADRID)
    assert {(row.party_id, row.member_id) for row in records.all(CoHost)} == {
        (party.id, cast.friend.id), (second.id, cast.friend.id)
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"frequency": "weekly"}, "Enter the last day or the number of dates."),
        ({"frequency": "weekly", "number": "53"}, "Number must be between 2 and 52."),
        ({"frequency": "weekly", "until": "2031-10-12"}, "A series has at least two dates."),
        ({"frequency": "monthly_last", "number": "3"}, "The party is not on the last such weekday of its month."),
        ({"frequency": "weekly", "every": "0", "number": "3"}, "Number must be between 1 and 12."),
    ],
)
def test_what_cannot_be_a_series_is_said_at_the_field(client_of, cast, party, records, fields, error):
    path = f"/parties/{party.slug}/series"
    host = client_of(cast.host)
    page = host.submit(host.get(path).form(path), button=("action", "preview"), **fields)
    assert (page.status, len(page.flashes), page.flashes[0][0]) == (422, 1, "danger")
    assert error in page.text
    assert page.form(path).fields["frequency"] == fields["frequency"]
    assert records.count(PartySeries) == 0


def test_only_the_owner_repeats_a_party(client_of, cast, party, records):
    data = {"frequency": "weekly", "every": "1", "number": "2", "action": "create"}
    assert client_of(cast.friend).post(f"/parties/{party.slug}/series", data).status == 403
    for path in ("series/leave", "series/cancel"):
        assert client_of(cast.friend).post(f"/parties/{party.slug}/{path}").status == 403
    assert records.count(DinnerParty) == 1


# -- what guests see


def test_guests_see_the_other_dates(client_of, visitor, cast, party, records):
    repeat(client_of(cast.host), party, frequency="weekly", number="3")
    _first, second, third = dates_of(records)
    page = client_of(cast.friend).get(f"/parties/{party.slug}")
    assert f'href="/parties/{second.slug}"' in page.text
    assert f'href="/parties/{third.slug}"' in visitor.get(f"/parties/{party.slug}").text
    clock.set_now(second.starts_at + timedelta(minutes=1))
    assert f'href="/parties/{second.slug}"' not in visitor.get(f"/parties/{party.slug}").text


def test_private_dates_are_named_but_not_linked(client_of, cast, records):
    party = DinnerPartyFactory(
        host=cast.host, starts_at=START, slug="tea", visibility="private", timezone="Europe/Madrid"
    )
    repeat(client_of(cast.host), party, frequency="weekly", number="2")
    second = dates_of(records)[1]
    InvitationFactory(party=party, email=cast.friend.email)
    friend = client_of(cast.friend)
    text = friend.get("/parties/tea").text
    assert "Friday, October 17, 7 PM" in text
    assert second.slug not in text
    assert friend.get(f"/parties/{second.slug}").status == 404


def test_the_feed_relates_the_dates(client_of, cast, party, records, app):
    repeat(client_of(cast.host), party, frequency="weekly", number="3")
    with app.app_context(), app.test_request_context():
        parties = [db.session.get(DinnerParty, each.id) for each in dates_of(records)]
        events = Calendar.from_ical(ics.published([ics.Published(each, with_address=False) for each in parties])).walk(
            "VEVENT"
        )
    first = events[0]["UID"]
    assert [event.get("RELATED-TO") for event in events] == [None, first, first]
    assert events[1]["RELATED-TO"].params["RELTYPE"] == "SIBLING"


# -- this one only


def test_a_date_leaves_the_series(client_of, cast, party, records):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="3")
    first, second, third = dates_of(records)
    page = host.post(f"/parties/{second.slug}/series/leave")
    assert page.flashes == [("info", "This date is no longer in the series. Everything else stays as it is.")]
    assert [each.series_id for each in dates_of(records)] == [first.id, None, first.id]
    host.post(f"/parties/{third.slug}/series/leave")
    assert [each.series_id for each in dates_of(records)] == [None, None, None]
    assert records.count(PartySeries) == 0
    assert host.post(f"/parties/{third.slug}/series/leave").flashes == [
        ("warning", "This party is not a date of a series.")
    ]


def test_one_date_changes_alone(client_of, cast, party, records):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="3")
    second = dates_of(records)[1]
    path = f"/parties/{second.slug}/edit"
    host.submit(host.get(path).form(path), button=("action", "publish"), venue="Elsewhere")
    assert [each.venue for each in dates_of(records)] == [party.venue, "Elsewhere", party.venue]


# -- this and the following


@pytest.mark.both_databases
def test_a_change_moves_this_and_the_following_dates(client_of, cast, party, records):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="4")
    first, second, third, fourth = dates_of(records)
    RsvpFactory(party=third, member=cast.friend)
    RsvpFactory(party=fourth, member=cast.friend)
    other = RsvpFactory(party=fourth)
    path = f"/parties/{second.slug}/series/change"
    page = host.get(path)
    assert "at 2 following dates as well" in page.text
    page = host.submit(page.form(path), button=("action", "publish"), starts_at="2031-10-18T20:30", venue="Hall")
    assert page.flashes[0][1].startswith("3 dates changed. 2 guests will be told.")
    parties = dates_of(records)
    assert [local(each) for each in parties] == ["10-10 19:00", "10-18 20:30", "10-25 20:30", "11-01 20:30"]
    assert [each.venue for each in parties] == [first.venue, "Hall", "Hall", "Hall"]
    (both,) = emails(records, "series_changed")
    assert both.recipient == cast.friend.email
    for text in (both.text, both.html):
        plain = text.replace("\u202f", " ")
        assert "Before: Friday, October 24, 2031, 7:00 PM (Madrid, UTC+2)" in plain
        assert "Now: Saturday, October 25, 2031, 8:30 PM (Madrid, UTC+2)" in plain
        assert "Now: Saturday, November 1, 2031, 8:30 PM (Madrid, UTC+1)" in plain
    assert both.calendar.count("METHOD:REQUEST") == 2
    assert [letter.recipient for letter in emails(records, "party_changed")] == [other.email]


def test_a_change_that_one_date_refuses_changes_none(client_of, cast, party, records):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="3")
    third = dates_of(records)[2]
    RsvpFactory(party=third, member=cast.friend, party_size=3)
    path = f"/parties/{party.slug}/series/change"
    page = host.submit(host.get(path).form(path), button=("action", "publish"), number_seats="2", title="New")
    assert page.status == 422
    assert page.flashes == [("danger", "Oct 24, 2031: 4 seats are already taken; you cannot go below that.")]
    assert page.form(path).fields["title"] == "New"
    assert {each.title for each in dates_of(records)} == {"Soup"}


# -- cancelling


@pytest.mark.both_databases
def test_cancelling_from_a_date_on_writes_each_guest_once(client_of, cast, party, records):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="4")
    first, second, third, fourth = dates_of(records)
    for each in (first, second, third):
        RsvpFactory(party=each, member=cast.friend)
    RsvpFactory(party=fourth, member=cast.friend, status=RsvpStatus.WAITLISTED)
    InvitationFactory(party=third, email="ada@example.com", name="Ada", invited_by=cast.host)
    InvitationFactory(party=fourth, email="ADA@example.com", name="Ada", invited_by=cast.host)
    page = host.post(f"/parties/{second.slug}/series/cancel")
    assert page.flashes[0][1].startswith("3 dates cancelled. 2 guests will be told.")
    assert [each.status for each in dates_of(records)] == ["published", "cancelled", "cancelled", "cancelled"]
    friends, ada = sorted(emails(records, "series_cancelled"), key=lambda letter: letter.recipient, reverse=True)
    assert (friends.recipient, ada.recipient.lower()) == (cast.friend.email, "ada@example.com")
    assert friends.subject == "Cancelled: Soup (3 dates)"
    calendars = re.findall(r"BEGIN:VCALENDAR.*?END:VCALENDAR", friends.calendar, re.DOTALL)
    uids = [Calendar.from_ical(text).walk("VEVENT")[0]["UID"] for text in calendars]
    assert [uid.split("@")[0] for uid in uids] == [f"dinner-{second.id}", f"dinner-{third.id}"]
    assert ada.secret
    assert records.count(OutboxEmail) == len(emails(records, "series_cancelled"))
    assert host.post(f"/parties/{second.slug}/series/cancel").flashes == [("info", "This party was cancelled.")]


def test_whoever_deletes_their_account_writes_each_guest_once(client_of, cast, party, records, app):
    host = client_of(cast.host)
    repeat(host, party, frequency="weekly", number="3")
    for each in dates_of(records):
        RsvpFactory(party=each, member=cast.friend)
    with app.app_context(), transaction():
        db.session.get(Member, cast.host.id).erase_at = clock.now()
    with app.app_context():
        assert account_deletion.run_due() == 1
    (letter,) = emails(records, "series_cancelled")
    assert (letter.recipient, emails(records, "party_cancelled")) == (cast.friend.email, [])
    assert records.one(PartySeries).host_id is None


# -- the API and the generated UI


def test_the_api_makes_changes_and_cancels_a_series(app, cast, party, records):
    host, friend = ApiClient(app, cast.host), ApiClient(app, cast.friend)
    made = host.post("/soup/series", {"frequency": "weekly", "number": 3}, 201)
    assert (made["code"], len(made["result"])) == ("series_created", 3)
    assert [row["slug"] for row in friend.get("/soup/series")["result"]] == [row["slug"] for row in made["result"]]
    assert friend.post("/soup/series", {"frequency": "weekly", "number": 3}, 403)["code"] == "forbidden"
    second = made["result"][1]["slug"]
    version = host.get(f"/{second}")["result"]["version"]
    changed = host.patch(f"/{second}/series", {"version": version, "starts_at": "2031-10-17T18:00"})
    assert changed["message"] == "2 dates changed."
    assert [local(each)[-5:] for each in dates_of(records)] == ["19:00", "18:00", "18:00"]
    assert host.post(f"/{second}/series/cancel")["code"] == "series_cancelled"
    assert host.delete("/soup/series")["code"] == "series_left"
    assert host.delete("/soup/series", 409)["message"] == "This party is not a date of a series."
    assert host.post("/soup/series", {"frequency": "daily"}, 422)["errors"].keys() == {"frequency"}


def test_administrators_see_the_series(client_of, cast, party, records):
    repeat(client_of(cast.host), party, frequency="weekly", number="2")
    admin = client_of(cast.admin)
    assert "Soup" in admin.get("/series/list/").text
    assert "Every week, on the same weekday" in admin.get(f"/series/show/{party.id}").text
    assert admin.post(f"/series/delete/{party.id}").flashes == [("info", "Deleted.")]
    assert {each.series_id for each in records.all(DinnerParty)} == {None}
