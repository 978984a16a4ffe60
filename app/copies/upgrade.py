"""What an upgrade would do: `flask upgrade-check` of the new version, before its `flask setup`."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from flask import current_app
from sqlalchemy import Connection

import config
from app import clock, setup
from app.copies import files, postgresql, service, sqlite
from app.copies.archive import CopyError
from app.database import reason
from app.doctor import Finding, error, ok, warning
from app.extensions import db

MEGABYTE = 1024 * 1024
SPARE = 100 * MEGABYTE
UNTRIED = "Restore a backup into another database, and run `flask setup` with that one first."
Found = Iterator[tuple[str, Finding]]


def findings() -> Found:
    """Yield what would change, and what stands in the way."""
    if sqlite.is_used() and not sqlite.path().exists():
        yield "schema", error(f"The database {sqlite.path()} does not exist.", "Set DATABASE_URL or INSTANCE_PATH.")
        return
    yield from _schema()
    yield from _settings()
    yield from _disk()
    yield from _backups()


def _schema() -> Found:
    try:
        with db.engine.connect() as connection:
            pending = {each: setup.pending(connection, each) for each in setup.configs()}
            damage = differences(connection)
    except config.ConfigurationError as refused:
        yield "schema", error(refused.message, "Install that version, or restore a backup of this one.")
        return
    for name in damage:
        advice = "Something else changed the schema, or an upgrade was stopped: restore a backup, or mend it by hand."
        yield "schema", error(f"The schema is not that of its version: {name}", advice)
    for each in (each for scripts in pending.values() for each in scripts):
        yield "migration", ok(f"{each.revision} would run: {each.doc}")
    if not any(pending.values()):
        yield "migration", ok("The schema is up to date: no migration would run.")
    else:
        yield "migration", _trial()


def differences(connection: Connection) -> list[str]:
    """Return how the schema differs from that of its own version.

    If it is not this version's, its tables and columns are compared with those of a new database at the same revision.
    """
    site = setup.configs()[0]
    heads = setup.heads(connection, site)
    if not setup.pending(connection, site):
        return setup.differences(connection)
    if not heads:
        return []
    with tempfile.TemporaryDirectory() as folder:
        expected = _columns_at(heads, site, Path(folder) / "empty.db")
    found = _columns(connection)
    # A database may be shared: other tables are left alone.
    own = {name.partition(".")[0] for name in expected}
    unknown = {name for name in found - expected if name.partition(".")[0] in own}
    missing = [f"missing column {name}" for name in sorted(expected - found)]
    return missing + [f"unknown column {name}" for name in sorted(unknown)]


def _columns_at(heads: set[str], site: Config, file: Path) -> set[str]:
    engine = sa.create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            for head in sorted(heads):
                setup.upgrade(connection, site, head)
            return _columns(connection)
    finally:
        engine.dispose()


def _columns(connection: Connection) -> set[str]:
    """Return the columns of all tables, as `table.column`."""
    inspector = sa.inspect(connection)
    return {
        f"{table}.{column['name']}"
        for (_schema, table), columns in inspector.get_multi_columns().items()
        for column in columns
    }


def _trial() -> Finding:
    """Run the migrations on a copy of the database."""
    try:
        with _copied() as url:
            began = time.monotonic()
            damage = _upgrade(url)
            seconds = time.monotonic() - began
    except CopyError as refused:
        return warning(f"The migrations were not tried on a copy of the database. {refused.message}", UNTRIED)
    except Exception as failure:  # noqa: BLE001 - whatever it is, the upgrade would meet it
        return error(
            f"The migrations fail on a copy of the database: {reason(failure)}",
            "Keep the version that runs, and report this.",
        )
    if damage:
        return error(f"After the migrations the schema would differ: {'; '.join(damage)}", "Mend it by hand before.")
    return ok(f"All of them ran on a copy of the database, in {seconds:.1f} s.")


@contextlib.contextmanager
def _copied() -> Iterator[sa.URL]:
    """Return the URL of a copy of the database, which is there for as long as the block runs."""
    parent = sqlite.path().parent if sqlite.is_used() else Path(current_app.config["INSTANCE_PATH"])
    with files.workspace(parent) as folder:
        if sqlite.is_used():
            sqlite.copy(folder / "trial")
            yield sa.URL.create("sqlite", database=str(folder / "trial"))
        else:
            with postgresql.scratch_copy(folder) as url:
                yield url


def _upgrade(url: sa.URL) -> list[str]:
    """Run the migrations, and return how the schema differs afterwards."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    for each in setup.configs():
        with engine.connect() as connection:
            setup.upgrade(connection, each)
    with engine.connect() as connection:
        return setup.differences(connection)


def _settings() -> Found:
    for old, new in config.renamed_in_use(os.environ, Path(current_app.config["INSTANCE_PATH"])).items():
        yield "settings", warning(f"{old} was renamed. It is still read.", f"Set {new} instead.")


def _disk() -> Found:
    if not sqlite.is_used():
        return
    path = sqlite.path()
    free = shutil.disk_usage(path.parent).free
    # A table that is made anew is there twice, and once more in the write-ahead log.
    needed = 2 * path.stat().st_size + SPARE
    if free < needed:
        text = f"{free // MEGABYTE:,} MB are free at {path.parent}, and an upgrade may need {needed // MEGABYTE:,} MB."
        yield "disk", error(text, "Make room first.")


def _backups() -> Found:
    folder = current_app.config["BACKUP_FOLDER"]
    newest = service.newest(Path(folder)) if folder else None
    if newest is None:
        yield "backup", warning("No backup is known.", "Write one: flask backup FILE")
    elif clock.now() - newest > timedelta(days=1):
        yield "backup", warning(f"The newest backup is of {newest:%Y-%m-%d %H:%M} UTC.", "Write one: flask backup")
    else:
        yield "backup", ok(f"The newest backup is of {newest:%Y-%m-%d %H:%M} UTC.")
