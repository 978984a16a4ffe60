"""Send what waits: claim a letter, hand it to the mail server, write down what came of it.

Any number of processes may do so at once. Each step is a transaction of its own, so that a process may end at any
point: what it had claimed is another's once the lease is over. A letter is sent twice only when the process ended
between the server's "250" and our commit, and then under the same Message-ID.
"""

import logging
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.engine import CursorResult

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox import rules, service, smtp
from app.outbox.models import EmailState, OutboxEmail
from app.outbox.rules import DeliveryFailure

POLL_SECONDS = 2.0
# So often it looks for what others left, also when nothing is due.
SWEEP_SECONDS = 30.0
# After so many letters it hangs up and calls again: servers limit the letters of one conversation.
BATCH = 100
PAUSE_AFTER_ERROR_SECONDS = 10.0
# Somebody waits for the answer of a check.
CHECK_SECONDS = 5.0
EXPIRED = "Not delivered before the expiry date."
CRASHED = "The sending process crashed repeatedly."

logger = logging.getLogger(__name__)


@dataclass
class Report:
    """What a drain did; `unreachable` says why the server took nothing, or is empty."""

    sent: int = 0
    put_off: int = 0
    failed: int = 0
    unreachable: str = ""

    @property
    def handled(self) -> int:
        """The number of letters that were tried."""
        return self.sent + self.put_off + self.failed


def drain(limit: int | None = None, stop: threading.Event | None = None) -> Report:
    """Send the letters that are due, `limit` at most and none after `stop` is set; without a mail server, none.

    Call it outside a transaction: it commits after every letter.
    """
    drain_ = _Drain(limit, stop or threading.Event())
    if service.delivers():
        drain_.report.failed = sweep()
        drain_.run()
    return drain_.report


def sweep() -> int:
    """Take back the letters of processes that ended, give up what expired; return how many were given up."""
    now = clock.now()
    crashed = (OutboxEmail.state == EmailState.SENDING) & (OutboxEmail.leased_until <= now)
    freed: dict[str, Any] = {"crashes": OutboxEmail.crashes + 1, "lease_owner": None, "leased_until": None}
    is_hopeless = OutboxEmail.crashes + 1 >= rules.MAX_CRASHES
    is_expired = OutboxEmail.expires_at <= now
    with transaction():
        given_up = _update(crashed & is_hopeless, state=EmailState.FAILED, last_error=CRASHED, **freed)
        taken_back = _update(crashed, state=EmailState.QUEUED, not_before=now, **freed)
        expired = _update(
            (OutboxEmail.state == EmailState.QUEUED) & is_expired,
            state=EmailState.FAILED,
            last_error=EXPIRED,
            secret=None,
        )
        _update((OutboxEmail.state == EmailState.FAILED) & OutboxEmail.secret.is_not(None) & is_expired, secret=None)
    if given_up or taken_back:
        logger.warning("%d e-mails were requeued after their worker process ended", given_up + taken_back)
    return given_up + expired


def claim(owner: str) -> OutboxEmail | None:
    """Make the next letter that is due `owner`'s for one lease, in one statement, and return it."""
    now = clock.now()
    # SQLite has no row locks and needs none: its statements that write run one after the other.
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


def finish(letter: OutboxEmail, **values: Any) -> bool:
    """Write down what came of a claimed `letter`; False when the lease was over and it is another's by now."""
    mine = (
        (OutboxEmail.id == letter.id)
        & (OutboxEmail.state == EmailState.SENDING)
        & (OutboxEmail.lease_owner == letter.lease_owner)
        & (OutboxEmail.attempts == letter.attempts)
    )
    with transaction():
        done = _update(mine, lease_owner=None, leased_until=None, **values) == 1
    if not done:
        logger.warning("E-mail %d was taken over by another process before delivery finished", letter.id)
    return done


def check() -> str:
    """Return why the mail server cannot be reached, or nothing when it can."""
    try:
        smtp.connect(CHECK_SECONDS).close()
    except OSError as error:
        return rules.describe(error)
    return ""


