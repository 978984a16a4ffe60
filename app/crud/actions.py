"""POST actions: each runs in a transaction, and ends with a flash and a redirect."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.database import run_with_retry
from app.errors import DomainError


def flash_and_redirect(endpoint: str, *arguments: str) -> Callable[[Callable[..., Any]], Callable[..., BaseResponse]]:
    """Turn a method that returns a flash, a text and a category, into an endpoint.

    The method runs in a transaction, and once more after a conflict. A DomainError is flashed instead. Then the browser
    is redirected to `endpoint` with the named `arguments` of the current URL. If the method returns a response, for
    instance a page that asks for confirmation, it is sent as it is.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., BaseResponse]:
        @wraps(method)
        def wrapper(*args: Any, **kwargs: Any) -> BaseResponse:
            try:
                result = run_with_retry(lambda: method(*args, **kwargs))
            except DomainError as error:
                result = error.message, error.category
            if not isinstance(result, tuple):
                response: BaseResponse = result
                return response
            text, category = result
            flash(str(text), category)
            return redirect(url_for(endpoint, **{name: kwargs[name] for name in arguments}), 303)

        return wrapper

    return decorate
