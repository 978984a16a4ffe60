"""Checks of the machine: its files, its disk, its clock and its time zones."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import func, select, text

from app import clock, zone_rules
from app.audit.models import AuditEvent
from app.doctor import Finding, check, error, ok, warning
from app.extensions import db

MEGABYTE = 1024 * 1024
LITTLE_BYTES, TOO_LITTLE_BYTES = 1024 * MEGABYTE, 100 * MEGABYTE
# New rules of time zones come several times a year.
OLD_ZONES = timedelta(days=540)
# Codes of authenticator apps and tokens of providers fail beyond that.
MOST_DRIFT = timedelta(seconds=20)


@check("permissions", quick=True)
def permissions() -> Iterator[Finding]:
    """Find files with secrets that others can read."""
    for path in _private():
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            continue
        if not os.access(path, os.R_OK):
            yield error(f"{path} cannot be read by this user.", f"Give it to the user of the site: chown USER {path}")
        elif mode & stat.S_IRWXO and not _is_shielded(path):
            what = "changed" if mode & stat.S_IWOTH else "read"
            yield error(f"{path} can be {what} by every user of this machine.", f"chmod o= {path}")


def _private() -> list[Path]:
    """Return the files that contain secrets or personal data."""
    instance = Path(current_app.config["INSTANCE_PATH"])
    return [*(instance / name for name in ("secret_key", "config.toml", "config.py")), *_database_files()]


def _database_files() -> list[Path]:
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        return []
    return [Path(f"{url.database}{suffix}") for suffix in ("", "-wal", "-shm")]


def _is_shielded(path: Path) -> bool:
    """Whether others cannot enter a folder above `path`."""
    return any(not folder.stat().st_mode & stat.S_IXOTH for folder in path.resolve().parents)


@check("disk", quick=True)
def disk() -> Iterator[Finding]:
    """Find folders that cannot be written to, and disks that are nearly full."""
    settings = current_app.config
    wanted = [
        settings["INSTANCE_PATH"],
        settings["UPLOAD_FOLDER"],
        settings["IMG_UPLOAD_FOLDER"],
        settings["BACKUP_FOLDER"],
    ]
    folders = {_existing(Path(folder)) for folder in wanted if folder} | {path.parent for path in _database_files()}
    seen = set()
    for folder in sorted(folders):
        try:
            # What permissions say is not enough: the file system may be read-only.
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as failure:
            yield error(f"{folder} cannot be written to ({failure.strerror}).", "Make it writable, or make room.")
            continue
        if folder.stat().st_dev not in seen:
            seen.add(folder.stat().st_dev)
            yield _room(folder)


def _existing(folder: Path) -> Path:
    """Return the folder, or the one above it in which it will be made."""
    return next(each for each in (folder, *folder.absolute().parents) if each.is_dir())


def _room(folder: Path) -> Finding:
    usage = shutil.disk_usage(folder)
    text = f"{usage.free // MEGABYTE:,} MB of {usage.total // MEGABYTE:,} MB are free at {folder}."
    if usage.free < TOO_LITTLE_BYTES:
        return error(text, "Make room: the site stops when the disk is full.")
    if usage.free < LITTLE_BYTES:
        return warning(text, "Make room soon.")
    return ok(text)


@check("clock", quick=True)
def right_clock() -> Iterator[Finding]:
    """Compare the clock with that of the database server, and with what was stored before."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            theirs = connection.scalar(text("SELECT clock_timestamp()"))
            if abs(clock.now() - theirs) > MOST_DRIFT:
                yield error(
                    f"It is {clock.now():%Y-%m-%d %H:%M:%S} UTC here, and {theirs:%Y-%m-%d %H:%M:%S%z} on the database server.",
                    "Synchronise both clocks, for example with systemd-timesyncd or chrony.",
                )
        newest = connection.scalar(select(func.max(AuditEvent.at)))
    if newest and newest > clock.now() + MOST_DRIFT:
        yield error(
            f"It is {clock.now():%Y-%m-%d %H:%M:%S} UTC here, and an entry of the audit log is of {newest:%Y-%m-%d %H:%M:%S}.",
            "One of the two moments is wrong. Synchronise the clock, for example with systemd-timesyncd or chrony.",
        )


@check("time zones", quick=True)
def time_zones() -> Iterator[Finding]:
    """Find rules that are too old to know what governments have changed."""
    version = zone_rules.version()
    advice = "Upgrade tzdata: the package of the system, or `pip install --upgrade tzdata`."
    if not version:
        yield warning("The version of the time zone rules is not known.", advice)
    elif clock.now() - datetime(int(version[:4]), 1, 1, tzinfo=clock.now().tzinfo) > OLD_ZONES:
        yield warning(f"The newest time zone rules of this machine are those of {version}.", advice)
    else:
        yield ok(f"The time zone rules are {zone_rules.described()}.")
