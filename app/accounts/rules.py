"""What an account must be like, and how long things last. Pure functions: facts in, decision out."""

import hashlib
import re
import secrets
from datetime import datetime, timedelta

REGISTRATION_LIFETIME = timedelta(hours=48)
LETTERS_PER_MAILBOX_AND_DAY = 3
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
SHORTEST_USERNAME, LONGEST_USERNAME = 3, 20
USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?")
FORBIDDEN_USERNAMES = frozenset(
    {"admin", "administrator", "root", "system", "postmaster", "webmaster", "hostmaster", "abuse", "security"}
    | {"support", "help", "info", "mail", "noreply", "no-reply", "dinnerparty", "anonymous", "public", "me", "new"}
)

# The program asks for these by name.
FIXED_ROLES = frozenset({"Admin", "Guest", "Public", "Translator"})

SESSION_IDLE, SESSION_ABSOLUTE = timedelta(minutes=30), timedelta(hours=12)
REMEMBERED_IDLE, REMEMBERED_ABSOLUTE = timedelta(days=30), timedelta(days=90)
SEEN_RESOLUTION = timedelta(minutes=5)


def new_token() -> str:
    """Return 256 random bits for a link or a cookie; only `token_hash` of it is ever stored."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token. It is random and long, so a fast hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def is_username(name: str) -> bool:
    """Whether `name` can be one: it stands in addresses, and an `@` would make it look like an e-mail."""
    fits = SHORTEST_USERNAME <= len(name) <= LONGEST_USERNAME
    return fits and USERNAME.fullmatch(name.lower()) is not None


def is_forbidden_username(name: str) -> bool:
    """Whether `name` would let somebody pass for the site itself."""
    return name.lower() in FORBIDDEN_USERNAMES


def session_is_over(created_at: datetime, last_seen_at: datetime, now: datetime, *, remember: bool) -> bool:
    """Whether a login has been idle, or has lasted, for too long."""
    idle, absolute = (REMEMBERED_IDLE, REMEMBERED_ABSOLUTE) if remember else (SESSION_IDLE, SESSION_ABSOLUTE)
    return now - last_seen_at > idle or now - created_at > absolute
