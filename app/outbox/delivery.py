"""Deliver the outbox: claim an e-mail, send it, store the result.

Any number of processes may do so at once. Each step is a transaction of its own, so a process may end at any point:
when its lease is over, another process takes the e-mail. An e-mail is sent twice only if the process ends between the
server's "250" and the commit, and then with the same Message-ID.
"""

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.errors import MessageError
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.database import delete_batch, is_unavailable, reason, transaction
from app.extensions import db
from app.outbox import rules, service, smtp, unreachable
from app.outbox.models import EmailState, MailProblem, OutboxEmail
from app.outbox.rules import DeliveryFailure

POLL_SECONDS = 2.0
# How often `sweep` runs, also when no e-mail is due.
SWEEP_SECONDS = 30.0
# How long `deliver_for_a_while` begins to send e-mails: a process that is asked to stop finishes within this time.
TURN_SECONDS = 5.0
# E-mails per call of `drain`; those of one connection are limited by MAIL_MAX_EMAILS.
BATCH = 100
PAUSE_AFTER_ERROR_SECONDS = 10.0
# Between attempts to store a result.
OUTAGE_SECONDS = 0.5
# A person waits for the result.
CHECK_SECONDS = 5.0
EXPIRED = "Not delivered before the expiry date."
CRASHED = "The sending process crashed repeatedly."
SUPPRESSED = "Not sent, because MAIL_SUPPRESS_SEND is set."

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """The result of `drain`: numbers of e-mails; `unreachable` is the reason if the server is unavailable, or empty."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    # With MAIL_SUPPRESS_SEND. In the outbox they count as failed: nothing is called sent that nobody received.
    suppressed: int = 0
    unreachable: str = ""
    # Why e-mails were deferred or failed, and how many for each reason.
    reasons: Counter[str] = field(default_factory=Counter, compare=False)

    @property
    def handled(self) -> int:
        return self.sent + self.deferred + self.failed + self.suppressed


def drain(limit: int | None = None, stop: threading.Event | None = None) -> Report:
    """Send the e-mails that are due, at most `limit`, until `stop` is set. Without a mail server none is sent.

    Call it outside a transaction: it commits after every e-mail.
    """
    run = _DeliveryRun(limit, stop or threading.Event())
    if service.handles():
        run.report.reasons = sweep()
        run.report.failed = run.report.reasons.total()
        run.deliver()
    return run.report


def deliver_for_a_while() -> int:
    """Send what is due for some seconds, and return how many e-mails were handled. Any number of processes may do so."""
    stop = threading.Event()
    timer = threading.Timer(TURN_SECONDS, stop.set)
    timer.daemon = True
    timer.start()
    try:
        return drain(stop=stop).handled
    finally:
        timer.cancel()


def waiting(limit: int) -> int:
    """Return how many e-mails are due, at most `limit`."""
    due = select(OutboxEmail.id).where(_is_due(clock.now())).limit(limit).subquery()
    with transaction():
        return db.session.scalar(select(func.count()).select_from(due)) or 0


def sweep() -> Counter[str]:
    """Requeue the e-mails of processes that ended, and mark expired ones as failed; return why, and how many, failed."""
    now = clock.now()
    crashed = (OutboxEmail.state == EmailState.SENDING) & (OutboxEmail.leased_until <= now)
    released: dict[str, Any] = {"crashes": OutboxEmail.crashes + 1, "lease_owner": None, "leased_until": None}
    crashed_too_often = OutboxEmail.crashes + 1 >= rules.MAX_CRASHES
    is_expired = OutboxEmail.expires_at <= now
    with transaction():
        failed = _update(crashed & crashed_too_often, state=EmailState.FAILED, last_error=CRASHED, **released)
        requeued = _update(crashed, state=EmailState.QUEUED, not_before=now, **released)
        expired = _update(
            (OutboxEmail.state == EmailState.QUEUED) & is_expired,
            state=EmailState.FAILED,
            last_error=EXPIRED,
            secret=None,
        )
        _update((OutboxEmail.state == EmailState.FAILED) & OutboxEmail.secret.is_not(None) & is_expired, secret=None)
    if failed or requeued:
        logger.warning("%d e-mails were requeued after their worker process ended", failed + requeued)
    # Without those that are 0.
    return +Counter({CRASHED: failed, EXPIRED: expired})


def delete_old() -> int:
    """Delete e-mails that were sent, or have failed, a long time ago; return how many."""
    before = clock.now() - timedelta(days=current_app.config["EMAIL_RETENTION_DAYS"])
    is_done = OutboxEmail.state.in_((EmailState.SENT, EmailState.FAILED))
    return delete_batch(OutboxEmail, and_(is_done, OutboxEmail.created_at < before))


def claim(owner: str) -> OutboxEmail | None:
    """Claim the next e-mail that is due for `owner` for one lease, in one statement, and return it."""
    now = clock.now()
    # SQLite has no row locks and needs none: it runs one writing statement at a time.
    first = (
        select(OutboxEmail.id)
        .where(_is_due(now))
        .order_by(OutboxEmail.priority, OutboxEmail.not_before, OutboxEmail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    claimed = (
        update(OutboxEmail)
        .where(OutboxEmail.id == first, OutboxEmail.state == EmailState.QUEUED)
        .values(
            state=EmailState.SENDING,
            lease_owner=owner,
            leased_until=now + rules.lease(current_app.config["MAIL_TIMEOUT"]),
            attempts=OutboxEmail.attempts + 1,
        )
        .returning(OutboxEmail)
        .execution_options(populate_existing=True)
    )
    with transaction():
        return db.session.scalars(claimed).one_or_none()


def finish(email: OutboxEmail, **values: Any) -> bool:
    """Store the result of a claimed e-mail; return False if the lease was over and another process has it.

    While the database is away it tries again until the lease is over: what the mail server took is not sent twice.
    """
    claimed = (
        (OutboxEmail.id == email.id)
        & (OutboxEmail.state == EmailState.SENDING)
        & (OutboxEmail.lease_owner == email.lease_owner)
        & (OutboxEmail.attempts == email.attempts)
    )
    email_id, give_up_at = email.id, time.monotonic() + rules.lease(current_app.config["MAIL_TIMEOUT"]).total_seconds()
    done: bool | None = None
    while done is None:
        try:
            with transaction():
                done = _update(claimed, lease_owner=None, leased_until=None, **values) == 1
        except SQLAlchemyError as error:
            if not is_unavailable(error) or time.monotonic() > give_up_at:
                raise
            # The commit may be what failed.
            done = None
            logger.warning("The result of e-mail %d cannot be stored yet (%s)", email_id, reason(error))
            time.sleep(OUTAGE_SECONDS)
    if not done:
        logger.warning("E-mail %d was taken over by another process before delivery finished", email_id)
    return done


def check() -> str:
    """Return why the mail server cannot be reached, or an empty text if it can."""
    try:
        smtp.connect(CHECK_SECONDS).close()
    except OSError as error:
        return rules.describe(error)
    return ""


class _DeliveryRun:
    """Sends what is due until nothing is left, the limit is reached or the server is unavailable."""

    def __init__(self, limit: int | None, stop: threading.Event) -> None:
        self.limit = limit
        self.stop = stop
        self.report = Report()
        self.owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.lost_connections = 0

    def deliver(self) -> None:
        while self._may_continue() and _is_anything_due():
            try:
                connection = smtp.connect()
            except OSError as error:
                self._postpone_all(rules.describe(error))
            else:
                with closing(connection):
                    self._send_batch(connection)

    def _may_continue(self) -> bool:
        limit_reached = self.limit is not None and self.report.handled >= self.limit
        return not (limit_reached or self.report.unreachable or self.stop.is_set())

    def _send_batch(self, connection: smtp.Connection) -> None:
        while connection.is_open and not connection.is_full and self._may_continue():
            email = claim(self.owner)
            if email is None:
                return
            self._send(email, connection)

    def _send(self, email: OutboxEmail, connection: smtp.Connection) -> None:
        try:
            connection.send(smtp.OutboxMessage(email))
        except (OSError, ValueError, MessageError) as error:
            problem = rules.problem_of_address(error, email.recipient)
            self._handle_failure(email, rules.delivery_failure(error), rules.describe(error, email.secret), problem)
            return
        self.lost_connections = 0
        if connection.mail.suppress:
            self.report.suppressed += 1
            # With its secret, so that it can be sent later.
            finish(email, state=EmailState.FAILED, last_error=SUPPRESSED)
            logger.warning("E-mail %d (%s) was not sent: MAIL_SUPPRESS_SEND is set", email.id, email.kind)
            return
        self.report.sent += 1
        finish(email, state=EmailState.SENT, sent_at=clock.now(), secret=None, last_error="")
        with transaction():
            unreachable.accepted(email.recipient)
        logger.info("E-mail %d (%s) was sent", email.id, email.kind)

    def _handle_failure(
        self, email: OutboxEmail, failure: DeliveryFailure, reason: str, problem: MailProblem | None
    ) -> None:
        """Defer the e-mail or mark it as failed; stop if the server is unavailable."""
        self.report.reasons[reason] += 1
        if failure is DeliveryFailure.SERVER_UNAVAILABLE:
            finish(email, state=EmailState.QUEUED, attempts=email.attempts - 1)
            self._postpone_all(reason)
            return
        retry_at = rules.retry_at(email.attempts, clock.now(), email.expires_at, random.random())  # noqa: S311
        if failure is DeliveryFailure.PERMANENT or retry_at is None:
            self.report.failed += 1
            if finish(email, state=EmailState.FAILED, last_error=reason) and problem is not None:
                with transaction():
                    unreachable.record(email.recipient, problem, reason)
            logger.warning("E-mail %d (%s) failed permanently: %s", email.id, email.kind, reason)
        else:
            self.report.deferred += 1
            finish(email, state=EmailState.QUEUED, not_before=retry_at, last_error=reason)
            logger.info("E-mail %d (%s) was deferred until %s: %s", email.id, email.kind, retry_at, reason)
        self.lost_connections = self.lost_connections + 1 if failure is DeliveryFailure.CONNECTION_LOST else 0
        if self.lost_connections >= rules.MAX_LOST_CONNECTIONS:
            self._postpone_all(reason)

    def _postpone_all(self, reason: str) -> None:
        """Defer everything that is due, so that no other process tries the unavailable server."""
        self.report.unreachable = reason
        now = clock.now()
        with transaction():
            # The same moment for all of them: the older ones still go first.
            _update(_is_due(now), not_before=now + rules.OUTAGE_PAUSE, last_error=reason)


class Deliverer:
    """Delivers the outbox in a loop, in a thread or a process of its own."""

    def __init__(self, app: Flask, poll_seconds: float = POLL_SECONDS) -> None:
        self.app = app
        self.poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._last_outage = ""
        self._next_sweep = 0.0

    def stop(self) -> None:
        """Stop after the current e-mail; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Deliver until `stop()` is called or `wanted` returns False."""
        while wanted() and not self._stop.is_set():
            self._stop.wait(self._drain())

    def _drain(self) -> float:
        """Deliver once and return the seconds to wait; an error does not end the loop."""
        try:
            with self.app.app_context():
                if time.monotonic() < self._next_sweep and not _is_anything_due():
                    return self.poll_seconds
                self._next_sweep = time.monotonic() + SWEEP_SECONDS
                report = drain(BATCH, self._stop)
        except Exception:
            logger.exception("Processing the outbox failed; retrying in %d s", PAUSE_AFTER_ERROR_SECONDS)
            return PAUSE_AFTER_ERROR_SECONDS
        # If nothing was due, the state of the server is unknown.
        if report.unreachable != self._last_outage and (report.unreachable or report.sent):
            self._last_outage = report.unreachable
            logger.warning("The mail server does not accept e-mail: %s", report.unreachable or "it is available again")
        return 0 if report.handled >= BATCH else self.poll_seconds


def _is_due(now: datetime) -> ColumnElement[bool]:
    return and_(
        OutboxEmail.state == EmailState.QUEUED,
        OutboxEmail.not_before <= now,
        or_(OutboxEmail.expires_at.is_(None), OutboxEmail.expires_at > now),
    )


def _is_anything_due() -> bool:
    with transaction():
        return db.session.scalars(select(OutboxEmail.id).where(_is_due(clock.now())).limit(1)).first() is not None


def _update(which: ColumnElement[bool], **values: Any) -> int:
    statement = update(OutboxEmail).where(which).values(**values)
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount
