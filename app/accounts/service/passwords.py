"""Passwords: their stored form, and whether one will do.

Hashing takes 19 MiB and about 30 ms each time (argon2id, OWASP's parameters). So that many logins at once cannot take
the memory of the machine, a process hashes few at a time and lets the others wait.
"""

import threading
from collections.abc import Iterable

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.security import check_password_hash
from zxcvbn.matching import RANKED_DICTIONARIES

from app.accounts import rules
from app.accounts.models import Member

AT_ONCE = 4
# The hash of a password nobody has, so that an unknown name costs as much time as a known one.
NOBODYS_PASSWORD = "no password hashes to this"  # noqa: S105
# Shorter parts of names stand in too many good passwords to mean anything.
SHORTEST_NAME = 4

_turn = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """Return the stored form of a password."""
    with _turn:
        return _hasher().hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one of `stored`; takes as long when there is none."""
    nobodys = stored is None or not stored or len(password) > rules.LONGEST_PASSWORD
    right = _verify(_nobodys_hash() if nobodys else str(stored), password[: rules.LONGEST_PASSWORD])
    return right and not nobodys


def is_outdated(stored: str | None) -> bool:
    """Whether a password that was just typed should be stored anew, because its hash is of another kind."""
    return bool(stored) and (not str(stored).startswith("$argon2") or _hasher().check_needs_rehash(str(stored)))


def shortest(*, staff: bool, second_factor: bool) -> int:
    """Return how many characters a password must have."""
    config = current_app.config
    if not staff:
        return int(config["SHORTEST_PASSWORD"])
    return int(config["SHORTEST_STAFF_PASSWORD_WITH_FACTOR" if second_factor else "SHORTEST_STAFF_PASSWORD"])


def problem(password: str, *, names: Iterable[str] = (), least: int | None = None) -> str | None:
    """Return in words why `password` will not do, or None (NIST SP 800-63B-4, 3.1.1.2).

    `names` are what is known of its owner: names, username, e-mail address. `least` is the number of characters asked
    for; by default that of a guest.
    """
    least = least or shortest(staff=False, second_factor=False)
    if len(password) < least:
        return str(ngettext("Use at least %(num)d character.", "Use at least %(num)d characters.", least))
    if len(password) > rules.LONGEST_PASSWORD:
        return str(_("A password has at most %(number)d characters.", number=rules.LONGEST_PASSWORD))
    if is_common(password):
        return str(_("Too many people use this password, and guessers try it first. Choose another."))
    if _stands_in(password, names):
        return str(_("Your name is the first thing that somebody would guess. Leave it out."))
    return None


def names_of(member: Member) -> tuple[str, ...]:
    """Return what a password of `member` must not be made of."""
    return (member.username, member.email, member.first_name, member.last_name)


def is_common(password: str) -> bool:
    """Whether `password` stands high in lists of leaked ones (those of zxcvbn), also when written twice."""
    lowered = password.lower()
    half = lowered[: len(lowered) // 2]
    common = RANKED_DICTIONARIES["passwords"]
    return lowered in common or (half * 2 == lowered and half in common) or len(set(lowered)) <= 2


def _stands_in(password: str, names: Iterable[str]) -> bool:
    """Whether most of `password` is somebody's name."""
    lowered = password.lower()
    parts = {part for name in names for part in (name.lower(), name.lower().partition("@")[0])}
    return any(len(part) >= SHORTEST_NAME and part in lowered and len(part) * 2 >= len(lowered) for part in parts)


def _verify(stored: str, password: str) -> bool:
    with _turn:
        if not stored.startswith("$argon2"):
            return check_password_hash(stored, password)
        try:
            return _hasher().verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _hasher() -> PasswordHasher:
    """Return what hashes here; tests configure a cheaper one."""
    hasher: PasswordHasher = current_app.extensions.setdefault(
        "password_hasher", PasswordHasher(**current_app.config["PASSWORD_HASH"])
    )
    return hasher


def _nobodys_hash() -> str:
    extensions = current_app.extensions
    if "nobodys_password" not in extensions:
        extensions["nobodys_password"] = hash_password(NOBODYS_PASSWORD)
    return str(extensions["nobodys_password"])
