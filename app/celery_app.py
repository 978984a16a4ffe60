"""Celery: the jobs of app/scheduler.py in any number of processes on any number of machines.

    celery -A app.celery_app worker --beat

Each machine may run this: the beats agree by a lease in the database which of them asks for what is due. A task claims the
row of its job, so one that comes twice does nothing twice, and one that the broker loses is asked for again.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

from celery import signals
from celery.beat import Scheduler as StockBeat
from flask import Flask
from flask.logging import default_handler
from sqlalchemy.exc import SQLAlchemyError

from app import create_app, scheduler, setup
from app.copies.schedule import backup_job
from app.database import is_unavailable, reason
from app.extensions import db
from app.jobs import broker
from app.jobs import service as jobs
from app.jobs.service import PeriodicJob
from app.outbox import delivery
from app.outbox.rules import lease
from config import ConfigurationError

JOBS = (*scheduler.JOBS, backup_job())
BEAT, BEAT_LEASE = "beat", timedelta(seconds=20)
TICK_SECONDS, PAUSE_AFTER_ERROR_SECONDS = 1.0, 5.0
# A task that was not begun by then is asked for again.
PATIENCE_SECONDS = 20.0
# E-mails that one process hands over in a turn, about; more of them are asked for if more e-mails wait.
EMAILS_PER_TURN = 100

logger = logging.getLogger(__name__)


def _application() -> Flask:
    app = create_app()
    if not app.config["CELERY_BROKER_URL"]:
        raise ConfigurationError("CELERY_BROKER_URL is not set: it names the broker, such as redis://host:6379/0.")
    app.logger.setLevel(logging.INFO)
    # Celery's own shows the same.
    app.logger.removeHandler(default_handler)
    return app


flask_app = _application()
celery = broker.client(dict(flask_app.config))


@contextmanager
def _database_may_be_away() -> Iterator[None]:
    """Run the block in the application. An outage is one line in the log: beat asks again."""
    try:
        with flask_app.app_context():
            yield
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        logger.warning("The database is not available (%s)", reason(error))


def _add_task(job: PeriodicJob) -> None:
    # The soft limit is an error in the job, which is stored; after the hard one the process is killed.
    limits = {"soft_time_limit": job.time_limit, "time_limit": job.time_limit + 60}

    @celery.task(name=f"{broker.PREFIX}{job.name}", **limits)
    def run() -> None:
        with _database_may_be_away():
            scheduler.follow_zone_rules()
            jobs.run_if_due(job)


def _hard_limit() -> float:
    """Return the seconds after which a process that delivers e-mail hangs. No soft limit: it could strike after the 250."""
    return delivery.TURN_SECONDS + lease(flask_app.config["MAIL_TIMEOUT"]).total_seconds()


@celery.task(name=broker.EMAILS, time_limit=_hard_limit())
def deliver() -> None:
    """Deliver e-mail for some seconds."""
    with _database_may_be_away():
        scheduler.EMAILS.run()


for each in JOBS:
    _add_task(each)


@signals.worker_init.connect(weak=False)
def _check(**_arguments: Any) -> None:
    with flask_app.app_context():
        try:
            setup.refuse_other_schema()
        except ConfigurationError as error:
            raise SystemExit(f"DinnerParty cannot start. {error}") from error


@signals.worker_process_init.connect(weak=False)
def _begin_process(**_arguments: Any) -> None:
    """Let a forked process make connections of its own."""
    with flask_app.app_context():
        db.engine.dispose(close=False)


class LeasedBeat(StockBeat):
    """Asks for the jobs that are due by their rows, if it has the lease; otherwise another one does."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._owner = jobs.owner_name()
        self._asked: dict[str, float] = {}
        self._next_emails = 0.0
        self._had_lease = False

    def setup_schedule(self) -> None:
        """Have no schedule: the rows of the jobs are it."""

    def tick(self, *_arguments: Any, **_options: Any) -> float:
        """Ask for what is due, and return the seconds to wait. Neither a lost database nor a lost broker ends it."""
        try:
            with flask_app.app_context():
                has_lease = jobs.hold(BEAT, self._owner, BEAT_LEASE)
                if has_lease and not self._had_lease:
                    logger.info("This beat asks for the jobs that are due")
                self._had_lease = has_lease
                if has_lease:
                    self._ask()
        except Exception as error:  # noqa: BLE001 - of the database, or of any broker
            logger.warning(
                "Beat waits %d s: %s: %s", PAUSE_AFTER_ERROR_SECONDS, type(error).__name__, _first_line(error)
            )
            return PAUSE_AFTER_ERROR_SECONDS
        return TICK_SECONDS if has_lease else PAUSE_AFTER_ERROR_SECONDS

    def close(self) -> None:
        """Give the lease to another one."""
        # Without a database the lease ends by itself.
        with suppress(SQLAlchemyError), flask_app.app_context():
            jobs.release(BEAT, self._owner)
        super().close()

    def _ask(self) -> None:
        now = time.monotonic()
        due, _wait = jobs.due(JOBS)
        for job in due:
            if now >= self._asked.get(job.name, 0.0) + PATIENCE_SECONDS or job.name not in self._asked:
                self._send(f"{broker.PREFIX}{job.name}", PATIENCE_SECONDS)
                self._asked[job.name] = now
        for name in self._asked.keys() - {job.name for job in due}:
            del self._asked[name]
        if now >= self._next_emails:
            seconds = scheduler.EMAILS.interval.total_seconds()
            most = flask_app.config["MAIL_CONNECTIONS"]
            # At least one, which requeues what killed processes had.
            turns = max(1, min(most, -(-delivery.waiting(most * EMAILS_PER_TURN) // EMAILS_PER_TURN)))
            for _number in range(turns):
                self._send(broker.EMAILS, seconds)
            self._next_emails = now + seconds

    def _send(self, task: str, seconds: float) -> None:
        celery.send_task(task, retry=False, expires=seconds, ignore_result=True)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
