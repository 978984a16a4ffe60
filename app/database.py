"""The database: transactions, the type of a moment, and what SQLite must be told."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar

from flask_sqlalchemy.session import Session
from sqlalchemy import JSON, DateTime, Dialect, Engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import scoped_session
from sqlalchemy.types import TypeDecorator

from app.extensions import db
from config import ConfigurationError

Done = TypeVar("Done")
UNDEFINED_TABLE = "42P01"  # PostgreSQL's code
# PostgreSQL's plain JSON cannot be compared, and so not be in a SELECT DISTINCT.
Json = JSON().with_variant(JSONB(), "postgresql")


class UTCDateTime(TypeDecorator[datetime]):
    """A moment: aware in Python, stored as naive UTC, so that both databases order and compare it alike."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Refuse a naive time: nobody could say when it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a naive datetime is no moment"
            raise ValueError(msg)
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        return value and value.replace(tzinfo=UTC)


@contextmanager
def transaction() -> Iterator[scoped_session[Session]]:
    """Commit what the block did, all of it or nothing.

    Services flush; only the entry points (views, APIs, commands) open one of these.
    """
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise


def run_with_retry(act: Callable[[], Done]) -> Done:
    """Run `act` in a transaction and return its result.

    When a constraint was violated, because another request was faster, it runs once more and sees what that one stored.
    """
    try:
        with transaction():
            return act()
    except IntegrityError:
        with transaction():
            return act()


def is_unavailable(error: BaseException | None) -> bool:
    """Whether `error` says that the database is away, locked, full or overloaded: later the same may work."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, OperationalError | InterfaceError | NoConnectionError)


def reason(error: BaseException) -> str:
    """Return the first line of what the database says of `error`: without the statement, and with no values."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def report_outage(command: Callable[..., Done]) -> Callable[..., Done]:
    """Let a `command` fail with a sentence instead of a traceback when the database cannot be used."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Done:
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
    """Whether there was no connection, or no table in it."""
    return isinstance(error, DBAPIError) and (
        error.statement is None or getattr(error.orig, "sqlstate", None) == UNDEFINED_TABLE
    )


@event.listens_for(Engine, "do_connect")
def _make_private(dialect: Dialect, _record: object, arguments: list[Any], _options: object) -> None:
    """Make an SQLite file before SQLite does, for its owner alone: it holds e-mails with tokens."""
    if dialect.name == "sqlite" and arguments and arguments[0] != ":memory:":
        # What is wrong with it, SQLite will say.
        with suppress(OSError):
            os.close(os.open(arguments[0], os.O_RDWR | os.O_CREAT, 0o600))


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    cursor = connection.cursor()
    # FULL: a letter that was announced must survive a power cut.
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
