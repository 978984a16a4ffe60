"""When a party is: a date and a time on the clocks of its place. The moments in UTC are derived from them, here only.

The local time, its fold and the zone are what counts; the moments are for the database to compare and sort by. Whoever
assigns a moment (a form, a program) sets the local time with it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import inspect

from app import zone_rules

# Each moment of a party, its local time, and which of two equal local times it is (PEP 495).
TIMES = (
    ("starts_at", "starts_at_local", "starts_at_fold"),
    ("rsvp_deadline", "rsvp_deadline_local", "rsvp_deadline_fold"),
)
COLUMNS = ("timezone", *(name for names in TIMES for name in names))


class PlannedTime(NamedTuple):
    """A local time as people were told it: with the UTC offset that the rules of then gave it."""

    local: datetime
    offset: timedelta
    timezone: str


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC if this machine does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment_of(local: datetime, fold: int, timezone: str) -> datetime:
    """Return the moment in UTC of a local time. One that the clocks skip is as much later as they skip."""
    return local.replace(tzinfo=zone(timezone), fold=fold).astimezone(UTC)


def local_of(moment: datetime, timezone: str) -> tuple[datetime, int]:
    """Return the local time of a moment, and which of two equal ones it is."""
    there = moment.astimezone(zone(timezone))
    return there.replace(tzinfo=None, fold=0), there.fold


def settle(party: Any) -> None:
    """Make the local times and the moments of a party agree after one of them, or the zone, was assigned.

    What stays as it is stored is derived anew only by rules that are not older than those it was derived by: another
    machine may have newer ones.
    """
    changed = {name for name in COLUMNS if inspect(party).attrs[name].history.has_changes()}
    for name, local, fold in TIMES:
        if local in changed and getattr(party, local) is None and not changed & {name, "timezone"}:
            # The stored moment was assigned again.
            setattr(party, local, _stored(party, local))
            setattr(party, fold, _stored(party, fold))
            changed.discard(local)
    if not changed:
        return
    is_outdated = party.zone_rules is not None and party.zone_rules > zone_rules.version()
    for names in TIMES:
        if not is_outdated or changed & {"timezone", *names}:
            _derive(party, *names)
    party.zone_rules = zone_rules.version()


def derive(party: Any) -> None:
    """Derive each moment of a party anew from its local time, by the rules in use."""
    for names in TIMES:
        _derive(party, *names)
    party.zone_rules = zone_rules.version()


def _derive(party: Any, name: str, local_name: str, fold_name: str) -> None:
    """Derive a moment from its local time; if that is unknown, the local time from the moment."""
    timezone = party.timezone or "UTC"
    moment, local, fold = getattr(party, name), getattr(party, local_name), getattr(party, fold_name) or 0
    if moment is None:
        local, fold = None, 0
    elif local is None:
        local, fold = local_of(moment, timezone)
    elif moment_of(local, fold, timezone) != moment:
        setattr(party, name, moment_of(local, fold, timezone))
    # Assigning the moment has cleared the local time.
    setattr(party, local_name, local)
    setattr(party, fold_name, fold)


def planned(party: Any) -> PlannedTime:
    """Return the start of a party as people are told it now."""
    local = party.starts_at_local or local_of(party.starts_at, party.timezone)[0]
    return PlannedTime(local, local.replace(tzinfo=UTC) - party.starts_at, party.timezone)


def planned_before(party: Any) -> PlannedTime | None:
    """Return the start as it is stored, if another one was assigned since."""
    attributes = inspect(party).attrs
    names = ("starts_at", "starts_at_local", "timezone")
    if not any(attributes[name].history.has_changes() for name in names):
        return None
    moment, local, timezone = (_stored(party, name) for name in names)
    return None if moment is None or local is None else PlannedTime(local, local.replace(tzinfo=UTC) - moment, timezone)


def _stored(party: Any, name: str) -> Any:
    history = inspect(party).attrs[name].history
    return next(iter(history.deleted or history.unchanged or ()), None)
