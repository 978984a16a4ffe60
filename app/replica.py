"""Lists and feeds are read from a standby of the database, where DATABASE_REPLICA_URL names one.

Nobody misses what they have just done: after a change their session has the position of the primary's log, and a replica
that has not come so far is not asked. Nobody reads what is older than MAX_LAG_SECONDS. A replica that is down, late, or no
replica costs nothing but the work it would have done: the primary is read.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Response, current_app, has_request_context, request, session
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

import config
from app.database import is_unavailable, reason
from app.extensions import REPLICA, db

Result = TypeVar("Result")
MAX_LAG_SECONDS, SAMPLE_SECONDS = 5.0, 1.0
PAUSE_AFTER_ERROR_SECONDS = 10.0
# In the session cookie.
WRITTEN_KEY = "written"
SAFE = {"GET", "HEAD"}
# A position in the log, as a number. Where it was written to, and what a standby has applied; NULL on a primary.
WRITTEN = text("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint")
APPLIED = text("SELECT (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint WHERE pg_is_in_recovery()")

logger = logging.getLogger(__name__)


class Standby:
    """What this process knows of the replica."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._asked_again_at = 0.0
        self._applied = 0
        # The position of the primary at some moments, the oldest first.
        self._samples: deque[tuple[float, int]] = deque()

    def is_down(self) -> bool:
        """Whether it failed a moment ago."""
        return time.monotonic() < self._asked_again_at

    def failed(self, why: str) -> None:
        """Leave it alone for a while."""
        self._asked_again_at = time.monotonic() + PAUSE_AFTER_ERROR_SECONDS
        logger.warning("The replica is not read for %d s: %s", PAUSE_AFTER_ERROR_SECONDS, why)

    def has(self, written: int) -> bool:
        """Whether it has applied the log up to `written`, and everything but the last seconds."""
        needed = max(written, self._settled())
        if self._applied >= needed:
            return True
        applied = db.session.execute(APPLIED, bind_arguments={"bind": self.engine}).scalar()
        if applied is None:
            self.failed("it is no standby")
            return False
        self._applied = applied
        return self._applied >= needed

    def _settled(self) -> int:
        """Return where the primary was MAX_LAG_SECONDS ago; where it is now, if that is not known."""
        now, samples = time.monotonic(), self._samples
        if not samples or samples[-1][0] < now - SAMPLE_SECONDS:
            samples.append((now, db.session.execute(WRITTEN).scalar_one()))
        while len(samples) > 1 and samples[1][0] <= now - MAX_LAG_SECONDS:
            samples.popleft()
        is_recent = samples[0][0] > now - 2 * MAX_LAG_SECONDS
        return samples[0][1] if is_recent else samples[-1][1]


def init_app(app: Flask) -> None:
    """Note in the session of a reader what they have written."""
    if app.config["DATABASE_REPLICA_URL"]:
        app.extensions[REPLICA] = Standby(
            create_engine(app.config["DATABASE_REPLICA_URL"], **config.replica_options(app.config))
        )
        app.after_request(_note_position)


def read(query: Callable[[], Result]) -> Result:
    """Return what `query` reads, from the replica if it will do. It must change nothing."""
    standby: Standby | None = current_app.extensions.get(REPLICA)
    if standby is None or standby.is_down() or not _may_be_late():
        return query()
    try:
        if not standby.has(_position()):
            return query()
        db.session().info[REPLICA] = standby.engine
        return query()
    except SQLAlchemyError as error:
        if not is_unavailable(error):
            raise
        standby.failed(reason(error))
        db.session.rollback()
    finally:
        db.session().info.pop(REPLICA, None)
    return query()


def _may_be_late() -> bool:
    """Whether a page for people is read, or a feed. A program has no session that could say what it has written."""
    return has_request_context() and request.method in SAFE and "Authorization" not in request.headers


def _position() -> int:
    # Without a cookie the session is not looked at: public pages may be cached.
    has_session = current_app.config["SESSION_COOKIE_NAME"] in request.cookies
    return int(session.get(WRITTEN_KEY, 0)) if has_session else 0


def _note_position(response: Response) -> Response:
    is_outage = response.status_code == ServiceUnavailable.code
    if not is_outage and (session.modified or (request.method not in SAFE and session)):
        try:
            session[WRITTEN_KEY] = db.session.execute(WRITTEN).scalar_one()
        except SQLAlchemyError as error:
            # What was answered is true all the same.
            logger.warning("The position of the database is not known: %s", reason(error))
            db.session.rollback()
    return response
