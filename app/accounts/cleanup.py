"""The accounts cleanup: delete what has expired. Any number of processes may run it at once: each task is one statement."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, cast

from flask_appbuilder.security.sqla.models import ApiKey
from sqlalchemy import ColumnElement, and_, delete, or_
from sqlalchemy.engine import CursorResult

from app import clock
from app.accounts import rules
from app.accounts.models import LoginSession, LoginThrottle, MemberInvitation, Registration, Token, TrustedDevice
from app.extensions import db

# Who opens a link shortly after it expired is told so, instead of that it is unknown.
RETENTION_AFTER_EXPIRY = timedelta(days=7)
# A login that was ended elsewhere tells its reader why, when they come back.
RETENTION_AFTER_END = timedelta(days=30)
KEY_RETENTION_AFTER_EXPIRY = timedelta(days=30)
DEVICE_LIFETIME = timedelta(days=365)


class CleanupTask(NamedTuple):
    """Something to be done regularly: `run` returns to how many rows; the texts say for one and for several what it was."""

    singular: str
    plural: str
    run: Callable[[], int]

    def describe(self, count: int) -> str:
        """Return what was done, for the log."""
        return f"{count} {self.singular if count == 1 else self.plural}"


def registrations() -> int:
    """Delete registrations whose link expired a while ago."""
    return _delete(Registration, Registration.expires_at <= clock.now() - RETENTION_AFTER_EXPIRY)


def invitations() -> int:
    """Delete invitations to register that expired a while ago."""
    return _delete(MemberInvitation, MemberInvitation.expires_at <= clock.now() - RETENTION_AFTER_EXPIRY)


def tokens() -> int:
    """Delete tokens that expired a while ago."""
    return _delete(Token, Token.expires_at <= clock.now() - RETENTION_AFTER_EXPIRY)


def sessions() -> int:
    """Delete logins that were ended, once their reader had time to be told so, and those that have expired."""
    ended = LoginSession.ended_at <= clock.now() - RETENTION_AFTER_END
    return _delete(LoginSession, or_(ended, and_(LoginSession.ended_at.is_(None), or_(*_is_over()))))


def _is_over() -> list[ColumnElement[bool]]:
    """Return what rules.session_is_over says, for the database."""
    now, staff, remember = clock.now(), LoginSession.staff, LoginSession.remember
    kinds = (
        (staff.is_(True), rules.STAFF_IDLE, rules.STAFF_ABSOLUTE),
        (and_(staff.is_(False), remember.is_(True)), rules.REMEMBERED_IDLE, rules.REMEMBERED_ABSOLUTE),
        (and_(staff.is_(False), remember.is_(False)), rules.SESSION_IDLE, rules.SESSION_ABSOLUTE),
    )
    return [
        and_(kind, or_(LoginSession.last_seen_at < now - idle, LoginSession.created_at < now - absolute))
        for kind, idle, absolute in kinds
    ]


def devices() -> int:
    """Delete browsers in which nobody has logged in for a year."""
    return _delete(TrustedDevice, TrustedDevice.last_seen_at <= clock.now() - DEVICE_LIFETIME)


def api_keys() -> int:
    """Delete API keys that expired a while ago; until then their owner sees what they were."""
    # A column of Flask-AppBuilder's, which holds naive times.
    return _delete(ApiKey, ApiKey.expires_on <= (clock.now() - KEY_RETENTION_AFTER_EXPIRY).replace(tzinfo=None))


def guards() -> int:
    """Delete counters of failed logins that count no longer."""
    now = clock.now()
    old = LoginThrottle.last_failed_at <= now - rules.FAILURES_FORGOTTEN_AFTER
    return _delete(
        LoginThrottle, and_(old, or_(LoginThrottle.locked_until.is_(None), LoginThrottle.locked_until <= now))
    )


def _delete(model: Any, which: ColumnElement[bool]) -> int:
    statement = delete(model).where(which)
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount


CLEANUP_TASKS = (
    CleanupTask("expired registration deleted", "expired registrations deleted", registrations),
    CleanupTask("expired invitation deleted", "expired invitations deleted", invitations),
    CleanupTask("expired token deleted", "expired tokens deleted", tokens),
    CleanupTask("ended login deleted", "ended logins deleted", sessions),
    CleanupTask("unused device deleted", "unused devices deleted", devices),
    CleanupTask("expired API key deleted", "expired API keys deleted", api_keys),
    CleanupTask("counter of failed logins deleted", "counters of failed logins deleted", guards),
)
