"""Backups by the clock: a job of the background worker, in a thread of its own, or of Celery."""

from collections.abc import Callable
from datetime import timedelta

from flask import current_app

from app.copies import service
from app.copies.archive import CopyError
from app.jobs.service import PeriodicJob


def backup_job(stopped: Callable[[], bool] = lambda: False) -> PeriodicJob:
    """Return the job that writes a backup whenever one is due; one that is not complete when `stopped` is given up."""

    def back_up() -> str:
        if not current_app.config["BACKUP_FOLDER"]:
            return ""
        try:
            written = service.back_up_if_due(stopped)
        except CopyError:
            if stopped():
                return ""
            raise
        return f"{written} written" if written else ""

    return PeriodicJob("backup", timedelta(minutes=1), back_up, time_limit=6 * 3600)
