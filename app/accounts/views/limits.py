"""How often something may be tried: from one address, and for one name from one address."""

from collections.abc import Callable

from flask import Response, request
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.service.guard import LockedOutError

GUESSES, GUESSES_OF_ADDRESS = "10 per 5 minute", "100 per hour"
LONGEST_NAME = 320

Whose = Callable[[], str]


def typed(field: str) -> Whose:
    """Return what tells a limit whose name was typed into `field`."""
    return lambda: request.form.get(field, "").strip().lower()[:LONGEST_NAME]


def member() -> str:
    """Tell a limit who is logged in."""
    return str(current_user.get_id() or "")


def guessing(endpoint: str, whose: Whose) -> list[Limit]:
    """Return the limits of a page on which somebody proves who they are."""
    return [
        _limit(endpoint, GUESSES, lambda: f"{endpoint}|{whose()}|{get_remote_address()}"),
        _limit(endpoint, GUESSES_OF_ADDRESS, lambda: f"guess|{get_remote_address()}"),
    ]


def per_address(endpoint: str, amount: str) -> Limit:
    """Return a limit on how often something is done from one address; typing errors do not count."""
    return _limit(endpoint, amount, lambda: f"{endpoint}|{get_remote_address()}", deduct_when=_was_accepted)


def _limit(
    endpoint: str, amount: str, key: Callable[[], str], deduct_when: Callable[[Response], bool] | None = None
) -> Limit:
    return Limit(
        amount,
        key_func=key,
        methods=["POST"],
        exempt_when=lambda: request.endpoint != endpoint,
        deduct_when=deduct_when,
    )


def _was_accepted(response: Response) -> bool:
    return response.status_code == 303


def retry_after(response: BaseResponse, error: Exception) -> BaseResponse:
    """Say when to try again, if that is what `error` is about."""
    if isinstance(error, LockedOutError):
        response.headers["Retry-After"] = str(error.seconds)
    return response
