"""The dates of a series."""

from sqlalchemy import select

from app import clock
from app.extensions import db
from app.parties.enums import PartyStatus, Visibility
from app.parties.models import DinnerParty, PartySeries
from app.parties.series.rules import MAX_DATES

# Dates that can be changed or cancelled, unless they have started.
OPEN = (PartyStatus.DRAFT, PartyStatus.PUBLISHED)


def dates(party: DinnerParty) -> list[DinnerParty]:
    """Return all dates of the series of `party`, soonest first."""
    if party.series_id is None:
        return []
    statement = select(DinnerParty).where(DinnerParty.series_id == party.series_id)
    return list(db.session.scalars(statement.order_by(DinnerParty.starts_at, DinnerParty.id).limit(MAX_DATES)))


def visible_dates(party: DinnerParty, *, is_host: bool) -> list[tuple[DinnerParty, bool]]:
    """Return the dates that a reader of the page of `party` sees, and whether the page of each is linked.

    Hosts see all. Guests see those to come; the page of a private party is for people who are invited to it.
    """
    if is_host:
        return [(date, True) for date in dates(party)]
    return [
        (date, date.visibility != Visibility.PRIVATE)
        for date in dates(party)
        if not date.is_past and not date.is_draft and date.hidden_at is None
    ]


def following(party: DinnerParty) -> list[DinnerParty]:
    """Return the later dates that can still be changed or cancelled, soonest first. `party` may have unsaved changes."""
    stored = select(DinnerParty.starts_at).where(DinnerParty.id == party.id).scalar_subquery()
    statement = (
        select(DinnerParty)
        .where(
            DinnerParty.series_id == party.series_id,
            DinnerParty.id != party.id,
            DinnerParty.starts_at > stored,
            DinnerParty.starts_at > clock.now(),
            DinnerParty.status.in_(OPEN),
        )
        .order_by(DinnerParty.starts_at, DinnerParty.id)
    )
    with db.session.no_autoflush:
        return list(db.session.scalars(statement))


def series_of(party: DinnerParty) -> PartySeries | None:
    return db.session.get(PartySeries, party.series_id) if party.series_id is not None else None
