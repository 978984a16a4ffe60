"""Stock views of Flask-AppBuilder, which show the weaknesses that tests/crud checks on our base classes.

They prove that the tests of tests/crud would fail without our base classes.
"""

import warnings
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.security.sqla.manager import SecurityManager

from app.accounts.models import Member
from app.extensions import db
from tests.support.client import Visitor

MakeVisitor = Callable[..., Visitor]


class OpenDoor(SecurityManager):
    """Gives everybody every permission."""

    # Groups and roles list members (app/accounts/models.py).
    user_model = Member

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
        # Its fields use deprecated features of WTForms.
        warnings.simplefilter("ignore", DeprecationWarning)
        yield make
    for own in made:
        with own.app_context():
            db.engine.dispose()
