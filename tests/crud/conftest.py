"""Two more applications on the test's database, in both of which everybody may do everything.

ours     the project's application with views of the test's own
stock    Flask-AppBuilder as it comes, with views of its own: each weakness is shown there first, so that a test
that passes without our bases would be noticed
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.security.sqla.manager import SecurityManager

from app.extensions import appbuilder_of, db
from tests.support.client import Visitor
from tests.support.databases import application

MakeVisitor = Callable[..., Visitor]


class OpenDoor(SecurityManager):
    """Lets everybody do everything."""

    def has_access(self, _permission: str, _view: str) -> bool:
        return True

    def is_item_public(self, _permission: str, _view: str) -> bool:
        return True


@pytest.fixture
def stock(app, database_url) -> Iterator[MakeVisitor]:
    """Make a visitor of a stock application with the given views."""
    made = []

    def make(*views: type) -> Visitor:
        own = Flask("stock")
        own.config.update(
            SECRET_KEY="x" * 32,
            SQLALCHEMY_DATABASE_URI=database_url,
            WTF_CSRF_ENABLED=False,
            FAB_CREATE_DB=False,
            FAB_UPDATE_PERMS=False,
            FAB_SECURITY_MANAGER_CLASS=f"{OpenDoor.__module__}.{OpenDoor.__name__}",
        )
        db.init_app(own)
        with own.app_context():
            appbuilder = AppBuilder(own, db.session)
            for view in views:
                appbuilder.add_view_no_menu(view)
        made.append(own)
        return Visitor(own)

    with warnings.catch_warnings():
        # What its fields do is deprecated by WTForms.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield make
    for own in made:
        with own.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def _made() -> dict[tuple[str, tuple[type, ...]], Flask]:
    """The applications with views that stand in a module: making one takes most of the time of a test."""
    return {}


@pytest.fixture
def ours(app, database_url, tmp_path, tmp_path_factory, _made) -> Iterator[MakeVisitor]:
    """Make a visitor of the project's application with the given views besides its own."""
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
    """Add `views` to the application, and let everybody do everything in it."""
    with own.app_context():
        appbuilder: Any = appbuilder_of(own)
        for view in views:
            appbuilder.add_view_no_menu(view)
    appbuilder.sm.has_access = lambda *_: True
    appbuilder.sm.is_item_public = lambda *_: True
    own.config["PROPAGATE_EXCEPTIONS"] = False
    return own
