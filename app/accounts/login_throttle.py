"""The login throttle: it slows down guessing, without locking out the owner for long.

Failures are counted by what was typed, whether or not an account has that name; with a directory by the person found, who
may have several names. A browser in which the owner has logged
in before is counted separately ("device cookies", OWASP). So a stranger who fails on purpose locks out only strangers.
"""

import hashlib
from datetime import datetime

from flask_babel import ngettext
from sqlalchemy import case, delete, select

from app import clock
from app.accounts import rules
from app.accounts.models import LoginThrottle
from app.database import insert_into
from app.errors import DomainError
from app.extensions import db


class LockedOutError(DomainError):
    """Too many failures. `seconds` is the time until the next attempt is allowed."""

    def __init__(self, locked_until: datetime) -> None:
        now = clock.now()
        minutes = rules.minutes_until(locked_until, now)
        super().__init__(
            ngettext(
                "Too many failed attempts. Try again in %(num)d minute.",
                "Too many failed attempts. Try again in %(num)d minutes.",
                minutes,
            )
        )
        self.seconds = max(1, int((locked_until - now).total_seconds()))


def key_of(purpose: str, identifier: object) -> str:
    """Return the key under which failures of `identifier` are counted: a hash, so that names are not stored."""
    return hashlib.sha256(f"{purpose}:{identifier}".encode("utf-8", "surrogatepass")).hexdigest()


def check(key: str) -> None:
    """Raise LockedOutError while `key` is locked."""
    locked_until = db.session.execute(select(LoginThrottle.locked_until).where(LoginThrottle.key == key)).scalar()
    refuse_while_locked(locked_until)


def refuse_while_locked(locked_until: datetime | None) -> None:
    """Raise LockedOutError until `locked_until`."""
    if locked_until is not None and locked_until > clock.now():
        raise LockedOutError(locked_until)


def record_failure(key: str, limit: rules.FailureLimit = rules.ORDINARY_LIMIT) -> datetime | None:
    """Count a failure. Return the end of the lock when this failure has started one.

    Simultaneous failures are counted too, but they neither prolong a lock nor start another one.
    """
    now = clock.now()
    throttle = LoginThrottle.__table__.c
    old = throttle.last_failed_at < now - rules.FAILURES_FORGOTTEN_AFTER
    statement = (
        insert_into(LoginThrottle)
        .values(key=key, failures=1, last_failed_at=now)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"failures": case((old, 1), else_=throttle.failures + 1), "last_failed_at": now},
        )
        .returning(throttle.failures, throttle.locked_until)
    )
    counted = db.session.execute(statement).one()
    pause = rules.pause_after(counted.failures, limit)
    if not pause or (counted.locked_until is not None and counted.locked_until > now):
        return None
    lock = LoginThrottle.__table__.update().where(throttle.key == key).values(locked_until=now + pause)
    db.session.execute(lock)
    return now + pause


def record_success(key: str) -> None:
    """Forget the failures of `key`. Raises LockedOutError when a lock has started meanwhile: roll back then.

    Otherwise many simultaneous guesses could succeed before the wrong ones among them are counted.
    """
    throttle = LoginThrottle.__table__
    refuse_while_locked(
        db.session.execute(delete(throttle).where(throttle.c.key == key).returning(throttle.c.locked_until)).scalar()
    )


def clear(*keys: str) -> None:
    """Forget all failures of `keys`."""
    db.session.execute(delete(LoginThrottle).where(LoginThrottle.key.in_(keys)))
