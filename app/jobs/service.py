"""Run jobs that are due, each in one process at a time, however many processes there are.

The row of a job is the truth: a process claims it for one lease, which it renews while it works. So it does not matter
how often somebody says that a job is due. An error, and a process that ended, count as failures, after which pauses grow.
"""

import logging
import os
import random
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from click import ClickException
from flask import Flask, current_app
from sqlalchemy import or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app import clock, metrics
from app.database import insert_or_ignore, transaction
from app.extensions import db
from app.jobs.models import Job, JobState

LEASE, RENEW_SECONDS = timedelta(seconds=60), 15.0
# After so many failures in a row a job counts as failed. It is tried all the same, once an hour.
MAX_FAILURES = 5
MIN_PAUSE, MAX_PAUSE, JITTER = timedelta(minutes=1), timedelta(hours=1), 0.25
MAX_ERROR_LENGTH = 500
ENDED = "The process that ran it ended."

logger = logging.getLogger(__name__)


class PeriodicJob(NamedTuple):
    """A job, which `run` does; it returns what was done, for the log.

    It is called outside a transaction, and may be run twice at once, and again after it was interrupted.
    """

    name: str
    interval: timedelta
    run: Callable[[], str]
    # Of a process of Celery, in seconds.
    time_limit: int = 900


def owner_name() -> str:
    """Return a new name for a holder of leases."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"


def due(jobs: Sequence[PeriodicJob]) -> tuple[list[PeriodicJob], float]:
    """Return the jobs that are due and not running, and in how many seconds the next one will be."""
    with transaction():
        rows = {row.name: row for row in db.session.scalars(select(Job).execution_options(populate_existing=True))}
        for job in jobs:
            if job.name not in rows:
                db.session.execute(insert_or_ignore(Job, "name").values(name=job.name))
            elif rows[job.name].state == JobState.RUNNING and _is_over(rows[job.name].leased_until):
                _store_failure(rows[job.name], ENDED)
    now = clock.now()
    waits = {job: (rows[job.name].due_at - now).total_seconds() if job.name in rows else 0.0 for job in jobs}
    free = [job for job in jobs if job.name not in rows or rows[job.name].state != JobState.RUNNING]
    later = [waits[job] for job in jobs if waits[job] > 0]
    return [job for job in free if waits[job] <= 0], min(later, default=0.0)


def run_if_due(job: PeriodicJob) -> bool:
    """Run a job unless it is not due yet or runs elsewhere; return whether it ran well. Its errors are logged."""
    row = _claim(job, owner_name())
    if row is None:
        return False
    try:
        with _kept(row):
            done = job.run()
    except Exception as error:
        db.session.rollback()
        # A sentence for the operator needs no traceback.
        sentence = error.message if isinstance(error, ClickException) else ""
        pause = _store_failure(row, sentence or f"{type(error).__name__}: {error}").total_seconds()
        metrics.count("jobs_total", job=job.name, result="error")
        if sentence:
            logger.error("Job %s failed; retrying in %d s. %s", job.name, pause, sentence)  # noqa: TRY400
        else:
            logger.exception("Job %s failed; retrying in %d s", job.name, pause)
        return False
    metrics.count("jobs_total", job=job.name, result="ok")
    metrics.note_now("job_last_success_seconds")
    if done:
        logger.info("Job %s: %s", job.name, done)
    _finish(
        row,
        state=JobState.WAITING,
        due_at=(row.started_at or clock.now()) + job.interval,
        finished_at=clock.now(),
        failures=0,
        last_error="",
    )
    return True


def run_now(rows: Sequence[Job]) -> int:
    """Make jobs due; return how many. Those that run are left alone."""
    which = (Job.id.in_([row.id for row in rows])) & (Job.state != JobState.RUNNING)
    values = {"due_at": clock.now(), "failures": 0, "state": JobState.WAITING}
    return len(db.session.execute(update(Job).where(which).values(**values).returning(Job.id)).all())


def hurry(name: str) -> None:
    """Make a job due, in the current transaction. One that runs, or failed and waits, is left alone."""
    waits = (Job.name == name) & (Job.state == JobState.WAITING) & (Job.failures == 0)
    db.session.execute(update(Job).where(waits).values(due_at=clock.now()))


def hold(name: str, owner: str, lease: timedelta) -> bool:
    """Take or renew a lease that is no job's, in one statement; return whether `owner` has it."""
    now = clock.now()
    free = or_(Job.lease_owner == owner, Job.leased_until.is_(None), Job.leased_until <= now)
    values = {"state": JobState.RUNNING, "lease_owner": owner, "leased_until": now + lease, "due_at": now}
    statement = update(Job).where(Job.name == name, free).values(**values).returning(Job.id)
    with transaction():
        db.session.execute(insert_or_ignore(Job, "name").values(name=name))
        return db.session.execute(statement).first() is not None


def release(name: str, owner: str) -> None:
    """Give a lease back, if `owner` has it."""
    values = {"state": JobState.WAITING, "lease_owner": None, "leased_until": None}
    with transaction():
        db.session.execute(update(Job).where(Job.name == name, Job.lease_owner == owner).values(**values))


def pause_after(failures: int, chance: float) -> timedelta:
    """Return the pause after so many failures; `chance`, from 0 to 1, spreads what failed together."""
    return min(MIN_PAUSE * 2 ** min(failures - 1, 10), MAX_PAUSE) * (1 - JITTER + 2 * JITTER * chance)


def _is_over(moment: datetime | None) -> bool:
    return moment is None or moment <= clock.now()


def _claim(job: PeriodicJob, owner: str) -> Job | None:
    now = clock.now()
    claimed = (
        update(Job)
        .where(Job.name == job.name, Job.due_at <= now, Job.state != JobState.RUNNING)
        .values(state=JobState.RUNNING, lease_owner=owner, leased_until=now + LEASE, started_at=now)
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    with transaction():
        row = db.session.scalars(claimed).one_or_none()
        if row is not None:
            db.session.expunge(row)
        return row


@contextmanager
def _kept(row: Job) -> Iterator[None]:
    """Renew the lease while the block runs."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(RENEW_SECONDS):
            try:
                with app.app_context(), transaction():
                    mine = (Job.id == row.id) & (Job.lease_owner == row.lease_owner)
                    db.session.execute(update(Job).where(mine).values(leased_until=clock.now() + LEASE))
            except SQLAlchemyError as error:
                logger.warning("The lease of job %s could not be renewed: %s", row.name, type(error).__name__)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _store_failure(row: Job, error: str) -> timedelta:
    """Store that a job failed, and return the pause before it is tried again."""
    failures = row.failures + 1
    pause = pause_after(failures, random.random())  # noqa: S311
    state = JobState.FAILED if failures >= MAX_FAILURES else JobState.WAITING
    text = " ".join(error.split())[:MAX_ERROR_LENGTH]
    _finish(row, state=state, due_at=clock.now() + pause, failures=failures, last_error=text)
    return pause


def _finish(row: Job, **values: object) -> None:
    """Store the end of a job, unless another process has taken it over."""
    claimed = (Job.id == row.id) & (Job.state == JobState.RUNNING) & (Job.lease_owner == row.lease_owner)
    with transaction():
        db.session.execute(update(Job).where(claimed).values(lease_owner=None, leased_until=None, **values))
