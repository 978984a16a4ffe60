"""Cleanup of accounts: delete expired rows. Each task is one statement, so several processes can run it at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, cast

from flask_appbuilder.security.sqla.models import ApiKey
from sqlalchemy import ColumnElement, and_, delete, or_
from sqlalchemy.engine import CursorResult

from app import clock
from app.accounts import queries, rules
from app.accounts.models import LoginSession, LoginThrottle, MemberInvitation, Registration, Token, TrustedDevice
from app.extensions import db

# For some days, an expired link is reported as expired, and not as unknown.
RETENTION_AFTER_EXPIRY = timedelta(days=7)
# For some time, the next visit after a login session was ended elsewhere shows the cause.
RETENTION_AFTER_END = timedelta(days=30)
KEY_RETENTION_AFTER_EXPIRY = timedelta(days=30)
DEVICE_LIFETIME = timedelta(days=365)


class CleanupTask(NamedTuple):
    """A regular task. `run` returns the number of affected rows. The texts describe one row and several, for the log."""

    singular: str
    plural: str
    run: Callable[[], int]

    def describe(self, count: int) -> str:
        """Return the log line for `count` rows."""
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
    """Delete login sessions that were ended some time ago, and those that have expired."""
    ended = LoginSession.ended_at <= clock.now() - RETENTION_AFTER_END
    return _delete(LoginSession, or_(ended, and_(LoginSession.ended_at.is_(None), queries.is_over(clock.now()))))


def devices() -> int:
    """Delete browsers in which nobody has logged in for a year."""
    return _delete(TrustedDevice, TrustedDevice.last_seen_at <= clock.now() - DEVICE_LIFETIME)


def api_keys() -> int:
    """Delete API keys that expired a while ago. Until then their owner sees them in the list."""
    # A column of Flask-AppBuilder's, which holds naive times.
    return _delete(ApiKey, ApiKey.expires_on <= (clock.now() - KEY_RETENTION_AFTER_EXPIRY).replace(tzinfo=None))


def login_throttles() -> int:
    """Delete counters of failed logins that have expired."""
    now = clock.now()
    old = LoginThrottle.last_failed_at <= now - rules.FAILURES_FORGOTTEN_AFTER
    return _delete(
        LoginThrottle, and_(old, or_(LoginThrottle.locked_until.is_(None), LoginThrottle.locked_until <= now))
    )


def _delete(model: Any, condition: ColumnElement[bool]) -> int:
    statement = delete(model).where(condition)
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount


CLEANUP_TASKS = (
    CleanupTask("expired registration deleted", "expired registrations deleted", registrations),
    CleanupTask("expired invitation deleted", "expired invitations deleted", invitations),
    CleanupTask("expired token deleted", "expired tokens deleted", tokens),
    CleanupTask("ended login deleted", "ended logins deleted", sessions),
    CleanupTask("unused device deleted", "unused devices deleted", devices),
    CleanupTask("expired API key deleted", "expired API keys deleted", api_keys),
    CleanupTask("counter of failed logins deleted", "counters of failed logins deleted", login_throttles),
)
