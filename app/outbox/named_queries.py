"""Named queries about e-mails."""

from datetime import date, timedelta
from typing import Any

from flask_babel import lazy_gettext
from sqlalchemy import case, func, select

from app.charts.model import Column, Kind
from app.database import day_of
from app.extensions import db
from app.named_queries import DAYS, NamedQuery, Row, daily, declare, list_url, on_days
from app.outbox.models import EmailState, OutboxEmail


def _emails_by_state(first: date, last: date) -> dict[date, Row]:
    day = day_of(OutboxEmail.created_at).label("day")
    statement = (
        select(day, *(func.count(case((OutboxEmail.state == state, 1))) for state in EmailState))
        .where(on_days(OutboxEmail.created_at, first, last))
        .group_by(day)
    )
    return {row[0]: tuple(row[1:]) for row in db.session.execute(statement)}


def _outbox_of(row: Row, state: str) -> str:
    day: Any = row[0]
    return list_url("OutboxEmailModelView.list", "created_at", day, day + timedelta(days=1), state=state)


SERIES = daily(_emails_by_state, (0,) * len(EmailState))
declare(
    NamedQuery(
        name="emails_by_state",
        title=lazy_gettext("E-mails by state"),
        columns=(
            Column("day", lazy_gettext("Day"), Kind.DATE),
            *(Column(state.value, state.label) for state in EmailState),
        ),
        parameters=(DAYS,),
        permission=("can_list", "OutboxEmailModelView"),
        series=SERIES,
        read=SERIES.rows,
        link=_outbox_of,
    )
)
