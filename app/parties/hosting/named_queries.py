"""Named queries about the parties that are given."""

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, select

from app.charts.model import Column
from app.database import month_of
from app.extensions import db
from app.named_queries import MONTHS, NamedQuery, Row, declare, each_period, last_months
from app.parties.enums import HELD, PartyStatus
from app.parties.models import DinnerParty
from app.parties.named_queries import HOST, MONTH, PERMISSION, of_host, own, within

COLUMNS = (
    MONTH,
    Column("parties", lazy_gettext("Parties")),
    Column("cancelled", lazy_gettext("Cancelled parties")),
)


def _count(months: int, *conditions: ColumnElement[bool]) -> list[Row]:
    month = month_of(DinnerParty.starts_at).label("month")
    statement = (
        select(
            month,
            func.count(case((DinnerParty.status.in_(HELD), 1))),
            func.count(case((DinnerParty.status == PartyStatus.CANCELLED, 1))),
        )
        .where(within(months), *conditions)
        .group_by(month)
    )
    found = {row[0]: tuple(row[1:]) for row in db.session.execute(statement)}
    return each_period(last_months(months), found, (0, 0))


declare(
    NamedQuery(
        name="parties_per_month",
        title=lazy_gettext("Parties per month"),
        columns=COLUMNS,
        parameters=(MONTHS, HOST),
        permission=PERMISSION,
        read=lambda months, host: _count(months, *of_host(host)),
    )
)
declare(
    NamedQuery(
        name="my_parties_per_month",
        title=lazy_gettext("My parties per month"),
        columns=COLUMNS,
        parameters=(MONTHS,),
        permission=None,
        read=lambda months: _count(months, own()),
    )
)
