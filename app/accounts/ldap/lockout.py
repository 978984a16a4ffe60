"""When the directory locks accounts, so that guesses here stop before."""

import time
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from app.accounts.ldap import people
from app.accounts.ldap.client import Connection, setting
from app.accounts.ldap.entries import suffix_of

POLICY_SECONDS = 600.0
_policy: tuple[float, "Lockout"] | None = None


@dataclass(frozen=True)
class Lockout:
    """After how many wrong passwords the directory locks an account, or 0 for never, and for how long it counts them."""

    threshold: int = 0
    window: timedelta = timedelta(minutes=30)


def lockout() -> Lockout:
    """Return when the directory locks accounts: LDAP_LOCKOUT_THRESHOLD, or what Active Directory tells of itself."""
    global _policy  # noqa: PLW0603 - one cache per process
    chosen = current_app.config["LDAP_LOCKOUT_THRESHOLD"]
    if chosen or not people.is_active_directory():
        return Lockout(chosen)
    if _policy is None or time.monotonic() - _policy[0] > POLICY_SECONDS:
        _policy = time.monotonic(), people.ask(_read_lockout)
    return _policy[1]


def _read_lockout(connection: Connection) -> Lockout:
    names = ("lockoutThreshold", "lockOutObservationWindow")
    head = connection.search(suffix_of(setting("AUTH_LDAP_SEARCH")), "(objectClass=*)", names, scope="BASE")
    threshold, ticks = (head[0].number(name) for name in names) if head else (None, None)
    window = timedelta(microseconds=abs(ticks) // 10) if ticks else Lockout.window
    return Lockout(threshold or 0, min(window, timedelta(days=1)))
