"""POST actions: each runs in a transaction, and ends with a flash and a redirect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import flash, redirect, url_for
from flask_appbuilder.actions import action as stock_action
from werkzeug.wrappers import Response as BaseResponse

from app.database import run_with_retry
from app.errors import DomainError


@dataclass(frozen=True)
class Question:
    """What is asked before an action: a title, sentences about what follows, and the text of the button."""

    title: str
    consequences: Sequence[str]
    button: str


def action(  # noqa: PLR0913 - what an action is
    name: str,
    text: object,
    confirmation: object = None,
    icon: object = None,
    *,
    applies: Callable[[Any], bool] | None = None,
    asks: Callable[[list[Any]], "Question"] | None = None,
    **where: bool,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Flask-AppBuilder's `@action`, for a method that always gets a list.

    Flask-AppBuilder passes a list of rows from the list, but from the page of a row the row itself. `where` may have
    `multiple=False` and `single=False`: no button in the list, or on the page of a row. The page of a row has no button
    either where `applies` says that the action would change nothing. With `asks`, a page says what would follow before
    the action runs.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapper(self: Any, items: Any) -> Any:
            return method(self, items if isinstance(items, list) else [items])

        decorated: Callable[..., Any] = stock_action(name, text, confirmation, icon, **where)(wrapper)
        decorated.applies, decorated.asks = applies, asks  # type: ignore[attr-defined]
        return decorated

    return decorate


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
