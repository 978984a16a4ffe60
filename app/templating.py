"""Templates: what a filter says is asked whenever a page is rendered, not once for all readers."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context


def init_app(app: Flask) -> None:
    """Let Jinja call the filters of `app`, FAB's and ours, as pages are rendered. Call it when all of them are there.

    Jinja calls a filter as it compiles the template where all of its arguments are literals, as in
    `"can_test"|is_item_visible("OutboxEmailModelView")`, and keeps the answer for as long as the process lives. But what a
    reader may do, and how something is said in their language, is not for the next one.
    """
    filters = app.jinja_env.filters
    for name, function in filters.items():
        if FILTERS.get(name) is not function and not hasattr(function, "jinja_pass_arg"):
            filters[name] = _ask_each_time(function)


def _ask_each_time(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    @wraps(function)
    def ask(_context: Context, *arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return ask
