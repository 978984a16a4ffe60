"""Statistics of accounts: states, new members and logins. Days and months are in UTC."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import and_, case, func, select

from app import clock
from app.accounts.models import Member, Registration
from app.audit.models import AuditEvent
from app.database import day_of, month_of
from app.extensions import db
from app.named_queries import Row, daily, in_months, monthly, on_days

MONTHS, DAYS = 12, 30


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


def joined() -> list[Any]:
    """Return the new members of each of the last months, including the current one. Deleted accounts count."""
    return JOINED.rows(MONTHS)


def logged_in() -> list[Any]:
    """Return the logins of each of the last days, including today."""
    return LOGGED_IN.rows(DAYS)


def _joined(first: date, last: date) -> dict[date, Row]:
    month = month_of(Member.joined_at).label("month")
    statement = select(month, func.count()).where(in_months(Member.joined_at, first, last)).group_by(month)
    return {row[0]: (row[1],) for row in db.session.execute(statement)}


def _logged_in(first: date, last: date) -> dict[date, Row]:
    day = day_of(AuditEvent.at).label("day")
    statement = (
        select(day, func.count())
        .where(on_days(AuditEvent.at, first, last), AuditEvent.action == "logged_in")
        .group_by(day)
    )
    return {row[0]: (row[1],) for row in db.session.execute(statement)}


JOINED, LOGGED_IN = monthly(_joined, (0,)), daily(_logged_in, (0,))
