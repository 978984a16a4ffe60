"""Passwords: their stored form, and whether one will do.

Hashing takes 19 MiB and about 30 ms each time (argon2id, OWASP's parameters). So that many logins at once cannot take
the memory of the machine, a process hashes few at a time and lets the others wait.

Any text will do, with spaces and emoji; what looks the same is the same, however a keyboard composes it (NFC).
"""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.security import check_password_hash
from zxcvbn.matching import RANKED_DICTIONARIES

from app.accounts import queries, rules
from app.accounts.models import Member

AT_ONCE = 4
# The hash of a password nobody has, so that an unknown name costs as much time as a known one.
DUMMY_PASSWORD = "no password hashes to this"  # noqa: S105
# Shorter parts of names stand in too many good passwords to mean anything.
MIN_NAME_LENGTH = 3
# What people write for a letter to make a word look harder.
DISGUISES = [str.maketrans("@43051$7!", letters) for letters in ("aaeoslsti", "aaeosisti")]
# What they put before or behind one.
TRIMMINGS = "0123456789!@$"
# Fingers run along these.
RUNS = ("abcdefghijklmnopqrstuvwxyz" * 2, "1234567890" * 4, "qwertyuiopasdfghjklzxcvbnm" * 2)
# Guessed first at any site, and at this one.
OBVIOUS = ("password", "dinnerparty")
MAX_REPEATED_LENGTH = 3

_turn = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """Return the stored form of a password."""
    with _turn:
        return _hasher().hash(_composed(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` is the one of `stored`; takes as long when there is none."""
    nobodys = stored is None or not stored or len(password) > rules.MAX_PASSWORD_LENGTH
    right = _verify(_nobodys_hash() if nobodys else str(stored), _composed(password[: rules.MAX_PASSWORD_LENGTH]))
    return right and not nobodys


def same(one: str, other: str) -> bool:
    """Whether two texts are one password."""
    return _composed(one) == _composed(other)


def is_outdated(stored: str | None) -> bool:
    """Whether a password that was just typed should be stored anew, because its hash is of another kind."""
    return bool(stored) and (not str(stored).startswith("$argon2") or _hasher().check_needs_rehash(str(stored)))


def min_length(*, staff: bool, second_factor: bool) -> int:
    """Return how many characters a password must have."""
    config = current_app.config
    if not staff:
        return int(config["PASSWORD_MIN_LENGTH"])
    return int(config["STAFF_PASSWORD_MIN_LENGTH_2FA" if second_factor else "STAFF_PASSWORD_MIN_LENGTH"])


def min_length_for(member: Member) -> int:
    """Return how many characters a password of `member` must have, as they stand now."""
    requirements = queries.auth_requirements(member.id)
    return min_length(staff=requirements.staff, second_factor=requirements.has_factor)


def problem(password: str, *, names: Iterable[str] = (), least: int | None = None) -> str | None:
    """Return in words why `password` will not do, or None (NIST SP 800-63B-4, 3.1.1.2).

    `names` are what is known of its owner: names, username, e-mail address. `least` is the number of characters asked
    for; by default that of a guest.
    """
    least = least or min_length(staff=False, second_factor=False)
    if len(password) < least:
        return str(ngettext("Use at least %(num)d character.", "Use at least %(num)d characters.", least))
    if len(password) > rules.MAX_PASSWORD_LENGTH:
        return str(_("A password can have at most %(number)d characters.", number=rules.MAX_PASSWORD_LENGTH))
    if is_common(password):
        return str(_("This password is too common and easy to guess. Choose another one."))
    if _is_made_of(password, _parts(names)):
        return str(_("Your name is easy to guess. Do not use it in your password."))
    return None


def names_of(member: Member) -> tuple[str, ...]:
    """Return what a password of `member` must not be made of."""
    return (member.username, member.email, member.first_name, member.last_name)


def is_common(password: str) -> bool:
    """Whether guessers try `password` early: it, or most of it, stands in lists of leaked ones, or nearly nothing varies."""
    lowered = password.casefold()
    unit = _repeated_part(lowered)
    if len(set(lowered)) <= 2 or len(unit) <= MAX_REPEATED_LENGTH or any(_is_run(text) for text in (lowered, unit)):
        return True
    common = RANKED_DICTIONARIES["passwords"]
    bare = _bare(lowered)
    cores = {bare.strip(TRIMMINGS), *_undisguised(bare.rstrip(TRIMMINGS))}
    known = {lowered, unit, bare} | {core for core in cores if len(core) * 2 >= len(lowered)}
    return not known.isdisjoint(common) or _is_made_of(password, (*OBVIOUS, _bare(current_app.config["APP_NAME"])))


def _is_made_of(password: str, words: Iterable[str]) -> bool:
    """Whether half of `password` or more is one of `words` or several, however they are spread and disguised."""
    bare = _bare(password)
    for text in (bare, *_undisguised(bare)):
        rest = text
        for word in sorted(words, key=len, reverse=True):
            rest = rest.replace(word, "") if word else rest
        if len(rest) < len(text) and len(rest) * 2 <= len(text):
            return True
    return False


def _parts(names: Iterable[str]) -> set[str]:
    """Return what names are made of; of an e-mail address that is all of it, and what stands before the @."""
    given = [name.casefold() for name in names]
    owned = [name.partition("@")[0] for name in given]
    pieces = {_bare(piece) for name in owned for piece in (name, *re.split(r"[\W\d_]+", name))}
    addresses = {_bare(name) for name in given if "@" in name}
    return addresses | {piece for piece in pieces if len(piece) >= MIN_NAME_LENGTH}


def _bare(text: str) -> str:
    """Return the letters and digits of `text`; what stands between them only spreads them."""
    return "".join(character for character in text.casefold() if character.isalnum() or character in "@$!")


def _undisguised(text: str) -> Iterator[str]:
    """Yield what `text` says once other characters no longer stand for letters."""
    return (text.translate(letters) for letters in DISGUISES)


def _repeated_part(text: str) -> str:
    """Return what `text` is made of by writing it again and again; the text itself if it is not."""
    return text[: (text + text).find(text, 1)]


def _is_run(text: str) -> bool:
    return any(text in run or text in run[::-1] for run in RUNS)


def _composed(password: str) -> str:
    """Return what is hashed of a password: one form of it, of characters that can be encoded."""
    return unicodedata.normalize("NFC", password.encode("utf-8", "replace").decode())


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
        extensions["nobodys_password"] = hash_password(DUMMY_PASSWORD)
    return str(extensions["nobodys_password"])
