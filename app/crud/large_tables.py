"""What is offered of a table with many rows: the orders and filters that an index answers. Of others, everything is.

A list without an index takes as long as the table is: a second for a million rows, each time, for whoever asks.
"""

import functools
import time
from dataclasses import dataclass, field
from typing import Any

from flask import current_app
from sqlalchemy import Integer, PrimaryKeyConstraint, Table, UniqueConstraint, func, select, text

from app.extensions import db
from app.search_key import WORDS_INDEX, search_key

# Reading as many rows takes as long as a page does.
LARGE = 50_000
KNOWN, KNOWN_SECONDS = "large_tables", 600
# PostgreSQL keeps an estimate.
POSTGRESQL = text(
    "SELECT reltuples, to_regclass(:index) IS NOT NULL AS has_words FROM pg_class WHERE oid = to_regclass(:table)"
)


@dataclass
class Indexed:
    """The columns of a table that indexes begin with (`first`), order by, or find words in."""

    first: set[str] = field(default_factory=set)
    orders: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)


def is_large(model: Any) -> bool:
    """Whether the table of a model has more rows than a page can read."""
    return _known(model.__table__)[1]


def indexed(table: Table) -> Indexed:
    """Return what the indexes of a table answer. That of words is there only if PostgreSQL has its extension."""
    return _indexed(table, db.engine.dialect.name, _known(table)[2])


@functools.lru_cache(maxsize=500)
def _indexed(table: Table, dialect: str, has_words: bool) -> Indexed:  # noqa: FBT001
    found, keys = Indexed(), {column.name for column in table.primary_key}
    constraints = [each for each in table.constraints if isinstance(each, PrimaryKeyConstraint | UniqueConstraint)]
    found.first = {each.columns[0].name for each in constraints}
    found.orders = {each.columns[0].name for each in constraints if len(each.columns) == 1}
    for index in table.indexes:
        names = [column.name for column in index.columns]
        of_key = isinstance(index.expressions[0], search_key)
        if str(index.name).startswith(WORDS_INDEX):
            found.words = set(names) if has_words else set()
        elif dialect == "postgresql" or not of_key:
            found.first |= set() if of_key else {names[0]}
            is_partial = any(options.get("where") is not None for options in index.dialect_options.values())
            # Of rows with equal values there are few, or the index has them in the order of their keys.
            if (
                not is_partial
                and (len(names) == 1 or names[1] in keys)
                and of_key == ("words" in table.c[names[0]].info)
            ):
                found.orders.add(names[0])
    return found


def _known(table: Table) -> tuple[float, bool, bool]:
    """Return until when it is known whether a table is large, and whether it has an index of words; and both."""
    kept: dict[str, tuple[float, bool, bool]] = current_app.extensions.setdefault(KNOWN, {})
    found = kept.get(table.name, (0.0, False, False))
    if found[0] < time.monotonic():
        found = kept[table.name] = (time.monotonic() + KNOWN_SECONDS, *_read(table))
    return found


def _read(table: Table) -> tuple[bool, bool]:
    if db.engine.dialect.name == "postgresql":
        names = {"table": table.name, "index": f"{WORDS_INDEX}{table.name}"}
        row = db.session.execute(POSTGRESQL, names).first()
        return (row.reltuples > LARGE, row.has_words) if row else (False, False)
    (key, *more) = table.primary_key.columns
    if more or not isinstance(key.type, Integer):
        return False, False
    # The numbers between both ends of the keys, which are about as many as the rows.
    first, last = (select(end(key)).scalar_subquery() for end in (func.min, func.max))
    return (db.session.scalar(select(last - first)) or 0) > LARGE, False
