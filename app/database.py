"""The database: transactions, the type of a moment, and what SQLite must be told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask_sqlalchemy.session import Session
from sqlalchemy import JSON, DateTime, Dialect, Engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.orm import scoped_session
from sqlalchemy.types import TypeDecorator

from app.extensions import db

Done = TypeVar("Done")
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


def transact(act: Callable[[], Done]) -> Done:
    """Do `act` in a transaction and return what it returns.

    When a constraint refused it, because somebody else was faster, it is done once more and sees what they stored.
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


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] != "sqlite3":
        return
    cursor = connection.cursor()
    # FULL: a letter that was announced must survive a power cut.
    for pragma in ("journal_mode = WAL", "foreign_keys = ON", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
