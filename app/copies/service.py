"""Back a site up into one file, and restore it from one. A process that is killed meanwhile leaves no half of either."""

import contextlib
import fcntl
import os
import re
import shutil
import sqlite3
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from flask import current_app
from sqlalchemy import Connection, text

from app import clock, setup
from app.copies import postgresql, sqlite
from app.copies.archive import (
    DATABASE,
    IMAGES,
    SECRET_KEY,
    UPLOADS,
    CopyError,
    Manifest,
    Writer,
    unpack,
)
from app.crud.files import PENDING
from app.extensions import db
from config import ROOT

# The names of backups in a folder. Others are left alone.
NAME = re.compile(r"dinnerparty-(\d{8}T\d{6}Z)\.tar\.gz(?:\.age)?")
STAMP = "%Y%m%dT%H%M%SZ"
ENDING, ENCRYPTED_ENDING = ".tar.gz", ".age"
# A folder for what is not complete yet. It is locked, so that those of killed processes are known.
WORKSPACE, LOCK = ".dinnerparty-", ".dinnerparty.lock"
VERSION_TABLE = "alembic_version"
# What waited may have been sent after the backup. Nobody is to get an e-mail twice.
HELD = "Restored from a backup. It may have been sent before."
HOLD_EMAILS = (
    f"UPDATE letter SET state = 'failed', last_error = '{HELD}', lease_owner = NULL, leased_until = NULL"  # noqa: S608
    " WHERE state IN ('queued', 'sending');"
)


# -- backup


def backup(target: Path, recipients: Sequence[str] = (), stopped: Callable[[], bool] = lambda: False) -> Manifest:
    """Write a backup to `target`, which must not exist; encrypted to age's public keys `recipients` if there are any.

    Raises CopyError.
    """
    if target.exists():
        raise CopyError(f"{target} exists already.")
    try:
        with workspace(target.parent) as folder:
            packed = folder / "packed"
            manifest = _pack(packed, folder, stopped)
            if recipients:
                packed = _encrypt(packed, folder / "encrypted", recipients)
            _synchronize(packed)
            packed.rename(target)
            _synchronize(target.parent)
    except OSError as error:
        raise CopyError(f"{target} cannot be written ({error.strerror or error}).") from error
    return manifest


def new_name(recipients: Sequence[str]) -> str:
    """Return the name of a backup that is made now."""
    return f"dinnerparty-{clock.now():{STAMP}}{ENDING}{ENCRYPTED_ENDING if recipients else ''}"


def _pack(packed: Path, folder: Path, stopped: Callable[[], bool]) -> Manifest:
    copied = folder / DATABASE
    facts = _copy_sqlite(copied) if is_sqlite() else _dump_postgresql(copied, stopped)
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
    folders = _upload_folders()
    for part, folder in folders.items():
        others = {other for other in folders.values() if other != folder}
        for directory, subdirectories, files in os.walk(folder):
            here = Path(directory)
            subdirectories[:] = [each for each in subdirectories if each != PENDING and here / each not in others]
            for path in sorted(here / name for name in files):
                if path.is_file() and not path.is_symlink():
                    yield f"{part}/{path.relative_to(folder).as_posix()}", path


def _upload_folders() -> dict[str, Path]:
    return {
        UPLOADS: Path(current_app.config["UPLOAD_FOLDER"]).absolute(),
        IMAGES: Path(current_app.config["IMG_UPLOAD_FOLDER"]).absolute(),
    }


