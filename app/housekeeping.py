"""What has to be done whoever comes.

Each minute seats that were offered and not taken go on to the next in line, and guests are reminded. Each hour what
has had its time is thrown away, and those who wished for it are erased.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from flask import Flask

from app.accounts.service import erasing, housekeeping
from app.audit import service as audit_log
from app.database import transaction
from app.parties.cli import sweep
from app.parties.service import afterwards, food, forgetting, reminders

HOUR_SECONDS, MINUTE_SECONDS = 3600.0, 60.0
PAUSE_AFTER_ERROR_SECONDS = 60.0
# How often it looks whether it is still wanted.
BREATH_SECONDS = 2.0

logger = logging.getLogger(__name__)


def purge() -> Iterator[tuple[str, int]]:
    """Do every chore in a transaction of its own, and yield what was thrown away and how much of it.

    Call it outside a transaction. It may be done again, and by several processes at once.
    """
    chores = {
        **housekeeping.CHORES,
        "entries of the audit log": audit_log.forget,
        "diets of guests": food.forget,
        "addresses of those who were invited": forgetting.invitations,
        "answers without an account": forgetting.answers,
        "parties that are over": afterwards.finish,
    }
    for name, chore in chores.items():
        with transaction():
            count = chore()
        yield name, count
    # One transaction each: somebody who cannot be erased keeps nobody else.
    yield "members who wished to be erased", erasing.erase_due()


class Housekeeper:
    """Sweeps and purges at once, then every minute and every hour, in a thread or a process of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stop = threading.Event()
        self._next_purge = 0.0

    def stop(self) -> None:
        """Ask it to end; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Keep house until `stop()`, or until it is not `wanted` any more."""
        while wanted() and not self._stop.is_set():
            self._rest(self._keep_house(), wanted)

    def _keep_house(self) -> float:
        """Do what is due and return the seconds to wait; no trouble ends the loop."""
        try:
            with self.app.app_context():
                sweep()
                reminders.send_due()
                if time.monotonic() < self._next_purge:
                    return MINUTE_SECONDS
                self._next_purge = time.monotonic() + HOUR_SECONDS
                done = [f"{count} {name}" for name, count in purge() if count]
        except Exception:
            logger.exception("The house could not be kept; again in %d s", PAUSE_AFTER_ERROR_SECONDS)
            self._next_purge = 0.0
            return PAUSE_AFTER_ERROR_SECONDS
        if done:
            logger.info("Seen to: %s", ", ".join(done))
        return MINUTE_SECONDS

    def _rest(self, seconds: float, wanted: Callable[[], bool]) -> None:
        while seconds > 0 and wanted() and not self._stop.wait(min(seconds, BREATH_SECONDS)):
            seconds -= BREATH_SECONDS
