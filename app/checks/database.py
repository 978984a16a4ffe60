"""Checks of the database: what kind it is, whether it fits, and what is between it and the site."""

import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app import clock, setup
from app.copies import postgresql
from app.database import reason
from app.doctor import Finding, check, error, ok, warning
from app.extensions import db
from config import ConfigurationError

# RETURNING.
OLDEST_SQLITE = (3, 35, 0)
OLDEST_POSTGRESQL = 12
# PostgreSQL 15 gets its last fixes in November 2027, and so on.
YEAR_OF_FIRST_VERSION, LAST_MONTH = 2012, 11
# What the site needs beside the connections of its processes: commands, and somebody who looks.
SPARE_CONNECTIONS = 5


@check("database")
def database() -> Iterator[Finding]:
    """Connect, and look at the server."""
    try:
        if db.engine.dialect.name == "postgresql" and (encoding := setup.server_encoding()) != setup.UTF8:
            yield error(f"The database has the encoding {encoding}.", setup.MAKE_UTF8)
            return
        with db.engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                yield from _sqlite(connection)
            else:
                yield from _postgresql(connection)
    except (SQLAlchemyError, psycopg.Error) as failure:
        yield error(f"The database cannot be used: {reason(failure)}", "Start it, or mend DATABASE_URL.")


def _sqlite(connection: Connection) -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield error(f"SQLite is {sqlite3.sqlite_version}, and 3.35 is needed.", "Use a newer Python.")
    found = str(connection.scalar(text("PRAGMA quick_check(1)")))
    if found != "ok":
        yield error(f"The file is damaged: {found}", "Stop the site, keep the file, and restore a backup.")
    elif connection.scalar(text("PRAGMA journal_mode")) != "wal":
        advice = "Keep it on a disk of this machine: network file systems cannot share memory."
        yield warning("The file has no write-ahead log: readers and writers wait for each other.", advice)
    else:
        yield ok(f"SQLite {sqlite3.sqlite_version}, {connection.engine.url.database}")


def _postgresql(connection: Connection) -> Iterator[Finding]:
    # Since PostgreSQL 15.
    has_versions = bool(
        connection.scalar(text("SELECT to_regproc('pg_database_collation_actual_version') IS NOT NULL"))
    )
    sorts_by = "pg_database_collation_actual_version(oid)" if has_versions else "NULL"
    facts = connection.execute(text(FACTS.format(sorts_by=sorts_by))).one()
    yield _version(facts.version)
    if facts.folded != "i":
        yield error(
            f"The collation {facts.collation} has lower('I') = '{facts.folded}': names and addresses are not found.",
            "Make a database with another one (createdb --locale C.UTF-8 --template template0), and restore a backup into it.",
        )
    if facts.sorted_by and facts.sorted_by != facts.sorts_by:
        yield warning(
            f"The indexes were sorted by version {facts.sorted_by} of {facts.collation}, and the system has {facts.sorts_by}:"
            " rows may not be found.",
            f'REINDEX DATABASE "{facts.name}"; ALTER DATABASE "{facts.name}" REFRESH COLLATION VERSION;',
        )
    if facts.is_read_only:
        yield error("The server is read-only: it is the standby of another one.", "Name the primary in DATABASE_URL.")
    if not facts.has_trigrams:
        yield warning(
            "The extension pg_trgm is not there: lists of more than 50,000 rows have no search.",
            "Install the package with PostgreSQL's own extensions, and make the indexes that docs/operations.md names.",
        )
    yield from _connections(int(facts.connections) - int(facts.reserved))


FACTS = """SELECT current_setting('server_version') AS version, current_database() AS name,
    datcollate AS collation, lower('I') AS folded,
    to_jsonb(pg_database)->>'datcollversion' AS sorted_by,
    {sorts_by} AS sorts_by,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS has_trigrams,
    pg_is_in_recovery() AS is_read_only, current_setting('max_connections') AS connections,
    current_setting('superuser_reserved_connections') AS reserved
    FROM pg_database WHERE datname = current_database()"""


def _version(version: str) -> Finding:
    major = int(re.match(r"\d+", version)[0])  # type: ignore[index]
    if major < OLDEST_POSTGRESQL:
        return error(f"PostgreSQL {version} is too old.", f"Upgrade it: {OLDEST_POSTGRESQL} or newer is needed.")
    if clock.now() > datetime(major + YEAR_OF_FIRST_VERSION, LAST_MONTH, 30, tzinfo=UTC):
        return warning(f"PostgreSQL {version} gets no security fixes any more.", "Upgrade it.")
    return ok(f"PostgreSQL {version}")


def _connections(available: int) -> Iterator[Finding]:
    pool = db.engine.pool
    each = pool.size() + max(0, pool._max_overflow)  # type: ignore[attr-defined]  # noqa: SLF001
    needed = each * (current_app.config["WORKERS"] + 1) + SPARE_CONNECTIONS
    if needed > available:
        yield warning(
            f"The server allows {available} connections, and this site may need {needed}.",
            "Raise max_connections, lower WORKERS, or put PgBouncer between.",
        )


@check("schema", quick=True)
def schema() -> Iterator[Finding]:
    """Compare the schema with that of this version."""
    try:
        with db.engine.connect() as connection:
            pending = [each.revision for config in setup.configs() for each in setup.pending(connection, config)]
            found = [] if pending else setup.differences(connection)
    except ConfigurationError as newer:
        yield ok(newer.message)
        return
    if pending:
        yield error(f"{len(pending)} migrations have not run: {', '.join(pending)}", "Run `flask setup`.")
    for each in found:
        yield error(f"The schema is not that of its version: {each}", "Restore a backup, or mend it by hand.")
    if not pending and not found:
        yield ok("The schema is that of this version.")


@check("pooler")
def pooler() -> Iterator[Finding]:
    """Notice what is between the site and PostgreSQL."""
    with db.engine.connect() as connection:
        if connection.dialect.name != "postgresql":
            return
        if not postgresql.is_pooled(connection):
            return
    if current_app.config.get("DATABASE_PREPARED_STATEMENTS", True):
        yield warning(
            "There is a pooler before PostgreSQL. In transaction mode, statements that were prepared get lost.",
            "PgBouncer must be 1.21 or newer, with max_prepared_statements; or set DATABASE_PREPARED_STATEMENTS=no.",
        )
    else:
        yield ok("There is a pooler before PostgreSQL, and no statements are prepared.")
