"""What has to be done about hourly, whoever comes: throw away what has had its time, erase those who wished for it."""

import logging
import threading
from collections.abc import Callable, Iterator

from flask import Flask

from app.accounts.service import erasing, housekeeping
from app.audit import service as audit_log
from app.database import transaction
from app.parties.service import food

HOUR_SECONDS = 3600.0
PAUSE_AFTER_ERROR_SECONDS = 60.0
# How often it looks whether it is still wanted.
BREATH_SECONDS = 2.0

logger = logging.getLogger(__name__)


def purge() -> Iterator[tuple[str, int]]:
    """Do every chore in a transaction of its own, and yield what was thrown away and how much of it.

    Call it outside a transaction. It may be done again, and by several processes at once.
    """
    chores = {**housekeeping.CHORES, "entries of the audit log": audit_log.forget, "diets of guests": food.forget}
    for name, chore in chores.items():
        with transaction():
            count = chore()
        yield name, count
    # One transaction each: somebody who cannot be erased keeps nobody else.
    yield "members who wished to be erased", erasing.erase_due()


class Housekeeper:
    """Purges at once and then every hour, in a thread or a process of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stop = threading.Event()

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Keep house until `stop()`, or until it is not `wanted` any more."""
        while wanted() and not self._stop.is_set():
            self._rest(self._purge(), wanted)

    def _purge(self) -> float:
        """Purge once and return the seconds to wait; no trouble ends the loop."""
        try:
            with self.app.app_context():
                done = [f"{count} {name}" for name, count in purge() if count]
        except Exception:
            logger.exception("The house could not be kept; again in %d s", PAUSE_AFTER_ERROR_SECONDS)
            return PAUSE_AFTER_ERROR_SECONDS
        if done:
            logger.info("Thrown away: %s", ", ".join(done))
        return HOUR_SECONDS

    def _rest(self, seconds: float, wanted: Callable[[], bool]) -> None:
        while seconds > 0 and wanted() and not self._stop.wait(min(seconds, BREATH_SECONDS)):
            seconds -= BREATH_SECONDS