class _Drain:
    """One pass over what is due."""

    def __init__(self, limit: int | None, stop: threading.Event) -> None:
        self.limit = limit
        self.stop = stop
        self.report = Report()
        self.owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.broken_in_a_row = 0

    def run(self) -> None:
        while self._goes_on() and _is_anything_due():
            try:
                connection = smtp.connect()
            except OSError as error:
                self._postpone_all(rules.describe(error))
            else:
                with closing(connection):
                    self._send_over(connection)

    def _goes_on(self) -> bool:
        enough = self.limit is not None and self.report.handled >= self.limit
        return not (enough or self.report.unreachable or self.stop.is_set())

    def _send_over(self, connection: smtp.Connection) -> None:
        while connection.is_open and connection.num_emails < BATCH and self._goes_on():
            letter = claim(self.owner)
            if letter is None:
                return
            self._send(letter, connection)

    def _send(self, letter: OutboxEmail, connection: smtp.Connection) -> None:
        try:
            connection.send(smtp.OutboxMessage(letter))
        except (OSError, ValueError, MessageError) as error:
            self._not_sent(letter, rules.delivery_failure(error), rules.describe(error, letter.secret))
            return
        self.broken_in_a_row = 0
        self.report.sent += 1
        finish(letter, state=EmailState.SENT, sent_at=clock.now(), secret=None, last_error="")
        logger.info("E-mail %d (%s) was sent", letter.id, letter.kind)

    def _not_sent(self, letter: OutboxEmail, verdict: DeliveryFailure, reason: str) -> None:
        """Put `letter` off or give it up, and stop asking a server that is ill."""
        if verdict is DeliveryFailure.OUTAGE:
            finish(letter, state=EmailState.QUEUED, attempts=letter.attempts - 1)
            self._postpone_all(reason)
            return
        retry_at = rules.retry_at(letter.attempts, clock.now(), letter.expires_at, random.random())  # noqa: S311
        if verdict is DeliveryFailure.GIVE_UP or retry_at is None:
            self.report.failed += 1
            finish(letter, state=EmailState.FAILED, last_error=reason)
            logger.warning("E-mail %d (%s) failed permanently: %s", letter.id, letter.kind, reason)
        else:
            self.report.put_off += 1
            finish(letter, state=EmailState.QUEUED, not_before=retry_at, last_error=reason)
            logger.info("E-mail %d (%s) was deferred until %s: %s", letter.id, letter.kind, retry_at, reason)
        self.broken_in_a_row = self.broken_in_a_row + 1 if verdict is DeliveryFailure.BROKEN else 0
        if self.broken_in_a_row >= rules.MAX_BROKEN:
            self._postpone_all(reason)

    def _postpone_all(self, reason: str) -> None:
        """Let everything that is due rest, for every process: one look at an ill server is enough."""
        self.report.unreachable = reason
        now = clock.now()
        with transaction():
            # One moment for all of them: then the older still go first.
            _update(_is_due(now), not_before=now + rules.OUTAGE_PAUSE, last_error=reason)


class Deliverer:
    """Drains the outbox again and again, in a thread or a process of its own."""

    def __init__(self, app: Flask, poll_seconds: float = POLL_SECONDS) -> None:
        self.app = app
        self.poll_seconds = poll_seconds
        self._stop = threading.Event()
        self._trouble = ""
        self._next_sweep = 0.0

    def stop(self) -> None:
        """Ask it to end after the letter at hand; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Deliver until `stop()`, or until it is not `wanted` any more."""
        while wanted() and not self._stop.is_set():
            self._stop.wait(self._drain())

    def _drain(self) -> float:
        """Drain once and return the seconds to wait; no trouble ends the loop."""
        try:
            with self.app.app_context():
                if time.monotonic() < self._next_sweep and not _is_anything_due():
                    return self.poll_seconds
                self._next_sweep = time.monotonic() + SWEEP_SECONDS
                report = drain(BATCH, self._stop)
        except Exception:
            logger.exception("Processing the outbox failed; retrying in %d s", PAUSE_AFTER_ERROR_SECONDS)
            return PAUSE_AFTER_ERROR_SECONDS
        # A round in which nothing was due tells nothing about the server.
        if report.unreachable != self._trouble and (report.unreachable or report.sent):
            self._trouble = report.unreachable
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
