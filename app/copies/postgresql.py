"""Copies of a PostgreSQL database, by its own programs: pg_dump writes SQL, psql runs it in one transaction."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from flask import current_app
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Connection, NullPool, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from app.copies.archive import BLOCK, DATABASE, CopyError, refuse_if
from app.database import reason
from app.extensions import db

DEBIAN = Path("/usr/lib/postgresql")
VERSION = re.compile(r"(\d+)(?:\.\d+)?")
STOP_CHECK_SECONDS = 0.5
MEGABYTE = 1024 * 1024
OWN_DATABASE = """SELECT pg_database.oid, pg_encoding_to_char(encoding), datcollate, datctype, rolcreatedb OR rolsuper
    FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user"""
TABLES = """SELECT schemaname, tablename FROM pg_tables
    WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%' ORDER BY schemaname, tablename"""


@contextlib.contextmanager
def connected() -> Iterator[Connection]:
    """Connect to the server itself; raises CopyError if there is a pooler between.

    What pg_dump and psql set for their session would stay set for whoever gets the connection next.
    """
    url = current_app.config["BACKUP_DATABASE_URL"]
    engine = create_engine(url, poolclass=NullPool) if url else db.engine
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        if is_pooled(connection):
            raise CopyError(
                "Copies do not go through a pooler: set BACKUP_DATABASE_URL to the PostgreSQL server itself."
            )
        yield connection


def is_pooled(connection: Connection) -> bool:
    """Whether there is a pooler before the server: it makes up the number of the process that the client is told."""
    told = connection.connection.dbapi_connection.info.backend_pid  # type: ignore[union-attr]
    return bool(told != connection.scalar(text("SELECT pg_backend_pid()")))


def tables(connection: Connection) -> dict[str, str]:
    """Return the tables of the database, each with its quoted name; those of the schema in use are called as in models."""
    own = connection.scalar(text("SELECT current_schema()"))
    return {
        name if schema == own else f"{schema}.{name}": sql.Identifier(schema, name).as_string()
        for schema, name in connection.execute(text(TABLES))
    }


def server_version(connection: Connection) -> str:
    return str(connection.scalar(text("SHOW server_version"))).partition(" ")[0]


def dump(connection: Connection, target: Path, stopped: Callable[[], bool]) -> None:
    """Write the database to `target`, as the transaction of `connection` sees it (REPEATABLE READ)."""
    snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
    # Owners and privileges are those of this server.
    options = ["--format=plain", "--encoding=UTF8", "--no-owner", "--no-privileges", "--no-password"]
    program = find("pg_dump", server_version(connection))
    conninfo, environ = _address(connection.engine.url)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [program, *options, f"--snapshot={snapshot}", f"--file={target}", f"--dbname={conninfo}"],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        try:
            while process.poll() is None:
                refuse_if(stopped())
                _wait_a_moment(process)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise CopyError(f"pg_dump failed: {_first_line(errors)}")


