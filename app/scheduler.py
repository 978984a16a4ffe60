"""The registry of jobs, and the scheduler, which runs jobs in a thread. Celery runs the same jobs (app/celery_app.py)."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from flask import Flask

from app import zone_rules
from app.accounts import cleanup
from app.accounts.cleanup import CleanupTask
from app.accounts.users import account_deletion, directory
from app.audit import service as audit_log
from app.crud import deletions, files
from app.dashboards.data import remote, stored_periods
from app.dashboards.links import service as dashboard_links
from app.dashboards.weekly import service as weekly
from app.database import BATCH, transaction
from app.inbound import imap
from app.inbound import service as inbound_service
from app.jobs import service as job_service
from app.jobs.service import PeriodicJob
from app.outbox import delivery, unreachable
from app.parties.attendance import service as attendance_service
from app.parties.cli import sweep
from app.parties.hosting import clock_changes
from app.parties.menu import service as menu_service
from app.parties.messages import reminders
from app.parties.messages import service as messages
from app.parties.privacy import retention
from app.parties.rsvps import news

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# How often it looks for jobs at least: one that an administrator made due does not wait for long.
LONGEST_WAIT_SECONDS, SHORTEST_WAIT_SECONDS, PAUSE_AFTER_ERROR_SECONDS = 15.0, 1.0, 60.0
# How often it checks whether it has to stop.
STOP_CHECK_SECONDS = 2.0

CLEANUP_TASKS = (
    *cleanup.CLEANUP_TASKS,
    CleanupTask("audit log entry deleted", "audit log entries deleted", audit_log.delete_old),
    CleanupTask("old e-mail deleted", "old e-mails deleted", delivery.delete_old),
    CleanupTask("guest's dietary data deleted", "guests' dietary data deleted", menu_service.delete_expired),
    CleanupTask("unreachable address forgotten", "unreachable addresses forgotten", unreachable.delete_old),
    CleanupTask("received message deleted", "received messages deleted", inbound_service.delete_old),
    CleanupTask("invitation anonymised", "invitations anonymised", retention.anonymise_due_invitations),
    CleanupTask(
        "RSVP without an account anonymised", "RSVPs without an account anonymised", retention.anonymise_due_rsvps
    ),
    CleanupTask("deleted entry forgotten", "deleted entries forgotten", deletions.delete_old),
    CleanupTask("file of an unsent form deleted", "files of unsent forms deleted", files.delete_old),
    CleanupTask("calendar entry deleted", "calendar entries deleted", retention.delete_due_calendar_entries),
    CleanupTask("link to a dashboard deleted", "links to dashboards deleted", dashboard_links.delete_expired),
    CleanupTask("finished party closed", "finished parties closed", attendance_service.close_finished),
)
# It commits after each account, so that one failure does not stop the others.
ACCOUNT_DELETION = CleanupTask("account deleted", "accounts deleted", account_deletion.run_due)

logger = logging.getLogger(__name__)


def purge() -> Iterator[tuple[int, CleanupTask]]:
    """Run every cleanup task, each batch in a transaction of its own, and yield how many rows it changed.

    Call it outside a transaction. It may be repeated, and run by several processes at once.
    """
    for task in CLEANUP_TASKS:
        yield sum(_in_batches(task)), task
    yield ACCOUNT_DELETION.run(), ACCOUNT_DELETION


def _in_batches(task: CleanupTask) -> Iterator[int]:
    while True:
        with transaction():
            count = task.run()
        yield count
        if count < BATCH:
            return


def _cleanup() -> str:
    return ", ".join(task.describe(count) for count, task in purge() if count)


def _counted(run: Callable[[], int], what: str) -> Callable[[], str]:
    """Return `run` with its result in words, which are empty if it did nothing."""

    def counted() -> str:
        count = run()
        return f"{count} {what}" if count else ""

    return counted


def _warn_of_newer_rules() -> str:
    clock_changes.warn_of_newer_rules()
    return ""


# Each runs in one process at a time.
JOBS = (
    PeriodicJob("party-times", MINUTE, _counted(clock_changes.derive_anew, "parties moved")),
    PeriodicJob("seat-offers", MINUTE, _counted(sweep, "seats offered")),
    PeriodicJob(messages.JOB, MINUTE, _counted(messages.write_pending, "e-mails of messages queued"), time_limit=3600),
    PeriodicJob("reminders", MINUTE, _counted(reminders.send_due, "reminders queued"), time_limit=3600),
    PeriodicJob("dashboard-data", MINUTE, _counted(remote.fetch_due, "answers for dashboards")),
    PeriodicJob("mailbox", MINUTE, _counted(imap.poll, "messages received")),
    PeriodicJob("directory", MINUTE, _counted(directory.check_due, "people no longer let in by the directory")),
    PeriodicJob("figures", HOUR, _counted(stored_periods.count_due, "figures counted"), time_limit=3600),
    PeriodicJob("digests", HOUR, _counted(news.send_digests, "digests queued"), time_limit=3600),
    PeriodicJob("weekly-dashboards", HOUR, _counted(weekly.send_due, "dashboards queued"), time_limit=3600),
    PeriodicJob("zone-rules", HOUR, _warn_of_newer_rules),
    PeriodicJob("cleanup", HOUR, _cleanup, time_limit=3600),
)
# Any number of processes may do it at once: each e-mail has a lease of its own. The background worker has a loop for it.
EMAILS = PeriodicJob("emails", timedelta(seconds=5), _counted(delivery.deliver_for_a_while, "e-mails handled"))


class _Followed:
    """The version of the time zone rules by which this process has derived the times of parties."""

    version = ""


def follow_zone_rules() -> None:
    """Use the newest rules of this machine, and derive by them: the job may run on one that has older rules."""
    zone_rules.refresh()
    if _Followed.version != zone_rules.version():
        clock_changes.derive_anew()
        _Followed.version = zone_rules.version()


class Scheduler:
    """Runs those of its jobs that are due, one after the other, in a thread of its own."""

    def __init__(
        self,
        app: Flask,
        jobs: Sequence[PeriodicJob] = JOBS,
        stop: threading.Event | None = None,
        prepare: Callable[[], object] = follow_zone_rules,
    ) -> None:
        """`stop` is an event to share with the jobs; `prepare` is called each time before it looks for due jobs."""
        self.app = app
        self._jobs = jobs
        self._stop = stop or threading.Event()
        self._prepare = prepare

    def stop(self) -> None:
        """Stop after the current job; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Run due jobs until `stop()` is called or `wanted` returns False."""
        while wanted() and not self._stop.is_set():
            seconds = self.run_due_jobs()
            while seconds > 0 and wanted() and not self._stop.wait(min(seconds, STOP_CHECK_SECONDS)):
                seconds -= STOP_CHECK_SECONDS

    def run_due_jobs(self) -> float:
        """Run due jobs and return the seconds to wait; an error does not end the loop."""
        try:
            with self.app.app_context():
                self._prepare()
                due, wait = job_service.due(self._jobs)
                for job in due:
                    if self._stop.is_set():
                        break
                    job_service.run_if_due(job)
        except Exception:
            logger.exception("The jobs cannot be run; retrying in %d s", PAUSE_AFTER_ERROR_SECONDS)
            return PAUSE_AFTER_ERROR_SECONDS
        return min(max(wait, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
