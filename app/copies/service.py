"""Back a site up into one file. A process that is killed meanwhile leaves no half of it."""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Connection, text

from app import clock
from app.copies import files, postgresql, sqlite
from app.copies.archive import (
    DATABASE,
    SECRET_KEY,
    CopyError,
    Manifest,
    Writer,
)
from app.crud.files import PENDING
from app.extensions import db
from config import version

# The names of backups in a folder. Others are left alone.
NAME = re.compile(r"dinnerparty-(\d{8}T\d{6}Z)\.tar\.gz(?:\.age)?")
STAMP = "%Y%m%dT%H%M%SZ"
ENDING, ENCRYPTED_ENDING = ".tar.gz", ".age"
LOCK = ".dinnerparty.lock"
VERSION_TABLE = "alembic_version"


# -- backup


def backup(target: Path, recipients: Sequence[str] = (), stopped: Callable[[], bool] = lambda: False) -> Manifest:
    """Write a backup to `target`, which must not exist; encrypted to age's public keys `recipients` if there are any.

    Raises CopyError.
    """
    if target.exists():
        raise CopyError(f"{target} exists already.")
    try:
        with files.workspace(target.parent) as folder:
            packed = folder / "packed"
            manifest = _pack(packed, folder, stopped)
            if recipients:
                packed = _encrypt(packed, folder / "encrypted", recipients)
            files.synchronize(packed)
            packed.rename(target)
            files.synchronize(target.parent)
    except OSError as error:
        raise CopyError(f"{target} cannot be written ({error.strerror or error}).") from error
    return manifest


def new_name(recipients: Sequence[str]) -> str:
    """Return the name of a backup that is made now."""
    return f"dinnerparty-{clock.now():{STAMP}}{ENDING}{ENCRYPTED_ENDING if recipients else ''}"


def _pack(packed: Path, folder: Path, stopped: Callable[[], bool]) -> Manifest:
    copied = folder / DATABASE
    facts = _copy_sqlite(copied) if sqlite.is_used() else _dump_postgresql(copied, stopped)
    packed.touch(mode=0o600)
    with packed.open("wb") as file:
        writer = Writer(file, stopped)
        writer.add(DATABASE, copied)
        copied.unlink()
        writer.add_text(SECRET_KEY, current_app.config["SECRET_KEY"])
        # After the database: a picture without its row does no harm, a row without its picture shows none.
        for name, path in _files():
            writer.add(name, path)
        manifest = Manifest(
            created_at=clock.now().isoformat(timespec="seconds"),
            site=current_app.config["PUBLIC_URL"],
            version=version(),
            database=db.engine.dialect.name,
            **facts,
            parts=writer.parts,
        )
        writer.finish(manifest)
    return manifest


def _copy_sqlite(target: Path) -> dict[str, Any]:
    try:
        sqlite.copy(target)
        sqlite.check(target)
        with sqlite.opened(target) as connection:
            rows = sqlite.count(connection)
            return {
                "database_version": sqlite3.sqlite_version,
                "schema": {
                    table: [name for (name,) in connection.execute(f"SELECT version_num FROM {table}")]  # noqa: S608
                    for table in rows
                    if table.startswith(VERSION_TABLE)
                },
                "rows": rows,
            }
    except sqlite3.Error as error:
        raise CopyError(f"The database cannot be copied ({error}).") from error


def _dump_postgresql(target: Path, stopped: Callable[[], bool]) -> dict[str, Any]:
    with postgresql.connected() as connection:
        tables = postgresql.tables(connection)
        facts = {
            "database_version": postgresql.server_version(connection),
            "schema": {
                name: list(connection.scalars(text(f"SELECT version_num FROM {quoted}")))  # noqa: S608
                for name, quoted in tables.items()
                if name.startswith(VERSION_TABLE)
            },
            "rows": {name: _count(connection, quoted) for name, quoted in tables.items()},
        }
        postgresql.dump(connection, target, stopped)
    return facts


def _count(connection: Connection, quoted: str) -> int:
    return int(connection.scalar(text(f"SELECT count(*) FROM {quoted}")) or 0)  # noqa: S608


def _files() -> Iterator[tuple[str, Path]]:
    """Return the files of rows with their names in the backup; without those that wait for a form to be sent."""
    folders = files.upload_folders()
    for part, folder in folders.items():
        others = {other for other in folders.values() if other != folder}
        for directory, subdirectories, names in os.walk(folder):
            here = Path(directory)
            subdirectories[:] = [each for each in subdirectories if each != PENDING and here / each not in others]
            for path in sorted(here / name for name in names):
                if path.is_file() and not path.is_symlink():
                    yield f"{part}/{path.relative_to(folder).as_posix()}", path


def _encrypt(packed: Path, target: Path, recipients: Sequence[str]) -> Path:
    keys = public_keys(recipients)
    import pyrage

    target.touch(mode=0o600)
    with packed.open("rb") as source, target.open("wb") as file:
        pyrage.encrypt_io(source, file, keys)
    packed.unlink()
    return target


def public_keys(recipients: Sequence[str]) -> list[Any]:
    """Return the public keys of age, or of SSH, that encrypt backups; raises CopyError."""
    try:
        import pyrage
    except ImportError as error:
        raise CopyError("Encrypted backups need the package pyrage: pip install pyrage") from error
    try:
        return [
            (pyrage.ssh if each.startswith("ssh-") else pyrage.x25519).Recipient.from_str(each) for each in recipients
        ]
    except pyrage.RecipientError as error:
        raise CopyError(
            f"A public key looks like age1... (see age-keygen), or ssh-ed25519 AAAA... ({error})."
        ) from error


# -- a folder of backups


def newest(folder: Path) -> datetime | None:
    """Return when the newest backup in a folder was made."""
    return max((moment for moment, _path in _backups(folder) if moment <= clock.now()), default=None)


def back_up_if_due(stopped: Callable[[], bool] = lambda: False) -> Path | None:
    """Write a backup to BACKUP_FOLDER if the newest there is old enough, and delete the oldest ones; raises CopyError.

    Nothing is done while another process does it.
    """
    settings = current_app.config
    folder, recipients = Path(settings["BACKUP_FOLDER"]), settings["BACKUP_RECIPIENTS"]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CopyError(f"BACKUP_FOLDER: {folder} cannot be written to ({error.strerror}).") from error
    try:
        if not files.locks(lock):
            return None
        last = newest(folder)
        if last is not None and clock.now() < last + timedelta(hours=settings["BACKUP_INTERVAL_HOURS"]):
            return None
        target = folder / new_name(recipients)
        backup(target, recipients, stopped)
        for _moment, path in sorted(_backups(folder), reverse=True)[settings["BACKUP_KEEP"] :]:
            path.unlink()
        return target
    finally:
        os.close(lock)


def _backups(folder: Path) -> Iterator[tuple[datetime, Path]]:
    for path in folder.glob("dinnerparty-*"):
        if match := NAME.fullmatch(path.name):
            yield datetime.strptime(match[1], STAMP).replace(tzinfo=UTC), path
