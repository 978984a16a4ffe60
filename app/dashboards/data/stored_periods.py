"""Months and days that are over for long are counted once a day by a job, so that no reader waits for it.

The last two periods are counted when somebody looks; so is what the job has not counted yet.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import delete, select

from app import clock, replica
from app.dashboards.data.models import StoredPeriod
from app.database import insert_into, transaction
from app.extensions import db
from app.named_queries import QUERIES, Row, Series

LIVE, AGE = 2, timedelta(days=1)
# Periods that the job counts in one statement.
AT_ONCE = 6
Kept = Callable[[tuple[object, ...], Callable[[], Any]], Any]


def rows(name: str, series: Series, number: int, for_a_minute: Kept) -> list[Row]:
    """Return what was counted in the last periods."""
    periods = series.last(number)
    live = series.last(min(LIVE, series.most))
    found: dict[date, Row] = for_a_minute(
        ("live", name, live[-1]), lambda: replica.read(lambda: _complete(series, live))
    )
    older = [period for period in periods if period not in found]
    if older:
        stored: dict[date, Row] = replica.read(lambda: _stored(name, older[0]))
        missing = [period for period in older if period not in stored]
        if missing:
            stored |= replica.read(
                lambda: _complete(series, [each for each in older if missing[0] <= each <= missing[-1]])
            )
        found = stored | found
    return [(period, *found[period]) for period in periods]


def count_due() -> int:
    """Count what was not counted within a day; return how many periods that were."""
    total = 0
    for query in QUERIES.values():
        if query.series is not None:
            for periods in _due(query.name, query.series):
                with transaction():
                    total += _store(query.name, _complete(query.series, periods))
    with transaction():
        db.session.execute(delete(StoredPeriod).where(StoredPeriod.counted_at < clock.now() - 2 * AGE))
    return total


def _due(name: str, series: Series) -> Iterator[list[date]]:
    """Yield neighbours among the periods that are due."""
    periods = series.last(series.most)[:-LIVE]
    recent = (StoredPeriod.query == name, StoredPeriod.counted_at > clock.now() - AGE)
    with transaction():
        known = set(db.session.scalars(select(StoredPeriod.period).where(*recent)))
    for start in range(0, len(periods), AT_ONCE):
        part = periods[start : start + AT_ONCE]
        if not known.issuperset(part):
            yield part


def _complete(series: Series, periods: list[date]) -> dict[date, Row]:
    counted = series.count(periods[0], periods[-1])
    return {period: counted.get(period, series.nothing) for period in periods}


def _stored(name: str, first: date) -> dict[date, Row]:
    # Where no job runs any more, readers wait rather than see what was true long ago.
    statement = select(StoredPeriod.period, StoredPeriod.row).where(
        StoredPeriod.query == name, StoredPeriod.period >= first, StoredPeriod.counted_at > clock.now() - 2 * AGE
    )
    return {period: tuple(row) for period, row in db.session.execute(statement)}


def _store(name: str, counted: dict[date, Row]) -> int:
    now = clock.now()
    values = [{"query": name, "period": each, "row": list(row), "counted_at": now} for each, row in counted.items()]
    insert = insert_into(StoredPeriod)
    changed = {"row": insert.excluded.row, "counted_at": insert.excluded.counted_at}
    db.session.execute(insert.on_conflict_do_update(index_elements=["query", "period"], set_=changed), values)
    return len(values)
