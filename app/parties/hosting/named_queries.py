"""Named queries about the parties that are given."""

from datetime import date

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, select

from app.charts.model import Column
from app.database import month_of
from app.extensions import db
from app.named_queries import MONTHS, NamedQuery, Row, Series, declare, monthly
from app.parties.enums import HELD, PartyStatus
from app.parties.models import DinnerParty
from app.parties.named_queries import HOST, MONTH, PERMISSION, of_host, own, parties_of, within

COLUMNS = (
    MONTH,
    Column("parties", lazy_gettext("Parties")),
    Column("cancelled", lazy_gettext("Cancelled parties")),
)


def _count(first: date, last: date, *conditions: ColumnElement[bool]) -> dict[date, Row]:
    month = month_of(DinnerParty.starts_at).label("month")
    statement = (
        select(
            month,
            func.count(case((DinnerParty.status.in_(HELD), 1))),
            func.count(case((DinnerParty.status == PartyStatus.CANCELLED, 1))),
        )
        .where(within(first, last), *conditions)
        .group_by(month)
    )
    return {row[0]: tuple(row[1:]) for row in db.session.execute(statement)}


def _series(*conditions: ColumnElement[bool]) -> Series:
    return monthly(lambda first, last: _count(first, last, *conditions), (0, 0))


declare(
    NamedQuery(
        name="parties_per_month",
        title=lazy_gettext("Parties per month"),
        columns=COLUMNS,
        parameters=(MONTHS, HOST),
        permission=PERMISSION,
        series=_series(),
        read=lambda months, host: _series(*of_host(host)).rows(months),
        link=parties_of,
    )
)
declare(
    NamedQuery(
        name="my_parties_per_month",
        title=lazy_gettext("My parties per month"),
        columns=COLUMNS,
        parameters=(MONTHS,),
        permission=None,
        read=lambda months: _series(own()).rows(months),
    )
)
