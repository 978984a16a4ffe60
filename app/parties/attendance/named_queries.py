"""Named queries about guests who did not come."""

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, case, func, select

from app import clock
from app.charts.model import Column
from app.database import month_of
from app.extensions import db
from app.named_queries import MONTHS, NamedQuery, Row, declare, each_period, last_months
from app.parties.enums import HELD, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.named_queries import HOST, MONTH, PERMISSION, of_host, own, within

COLUMNS = (
    MONTH,
    Column("arrived", lazy_gettext("Guests who arrived")),
    Column("no_shows", lazy_gettext("No-shows")),
    Column("share", lazy_gettext("Share of no-shows"), unit="%"),
)


def _count(months: int, *conditions: ColumnElement[bool]) -> list[Row]:
    """Count people at parties that have begun. Without a list at the door, nobody is known to have arrived."""
    month = month_of(DinnerParty.starts_at).label("month")
    states = (RsvpStatus.CHECKED_IN, RsvpStatus.NO_SHOW)
    statement = (
        select(month, *(func.coalesce(func.sum(case((Rsvp.status == state, Rsvp.party_size))), 0) for state in states))
        .join(Rsvp.party)
        .where(within(months), DinnerParty.starts_at <= clock.now(), DinnerParty.status.in_(HELD), *conditions)
        .where(Rsvp.status.in_(states))
        .group_by(month)
    )
    found: dict[object, Row] = {
        month: (arrived, missing, round(100 * missing / (arrived + missing), 1))
        for month, arrived, missing in db.session.execute(statement)
    }
    return each_period(last_months(months), found, (0, 0, None))


declare(
    NamedQuery(
        name="no_shows",
        title=lazy_gettext("No-shows per month"),
        columns=COLUMNS,
        parameters=(MONTHS, HOST),
        permission=PERMISSION,
        read=lambda months, host: _count(months, *of_host(host)),
    )
)
declare(
    NamedQuery(
        name="my_no_shows",
        title=lazy_gettext("No-shows at my parties"),
        columns=COLUMNS,
        parameters=(MONTHS,),
        permission=None,
        read=lambda months: _count(months, own()),
    )
)
