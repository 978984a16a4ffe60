"""Rate limits of requests: per IP address, per member, and per name and IP address.

Keys are hashes. So any input fits into the storage, and the storage holds no names.
"""

import hashlib
from collections.abc import Callable

from flask import Response, request, session
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address

import app.counters  # noqa: F401 - a storage of the library
from app.accounts.login_throttle import LockedOutError
from app.http import AnyResponse

GUESSES, GUESSES_PER_IP, REQUESTS = "10 per 5 minute", "100 per hour", "60 per 5 minute"
# All guests of a dinner may be behind one router. What is sent to one mailbox has a limit of its own.
HOUSEHOLD = "60 per hour"

KeyFunction = Callable[[], str]


def typed(field: str) -> KeyFunction:
    """Return a function that returns what was typed into `field`."""
    return lambda: request.form.get(field, "").strip().lower()


def member() -> str:
    """Return the member's key from the cookie. A query could fail, and then no limit would apply."""
    return str(session.get("_user_id", ""))


def guessing(endpoint: str, identifier: KeyFunction) -> list[Limit]:
    """Return the limits of an endpoint that checks a password or a code."""
    return [
        _limit(endpoint, GUESSES, lambda: (identifier(), get_remote_address())),
        _limit(endpoint, GUESSES_PER_IP, lambda: (get_remote_address(),)),
    ]


def asking(endpoint: str) -> Limit:
    """Return the limit of an endpoint that is expensive but of no use for guessing."""
    return _limit(endpoint, REQUESTS, lambda: (get_remote_address(),))


def per_address(endpoint: str, amount: str) -> Limit:
    """Return a limit per IP address. Only accepted requests count."""
    return _limit(endpoint, amount, lambda: (get_remote_address(),), deduct_when=_was_accepted)


def per_member(endpoint: str, amount: str) -> Limit:
    """Return a limit per member. Only accepted requests count."""
    return _limit(endpoint, amount, lambda: ("member", member()), deduct_when=_was_accepted)


def _limit(
    endpoint: str,
    amount: str,
    parts: Callable[[], tuple[str, ...]],
    deduct_when: Callable[[Response], bool] | None = None,
) -> Limit:
    return Limit(
        amount,
        key_func=lambda: hashlib.sha256("\n".join((endpoint, *parts())).encode("utf-8", "surrogatepass")).hexdigest(),
        methods=["POST"],
        exempt_when=lambda: request.endpoint != endpoint,
        deduct_when=deduct_when,
    )


def _was_accepted(response: Response) -> bool:
    return response.status_code < 400


def retry_after(response: AnyResponse, error: Exception) -> AnyResponse:
    """Set Retry-After when `error` is a lock of the login throttle."""
    if isinstance(error, LockedOutError):
        response.headers["Retry-After"] = str(error.seconds)
    return response
