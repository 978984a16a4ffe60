"""The API's own door."""

from flask import request
from flask_appbuilder.security.api import SecurityApi as StockSecurityApi
from flask_appbuilder.utils.limit import Limit
from flask_limiter.util import get_remote_address

from app.crud import Answers


def _account_and_address() -> str:
    body = request.get_json(silent=True)
    name = body.get("username") if isinstance(body, dict) else ""
    return f"{str(name).strip().lower()[:320]}|{get_remote_address()}"


class SecurityApi(Answers, StockSecurityApi):
    """Username and password against a token; guessing is as limited as on the login page."""

    limits = [
        Limit("10 per 5 minute", key_func=_account_and_address, methods=["POST"]),
        Limit("100 per hour", key_func=get_remote_address, methods=["POST"]),
    ]
