"""Make a series of parties, leave it, and change or cancel its dates from one on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import lazy_gettext
from sqlalchemy import update

from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.parties import wall_clock
from app.parties.enums import PartyStatus, SeriesFrequency
from app.parties.hosting import service as hosting_service
from app.parties.hosting.service import Announcements
from app.parties.models import CoHost, DinnerParty, PartySeries
from app.parties.series import mail, queries, rules
from app.parties.series.mail import Told

TIMES = frozenset({"starts_at", "timezone", "rsvp_deadline"})


@dataclass(frozen=True)
class Rule:
    """When the dates of a series are: every so many weeks or months, until a date, or so many of them."""

    # A value of SeriesFrequency.
    frequency: str
    every: int = 1
    until: date | None = None
    number: int | None = None


# -- make one


def plan(party: DinnerParty, rule: Rule) -> list[datetime]:
    """Return when the dates of a series that starts with `party` would begin, by the clock of its place.

    Raises DomainError when there can be no such series.
    """
    if party.series_id is not None:
        raise DomainError(lazy_gettext("This party is already a date of a series."), "warning")
    if not party.is_changeable or party.is_past:
        raise DomainError(lazy_gettext("Only a party that is still to come can be repeated."), "warning")
    first = local_start(party)
    if rule.frequency == SeriesFrequency.MONTHLY_LAST and not rules.is_last_of_month(first.date()):
        raise DomainError(lazy_gettext("The party is not on the last such weekday of its month."), field="frequency")
    days = rules.dates(first.date(), rule.frequency, rule.every, until=rule.until, number=rule.number)
    if len(days) < 2:
        raise DomainError(lazy_gettext("A series has at least two dates."), field="until" if rule.until else "number")
    return [datetime.combine(day, first.time()) for day in days]


def create(party: DinnerParty, rule: Rule) -> list[DinnerParty]:
    """Make the other dates, each with seats and answers of its own, and return all of them.

    They have what a copy has, the co-hosts, and the same status. Two requests at once raise IntegrityError.
    """
    starts = plan(party, rule)
    _remove_empty(db.session.get(PartySeries, party.id))
    series = PartySeries(
        id=party.id, title=party.title, host_id=party.host_id, frequency=rule.frequency, every=rule.every
    )
    db.session.add(series)
    db.session.flush()
    party.series_id = series.id
    copies = [_copy(party, start) for start in starts[1:]]
    db.session.flush()
    return [party, *copies]


def _copy(party: DinnerParty, start: datetime) -> DinnerParty:
    copy = hosting_service.copy_party(party, party.host, start)
    for member in party.co_hosts:
        db.session.add(CoHost(party_id=copy.id, member_id=member.id))
    copy.rsvp_deadline = _deadline(party, start)
    copy.series_id, copy.status = party.series_id, party.status
    return copy


def _remove_empty(series: PartySeries | None) -> None:
    """Delete what is left of a series that a party began and left. Raises DomainError if other dates are in it."""
    if series is None:
        return
    if series.parties:
        raise DomainError(
            lazy_gettext("The series that this party began still has other dates. Make a copy, and repeat that one."),
            "warning",
        )
    db.session.delete(series)
    db.session.flush()


# -- leave it


def leave(party: DinnerParty) -> None:
    """Take a party out of its series. Of a series of two, the other one leaves as well. Guests keep their answers."""
    series = _series_of(party)
    party.series_id = None
    db.session.flush()
    rest = update(DinnerParty).where(DinnerParty.series_id == series.id).values(series_id=DinnerParty.series_id)
    if len(db.session.execute(rest.returning(DinnerParty.id)).all()) > 1:
        return
    alone = update(DinnerParty).where(DinnerParty.series_id == series.id)
    db.session.execute(alone.values(series_id=None, version=DinnerParty.version + 1))
    db.session.expire(series)
    db.session.delete(series)
    db.session.flush()


# -- this and the following


def change_following(party: DinnerParty) -> tuple[int, int]:
    """Store the changes of `party`, and make them to the following dates; return how many dates and people hear of it.

    A new time or day moves each date alike. Each person gets one e-mail. Raises DomainError and StaleDataError as
    hosting does; then nothing is changed.
    """
    # A query must not store the changes: they are compared with what is stored.
    with db.session.no_autoflush:
        _series_of(party)
        later = queries.following(party)
        changed = hosting_service.changed_columns(party)
        before = _stored_start(party)
    told: list[Told] = []
    announce = _collect(told)
    hosting_service.update_party(party, announce)
    for other in later:
        # One by one: storing a party stores all that was changed.
        _change_alike(other, party, changed, before)
        try:
            hosting_service.update_party(other, announce)
        except DomainError as error:
            text = lazy_gettext("%(date)s: %(problem)s", date=_day(other), problem=str(error))
            raise DomainError(text, error.category, field=error.field) from error
    return 1 + len(later), mail.send(told)


def cancel_following(party: DinnerParty) -> tuple[int, int]:
    """Cancel a date and the following ones; return how many dates, and how many people hear of it, in one e-mail each.

    Raises DomainError if `party` is cancelled or has started.
    """
    _series_of(party)
    parties = [party, *queries.following(party)]
    return len(parties), cancel(parties)


def cancel(parties: Iterable[DinnerParty]) -> int:
    """Cancel parties; return how many people hear of it, in one e-mail for the dates of a series."""
    told: list[Told] = []
    announce = _collect(told)
    for party in parties:
        hosting_service.cancel_party(party, announce)
    return mail.send(told)


def _change_alike(other: DinnerParty, party: DinnerParty, changed: Iterable[str], before: datetime) -> None:
    """Change another date as `party` was changed, which began at `before` by the clock of its place."""
    columns = set(changed)
    if columns & TIMES:
        days = local_start(party).date() - before.date()
        start = datetime.combine(local_start(other).date() + days, local_start(party).time())
        other.timezone = party.timezone
        other.starts_at = moment(start, party.timezone)
        other.rsvp_deadline = _deadline(party, start)
    for column in columns.intersection(hosting_service.COPIED_COLUMNS):
        setattr(other, column, getattr(party, column))
    if "status" in columns and other.status == PartyStatus.DRAFT:
        other.status = party.status


def _collect(told: list[Told]) -> Announcements:
    """Return announcements that send nothing, but add to `told` what is to be sent."""
    return Announcements(
        changed=lambda party, guests, moved: told.extend(Told(party, guest, moved=moved) for guest in guests),
        cancelled=lambda party, guests: told.extend(Told(party, guest, cancelled=True) for guest in guests),
    )


def _series_of(party: DinnerParty) -> PartySeries:
    series = queries.series_of(party)
    if series is None:
        raise DomainError(lazy_gettext("This party is not a date of a series."), "warning")
    return series


# -- times


def local_start(party: DinnerParty) -> datetime:
    """Return when a party begins, by the clock of its place."""
    return wall_clock.planned(party).local


def _stored_start(party: DinnerParty) -> datetime:
    """Return when `party` began before its unsaved changes, by the clock of its place then."""
    return (wall_clock.planned_before(party) or wall_clock.planned(party)).local


def _deadline(party: DinnerParty, start: datetime) -> datetime | None:
    """Return the answer deadline of a date that begins at `start`: as long before, by the clock, as that of `party`."""
    if party.rsvp_deadline is None:
        return None
    deadline, _fold = wall_clock.local_of(party.rsvp_deadline, party.timezone)
    return moment(start - (local_start(party) - deadline), party.timezone)


def moment(local: datetime, timezone: str) -> datetime:
    """Return when a clock in `timezone` shows `local`."""
    return wall_clock.moment_of(local, 0, timezone)


def _day(party: DinnerParty) -> str:
    return formats.date(party.starts_at, party.timezone, "medium")
