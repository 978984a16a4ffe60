"""Checks of backups."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from flask import current_app
from sqlalchemy import text

from app import clock
from app.copies import postgresql, service, sqlite
from app.copies.archive import CopyError
from app.doctor import Finding, check, error, ok, warning


@check("backups", quick=True)
def backups() -> Iterator[Finding]:
    """Find out whether there is a backup, and whether the next one can be written."""
    settings = current_app.config
    if not settings["BACKUP_FOLDER"]:
        if not settings["IS_LOCAL"]:
            yield ok("The site writes no backups itself (BACKUP_FOLDER).")
        return
    try:
        if settings["BACKUP_RECIPIENTS"]:
            service.public_keys(settings["BACKUP_RECIPIENTS"])
        if not sqlite.is_used():
            with postgresql.connected() as connection:
                postgresql.find("pg_dump", str(connection.scalar(text("SHOW server_version"))))
    except CopyError as failure:
        yield error(f"The next backup will fail. {failure.message}", "Try it: flask backup")
    newest = service.newest(Path(settings["BACKUP_FOLDER"]))
    if newest is None:
        yield warning(f"There is no backup in {settings['BACKUP_FOLDER']} yet.", "Does a background worker run?")
    elif clock.now() - newest > timedelta(hours=2 * settings["BACKUP_INTERVAL_HOURS"]):
        yield error(f"The newest backup is of {newest:%Y-%m-%d %H:%M} UTC.", "Its log says why. Try it: flask backup")
    else:
        yield ok(f"The newest backup is of {newest:%Y-%m-%d %H:%M} UTC.")
