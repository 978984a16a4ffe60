"""Named queries about what guests eat, for administrators: numbers only, and none of a few people."""

from collections import defaultdict
from datetime import date

from flask_babel import lazy_gettext
from sqlalchemy import Text, case, cast, func, select

from app.charts.model import Column, Kind
from app.database import month_of
from app.extensions import db
from app.food import DIETS
from app.named_queries import MONTHS, NamedQuery, Row, declare, last_months
from app.parties.enums import HELD, SEATED
from app.parties.models import DinnerParty, Rsvp, RsvpPerson
from app.parties.named_queries import PERMISSION

# A smaller number could tell who they are, and is left out.
LEAST_PEOPLE = 5


def _diets_by_season(months: int) -> list[Row]:
    """Count people with seats by diet. There are those of parties to come, and of the last DIETARY_RETENTION_DAYS."""
    month = month_of(DinnerParty.starts_at).label("month")
    # Their JSON is the same on both databases: ["vegan", "no_pork"].
    has = (cast(RsvpPerson.diets, Text).contains(f'"{diet}"', autoescape=True) for diet in DIETS)
    statement = (
        select(month, *(func.count(case((each, 1))) for each in has))
        .select_from(RsvpPerson)
        .join(RsvpPerson.rsvp)
        .join(Rsvp.party)
        .where(DinnerParty.status.in_(HELD))
        .where(Rsvp.status.in_(SEATED), RsvpPerson.position < Rsvp.party_size)
        .group_by(month)
    )
    found: dict[tuple[date, str], int] = defaultdict(int)
    # There are few people, and many parties: with a condition on the months, SQLite would begin with the parties.
    periods = set(last_months(months))
    for first_day, *counts in db.session.execute(statement):
        if first_day not in periods:
            continue
        for diet, count in zip(DIETS, counts, strict=True):
            found[_season(first_day), diet] += count
    return [
        (season, str(DIETS[diet]), count) for (season, diet), count in sorted(found.items()) if count >= LEAST_PEOPLE
    ]


def _season(month: date) -> date:
    """Return the first day of a season: of March, June, September or December."""
    back = month.month % 3
    return date(month.year, month.month - back, 1) if month.month > back else date(month.year - 1, 12, 1)


declare(
    NamedQuery(
        name="diets_by_season",
        title=lazy_gettext("Diets of guests by season"),
        columns=(
            Column("season", lazy_gettext("Season that begins on"), Kind.DATE),
            Column("diet", lazy_gettext("Diet"), Kind.TEXT),
            Column("people", lazy_gettext("People")),
        ),
        parameters=(MONTHS,),
        permission=PERMISSION,
        read=_diets_by_season,
    )
)
