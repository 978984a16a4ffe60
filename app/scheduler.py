"""The scheduler: tasks that run at certain times.

Each minute it derives the times of parties anew if the time zone rules have changed, expires seat offers and sends
reminders. Each hour it deletes data past its retention period, and accounts
whose owners requested it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator

from flask import Flask

from app import metrics, zone_rules
from app.accounts import cleanup
from app.accounts.cleanup import CleanupTask
from app.accounts.users import account_deletion
from app.audit import service as audit_log
from app.crud import files
from app.database import transaction
from app.inbound import imap
from app.inbound import service as inbound_service
from app.outbox import unreachable
from app.parties.attendance import service as attendance_service
from app.parties.cli import sweep
from app.parties.hosting import clock_changes
from app.parties.menu import service as menu_service
from app.parties.messages import reminders
from app.parties.privacy import retention
from app.parties.rsvps import news

HOUR_SECONDS, MINUTE_SECONDS = 3600.0, 60.0
PAUSE_AFTER_ERROR_SECONDS = 60.0
# How often it checks whether it has to stop.
STOP_CHECK_SECONDS = 2.0

CLEANUP_TASKS = (
    *cleanup.CLEANUP_TASKS,
    CleanupTask("audit log entry deleted", "audit log entries deleted", audit_log.delete_old),
    CleanupTask("guest's dietary data deleted", "guests' dietary data deleted", menu_service.delete_expired),
    CleanupTask("unreachable address forgotten", "unreachable addresses forgotten", unreachable.delete_old),
    CleanupTask("received message deleted", "received messages deleted", inbound_service.delete_old),
    CleanupTask("invitation anonymised", "invitations anonymised", retention.anonymise_due_invitations),
    CleanupTask(
        "RSVP without an account anonymised", "RSVPs without an account anonymised", retention.anonymise_due_rsvps
    ),
    CleanupTask("file of an unsent form deleted", "files of unsent forms deleted", files.delete_old),
    CleanupTask("calendar entry deleted", "calendar entries deleted", retention.delete_due_calendar_entries),
    CleanupTask("finished party closed", "finished parties closed", attendance_service.close_finished),
)
# It commits after each account, so that one failure does not stop the others.
ACCOUNT_DELETION = CleanupTask("account deleted", "accounts deleted", account_deletion.run_due)

logger = logging.getLogger(__name__)


def purge() -> Iterator[tuple[int, CleanupTask]]:
    """Run every cleanup task in a transaction of its own, and yield how many rows it changed.

    Call it outside a transaction. It may be repeated, and run by several processes at once.
    """
    for task in CLEANUP_TASKS:
        with transaction():
            count = task.run()
        yield count, task
    yield ACCOUNT_DELETION.run(), ACCOUNT_DELETION


class Scheduler:
    """Runs due tasks at once, then every minute and every hour, in a thread or a process of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._stop = threading.Event()
        self._next_purge = 0.0

    def stop(self) -> None:
        """Stop after the current task; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Run due tasks until `stop()` is called or `wanted` returns False."""
        while wanted() and not self._stop.is_set():
            seconds = self.run_due_tasks()
            while seconds > 0 and wanted() and not self._stop.wait(min(seconds, STOP_CHECK_SECONDS)):
                seconds -= STOP_CHECK_SECONDS

    def run_due_tasks(self) -> float:
        """Run due tasks and return the seconds to wait; an error does not end the loop."""
        try:
            with self.app.app_context():
                zone_rules.refresh()
                clock_changes.derive_anew()
                sweep()
                reminders.send_due()
                imap.poll()
                if time.monotonic() < self._next_purge:
                    self._count("ok")
                    return MINUTE_SECONDS
                self._next_purge = time.monotonic() + HOUR_SECONDS
                clock_changes.warn_of_newer_rules()
                news.send_digests()
                done = [task.describe(count) for count, task in purge() if count]
        except Exception:
            logger.exception("Cleanup failed; retrying in %d s", PAUSE_AFTER_ERROR_SECONDS)
            self._count("error")
            self._next_purge = 0.0
            return PAUSE_AFTER_ERROR_SECONDS
        self._count("ok")
        if done:
            logger.info("Cleanup: %s", ", ".join(done))
        return MINUTE_SECONDS

    def _count(self, result: str) -> None:
        with self.app.app_context():
            metrics.count("jobs_total", result=result)
            if result == "ok":
                metrics.note_now("job_last_success_seconds")
