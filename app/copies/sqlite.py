"""Copies of an SQLite database while it is in use."""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from app.copies.archive import CopyError
from app.extensions import db
from config import BUSY_TIMEOUT_SECONDS

TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"


def is_used() -> bool:
    """Whether the database of the site is SQLite."""
    return db.engine.dialect.name == "sqlite"


def path() -> Path:
    """Return the file of the site's database."""
    return Path(str(db.engine.url.database))


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a database file."""
    with contextlib.closing(sqlite3.connect(file, timeout=BUSY_TIMEOUT_SECONDS)) as connection:
        yield connection


def copy(target: Path) -> None:
    """Write the database to `target`, as it is at one moment: what is in the write-ahead log included."""
    target.touch(mode=0o600)
    with opened(path()) as source, opened(target) as copied:
        # In one step. In several, it would begin anew whenever another process writes.
        source.backup(copied)
        # One file, without a log beside it.
        copied.execute("PRAGMA journal_mode = DELETE")


def check(file: Path, rows: Mapping[str, int] | None = None) -> None:
    """Raise CopyError if a database file is damaged, or has other numbers of rows."""
    try:
        with opened(file) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
            counted = count(connection)
    except sqlite3.DatabaseError as error:
        found, counted = str(error), {}
    if found != "ok":
        raise CopyError(f"The database is damaged: {str(found).splitlines()[0]}")
    if rows is not None and counted != rows:
        raise CopyError("The backup is damaged: its database has other numbers of rows than its manifest.")


def count(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    return {
        name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - the name of a table
        for (name,) in connection.execute(TABLES).fetchall()
    }


def run(file: Path, statements: Iterable[str]) -> None:
    """Run statements in one transaction."""
    with opened(file) as connection, connection:
        for statement in statements:
            connection.execute(statement)