def version() -> str:
    """Return the version of DinnerParty."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


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
        if not _locks(lock):
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


# -- restoration


def restore(stream: IO[bytes], *, send_emails: bool = False) -> Manifest:
    """Restore a site that has no database yet from a backup. The schema may be older: `flask setup` upgrades it.

    Everything is compared with the manifest before anything is changed. The database comes last: without it there is no
    site, and this can be repeated. Call it in `setup.alone()`. E-mails that waited are held back unless `send_emails`.
    Raises CopyError.
    """
    _refuse_existing_database()
    try:
        with workspace(Path(current_app.config["INSTANCE_PATH"])) as folder:
            manifest = unpack(stream, folder)
            _refuse_other_database(manifest)
            _refuse_newer_schema(manifest)
            secret = (folder / SECRET_KEY).read_text("ascii")
            _refuse_other_secret(secret)
            statements = () if send_emails else (HOLD_EMAILS,)
            if is_sqlite():
                sqlite.check(folder / DATABASE, manifest.rows)
                sqlite.run(folder / DATABASE, statements)
            _place_files(folder)
            _place_secret(folder / SECRET_KEY, secret)
            if is_sqlite():
                _place_sqlite(folder / DATABASE)
            else:
                postgresql.restore(folder / DATABASE, manifest.rows, statements)
    except OSError as error:
        raise CopyError(f"The backup cannot be restored ({error.strerror or error}).") from error
    return manifest


def _refuse_existing_database() -> None:
    if is_sqlite():
        path = sqlite.path()
        if not path.exists():
            return
        try:
            with sqlite.opened(path) as connection:
                found = [name for (name,) in connection.execute(sqlite.TABLES)]
        except sqlite3.DatabaseError as error:
            raise CopyError(f"{path} exists, and is no database that can be read ({error}). Move it away.") from error
        where = f"{path} has"
    else:
        with postgresql.connected() as connection:
            found = list(postgresql.tables(connection))
        where = "The database has"
    if found:
        raise CopyError(
            f"{where} the table {found[0]} already. A backup is restored into an empty database only: name another one"
            " in DATABASE_URL, or move this one away."
        )


def _refuse_other_database(manifest: Manifest) -> None:
    if manifest.database != db.engine.dialect.name:
        raise CopyError(
            f"This is a backup of a {manifest.database} database, and DATABASE_URL names a {db.engine.dialect.name} one."
        )


def _refuse_newer_schema(manifest: Manifest) -> None:
    # A plug-in that was uninstalled has none: the site runs without it.
    configs = {config.attributes.get(setup.VERSION_TABLE, VERSION_TABLE): config for config in setup.configs()}
    for table, revisions in manifest.schema.items():
        if table in configs and set(revisions) - setup.revisions(configs[table]):
            raise CopyError(
                f"The backup is of version {manifest.version}, whose schema ({', '.join(revisions)}) is newer than this"
                f" version ({version()}) knows. Install that version first."
            )


def _refuse_other_secret(secret: str) -> None:
    """Raise CopyError if a secret is set that is not that of the backup; one in the file is replaced."""
    path = _secret_path()
    is_in_file = path.exists() and path.read_text("ascii").strip() == current_app.config["SECRET_KEY"]
    if current_app.config["SECRET_KEY"] != secret and not is_in_file:
        raise CopyError(
            "SECRET_KEY is not that of the backup: authenticator apps and personal links would not work. Set it to the one"
            " in the backup (tar -xzOf FILE secret_key), or do not set it: then the backup's is written to"
            f" {path}."
        )


def _secret_path() -> Path:
    return Path(current_app.config["INSTANCE_PATH"]) / SECRET_KEY


def _place_files(folder: Path) -> None:
    for part, target in _upload_folders().items():
        for path in sorted((folder / part).rglob("*")):
            if path.is_file():
                _place(path, target / path.relative_to(folder / part))
    for each in _upload_folders().values():
        if each.exists():
            _synchronize(each)


def _place_secret(source: Path, secret: str) -> None:
    if current_app.config["SECRET_KEY"] != secret:
        source.chmod(0o600)
        _place(source, _secret_path())
        _synchronize(_secret_path().parent)
        current_app.config["SECRET_KEY"] = secret


def _place_sqlite(source: Path) -> None:
    db.engine.dispose()
    path = sqlite.path()
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    source.chmod(0o600)
    _place(source, path)
    _synchronize(path.parent)


def _place(source: Path, target: Path) -> None:
    """Move a file, also to another file system; it is never there in part."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{WORKSPACE}{target.name}")
    shutil.move(source, draft)
    _synchronize(draft)
    draft.replace(target)


# -- files


def is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


@contextlib.contextmanager
def workspace(parent: Path) -> Iterator[Path]:
    """Return a folder in `parent` that only this user can enter, and remove it in the end, also those of killed processes."""
    for left in parent.glob(f"{WORKSPACE}*/"):
        with contextlib.suppress(OSError), _locked(left) as is_mine:
            if is_mine:
                shutil.rmtree(left)
    folder = Path(tempfile.mkdtemp(prefix=WORKSPACE, dir=parent))
    with _locked(folder):
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Lock a folder, and return whether that was possible."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield _locks(opened)
    finally:
        os.close(opened)


def _locks(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _synchronize(path: Path) -> None:
    """Have a file, or the names in a folder, survive a power cut."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
