"""Statistics of accounts: states, new members and logins. Days and months are in UTC."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, case, extract, func, select

from app import clock
from app.accounts.models import Member, Registration
from app.audit.models import AuditEvent
from app.extensions import db

MONTHS, DAYS = 12, 30
Series = list[tuple[date, int]]


@dataclass(frozen=True)
class Accounts:
    """The number of accounts in each state. Every member counts in one of the first four."""

    active: int
    inactive: int
    banned: int
    erased: int
    with_second_factor: int
    pending: int


def accounts() -> Accounts:
    """Count accounts by state."""
    here = Member.erased_at.is_(None)
    free = and_(here, Member.banned_at.is_(None))
    pending = (
        select(func.count())
        .select_from(Registration)
        .where(Registration.activated_at.is_(None), Registration.expires_at > clock.now())
        .scalar_subquery()
    )
    counts = (
        and_(free, Member.active.is_(True)),
        and_(free, Member.active.is_not(True)),
        and_(here, Member.banned_at.is_not(None)),
        Member.erased_at.is_not(None),
        and_(here, Member.has_second_factor),
    )
    row: Any = db.session.execute(select(*(func.count(case((each, 1))) for each in counts), pending)).one()
    return Accounts(*row)


def joined() -> Series:
    """Count the new members of each of the last months, including the current one. Deleted accounts count."""
    months = [_first_of_month(clock.now().date(), back) for back in range(MONTHS - 1, -1, -1)]
    parts = extract("year", Member.joined_at), extract("month", Member.joined_at)
    statement = select(*parts, func.count()).where(Member.joined_at >= _midnight(months[0])).group_by(*parts)
    found = {date(int(year), int(month), 1): count for year, month, count in db.session.execute(statement)}
    return [(month, found.get(month, 0)) for month in months]


def logged_in() -> Series:
    """Count the logins of each of the last days, including today."""
    today = clock.now().date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    parts = tuple(extract(part, AuditEvent.at) for part in ("year", "month", "day"))
    statement = (
        select(*parts, func.count())
        .where(AuditEvent.at >= _midnight(days[0]), AuditEvent.action == "logged_in")
        .group_by(*parts)
    )
    rows: Any = db.session.execute(statement)
    found = {date(int(year), int(month), int(day)): count for year, month, day, count in rows}
    return [(day, found.get(day, 0)) for day in days]


def _first_of_month(day: date, back: int) -> date:
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
