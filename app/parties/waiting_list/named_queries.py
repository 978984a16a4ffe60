"""Named queries about waiting lists."""

from datetime import date

from flask_babel import lazy_gettext
from sqlalchemy import case, func, select

from app.charts.model import Column, Kind
from app.database import month_of, seconds_between
from app.extensions import db
from app.named_queries import MONTHS, NamedQuery, Row, declare, in_months, monthly
from app.parties.enums import OfferState, WaitingListEventKind
from app.parties.named_queries import PERMISSION
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer

HOUR = 3600


def _waiting_times(first: date, last: date) -> dict[date, Row]:
    """Measure from when a guest last joined the waiting list to each offer of seats, by the month of the offer."""
    joined = (
        select(func.max(WaitingListEvent.at))
        .where(
            WaitingListEvent.rsvp_id == WaitOffer.rsvp_id,
            WaitingListEvent.kind == WaitingListEventKind.JOINED,
            WaitingListEvent.at <= WaitOffer.created_at,
        )
        .scalar_subquery()
    )
    offers = (
        select(
            month_of(WaitOffer.created_at).label("month"),
            case((WaitOffer.state == OfferState.CLAIMED, 1)).label("is_claimed"),
            seconds_between(joined, WaitOffer.created_at).label("seconds"),
        )
        .where(in_months(WaitOffer.created_at, first, last))
        .subquery()
    )
    figures = (
        func.count(),
        func.count(offers.c.is_claimed),
        func.avg(offers.c.seconds),
        func.max(offers.c.seconds),
    )
    return {
        month: (count, claimed, _hours(average), _hours(longest))
        for month, count, claimed, average, longest in db.session.execute(
            select(offers.c.month, *figures).group_by(offers.c.month)
        )
    }


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / HOUR, 1)


SERIES = monthly(_waiting_times, (0, 0, None, None))
declare(
    NamedQuery(
        name="waiting_times",
        title=lazy_gettext("Waiting times per month"),
        columns=(
            Column("month", lazy_gettext("Month of the offer"), Kind.DATE),
            Column("offers", lazy_gettext("Seat offers")),
            Column("claimed", lazy_gettext("Accepted seat offers")),
            Column("average", lazy_gettext("Average waiting time"), unit="h"),
            Column("longest", lazy_gettext("Longest waiting time"), unit="h"),
        ),
        parameters=(MONTHS,),
        permission=PERMISSION,
        series=SERIES,
        read=SERIES.rows,
    )
)
