"""Throw away what has had its time. Any number of processes may do so at once: each statement says what it means."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from flask_appbuilder.security.sqla.models import ApiKey
from sqlalchemy import ColumnElement, and_, delete, or_
from sqlalchemy.engine import CursorResult

from app import clock
from app.accounts import rules
from app.accounts.models import Device, LoginGuard, LoginSession, MemberInvitation, Registration, Token
from app.extensions import db

# Whoever opens a link shortly after its time is told so, instead of that nobody knows it.
KEPT_AFTER_EXPIRY = timedelta(days=7)
# A login that was ended elsewhere tells its reader why, when they come back.
KEPT_AFTER_END = timedelta(days=30)
KEYS_KEPT_AFTER_EXPIRY = timedelta(days=30)
DEVICE_LIFETIME = timedelta(days=365)


def registrations() -> int:
    """Forget registrations whose link expired a while ago."""
    return _delete(Registration, Registration.expires_at <= clock.now() - KEPT_AFTER_EXPIRY)


def invitations() -> int:
    """Forget invitations to register that expired a while ago."""
    return _delete(MemberInvitation, MemberInvitation.expires_at <= clock.now() - KEPT_AFTER_EXPIRY)


def tokens() -> int:
    """Forget tokens that expired a while ago."""
    return _delete(Token, Token.expires_at <= clock.now() - KEPT_AFTER_EXPIRY)


def sessions() -> int:
    """Forget logins that were ended, and have told so, or that nobody can go on with."""
    ended = LoginSession.ended_at <= clock.now() - KEPT_AFTER_END
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
    """Forget browsers in which nobody has logged in for a year."""
    return _delete(Device, Device.last_seen_at <= clock.now() - DEVICE_LIFETIME)


def api_keys() -> int:
    """Forget API keys that expired a while ago; until then their owner sees what they were."""
    # A column of Flask-AppBuilder's, which holds naive times.
    return _delete(ApiKey, ApiKey.expires_on <= (clock.now() - KEYS_KEPT_AFTER_EXPIRY).replace(tzinfo=None))


def guards() -> int:
    """Forget failures that count no longer."""
    now = clock.now()
    old = LoginGuard.last_failed_at <= now - rules.FAILURES_FORGOTTEN_AFTER
    return _delete(LoginGuard, and_(old, or_(LoginGuard.locked_until.is_(None), LoginGuard.locked_until <= now)))


def _delete(model: Any, which: ColumnElement[bool]) -> int:
    statement = delete(model).where(which).execution_options(synchronize_session=False)
    return cast("CursorResult[Any]", db.session.execute(statement)).rowcount


CHORES: dict[str, Callable[[], int]] = {
    "registrations": registrations,
    "invitations": invitations,
    "tokens": tokens,
    "logins": sessions,
    "devices": devices,
    "API keys": api_keys,
    "counters of failures": guards,
}
