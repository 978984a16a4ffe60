"""The versions that a report of a fault should name."""

import platform
from collections.abc import Iterator
from importlib import metadata

from flask_babel import gettext as _

from app import zone_rules
from app.extensions import db
from config import version

NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def all_versions() -> Iterator[tuple[str, str]]:
    """Yield the name and version of each part of the site."""
    yield "DinnerParty", version()
    yield "Flask-AppBuilder", metadata.version("Flask-AppBuilder")
    yield "Python", platform.python_version()
    dialect = db.engine.dialect
    number = ".".join(map(str, dialect.server_version_info or ())) or _("unknown")
    yield NAMES.get(dialect.name, dialect.name), number
    yield _("Time zone rules"), zone_rules.version() or _("unknown")
