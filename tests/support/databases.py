"""A set-up database without members, restored for every test."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any, Protocol

import pytest
from flask import Flask
from jinja2 import StrictUndefined
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, event

from app import create_app, setup
from app.extensions import REPLICA, db

SETTINGS = {
    "TESTING": True,
    # TESTING alone would make Flask-Mail suppress every e-mail.
    "MAIL_SUPPRESS_SEND": False,
    # Nobody listens there: what is sent needs the fixture `smtp`.
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_PORT": 1,
    # Cheap password hashing for fast logins.
    "PASSWORD_HASH": {"time_cost": 1, "memory_cost": 8, "parallelism": 1},
}
PRISTINE, COPY = "pristine", "dinner"


class _CompiledTemplates(BytecodeCache):
    """A cache of compiled templates, for all applications of this process."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill `bucket` if its template is cached."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Cache the content of `bucket`."""
        self._code[bucket.key, bucket.checksum] = bucket.code


_TEMPLATES = _CompiledTemplates()


class Place(Protocol):
    """Where databases of one kind are kept."""

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of `database`."""

    def create(self, database: str, *, template: str = ...) -> None:
        """Make `database`, in place of one that has that name: empty, or a copy of `template`."""

    def keep(self, database: str, *, copy: str) -> None:
        """Store a snapshot of `database` in a database called `copy`."""

    def restore(self, database: str, *, copy: str) -> None:
        """Restore `database` from its snapshot. No connection to it may be open."""


class SqliteFiles:
    """SQLite's databases are files in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def url(self, database: str) -> str:
        """Return SQLAlchemy's URL of `database`."""
        return f"sqlite:///{self._path(database)}"

    def create(self, database: str, *, template: str = "") -> None:
        """Make `database`, in place of one that has that name: empty, or a copy of `template`."""
        for suffix in ("", "-wal", "-shm"):
            self._path(database + suffix).unlink(missing_ok=True)
        if template:
            shutil.copyfile(self._path(template), self._path(database))

    def keep(self, database: str, *, copy: str) -> None:
        """Store a snapshot of `database` in a database called `copy`."""
        self.create(copy, template=database)

    def restore(self, database: str, *, copy: str) -> None:
        """Restore `database` from its snapshot."""
        self.create(database, template=copy)

    def _path(self, database: str) -> Path:
        return self.directory / database


class Database:
    """The database of one kind and its application; both survive a test, the rows do not."""

    def __init__(self, place: Place, instance: Path, **settings: str) -> None:
        self.place = place
        self.url = place.url(COPY)
        place.create(COPY)
        self.app = application(self.url, instance, None, **settings)
        set_up(self.app)
        self.close()
        place.keep(COPY, copy=PRISTINE)

    def reset(self) -> None:
        """Restore the state before a test."""
        self.close()
        self.place.restore(COPY, copy=PRISTINE)

    def empty(self) -> None:
        """Remove everything, also the tables."""
        self.close()
        self.place.create(COPY)

    def close(self) -> None:
        """Close every connection of the application."""
        close_connections(self.app)


def application(url: str, instance: Path, overrides: Mapping[str, Any] | None = None, **settings: str) -> Flask:
    """Return a new application on the database at `url`; `settings` are added to the environment."""
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("DATABASE_URL", url)
        environ.setenv("INSTANCE_PATH", str(instance))
        for name, value in settings.items():
            environ.setenv(name, value)
        app = create_app({**SETTINGS, **(overrides or {})})
    app.jinja_env.bytecode_cache = _TEMPLATES
    # A misspelt name fails the test that renders it.
    app.jinja_env.undefined = StrictUndefined
    return app


def close_connections(app: Flask) -> None:
    """Close every connection of `app` to its database."""
    with app.app_context():
        db.engine.dispose()
    if app.config["DATABASE_REPLICA_URL"]:
        app.extensions[REPLICA].engine.dispose()


def set_up(app: Flask) -> None:
    """Run the setup of a new site."""
    with app.app_context():
        setup.prepare()


@event.listens_for(Engine, "connect")
def _do_not_wait_for_the_disk(connection: Any, _record: object) -> None:
    if type(connection).__module__.partition(".")[0] == "sqlite3":
        connection.execute("PRAGMA synchronous = OFF")
