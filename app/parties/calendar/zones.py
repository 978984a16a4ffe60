"""Time zones as iCalendar writes them: VTIMEZONE components (RFC 5545, 3.6.5), made from what zoneinfo says."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

# No zone changes its offset twice within this time.
STEP = timedelta(days=1)
NOTHING = timedelta()


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Return the moment in local time; in UTC if its local time occurs twice.

    RFC 5545 means the first of the two, but most programs take the second.
    """
    local = moment.astimezone(zone)
    return moment.astimezone(UTC) if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset() else local


def definition(name: str, zone: tzinfo, first: datetime, last: datetime) -> Timezone:
    """Return the definition of a zone for the moments from `first` to `last`, with each change of its offset between.

    Changes are listed one by one: some zones follow no rule, such as those with summer time except in Ramadan.
    """
    component = Timezone()
    component.add("tzid", name)
    start = first.astimezone(zone)
    component.add_component(_observance(start, start, is_summer=(start.dst() or NOTHING) > NOTHING))
    for before, after in _changes(zone, first, last):
        component.add_component(_observance(before, after, is_summer=_is_summer(before, after)))
    return component


def _is_summer(before: datetime, after: datetime) -> bool:
    """Whether summer time begins. A zone that moves for good stays in standard time."""
    rises = (after.utcoffset() or NOTHING) > (before.utcoffset() or NOTHING)
    return rises and before.dst() != after.dst()


def _observance(before: datetime, after: datetime, *, is_summer: bool) -> TimezoneStandard | TimezoneDaylight:
    """Return what holds from `after` on. It begins at the local time that the clocks showed until then."""
    part = TimezoneDaylight() if is_summer else TimezoneStandard()
    offset = before.utcoffset() or NOTHING
    part.add("dtstart", (after.astimezone(UTC) + offset).replace(tzinfo=None))
    part.add("tzoffsetfrom", offset)
    part.add("tzoffsetto", after.utcoffset())
    part.add("tzname", after.tzname())
    return part


def _changes(zone: tzinfo, first: datetime, last: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the last second before each change, and its first second."""
    moment = first
    while moment < last:
        following = moment + STEP
        if moment.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            yield _change_between(zone, moment, following)
        moment = following


def _change_between(zone: tzinfo, before: datetime, after: datetime) -> tuple[datetime, datetime]:
    """Find the second at which the offset changes, by halving."""
    second = timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // 2 // second * second
        if middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset():
            before = middle
        else:
            after = middle
    return before.astimezone(zone), after.astimezone(zone)
