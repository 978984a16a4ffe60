"""Backups by the clock: a job of Celery, or a thread of the background worker, because seats and reminders cannot wait."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from flask import Flask, current_app

from app.copies import service
from app.copies.archive import CopyError
from app.jobs.service import PeriodicJob

CHECK_SECONDS, PAUSE_AFTER_ERROR_SECONDS = 60.0, 3600.0
# How often it checks whether it has to stop.
STOP_CHECK_SECONDS = 2.0

logger = logging.getLogger(__name__)


def _back_up() -> str:
    return str((current_app.config["BACKUP_FOLDER"] and service.back_up_if_due()) or "")


BACKUP = PeriodicJob("backup", timedelta(seconds=CHECK_SECONDS), _back_up, time_limit=6 * 3600)


class Backups:
    """Writes a backup to BACKUP_FOLDER whenever one is due."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stop = threading.Event()

    def stop(self) -> None:
        """Stop soon; a backup that is not complete is given up. Returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Write backups until `stop()` is called or `wanted` returns False."""
        while wanted() and not self._stop.is_set():
            seconds = self.run_due()
            while seconds > 0 and wanted() and not self._stop.wait(min(seconds, STOP_CHECK_SECONDS)):
                seconds -= STOP_CHECK_SECONDS

    def run_due(self) -> float:
        """Write a backup if one is due, and return the seconds to wait; an error does not end the loop."""
        try:
            with self.app.app_context():
                written = service.back_up_if_due(self._stop.is_set)
        except CopyError as error:
            if not self._stop.is_set():
                logger.error("%s The backup is tried again in %d s", error.message, PAUSE_AFTER_ERROR_SECONDS)  # noqa: TRY400
            return PAUSE_AFTER_ERROR_SECONDS
        except Exception:
            logger.exception("The backup failed; trying again in %d s", PAUSE_AFTER_ERROR_SECONDS)
            return PAUSE_AFTER_ERROR_SECONDS
        if written:
            logger.info("Backup written: %s", written)
        return CHECK_SECONDS
