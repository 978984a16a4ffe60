"""The project's application with additional views, in which everybody has every permission."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from jinja2 import StrictUndefined

from app.extensions import appbuilder_of, db
from tests.support.client import Visitor
from tests.support.databases import application

MakeVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def _made() -> dict[tuple[str, tuple[type, ...]], Flask]:
    """A cache of applications with the views of a module, because making one takes most of a test's time."""
    return {}


@pytest.fixture
def ours(app, database_url, tmp_path, tmp_path_factory, _made) -> Iterator[MakeVisitor]:
    """Make a visitor of the project's application with additional views."""
    used = []

    def make(*views: type) -> Visitor:
        key = database_url, views
        own = _made.get(key)
        if own is None:
            lasts = all(getattr(sys.modules[view.__module__], view.__name__, None) is view for view in views)
            own = _with_views(application(database_url, tmp_path_factory.mktemp("ours") if lasts else tmp_path), views)
            if lasts:
                _made[key] = own
        used.append(own)
        for limiter in own.extensions["limiter"]:
            limiter.reset()
        return Visitor(own)

    yield make
    for own in used:
        with own.app_context():
            db.engine.dispose()


def _with_views(own: Flask, views: tuple[type, ...]) -> Flask:
    """Add `views` to the application, and give everybody every permission."""
    with own.app_context():
        appbuilder: Any = appbuilder_of(own)
        for view in views:
            appbuilder.add_view_no_menu(view)
    appbuilder.sm.has_access = lambda *_: True
    appbuilder.sm.is_item_public = lambda *_: True
    own.config["PROPAGATE_EXCEPTIONS"] = False
    # A name that a template misspells is an error here, and nothing elsewhere.
    own.jinja_env.undefined = StrictUndefined
    return own
