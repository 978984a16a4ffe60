"""The database: transactions, column types, and SQLite's settings."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar
from typing import cast as typed

from flask_sqlalchemy.session import Session
from sqlalchemy import (
    JSON,
    ColumnElement,
    Date,
    DateTime,
    Dialect,
    Engine,
    Float,
    String,
    cast,
    delete,
    event,
    extract,
    func,
    inspect,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import scoped_session
from sqlalchemy.types import TypeDecorator

from app.extensions import db
from config import ConfigurationError

Result = TypeVar("Result")
# Rows that a cleanup deletes at once.
BATCH = 5000
INSERTS: dict[str, Callable[[Any], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
# PostgreSQL's codes. A server is read-only while it is the standby of another one.
UNDEFINED_TABLE, READ_ONLY = "42P01", "25006"
SQLITE_OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
# PostgreSQL cannot compare plain JSON, which SELECT DISTINCT needs.
Json = JSON().with_variant(JSONB(), "postgresql")


class UTCDateTime(TypeDecorator[datetime]):
    """A datetime: aware in Python, stored as naive UTC, so that both databases sort and compare it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value and value.replace(tzinfo=UTC)


@contextmanager
def transaction() -> Iterator[scoped_session[Session]]:
    """Commit the changes of the block, or roll all of them back if it raises.

    Services flush. Only entry points (views, APIs, commands, the worker) open a transaction.
    """
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def run_with_retry(action: Callable[[], Result], again: Callable[[], Result] | None = None) -> Result:
    """Run `action` in a transaction and return its result.

    If it violates a constraint, because another request was faster, it runs once more and sees what that one stored; or
    `again` does, if `action` knows what was read before.
    """
    try:
        with transaction():
            return action()
    except IntegrityError:
        with transaction():
            return (again or action)()


def insert_into(model: type[Any]) -> Any:
    """Return an INSERT into the table of `model` that has `on_conflict_do_update`, as both databases understand it."""
    return INSERTS[db.engine.dialect.name](model)


def insert_or_ignore(model: type[Any], *index: Any) -> Any:
    """Return an INSERT that leaves out rows whose values of `index` are stored already.

    `index` names the columns, or expressions, of a unique index. Without it, any conflict leaves a row out.
    """
    return insert_into(model).on_conflict_do_nothing(index_elements=index or None)


def delete_batch(model: type[Any], condition: ColumnElement[bool]) -> int:
    """Delete rows, at most BATCH of them, and return how many: a statement about millions would hold up everybody."""
    key = inspect(model).primary_key[0]
    statement = delete(model).where(key.in_(select(key).where(condition).limit(BATCH)))
    return typed("CursorResult[Any]", db.session.execute(statement)).rowcount


def month_of(moment: Any) -> ColumnElement[date]:
    """Return the first day of the month of a UTCDateTime, in UTC."""
    if db.engine.dialect.name == "sqlite":
        return type_coerce(
            func.substr(moment, literal_column("1"), literal_column("7"), type_=String).concat(literal_column("'-01'")),
            Date,
        )
    return cast(func.date_trunc(literal_column("'month'"), moment), Date)


def day_of(moment: Any) -> ColumnElement[date]:
    """Return the day of a UTCDateTime, in UTC."""
    if db.engine.dialect.name == "sqlite":
        return type_coerce(func.substr(moment, literal_column("1"), literal_column("10"), type_=String), Date)
    return cast(moment, Date)


def seconds_between(start: Any, end: Any) -> ColumnElement[float]:
    """Return the seconds from one UTCDateTime to another."""
    if db.engine.dialect.name == "sqlite":
        return (func.julianday(end, type_=Float) - func.julianday(start, type_=Float)) * 86400
    return cast(extract("epoch", end) - extract("epoch", start), Float)


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is down, locked, full, overloaded or read-only, so that the same may work later.

    A missing table or column is none of these, although SQLite's driver has one class for all: it stays wrong.
    """
    if isinstance(error, InterfaceError | NoConnectionError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        # The lower byte is the kind of error, the others say more about it.
        return code & 0xFF in SQLITE_OUTAGES
    return isinstance(error, OperationalError) or getattr(error.orig, "sqlstate", None) == READ_ONLY


def reason(error: BaseException) -> str:
    """Return the first line of the driver's message, without the SQL statement and its values."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def report_outage(command: Callable[..., Result]) -> Callable[..., Result]:
    """Make a `command` fail with one sentence instead of a traceback if the database cannot be used."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Result:
        try:
            return command(*arguments, **options)
        except SQLAlchemyError as error:
            if not is_unavailable(error) and not _is_not_set_up(error):
                raise
            raise ConfigurationError(
                f"The database cannot be used ({reason(error)}). Is it running, and was `flask setup` run?"
            ) from error

    return run


def _is_not_set_up(error: SQLAlchemyError) -> bool:
    """Whether connecting failed, or a table does not exist."""
    return isinstance(error, DBAPIError) and (
        error.statement is None
        or getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE
        or reason(error).startswith("no such table")
    )


@event.listens_for(Engine, "do_connect")
def _make_private(dialect: Dialect, _record: object, arguments: list[Any], _options: object) -> None:
    """Create the SQLite file with permissions for its owner only, because it contains personal data and tokens."""
    if dialect.name == "sqlite" and arguments and arguments[0] != ":memory:":
        # SQLite reports the error.
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT, 0o600))


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    cursor = connection.cursor()
    # FULL: what is committed survives a power failure.
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
