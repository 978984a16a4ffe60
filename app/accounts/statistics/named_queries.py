"""Named queries about accounts."""

from collections import Counter

from flask_babel import lazy_gettext
from sqlalchemy import func, select

from app.accounts.models import Member
from app.accounts.statistics import service as statistics_service
from app.charts.model import Column, Kind
from app.extensions import db
from app.i18n import locales
from app.named_queries import DAYS, MONTHS, NamedQuery, Row, declare

PERMISSION = ("can_show", "StatisticsView")


def _languages() -> list[Row]:
    """Count members, but those who deleted their account, by the language in which the site speaks to them."""
    statement = select(Member.locale, func.count()).where(Member.erased_at.is_(None)).group_by(Member.locale)
    found: Counter[str] = Counter()
    for locale, count in db.session.execute(statement):
        found[(locales.match(locale) or locales.default()).name] += count
    rows = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    return [*rows]


declare(
    NamedQuery(
        name="registrations_per_month",
        title=lazy_gettext("New members by month"),
        columns=(Column("month", lazy_gettext("Month"), Kind.DATE), Column("members", lazy_gettext("New members"))),
        parameters=(MONTHS,),
        permission=PERMISSION,
        series=statistics_service.JOINED,
        read=statistics_service.JOINED.rows,
    )
)
declare(
    NamedQuery(
        name="logins_per_day",
        title=lazy_gettext("Logins by day"),
        columns=(Column("day", lazy_gettext("Day"), Kind.DATE), Column("logins", lazy_gettext("Logins"))),
        parameters=(DAYS,),
        permission=PERMISSION,
        series=statistics_service.LOGGED_IN,
        read=statistics_service.LOGGED_IN.rows,
    )
)
declare(
    NamedQuery(
        name="languages_of_members",
        title=lazy_gettext("Languages of members"),
        columns=(Column("language", lazy_gettext("Language"), Kind.TEXT), Column("members", lazy_gettext("Members"))),
        permission=PERMISSION,
        read=_languages,
    )
)
