"""The counters that keep guessers out, without keeping the owner out for long.

What somebody typed is counted whether or not it is anybody's name, under a key of the place where they typed it. A
browser in which the owner has logged in before is counted apart ("device cookies", OWASP): a stranger who fails on
purpose locks out strangers.
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
    """Too many attempts; `seconds` says when to try again."""

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


def key_of(place: str, whose: object) -> str:
    """Return the key under which failures of `whose` at `place` are counted."""
    return hashlib.sha256(f"{place}:{whose}".encode("utf-8", "surrogatepass")).hexdigest()


def check(key: str) -> None:
    """Raise LockedOutError while nobody may try."""
    locked_until = db.session.execute(select(LoginThrottle.locked_until).where(LoginThrottle.key == key)).scalar()
    refuse_while_locked(locked_until)


def refuse_while_locked(locked_until: datetime | None) -> None:
    """Raise LockedOutError until `locked_until`."""
    if locked_until is not None and locked_until > clock.now():
        raise LockedOutError(locked_until)


def record_failure(key: str) -> datetime | None:
    """Count a failure; return until when nobody may try now, if this failure was the one too many.

    Those who were trying at the same time are counted too, and neither prolong the pause nor begin another one.
    """
    now = clock.now()
    guard = LoginThrottle.__table__.c
    old = guard.last_failed_at < now - rules.FAILURES_FORGOTTEN_AFTER
    statement = (
        insert_into(LoginThrottle)
        .values(key=key, failures=1, last_failed_at=now)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={"failures": case((old, 1), else_=guard.failures + 1), "last_failed_at": now},
        )
        .returning(guard.failures, guard.locked_until)
    )
    counted = db.session.execute(statement).one()
    pause = rules.pause_after(counted.failures)
    if not pause or (counted.locked_until is not None and counted.locked_until > now):
        return None
    lock = LoginThrottle.__table__.update().where(guard.key == key).values(locked_until=now + pause)
    db.session.execute(lock)
    return now + pause


def record_success(key: str) -> None:
    """Forget the failures of `key`; raises LockedOutError when others failed too often meanwhile: roll back then.

    Whoever tries many guesses at once must not have the right one among them counted before the wrong ones are.
    """
    guard = LoginThrottle.__table__
    refuse_while_locked(
        db.session.execute(delete(guard).where(guard.c.key == key).returning(guard.c.locked_until)).scalar()
    )


def clear(*keys: str) -> None:
    """Forget all failures of `keys`: whoever owns them has proved who they are in another way."""
    db.session.execute(delete(LoginThrottle).where(LoginThrottle.key.in_(keys)))
