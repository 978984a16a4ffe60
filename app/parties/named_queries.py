"""What the named queries about parties have in common. Months are those in which parties begin, in UTC."""

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from sqlalchemy import ColumnElement, select, union_all

from app.charts.model import Column, Kind
from app.named_queries import Parameter, Row, in_months, list_url, next_month, short_text
from app.parties import queries
from app.parties.enums import PartyStatus
from app.parties.models import CoHost, DinnerParty

# Who may list all parties may count them, too.
PERMISSION = ("can_list", "DinnerPartyModelView")
HOST = Parameter("host", lazy_gettext("Username of the host"), "", short_text)
MONTH = Column("month", lazy_gettext("Month"), Kind.DATE)


def within(first: date, last: date) -> ColumnElement[bool]:
    """Return the condition that a party begins in the months from one to another."""
    return in_months(DinnerParty.starts_at, first, last)


def parties_of(row: Row, column: str) -> str:
    """Return the URL of the list of parties of a month."""
    month: Any = row[0]
    filters = {"status": PartyStatus.CANCELLED.value} if column == "cancelled" else {}
    return list_url("DinnerPartyModelView.list", "starts_at", month, next_month(month), **filters)


def of_host(username: str) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that a party is that of a member, if one is named. Raises ValueError if there is none."""
    if not username:
        return ()
    member = queries.member_by_username(username)
    if member is None:
        raise ValueError(gettext("There is no member “%(name)s”.", name=username))
    return (DinnerParty.host_id == member.id,)


def own() -> ColumnElement[bool]:
    """Return the condition that the reader hosts a party, alone or with others."""
    hosted = select(DinnerParty.id).where(DinnerParty.host_id == current_user.id)
    return DinnerParty.id.in_(
        union_all(hosted, select(CoHost.party_id).where(CoHost.member_id == current_user.id)).subquery().select()
    )