def _wait_a_moment(process: "subprocess.Popen[bytes]") -> None:
    """Wait a moment for the end of a process."""
    try:
        process.wait(STOP_CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return


def restore(dumped: Path, rows: Mapping[str, int], statements: Iterable[str]) -> None:
    """Run the SQL of a dump, compare the number of rows, and run `statements`, all in one transaction.

    If this process is killed, psql reads the end of its input where COMMIT should be, and nothing was done.
    """
    with connected() as connection:
        program = find("psql", server_version(connection))
        own = str(connection.scalar(text("SELECT current_schema()")))
    after = [f"SET search_path TO {sql.Identifier(own).as_string()};", *_comparisons(rows, own), *statements]
    failed = _load(program, connection.engine.url, dumped, after)
    if failed:
        raise CopyError(f"The database could not be restored, and is empty as before: {failed}")


def _load(program: Path, url: URL, dumped: Path, after: Iterable[str] = ()) -> str:
    """Run the SQL of a dump and more in one transaction; return why that failed."""
    conninfo, environ = _address(url)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [program, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", f"--dbname={conninfo}"],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            with process.stdin as psql, dumped.open("rb") as source:
                psql.write(b"BEGIN;\n")
                shutil.copyfileobj(source, psql, BLOCK)
                psql.write("\n".join(["", *after, "COMMIT;", ""]).encode())
        except BrokenPipeError:
            # psql has met an error, and says which.
            pass
        return _first_line(errors) if process.wait() else ""


@contextlib.contextmanager
def scratch_copy(folder: Path) -> Iterator[URL]:
    """Copy the database into another one of the same server, which is dropped after the block; raises CopyError.

    `folder` takes the dump.
    """
    dumped = folder / DATABASE
    with connected() as connection:
        url = connection.engine.url
        version = server_version(connection)
        program = find("psql", version)
        number, encoding, collate, ctype, may_create = connection.execute(text(OWN_DATABASE)).one()
        if not may_create:
            raise CopyError(
                "The role that connects may not create a database for it (ALTER ROLE ... CREATEDB allows it)."
            )
        _refuse_full_disk(connection, folder)
        dump(connection, dumped, lambda: False)
    # The same each time: what a killed process left is met, and named.
    name = f"dinnerparty_trial_{number}"
    options = sql.SQL("TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(encoding, collate, ctype)
    create = sql.SQL("CREATE DATABASE {} {}").format(sql.Identifier(name), options)
    _execute(url, create.as_string())
    try:
        copy = url.set(database=name)
        if failed := _load(program, copy, dumped):
            raise CopyError(f"The copy could not be filled: {failed}")
        yield copy
    finally:
        _execute(url, sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)).as_string())


def _refuse_full_disk(connection: Connection, folder: Path) -> None:
    size = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise CopyError(f"A copy may need {size // MEGABYTE:,} MB, and {free // MEGABYTE:,} MB are free at {folder}.")


def _execute(url: URL, statement: str) -> None:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
    except SQLAlchemyError as error:
        raise CopyError(f"{statement.partition(' TEMPLATE ')[0]} failed: {reason(error)}") from error


def _comparisons(rows: Mapping[str, int], own: str) -> Iterable[str]:
    for name, count in rows.items():
        schema, dot, table = name.partition(".")
        identifier = sql.Identifier(schema, table) if dot else sql.Identifier(own, name)
        yield (
            sql.SQL(
                "DO $$ BEGIN IF (SELECT count(*) FROM {}) <> {} THEN RAISE EXCEPTION 'rows are missing'; END IF; END $$;"
            )
            .format(identifier, count)
            .as_string()
        )


def find(name: str, server: str) -> Path:
    """Return a program of PostgreSQL that is not older than the server; raises CopyError."""
    folder = current_app.config["POSTGRES_BIN"]
    if folder:
        found = [Path(folder) / name]
    else:
        on_path = shutil.which(name)
        found = [Path(on_path)] if on_path else []
        found += sorted(DEBIAN.glob(f"*/bin/{name}"), reverse=True)
    versions = {path: version for path in found if (version := version_of(path))}
    for path, version in versions.items():
        if version >= _major(server):
            return path
    there = ", ".join(f"{path} is version {version}" for path, version in versions.items()) or "there is none"
    raise CopyError(
        f"The server is PostgreSQL {server}, which needs {name} of that version or newer, and {there}. Install"
        f" postgresql-client-{_major(server)}, or set POSTGRES_BIN to the folder of {name}."
    )


def version_of(program: Path) -> int:
    """Return the major version of a program, or 0 if it cannot be run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    return _major(done.stdout)


def _major(version: str) -> int:
    match = VERSION.search(version)
    return int(match[1]) if match else 0


def _address(url: URL) -> tuple[str, dict[str, str]]:
    """Return how to reach the database, and the environment with the password, which others must not see among processes."""
    _arguments, found = url.get_dialect()().create_connect_args(url)
    options: dict[str, Any] = dict(found)
    password = str(options.pop("password", ""))
    return make_conninfo(**options), {**os.environ, **({"PGPASSWORD": password} if password else {})}


def _first_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = [line for line in file.read().decode(errors="replace").splitlines() if "NOTICE" not in line]
    return lines[0] if lines else "it gives no reason."
