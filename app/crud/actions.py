"""POST actions: each runs in a transaction, ends in a flash and leads to a page."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response as BaseResponse

from app.database import run_with_retry
from app.errors import DomainError


def flash_and_redirect(endpoint: str, *arguments: str) -> Callable[[Callable[..., Any]], Callable[..., BaseResponse]]:
    """Make an endpoint of a method that does something and returns its flash, a text and a category.

    The method runs in a transaction, again after a conflict. A DomainError is flashed in its place. Then the reader is
    led to `endpoint`, with those of the URL's arguments that are named. A response that the method returns is sent as
    it is: a page that asks for confirmation, for instance.
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
