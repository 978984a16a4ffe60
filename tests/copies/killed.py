"""Runs a backup or a restoration again and again, each time killed by SIGKILL at a later one of its file operations.

    python -m tests.copies.killed backup|restore ARCHIVE KILLS

The settings are those of the environment. After each kill it prints a line of JSON: what is there, and after a repetition.
"""

import itertools
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from app import create_app
from app.copies import restoration, service, sqlite
from app.copies.archive import CopyError, unpack

OPERATIONS = ("open", "os.", "shutil.", "sqlite3.", "fcntl.")


def main(what: str, archive: Path, kills: int) -> None:
    """Kill at about `kills` moments between the first operation and the last."""
    app = create_app()
    with app.app_context():
        database = sqlite.path()
    instance = database.parent
    kept = archive.read_bytes()

    def run() -> None:
        with app.app_context():
            if what == "backup":
                service.backup(archive)
            else:
                with archive.open("rb") as stream:
                    restoration.restore(stream, send_emails=True)

    def begin() -> None:
        if what == "backup":
            archive.unlink(missing_ok=True)
        else:
            for path in (database, instance / "uploads" / "menu"):
                path.unlink(missing_ok=True)

    # What is imported when it is used opens files, too: each process has it from here.
    begin()
    run()
    begin()
    total = forked(run, at=0)
    for number in range(1, total, max(1, total // kills)):
        begin()
        forked(run, at=number)
        after = whole(archive) if what == "backup" else rows(database)
        try:
            run()
            again = ""
        except CopyError as error:
            again = error.message
        left = [path.name for path in [*instance.iterdir(), *archive.parent.iterdir()] if path.name.startswith(".")]
        then = whole(archive) if what == "backup" else rows(database)
        print(json.dumps({"after": after, "again": again, "then": then, "left": left}), flush=True)  # noqa: T201
    archive.write_bytes(kept)


def forked(run: Callable[[], None], *, at: int) -> int:
    """Run in a process that kills itself at a file operation, or not at 0; return the number of operations then."""
    with tempfile.TemporaryFile() as counted:
        child = os.fork()
        if child == 0:
            numbers = itertools.count(1)
            counting = [True]

            def count(event: str, _arguments: Any) -> None:
                if counting[0] and event.startswith(OPERATIONS):
                    number = next(numbers)
                    if number == at:
                        os.kill(os.getpid(), signal.SIGKILL)

            sys.addaudithook(count)
            run()
            counting[0] = False
            os.write(counted.fileno(), str(next(numbers)).encode())
            os._exit(0)
        _child, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) == bool(at), status
        counted.seek(0)
        return int(counted.read() or 0)


def whole(archive: Path) -> str:
    """Return whether a backup is there: all of it, or none."""
    if not archive.exists():
        return "none"
    with tempfile.TemporaryDirectory() as folder, archive.open("rb") as stream:
        unpack(stream, Path(folder))
    return "whole"


def rows(database: Path) -> str:
    """Return how many rows of a table are there, or that there is no database."""
    if not database.exists():
        return "none"
    sqlite.check(database)
    with closing(sqlite3.connect(database)) as connection:
        return str(connection.execute("SELECT count(*) FROM ab_user").fetchone()[0])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
