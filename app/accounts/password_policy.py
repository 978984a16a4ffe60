"""Passwords: hashing, and the rules for new ones.

Hashing takes 19 MiB and about 30 ms each time (argon2id, OWASP's parameters). A process hashes only a few at a time, so
that many simultaneous logins cannot exhaust the memory.

Passwords may contain any characters, also spaces and emoji. They are normalized (NFC), so that keyboards do not matter.
"""

import functools
import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app
from flask_appbuilder.exceptions import PasswordComplexityValidationError
from flask_appbuilder.validators import default_password_complexity
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.security import check_password_hash

from app.accounts import queries, rules
from app.accounts.models import Member

MAX_SIMULTANEOUS = 4
# Hashed for unknown names, so that they take as much time as known ones.
DUMMY_PASSWORD = "no password hashes to this"  # noqa: S105
# Shorter parts of names occur in too many good passwords.
MIN_NAME_LENGTH = 3
# Common replacements of letters.
DISGUISES = [str.maketrans("@43051$7!", letters) for letters in ("aaeoslsti", "aaeosisti")]
# Common characters before and after a word.
TRIMMINGS = "0123456789!@$"
# Sequences of the alphabet and of keyboards.
RUNS = ("abcdefghijklmnopqrstuvwxyz" * 2, "1234567890" * 4, "qwertyuiopasdfghjklzxcvbnm" * 2)
# Guessed first at any site, and at this one.
OBVIOUS = ("password", "dinnerparty")
MAX_REPEATED_LENGTH = 3

_hashing_slots = threading.BoundedSemaphore(MAX_SIMULTANEOUS)


def hash_password(password: str) -> str:
    """Return the stored form of a password."""
    with _hashing_slots:
        return _hasher().hash(_normalize(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether `password` matches the hash `stored`. Without a hash, this takes as long."""
    is_dummy = stored is None or not stored or len(password) > rules.MAX_PASSWORD_LENGTH
    is_right = _verify(_dummy_hash() if is_dummy else str(stored), _normalize(password[: rules.MAX_PASSWORD_LENGTH]))
    return is_right and not is_dummy


def same(one: str, other: str) -> bool:
    """Whether two texts are the same password."""
    return _normalize(one) == _normalize(other)


def is_outdated(stored: str | None) -> bool:
    """Whether a hash has other parameters than new ones, so that the password should be hashed again."""
    return bool(stored) and (not str(stored).startswith("$argon2") or _hasher().check_needs_rehash(str(stored)))


def min_length(*, staff: bool, second_factor: bool) -> int:
    """Return the least number of characters of a password."""
    config = current_app.config
    if not staff:
        return int(config["PASSWORD_MIN_LENGTH"])
    return int(config["STAFF_PASSWORD_MIN_LENGTH_2FA" if second_factor else "STAFF_PASSWORD_MIN_LENGTH"])


def min_length_for(member: Member) -> int:
    """Return the least number of characters of a password of `member`, with their present roles and factors."""
    requirements = queries.auth_requirements(member.id)
    return min_length(staff=requirements.staff, second_factor=requirements.has_factor)


def problem(password: str, *, names: Iterable[str] = (), least: int | None = None) -> str | None:
    """Return the translated reason why `password` cannot be used, or None (NIST SP 800-63B-4, 3.1.1.2).

    `names` are the owner's names, username and e-mail address. `least` is the least number of characters, by default
    that of a guest.
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
    return _complexity_problem(password)


def _complexity_problem(password: str) -> str | None:
    """Return what Flask-AppBuilder's setting for complex passwords asks for."""
    if not current_app.config.get("FAB_PASSWORD_COMPLEXITY_ENABLED"):
        return None
    try:
        (current_app.config.get("FAB_PASSWORD_COMPLEXITY_VALIDATOR") or default_password_complexity)(password)
    except PasswordComplexityValidationError as error:
        return str(error)
    return None


def names_of(member: Member) -> tuple[str, ...]:
    """Return the names that a password of `member` must not consist of."""
    return (member.username, member.email, member.first_name, member.last_name)


def is_common(password: str) -> bool:
    """Whether `password` is easy to guess: most of it is in lists of leaked ones, or it repeats few characters."""
    lowered = password.casefold()
    # The shortest part whose repetition is the password, or the password itself.
    unit = lowered[: (lowered + lowered).find(lowered, 1)]
    is_run = any(text in run or text in run[::-1] for run in RUNS for text in (lowered, unit))
    if len(set(lowered)) <= 2 or len(unit) <= MAX_REPEATED_LENGTH or is_run:
        return True
    bare = _bare(lowered)
    cores = {bare.strip(TRIMMINGS), *_undisguised(bare.rstrip(TRIMMINGS))}
    known = {lowered, unit, bare} | {core for core in cores if len(core) * 2 >= len(lowered)}
    return not known.isdisjoint(_leaked()) or _is_made_of(password, (*OBVIOUS, _bare(current_app.config["APP_NAME"])))


@functools.cache
def _leaked() -> frozenset[str]:
    # Read when a process needs them first: the lists take 12 MB, and few processes see a new password.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"])


def _is_made_of(password: str, words: Iterable[str]) -> bool:
    """Whether at least half of `password` consists of `words`, also with separators and replaced letters."""
    bare = _bare(password)
    for text in (bare, *_undisguised(bare)):
        rest = text
        for word in sorted(words, key=len, reverse=True):
            rest = rest.replace(word, "") if word else rest
        if len(rest) < len(text) and len(rest) * 2 <= len(text):
            return True
    return False


def _parts(names: Iterable[str]) -> set[str]:
    """Return the parts of names. The parts of an e-mail address are the whole and the part before the @."""
    given = [name.casefold() for name in names]
    owned = [name.partition("@")[0] for name in given]
    pieces = {_bare(piece) for name in owned for piece in (name, *re.split(r"[\W\d_]+", name))}
    addresses = {_bare(name) for name in given if "@" in name}
    return addresses | {piece for piece in pieces if len(piece) >= MIN_NAME_LENGTH}


def _bare(text: str) -> str:
    """Return `text` without separators."""
    return "".join(character for character in text.casefold() if character.isalnum() or character in "@$!")


def _undisguised(text: str) -> Iterator[str]:
    """Yield `text` with replaced letters restored."""
    return (text.translate(letters) for letters in DISGUISES)


def _normalize(password: str) -> str:
    """Return a password in the form that is hashed: normalized, and without single surrogates."""
    return unicodedata.normalize("NFC", password.encode("utf-8", "replace").decode())


def _verify(stored: str, password: str) -> bool:
    with _hashing_slots:
        if not stored.startswith("$argon2"):
            return check_password_hash(stored, password)
        try:
            return _hasher().verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _hasher() -> PasswordHasher:
    """Return the hasher with the configured parameters."""
    hasher: PasswordHasher = current_app.extensions.setdefault(
        "password_hasher", PasswordHasher(**current_app.config["PASSWORD_HASH"])
    )
    return hasher


def _dummy_hash() -> str:
    extensions = current_app.extensions
    if "dummy_password_hash" not in extensions:
        extensions["dummy_password_hash"] = hash_password(DUMMY_PASSWORD)
    return str(extensions["dummy_password_hash"])
