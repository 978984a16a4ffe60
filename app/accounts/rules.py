"""Rules of accounts: usernames, lifetimes, limits. Pure functions."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from app import search_key
from app.accounts.enums import TokenPurpose

REGISTRATION_LIFETIME = timedelta(hours=48)
EMAILS_PER_MAILBOX_AND_DAY = 3
# For each kind of e-mail that visitors can request.
EMAILS_PER_MAILBOX_AND_HOUR = 3
MAX_PASSWORD_LENGTH = 1024
MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH = 3, 20
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
FORBIDDEN_USERNAMES = frozenset(
    {"admin", "administrator", "root", "system", "postmaster", "webmaster", "hostmaster", "abuse", "security"}
    | {"support", "help", "info", "mail", "noreply", "no-reply", "dinnerparty", "anonymous", "public", "me", "new"}
)

# The code refers to these by name.
FIXED_ROLES = frozenset({"Admin", "Guest", "Public", "Translator"})
# Any other role can do harm to other members: who has one is staff.
ORDINARY_ROLES = frozenset({"Guest", "Public", "Translator"})

TOKEN_LIFETIMES = {
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
    TokenPurpose.CHANGE_EMAIL: timedelta(hours=24),
    TokenPurpose.UNDO_EMAIL: timedelta(days=7),
    # The configured grace period replaces this. It can be a year at most.
    TokenPurpose.KEEP_ACCOUNT: timedelta(days=365),
    TokenPurpose.SECOND_STEP: timedelta(minutes=10),
    TokenPurpose.PASSKEY_CHALLENGE: timedelta(minutes=5),
    TokenPurpose.KEPT_FORM: timedelta(minutes=10),
    TokenPurpose.PROVIDER_LOGOUT: timedelta(minutes=5),
    # Longer than a token of a provider is accepted.
    TokenPurpose.LOGOUT_TOKEN: timedelta(minutes=30),
}
INVITATION_LIFETIME = timedelta(days=14)

# The first failures are free. Then each failure doubles the pause, up to what an owner can be asked to wait whom a
# stranger has locked out.
FREE_FAILURES, FIRST_PAUSE, MAX_PAUSE = 5, timedelta(minutes=1), timedelta(minutes=15)
FAILURES_FORGOTTEN_AFTER = timedelta(hours=24)

FRESH = timedelta(minutes=10)
STAFF_IDLE, STAFF_ABSOLUTE = timedelta(minutes=15), timedelta(hours=8)
SESSION_IDLE, SESSION_ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
REMEMBERED_IDLE, REMEMBERED_ABSOLUTE = timedelta(days=30), timedelta(days=90)
SEEN_RESOLUTION = timedelta(minutes=1)


def new_token() -> str:
    """Return 256 random bits for a link or a cookie; only `token_hash` of it is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token. It is random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_username(name: str) -> bool:
    """Whether `name` is a valid username. It is part of URLs, and an `@` would make it look like an e-mail address."""
    fits = MIN_USERNAME_LENGTH <= len(name) <= MAX_USERNAME_LENGTH
    return fits and USERNAME.fullmatch(name.lower()) is not None


def username_like(text: str) -> str | None:
    """Return a valid username that is like a name or e-mail address of another system, or None."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower().partition("@")[0])[:MAX_USERNAME_LENGTH].strip("._-")
    return name if is_username(name) and not is_forbidden_username(name) else None


def usernames_like(name: str) -> Iterator[str]:
    """Yield usernames to propose to a person, the most like their name first. The last one is random."""
    base = username_like(re.sub("[^a-z0-9]+", ".", search_key.key(name)).strip(".")) or "guest"
    if base != "guest":
        yield base
        yield from (f"{base[: MAX_USERNAME_LENGTH - 1]}{number}" for number in range(2, 10))
    yield f"{base[: MAX_USERNAME_LENGTH - 7]}-{secrets.token_hex(3)}"


def is_forbidden_username(name: str) -> bool:
    """Whether `name` would make a member look like the site itself."""
    return name.lower() in FORBIDDEN_USERNAMES


def session_is_over(
    created_at: datetime, last_seen_at: datetime, now: datetime, *, remember: bool, staff: bool
) -> bool:
    """Whether a login session has been idle, or has lasted, for too long."""
    idle, absolute = (REMEMBERED_IDLE, REMEMBERED_ABSOLUTE) if remember else (SESSION_IDLE, SESSION_ABSOLUTE)
    if staff:
        idle, absolute = STAFF_IDLE, STAFF_ABSOLUTE
    return now - last_seen_at > idle or now - created_at > absolute


def is_fresh(authenticated_at: datetime | None, now: datetime) -> bool:
    """Whether a login is so recent that sensitive pages may be shown."""
    return authenticated_at is not None and now - authenticated_at <= FRESH


@dataclass(frozen=True)
class FailureLimit:
    """How many failures are free, and how long the pauses are at least that follow."""

    free: int = FREE_FAILURES
    pause: timedelta = FIRST_PAUSE


ORDINARY_LIMIT = FailureLimit()


def directory_limits(threshold: int, window: timedelta) -> tuple[FailureLimit, FailureLimit]:
    """Return the limits for strangers, and for browsers that the owner has used, which together are below `threshold`.

    A directory that locks accounts would lock the owner out of everything. It counts failures for `window`.
    """
    if not threshold:
        return ORDINARY_LIMIT, ORDINARY_LIMIT
    strangers = min(FREE_FAILURES, max(1, threshold // 2))
    owner = min(FREE_FAILURES, max(1, threshold - 1 - strangers))
    return FailureLimit(strangers, window), FailureLimit(owner, window)


def pause_after(failures: int, limit: FailureLimit = ORDINARY_LIMIT) -> timedelta:
    """Return the pause after so many failures in a row."""
    beyond = failures - limit.free
    if beyond < 0:
        return timedelta()
    return max(limit.pause, min(FIRST_PAUSE * 2 ** min(beyond, 10), MAX_PAUSE))


def minutes_until(moment: datetime, now: datetime) -> int:
    """Return the minutes until `moment`, rounded up, at least one."""
    return max(1, -(-int((moment - now).total_seconds()) // 60))
