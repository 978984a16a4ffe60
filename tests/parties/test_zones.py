"""Time zones in calendars: what a reader makes of them is the instant that was meant."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, available_timezones

import icalendar
import pytest
import vobject

from app.parties.calendar import zones

# Northern and southern summer, half hours, none at all, summer except in Ramadan, negative summer time, changes for good.
TWELVE = (
    *("Europe/Madrid", "Europe/Dublin", "America/New_York", "America/Vancouver", "America/Havana", "America/Santiago"),
    *("Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Auckland"),
)
FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def changes(zone):
    """Return the moments at which the zone changes its offset, to the minute."""

    def next_change(moment, step):
        offset = moment.astimezone(zone).utcoffset()
        while moment < LAST and (moment + step).astimezone(zone).utcoffset() == offset:
            moment += step
        return moment

    moment, found = FIRST, []
    while (moment := next_change(moment, timedelta(days=1))) < LAST:
        moment = next_change(moment, timedelta(minutes=1)) + timedelta(minutes=1)
        found.append(moment)
    return found


def moments_of(zone):
    """Return moments on both sides of each change, and evenings of a year."""
    near = [change + n * HOUR for change in changes(zone) for n in (-25, -1, 0, 1, 2, 25)]
    return [*near, *(FIRST + timedelta(days=30 * n, hours=19) for n in range(12))]


def calendar_of(name, moments):
    calendar = icalendar.Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//test//EN")
    zone = ZoneInfo(name)
    # vobject takes a zone that was like UTC from 2000 to 2020 for no zone.
    calendar.add_component(zones.definition(name, zone, FIRST.replace(year=2019), LAST + timedelta(days=366)))
    for number, moment in enumerate(moments):
        event = icalendar.Event()
        event.add("uid", str(number))
        event.add("dtstamp", FIRST)
        event.add("dtstart", zones.in_zone(moment, zone))
        calendar.add_component(event)
    return calendar.to_ical().decode()


def by_the_definition(calendar, local):
    """Return the moment of a local time, as RFC 5545 reads a VTIMEZONE: the last onset before it holds."""
    onsets = [
        (part.decoded("dtstart"), part.decoded("tzoffsetto"))
        for zone in calendar.walk("VTIMEZONE")
        for part in zone.subcomponents
    ]
    _onset, offset = max(onset for onset in onsets if onset[0] <= local)
    return local.replace(tzinfo=timezone(offset))


@pytest.mark.parametrize("name", TWELVE)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:vobject")
def test_three_readers_find_the_instant_on_both_sides_of_each_change(name):
    moments = moments_of(ZoneInfo(name))
    text = calendar_of(name, moments)
    # By a name that it does not know, vobject uses the definition.
    unknown = text.replace(f":{name}", f":/dinner/{name}").replace(f"={name}", f"=/dinner/{name}")
    assert [event.dtstart.value for event in vobject.readOne(unknown).vevent_list] == moments
    calendar = icalendar.Calendar.from_ical(text)
    assert [event.decoded("dtstart") for event in calendar.walk("VEVENT")] == moments
    local = [event.decoded("dtstart") for event in calendar.walk("VEVENT")]
    assert [
        moment if moment.utcoffset() == timedelta() and moment.tzname() == "UTC"
        else by_the_definition(calendar, moment.replace(tzinfo=None)) for moment in local
    ] == moments  # fmt: skip


def test_every_zone_is_defined_as_zoneinfo_has_it():
    wrong = set()
    for name in sorted(available_timezones())[::10]:
        zone = ZoneInfo(name)
        calendar = icalendar.Calendar()
        calendar.add_component(zones.definition(name, zone, FIRST, LAST))
        for moment in moments_of(zone)[::2]:
            local = zones.in_zone(moment, zone)
            if local.tzinfo is not UTC and by_the_definition(calendar, local.replace(tzinfo=None)) != moment:
                wrong.add(name)
    assert wrong == set()


def test_a_local_time_that_occurs_twice_is_written_in_utc():
    zone = ZoneInfo("Europe/Madrid")
    once, twice = datetime(2026, 10, 25, 2, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert zones.in_zone(once, zone).tzinfo is zone
    assert [zones.in_zone(moment, zone).tzinfo for moment in (twice, twice - HOUR)] == [UTC, UTC]
