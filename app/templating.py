"""Jinja settings: filters run each time a page is rendered, never at compile time; what a page needs once, it asks for once."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, g
from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context

# What the pages that most visitors see first consist of.
FIRST_PAGES = (
    "appbuilder/base.html",
    "appbuilder/baselayout.html",
    "appbuilder/baselib.html",
    "appbuilder/candle.svg",
    "appbuilder/dialog.html",
    "appbuilder/flash.html",
    "appbuilder/footer.html",
    "appbuilder/general/lib.html",
    "appbuilder/init.html",
    "appbuilder/navbar.html",
    "parties/_party.html",
    "parties/_party_search.html",
    "parties/landing.html",
    "parties/party_list.html",
)


def prepare(app: Flask) -> None:
    """Compile the templates of the first pages now, so that processes forked from this one share them."""
    for name in FIRST_PAGES:
        app.jinja_env.get_template(name)


def init_app(app: Flask) -> None:
    """Make all filters of `app` run at render time. Call it after all filters are registered.

    Jinja calls a filter as it compiles the template where all of its arguments are literals, as in
    `"can_test"|is_item_visible("OutboxEmailModelView")`, and keeps the result until the process ends. But permissions and
    translations differ from one visitor to the next.
    """
    app.jinja_env.globals["is_first"] = _is_first
    filters = app.jinja_env.filters
    for name, function in filters.items():
        if FILTERS.get(name) is not function and not hasattr(function, "jinja_pass_arg"):
            filters[name] = _run_at_render_time(function)


def _run_at_render_time(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    @wraps(function)
    def run(_context: Context, *arguments: Any, **options: Any) -> Any:
        return function(*arguments, **options)

    return run


def _is_first(name: str) -> bool:
    """Whether this page has not asked for the file `name` before."""
    seen: set[str] = g.setdefault("asked_for", set())
    is_first = name not in seen
    seen.add(name)
    return is_first
