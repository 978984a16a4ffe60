"""The Flask extensions, made once and bound to an application in create_app()."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import flask_appbuilder
from flask import Flask, current_app, url_for
from flask_appbuilder import AppBuilder as StockAppBuilder
from flask_appbuilder import BaseView
from flask_appbuilder.menu import Menu as StockMenu
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as StockSession
from flask_wtf import CSRFProtect
from sqlalchemy import Engine, MetaData
from sqlalchemy.engine import Connection

from app.enums import read_assigned_values
from config import ROOT

if TYPE_CHECKING:
    from app.migration import Migrate

# Set before models are loaded: migrations and error messages need the names of constraints.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = flask_appbuilder.Model.metadata
metadata.naming_convention = NAMING_CONVENTION

# Rows are read again where an UPDATE or DELETE of many may have changed them: no statement searches the session for them.
# One that is followed by an INSERT of the same keys says synchronize_session="auto".
SESSION_OPTIONS = {"expire_on_commit": False, "execution_options": {"synchronize_session": False}}
# In the `info` of a session: the engine that it reads from, if that is not the primary.
REPLICA = "replica"
# There, too: whether the transaction has written e-mails.
EMAIL_WRITTEN = "e-mail was written"


class Session(StockSession):
    """A session that can read from the replica (app/replica.py)."""

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Engine | Connection | None = None, **options: Any
    ) -> Engine | Connection:
        """Return the engine for a statement."""
        if bind is None and REPLICA in self.info and not self._flushing:
            engine: Engine = self.info[REPLICA]
            return engine
        return super().get_bind(mapper, clause, bind, **options)


# One declarative base: a relationship to FAB's tables needs theirs.
db = SQLAlchemy(model_class=flask_appbuilder.Model, session_options={"class_": Session, **SESSION_OPTIONS})


class Model(db.Model):  # type: ignore[name-defined]
    """The base of all tables, declared for type checkers: Flask-SQLAlchemy creates its own at run time."""

    __abstract__ = True


read_assigned_values(Model)


class Migrations:
    """What Flask-Migrate finds in `app.extensions`. Itself, and Alembic, are loaded by those who migrate."""

    def __init__(self) -> None:
        self.db = db
        self.directory = str(ROOT / "migrations")
        self.configure_args = {"compare_type": True, "render_as_batch": True}

    def init_app(self, app: Flask) -> None:
        """Let the commands of Flask-Migrate work on the database of `app`."""
        app.extensions["migrate"] = self

    @cached_property
    def migrate(self) -> "Migrate":
        """Flask-Migrate itself."""
        from app.migration import Migrate

        return Migrate(db=self.db, directory=self.directory, **self.configure_args)


migrate = Migrations()
csrf = CSRFProtect()
mail = Mail()


class Menu(StockMenu):
    """A menu of a site that may be below a path: links to pages of the site, as plug-ins write them, begin with it."""

    def add_link(self, name: str, href: str = "", **options: Any) -> None:
        """Add a link: `href` is an endpoint, a path of the site, or a URL."""
        is_path = href.startswith("/") and not href.startswith("//")
        path = urlsplit(current_app.config["PUBLIC_URL"]).path if is_path else ""
        super().add_link(name, path + href, **options)


class AppBuilder(StockAppBuilder):
    """AppBuilder without FAB's own views: `app.navigation` registers all views of the site."""

    def _add_admin_views(self) -> None:
        """Register none of FAB's views: some act on GET, keep URLs in the cookie, or return unlimited rows."""

    def set_index(self, view: type[BaseView]) -> None:
        """Add `view`, or the one that FAB_INDEX_VIEW names, and make it the first page."""
        self._indexview = self.add_view_no_menu(self.indexview if current_app.config.get("FAB_INDEX_VIEW") else view)

    @property
    def get_url_for_userinfo(self) -> str:
        """The page of one's own profile."""
        return url_for("ProfileView.edit")

    def get_url_for_locale(self, lang: str) -> str:  # noqa: ARG002 - Flask-AppBuilder's signature
        """Return the first page: no link changes the language, because GET changes nothing."""
        return str(self.get_url_for_index)


def appbuilder_of(app: Flask | None = None) -> AppBuilder:
    """Return the AppBuilder of `app`, or of the current application."""
    return cast("AppBuilder", (app or current_app).extensions["appbuilder"])
