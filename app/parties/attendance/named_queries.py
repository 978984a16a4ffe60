"""Named queries about guests who did not come."""

from datetime import date

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, select

from app import clock
from app.charts.model import Column
from app.database import month_of
from app.extensions import db
from app.named_queries import MONTHS, NamedQuery, Row, Series, declare, monthly
from app.parties.enums import HELD, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.named_queries import HOST, MONTH, PERMISSION, of_host, own, within

COLUMNS = (
    MONTH,
    Column("arrived", lazy_gettext("Guests who arrived")),
    Column("no_shows", lazy_gettext("No-shows")),
    Column("share", lazy_gettext("Share of no-shows"), unit="%"),
)


def _count(first: date, last: date, *conditions: ColumnElement[bool]) -> dict[date, Row]:
    """Count people at parties that have begun. Without a list at the door, nobody is known to have arrived."""
    month = month_of(DinnerParty.starts_at).label("month")
    states = (RsvpStatus.CHECKED_IN, RsvpStatus.NO_SHOW)
    statement = (
        select(month, *(func.coalesce(func.sum(case((Rsvp.status == state, Rsvp.party_size))), 0) for state in states))
        .join(Rsvp.party)
        .where(within(first, last), DinnerParty.starts_at <= clock.now(), DinnerParty.status.in_(HELD), *conditions)
        .where(Rsvp.status.in_(states))
        .group_by(month)
    )
    return {
        month: (arrived, missing, round(100 * missing / (arrived + missing), 1))
        for month, arrived, missing in db.session.execute(statement)
    }


def _series(*conditions: ColumnElement[bool]) -> Series:
    return monthly(lambda first, last: _count(first, last, *conditions), (0, 0, None))


declare(
    NamedQuery(
        name="no_shows",
        title=lazy_gettext("No-shows per month"),
        columns=COLUMNS,
        parameters=(MONTHS, HOST),
        permission=PERMISSION,
        series=_series(),
        read=lambda months, host: _series(*of_host(host)).rows(months),
    )
)
declare(
    NamedQuery(
        name="my_no_shows",
        title=lazy_gettext("No-shows at my parties"),
        columns=COLUMNS,
        parameters=(MONTHS,),
        permission=None,
        read=lambda months: _series(own()).rows(months),
    )
)
