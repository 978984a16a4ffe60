"""A dinner is at a time on the clocks of its town, also if the town changes how its clocks are set."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import wall_clock
from app.parties.hosting import clock_changes
from app.parties.models import DinnerParty
from tests.support import zones
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory, WaitOfferFactory

VANCOUVER = "America/Vancouver"
SEVEN = datetime.fromisoformat("2040-01-15T19:00")
BY_OLD_RULES, BY_NEW_RULES = datetime(2040, 1, 16, 3, tzinfo=UTC), datetime(2040, 1, 16, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "fold", "by_old", "by_new"),
    [
        (VANCOUVER, "2027-01-15T19:00", 0, "2027-01-16T03:00", "2027-01-16T02:00"),
        (VANCOUVER, "2027-07-15T19:00", 0, "2027-07-16T02:00", "2027-07-16T02:00"),
        ("America/Havana", "2027-01-15T19:00", 0, "2027-01-16T00:00", "2027-01-15T23:00"),
        ("Africa/Casablanca", "2026-12-12T19:00", 0, "2026-12-12T18:00", "2026-12-12T19:00"),
        # The clocks skip 02:30 by the old rules. By the new ones, they show 03:30 twice.
        ("Europe/Chisinau", "2027-03-28T02:30", 0, "2027-03-28T00:30", "2027-03-28T00:30"),
        ("Europe/Chisinau", "2027-10-31T03:30", 0, "2027-10-31T01:30", "2027-10-31T00:30"),
        ("Europe/Chisinau", "2027-10-31T03:30", 1, "2027-10-31T01:30", "2027-10-31T01:30"),
        ("Europe/Dublin", "2027-07-15T19:00", 0, "2027-07-15T18:00", "2027-07-15T18:00"),
        ("Mars/Olympus", "2027-07-15T19:00", 0, "2027-07-15T19:00", "2027-07-15T19:00"),
    ],
)
def test_the_moment_follows_the_rules(tmp_path, zone, local, fold, by_old, by_new):
    for version, expected in ((zones.OLD, by_old), (zones.NEW, by_new)):
        with zones.in_use(tmp_path, version):
            moment = wall_clock.moment_of(datetime.fromisoformat(local), fold, zone)
        assert moment == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    # What is installed here is as new as what the test calls new.
    assert wall_clock.moment_of(datetime.fromisoformat(local), fold, zone) == moment


@pytest.fixture
def dinner(tmp_path, cast):
    """A dinner in Vancouver with a deadline, stored by old rules."""
    with zones.in_use(tmp_path, zones.OLD):
        return DinnerPartyFactory(
            host=cast.host, starts_at=BY_OLD_RULES, timezone=VANCOUVER, rsvp_deadline=BY_OLD_RULES - timedelta(days=1)
        )


def derive(app, folder, version=zones.NEW):
    with zones.in_use(folder, version), app.app_context():
        return clock_changes.derive_anew()


def edit(host, party, **fields):
    form = host.get(f"/parties/{party.slug}/edit").form(action=f"/parties/{party.slug}/edit")
    host.submit(form, **fields)


def times(party):
    return party.starts_at_local, party.starts_at, party.rsvp_deadline, party.zone_rules


@pytest.mark.both_databases
def test_what_lies_ahead_is_derived_anew_once_and_everybody_is_told(app, tmp_path, cast, dinner, records):
    RsvpFactory(party=dinner, member=cast.friend)
    RsvpFactory(party=dinner, member=cast.stranger, waiting=True)
    RsvpFactory(party=dinner, declined=True)
    InvitationFactory(party=dinner, email="iris@example.org", name="Iris", invited_by=cast.host)
    offer = WaitOfferFactory(party=dinner, expires_at=BY_OLD_RULES - timedelta(days=1))
    with zones.in_use(tmp_path, zones.OLD):
        past = DinnerPartyFactory(past=True, timezone=VANCOUVER)
    elsewhere = DinnerPartyFactory(timezone="Europe/Dublin", starts_at=BY_OLD_RULES)
    with app.app_context(), transaction():
        db.session.execute(update(DinnerParty).where(DinnerParty.id == elsewhere.id).values(zone_rules=""))

    assert [derive(app, tmp_path), derive(app, tmp_path)] == [1, 0]

    moved = records.fresh(dinner)
    assert times(moved) == (SEVEN, BY_NEW_RULES, BY_NEW_RULES - timedelta(days=1), zones.NEW)
    assert (moved.ics_sequence, moved.version) == (1, dinner.version + 1)
    same = records.fresh(elsewhere)
    assert (same.starts_at, same.version, same.zone_rules) == (BY_OLD_RULES, elsewhere.version, zones.NEW)
    assert records.fresh(past).zone_rules == zones.OLD
    # An offer is promised until a moment. It only does not outlive the deadline.
    assert records.fresh(offer).expires_at == BY_NEW_RULES - timedelta(days=1)

    letters = {letter.recipient: letter for letter in records.all(OutboxEmail)}
    told = {cast.host.email, cast.friend.email, cast.stranger.email, offer.rsvp.email, "iris@example.org"}
    assert letters.keys() == told
    text = " ".join(letters[cast.friend.email].text.replace("\u202f", " ").split())
    assert "Before: Sunday, January 15, 2040, 7:00 PM (Vancouver, UTC-8)" in text
    assert "Now: Sunday, January 15, 2040, 7:00 PM (Vancouver, UTC-7)" in text
    assert "The local time stays the same." in text
    calendar = letters[cast.friend.email].calendar
    assert "SEQUENCE:1" in calendar
    assert "DTSTART;TZID=America/Vancouver:20400115T190000" in calendar


def test_an_unpublished_or_cancelled_dinner_moves_quietly(app, tmp_path, cast, records):
    with zones.in_use(tmp_path, zones.OLD):
        parties = [
            DinnerPartyFactory(host=cast.host, starts_at=BY_OLD_RULES, timezone=VANCOUVER, **{trait: True})
            for trait in ("draft", "cancelled")
        ]
    assert derive(app, tmp_path) == 2
    assert {records.fresh(party).starts_at for party in parties} == {BY_NEW_RULES}
    assert records.all(OutboxEmail) == []


def test_many_parties_are_derived_in_batches(app, tmp_path, cast, monkeypatch, records):
    monkeypatch.setattr(clock_changes, "BATCH", 2)
    with zones.in_use(tmp_path, zones.OLD):
        parties = [
            DinnerPartyFactory(host=cast.host, starts_at=BY_OLD_RULES, timezone=zone)
            for zone in (VANCOUVER, "UTC", VANCOUVER, VANCOUVER, "UTC")
        ]
    assert derive(app, tmp_path) == 3
    assert {records.fresh(party).zone_rules for party in parties} == {zones.NEW}


def test_a_party_that_fails_does_not_stop_the_others(app, tmp_path, cast, dinner, records, caplog):
    with zones.in_use(tmp_path, zones.OLD):
        other = DinnerPartyFactory(host=cast.host, starts_at=BY_OLD_RULES, timezone=VANCOUVER)
    with app.app_context(), transaction():
        # No moment of this local time can be stored.
        impossible = update(DinnerParty.__table__).where(DinnerParty.id == dinner.id)
        db.session.execute(impossible.values(starts_at_local=datetime.fromisoformat("9999-12-31T23:00")))
    assert derive(app, tmp_path) == 1
    assert f"Deriving the time of party {dinner.id} anew failed" in caplog.text
    assert records.fresh(other).starts_at == BY_NEW_RULES


def test_a_machine_with_older_rules_changes_nothing_and_warns(app, tmp_path, dinner, records, caplog):
    derive(app, tmp_path)
    newer = records.fresh(dinner)
    assert derive(app, tmp_path, zones.OLD) == 0
    with zones.in_use(tmp_path, zones.OLD), app.app_context():
        clock_changes.warn_of_newer_rules()
    assert "Another machine on this database has time zone rules 2026f, this one only 2025b" in caplog.text
    assert times(records.fresh(dinner)) == times(newer)
    caplog.clear()
    with zones.in_use(tmp_path, zones.NEW), app.app_context():
        clock_changes.warn_of_newer_rules()
    assert caplog.text == ""


def test_an_edit_on_a_machine_with_older_rules_does_not_move_the_dinner(
    app, tmp_path, client_of, cast, dinner, records
):
    derive(app, tmp_path)
    told = times(records.fresh(dinner))
    host = client_of(cast.host)
    with zones.in_use(tmp_path, zones.OLD):
        edit(host, dinner, title="Ramen")
    assert (records.fresh(dinner).title, times(records.fresh(dinner))[:3]) == ("Ramen", told[:3])
    derive(app, tmp_path)
    assert times(records.fresh(dinner)) == told


@pytest.mark.both_databases
def test_what_was_read_before_another_machine_was_faster_is_not_stored(app, tmp_path, dinner, records):
    with zones.in_use(tmp_path, zones.OLD), app.app_context(), transaction():
        db.session.execute(update(DinnerParty).values(zone_rules=""))
    with app.app_context():
        read = clock_changes._outdated(zones.OLD, after=0)  # noqa: SLF001 - between reading and writing
    derive(app, tmp_path)
    newer = records.fresh(dinner)
    with zones.in_use(tmp_path, zones.OLD), app.app_context():
        assert clock_changes._derive_one(dinner.id, zones.OLD) is False  # noqa: SLF001
        with transaction():
            clock_changes._store_rules(zones.OLD, read)  # noqa: SLF001
    assert times(records.fresh(dinner)) == times(newer)


@pytest.mark.slow
@pytest.mark.postgresql
def test_of_two_machines_the_one_with_newer_rules_wins_and_people_are_told_once(
    app, tmp_path, cast, dinner, database_url, records
):
    RsvpFactory(party=dinner, member=cast.friend)
    with app.app_context(), transaction():
        db.session.execute(update(DinnerParty).values(zone_rules=""))
    assert zones.derive_at_once(database_url, tmp_path) == {0}
    assert times(records.fresh(dinner)) == (SEVEN, BY_NEW_RULES, BY_NEW_RULES - timedelta(days=1), zones.NEW)
    assert [letter.recipient for letter in records.all(OutboxEmail)].count(cast.friend.email) == 1


# -- what hosts and programs set


def test_a_copy_and_the_second_of_two_equal_times_keep_the_clock(app, client_of, cast, records):
    second = datetime(2040, 10, 28, 1, 30, tzinfo=UTC)
    party = DinnerPartyFactory(host=cast.host, starts_at=second, timezone="Europe/Madrid")
    assert (party.starts_at_local, party.starts_at_fold) == (datetime.fromisoformat("2040-10-28T02:30"), 1)
    edit(client_of(cast.host), party, title="Late supper")
    stored = records.fresh(party)
    assert (stored.title, stored.starts_at, stored.starts_at_fold) == ("Late supper", second, 1)


def test_another_zone_alone_moves_the_moment_and_the_letter_says_both(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, starts_at=datetime(2040, 7, 1, 17, tzinfo=UTC), timezone="Europe/Madrid")
    RsvpFactory(party=party, member=cast.friend)
    edit(client_of(cast.host), party, timezone="Europe/Dublin")
    assert records.fresh(party).starts_at == datetime(2040, 7, 1, 18, tzinfo=UTC)
    (letter,) = records.all(OutboxEmail)
    text = letter.text.replace("\u202f", " ")
    assert "Before: Sunday, July 1, 2040, 7:00 PM (Madrid, UTC+2)" in text
    assert "Now: Sunday, July 1, 2040, 7:00 PM (Dublin, UTC+1)" in text
    assert "stays the same" not in text
    assert "Dublin, UTC+1" in letter.html


def test_the_same_moment_in_another_zone_has_another_local_time(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, starts_at=datetime(2040, 7, 1, 17, tzinfo=UTC), timezone="Europe/Madrid")
    edit(client_of(cast.host), party, timezone="Europe/Dublin", starts_at="2040-07-01T18:00")
    stored = records.fresh(party)
    assert (stored.starts_at, stored.starts_at_local) == (party.starts_at, datetime.fromisoformat("2040-07-01T18:00"))


def test_a_dinner_over_a_night_of_change_takes_as_long_as_planned(cast):
    party = DinnerPartyFactory(
        host=cast.host, starts_at=datetime(2040, 3, 25, 0, tzinfo=UTC), timezone="Europe/Madrid", duration_minutes=180
    )
    assert wall_clock.local_of(party.starts_at, party.timezone)[0].hour == 1
    assert wall_clock.local_of(party.ends_at, party.timezone)[0].hour == 5
    assert clock.now() < party.ends_at
