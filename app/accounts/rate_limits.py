"""How often something may be tried: from one address, by one member, and for one name from one address.

Keys are hashes: whatever is typed fits into the storage, and nobody reads there who has tried to come in.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from flask import Response, request, session
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.login.throttle import LockedOutError

GUESSES, GUESSES_OF_ADDRESS, QUESTIONS = "10 per 5 minute", "100 per hour", "60 per 5 minute"

Whose = Callable[[], str]
Answer = TypeVar("Answer", bound=BaseResponse)


def typed(field: str) -> Whose:
    """Return what tells a limit whose name was typed into `field`."""
    return lambda: request.form.get(field, "").strip().lower()


def member() -> str:
    """Tell a limit who is logged in, as the cookie says: to look it up could fail, and then nothing would be limited."""
    return str(session.get("_user_id", ""))


def guessing(endpoint: str, whose: Whose) -> list[Limit]:
    """Return the limits of a page on which somebody proves who they are."""
    return [
        _limit(endpoint, GUESSES, lambda: (whose(), get_remote_address())),
        _limit(endpoint, GUESSES_OF_ADDRESS, lambda: (get_remote_address(),)),
    ]


def asking(endpoint: str) -> Limit:
    """Return the limit of an answer that is worth nothing to a guesser, and costs us something."""
    return _limit(endpoint, QUESTIONS, lambda: (get_remote_address(),))


def per_address(endpoint: str, amount: str) -> Limit:
    """Return a limit on how often something is done from one address; typing errors do not count."""
    return _limit(endpoint, amount, lambda: (get_remote_address(),), deduct_when=_was_accepted)


def per_member(endpoint: str, amount: str) -> Limit:
    """Return a limit on how often a member does something; typing errors do not count."""
    return _limit(endpoint, amount, lambda: ("member", member()), deduct_when=_was_accepted)


def _limit(
    endpoint: str,
    amount: str,
    parts: Callable[[], tuple[str, ...]],
    deduct_when: Callable[[Response], bool] | None = None,
) -> Limit:
    return Limit(
        amount,
        key_func=lambda: _key(endpoint, *parts()),
        methods=["POST"],
        exempt_when=lambda: request.endpoint != endpoint,
        deduct_when=deduct_when,
    )


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _was_accepted(response: Response) -> bool:
    return response.status_code < 400


def retry_after(response: Answer, error: Exception) -> Answer:
    """Say when to try again, if that is what `error` is about."""
    if isinstance(error, LockedOutError):
        response.headers["Retry-After"] = str(error.seconds)
    return response
