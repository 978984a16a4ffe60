"""Restore a site from a backup. A process that is killed meanwhile leaves no half of it."""

import shutil
import sqlite3
from pathlib import Path
from typing import IO

from flask import current_app

from app import setup
from app.copies import files, postgresql, service, sqlite
from app.copies.archive import DATABASE, SECRET_KEY, CopyError, Manifest, unpack
from app.extensions import db
from config import version

# What waited may have been sent after the backup. Nobody is to get an e-mail twice.
HELD = "Restored from a backup. It may have been sent before."
HOLD_EMAILS = (
    f"UPDATE letter SET state = 'failed', last_error = '{HELD}', lease_owner = NULL, leased_until = NULL"  # noqa: S608
    " WHERE state IN ('queued', 'sending');"
)


def restore(stream: IO[bytes], *, send_emails: bool = False) -> Manifest:
    """Restore a site that has no database yet from a backup. The schema may be older: `flask setup` upgrades it.

    Everything is compared with the manifest before anything is changed. The database comes last: without it there is no
    site, and this can be repeated. Call it in `setup.alone()`. E-mails that waited are held back unless `send_emails`.
    Raises CopyError.
    """
    _refuse_existing_database()
    try:
        with files.workspace(Path(current_app.config["INSTANCE_PATH"])) as folder:
            manifest = unpack(stream, folder)
            _refuse_other_database(manifest)
            _refuse_newer_schema(manifest)
            secret = (folder / SECRET_KEY).read_text("ascii")
            _refuse_other_secret(secret)
            statements = () if send_emails else (HOLD_EMAILS,)
            if sqlite.is_used():
                sqlite.check(folder / DATABASE, manifest.rows)
                sqlite.run(folder / DATABASE, statements)
            _place_files(folder)
            _place_secret(folder / SECRET_KEY, secret)
            if sqlite.is_used():
                _place_sqlite(folder / DATABASE)
            else:
                postgresql.restore(folder / DATABASE, manifest.rows, statements)
    except OSError as error:
        raise CopyError(f"The backup cannot be restored ({error.strerror or error}).") from error
    return manifest


def _refuse_existing_database() -> None:
    if sqlite.is_used():
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
    configs = {config.attributes.get(setup.VERSION_TABLE, service.VERSION_TABLE): config for config in setup.configs()}
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
    for part, target in files.upload_folders().items():
        for path in sorted((folder / part).rglob("*")):
            if path.is_file():
                _place(path, target / path.relative_to(folder / part))
    for each in files.upload_folders().values():
        if each.exists():
            files.synchronize(each)


def _place_secret(source: Path, secret: str) -> None:
    if current_app.config["SECRET_KEY"] != secret:
        source.chmod(0o600)
        _place(source, _secret_path())
        files.synchronize(_secret_path().parent)
        current_app.config["SECRET_KEY"] = secret


def _place_sqlite(source: Path) -> None:
    db.engine.dispose()
    path = sqlite.path()
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    source.chmod(0o600)
    _place(source, path)
    files.synchronize(path.parent)


def _place(source: Path, target: Path) -> None:
    """Move a file, also to another file system; it is never there in part."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{files.WORKSPACE}{target.name}")
    shutil.move(source, draft)
    files.synchronize(draft)
    draft.replace(target)
