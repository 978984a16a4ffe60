"""Deletions that can be undone for some seconds: what is deleted with a row, and how it comes back.

The row is deleted at once. What went with it is kept beside a token that whoever deleted it gets. A row that cannot come
back as it was (it has files, or more than MAX_ROWS went with it) is not kept.
"""

import base64
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from flask_appbuilder.models.mixins import FileColumn, ImageColumn
from flask_babel import lazy_gettext
from sqlalchemy import JSON, String, Table, Text, and_, delete, func, insert, inspect, null, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from app import clock
from app.crud import references
from app.database import Json, UTCDateTime, delete_batch
from app.errors import DomainError
from app.extensions import EMAIL_WRITTEN, Model, db, metadata

UNDO_SECONDS, SECONDS_UNDERWAY = 10, 5
MAX_ROWS = 500
TOO_LATE = lazy_gettext("This can no longer be restored.")
TAKEN = lazy_gettext("This cannot be restored, because something new has taken its place.")

Condition = Any


class DeletedRow(Model):
    """A row that was deleted a moment ago, with what went with it."""

    __tablename__ = "deleted_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # The endpoint of the view, and the key and the name of the row.
    view: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(320))
    name: Mapped[str] = mapped_column(Text)
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    deleted_at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now, index=True)


@dataclass
class Companions:
    """What goes with a row of a table: the rows of each table by their keys, and rows that lose a reference to one."""

    table: Table
    rows: dict[Table, dict[Any, Mapping[Any, Any]]] = field(default_factory=dict)
    emptied: dict[Table, dict[Any, Mapping[Any, Any]]] = field(default_factory=dict)
    is_complete: bool = True

    def counts(self) -> dict[Table, int]:
        """Return how many rows of other tables are deleted."""
        return {table: len(rows) for table, rows in self.rows.items() if rows and table is not self.table}


def of(item: Any) -> Companions:
    """Return what is deleted with `item`, by its relations and the foreign keys of the database."""
    mapper: Mapper[Any] = inspect(item).mapper
    table: Any = mapper.local_table
    key = and_(*(column == value for column, value in zip(table.primary_key, inspect(item).identity, strict=True)))
    found = Companions(table)
    with db.session.no_autoflush:
        _collect(table, key, mapper, found, {table})
    return found


def _collect(table: Table, which: Condition, mapper: Mapper[Any] | None, found: Companions, seen: set[Table]) -> None:
    _add(found.rows, table, which, found)
    for constraint, referring, effect in references.effects(table, which, mapper):
        other = constraint.table
        is_link = effect == references.SET_NULL[0] and mapper is not None and _is_secondary(mapper, other)
        if effect == references.CASCADE and other not in seen:
            _collect(other, referring, None, found, {*seen, other})
        elif is_link:
            _add(found.rows, other, referring, found)
        elif effect in references.SET_NULL:
            _add(found.emptied, other, referring, found)
        elif effect == references.CASCADE and _count(other, referring):
            # Rows of a table that refers to itself.
            found.is_complete = False


def _is_secondary(mapper: Mapper[Any], table: Table) -> bool:
    return any(relation.secondary is table for relation in mapper.relationships)


def _count(table: Table, which: Condition) -> int:
    return db.session.scalar(select(func.count()).select_from(table).where(which)) or 0


def _add(kept: dict[Table, dict[Any, Mapping[Any, Any]]], table: Table, which: Condition, found: Companions) -> None:
    """Add rows to those that are kept; some are found by several ways."""
    rows = [dict(row) for row in db.session.execute(select(table).where(which).limit(MAX_ROWS + 1)).mappings()]
    known = kept.setdefault(table, {})
    known.update({tuple(row[column.name] for column in table.primary_key) or repr(row): row for row in rows})
    files = [column.name for column in table.columns if isinstance(column.type, FileColumn | ImageColumn)]
    if len(known) > MAX_ROWS or any(row[name] for row in rows for name in files):
        found.is_complete = False


# -- keeping


def keep(view: str, key: object, name: str, companions: Companions) -> str | None:
    """Keep what was deleted, in its transaction; return the token to restore it, or None if it cannot be restored."""
    if not companions.is_complete or db.session().info.get(EMAIL_WRITTEN):
        return None
    try:
        content = {
            "rows": _content(companions.rows),
            "emptied": _content(companions.emptied),
        }
    except TypeError:
        return None
    delete_old()
    token = secrets.token_urlsafe(24)
    db.session.add(DeletedRow(token_hash=_hash(token), view=view, key=str(key), name=name, content=content))
    return token


def _content(kept: Mapping[Table, Mapping[Any, Mapping[Any, Any]]]) -> list[Any]:
    """Return rows as JSON, those that others refer to first."""
    ordered = [table for table in metadata.sorted_tables if table in kept]
    return [[table.name, [_encoded(row) for row in kept[table].values()]] for table in ordered]


def restore(view: str, token: str) -> DeletedRow:
    """Bring back what was deleted in `view`. Raises DomainError when it is too late, was done already, or is not possible."""
    since = clock.now() - timedelta(seconds=UNDO_SECONDS + SECONDS_UNDERWAY)
    claimed = delete(DeletedRow).where(
        DeletedRow.token_hash == _hash(token), DeletedRow.view == view, DeletedRow.deleted_at >= since
    )
    kept = db.session.scalars(claimed.returning(DeletedRow)).one_or_none()
    if kept is None:
        raise DomainError(TOO_LATE, "warning")
    # It is not a row of the session any more.
    db.session.expunge(kept)
    try:
        for table, rows in _decoded(kept.content["rows"]):
            for row in rows:
                db.session.execute(insert(table).values(row))
        for table, rows in _decoded(kept.content["emptied"]):
            _fill(table, rows)
        db.session.flush()
    except IntegrityError as error:
        raise DomainError(TAKEN, "warning") from error
    return kept


def _fill(table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Let rows refer again to what is back, unless they refer to something else by now."""
    for row in rows:
        key = and_(*(column == row[column.name] for column in table.primary_key))
        for column in table.columns:
            if column.foreign_keys and column.nullable:
                db.session.execute(update(table).where(key, column.is_(None)).values({column.name: row[column.name]}))


def delete_old() -> int:
    """Delete what can no longer be restored; return how many."""
    limit = clock.now() - timedelta(seconds=UNDO_SECONDS + SECONDS_UNDERWAY)
    return delete_batch(DeletedRow, DeletedRow.deleted_at < limit)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


# -- values as JSON

READERS: dict[str, Any] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "decimal": Decimal,
    "uuid": UUID,
    "bytes": base64.b64decode,
}


def _encoded(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a value as JSON; raises TypeError for what is none."""
    if value is None or isinstance(value, bool | int | float | str):
        return str(value) if isinstance(value, str) else value
    if isinstance(value, Enum):
        return value.name
    return {"json": value} if isinstance(value, dict | list) else _tagged(value)


def _tagged(value: Any) -> dict[str, str]:
    if isinstance(value, datetime | date | time):
        return {type(value).__name__: value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, Decimal | UUID):
        return {type(value).__name__.lower(): str(value)}
    raise TypeError(type(value).__name__)


def _decoded(kept: Sequence[Any]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    for name, rows in kept:
        table = metadata.tables[name]
        stored = {column.name: column for column in table.columns if column.computed is None}
        yield (
            table,
            [{name: _value(stored[name], value) for name, value in row.items() if name in stored} for row in rows],
        )


def _value(column: Any, value: Any) -> Any:
    if value is None:
        # None in a column of JSON would be the JSON value null.
        return null() if isinstance(column.type, JSON) else None
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return text if kind == "json" else READERS[kind](text)
