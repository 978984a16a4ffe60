"""What an account must be like, and how long things last. Pure functions: facts in, decision out."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

REGISTRATION_LIFETIME = timedelta(hours=48)
EMAILS_PER_MAILBOX_AND_DAY = 3
# Of each kind that somebody can have sent without being anybody.
EMAILS_PER_MAILBOX_AND_HOUR = 3
MAX_PASSWORD_LENGTH = 1024
MIN_USERNAME_LENGTH, MAX_USERNAME_LENGTH = 3, 20
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
FORBIDDEN_USERNAMES = frozenset(
    {"admin", "administrator", "root", "system", "postmaster", "webmaster", "hostmaster", "abuse", "security"}
    | {"support", "help", "info", "mail", "noreply", "no-reply", "dinnerparty", "anonymous", "public", "me", "new"}
)

# The program asks for these by name.
FIXED_ROLES = frozenset({"Admin", "Guest", "Public", "Translator"})
# Whoever holds any other role can do harm to others, and is staff.
ORDINARY_ROLES = frozenset({"Guest", "Public", "Translator"})

# What a token is good for, and for how long.
RESET_PASSWORD, CHANGE_EMAIL, UNDO_EMAIL, KEEP_ACCOUNT = "reset_password", "change_email", "undo_email", "keep_account"
SECOND_STEP, PASSKEY_CHALLENGE = "second_step", "passkey_challenge"
TOKEN_LIFETIMES = {
    RESET_PASSWORD: timedelta(hours=1),
    CHANGE_EMAIL: timedelta(hours=24),
    UNDO_EMAIL: timedelta(days=7),
    # As long as the grace period, which is configured; this is the most it can be.
    KEEP_ACCOUNT: timedelta(days=365),
    SECOND_STEP: timedelta(minutes=10),
    PASSKEY_CHALLENGE: timedelta(minutes=5),
}
INVITATION_LIFETIME = timedelta(days=14)

# What a login must do before anything else.
CHOOSE_PASSWORD, ADD_SECOND_FACTOR = "choose_password", "add_second_factor"
REQUIRED_ACTIONS = frozenset({CHOOSE_PASSWORD, ADD_SECOND_FACTOR})

# Guesses are free up to the first pause; then each failure doubles it. It never grows beyond what an owner who was
# locked out by a stranger can wait for.
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
    """Whether `name` can be one: it stands in addresses, and an `@` would make it look like an e-mail."""
    fits = MIN_USERNAME_LENGTH <= len(name) <= MAX_USERNAME_LENGTH
    return fits and USERNAME.fullmatch(name.lower()) is not None


def is_forbidden_username(name: str) -> bool:
    """Whether `name` would let somebody pass for the site itself."""
    return name.lower() in FORBIDDEN_USERNAMES


def session_is_over(
    created_at: datetime, last_seen_at: datetime, now: datetime, *, remember: bool, staff: bool
) -> bool:
    """Whether a login has been idle, or has lasted, for too long."""
    idle, absolute = (REMEMBERED_IDLE, REMEMBERED_ABSOLUTE) if remember else (SESSION_IDLE, SESSION_ABSOLUTE)
    if staff:
        idle, absolute = STAFF_IDLE, STAFF_ABSOLUTE
    return now - last_seen_at > idle or now - created_at > absolute


def is_fresh(authenticated_at: datetime | None, now: datetime) -> bool:
    """Whether somebody proved who they are so recently that sensitive pages may be shown."""
    return authenticated_at is not None and now - authenticated_at <= FRESH


def pause_after(failures: int) -> timedelta:
    """Return how long nobody may try again after so many failures in a row."""
    beyond = failures - FREE_FAILURES
    return timedelta() if beyond < 0 else min(FIRST_PAUSE * 2 ** min(beyond, 10), MAX_PAUSE)


def minutes_until(moment: datetime, now: datetime) -> int:
    """Return the minutes to wait until `moment`, at least one."""
    return max(1, -(-int((moment - now).total_seconds()) // 60))
