"""Plug-ins: packages with an entry point in the group `dinnerparty.plugins`, a function that is called with the app.

The function connects receivers to signals, and adds views and menu entries to the AppBuilder. Templates and static files
come with a Flask blueprint: the site's own are found first. The functions below add what Flask has no place for.
"""

import re
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from flask import Flask

from config import ConfigurationError

GROUP = "dinnerparty.plugins"
TRANSLATIONS, MIGRATIONS = "plugin_translations", "plugin_migrations"


@dataclass(frozen=True)
class Migrations:
    """The migrations of a plug-in: a folder of Alembic's revisions, and the table with the present one."""

    folder: Path
    version_table: str


def init_app(app: Flask) -> None:
    """Load every installed plug-in; raises ConfigurationError if one fails, so the site does not start without it."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
            with app.app_context():
                register(app)
        except Exception as error:
            msg = f"The plug-in {entry.name} ({entry.value}) cannot be loaded: {error!r}. Fix or uninstall it."
            raise ConfigurationError(msg) from error


def add_translations(app: Flask, folder: str | Path) -> None:
    """Add a folder of catalogs, `<locale>/LC_MESSAGES/messages.po`. The site's own translations take precedence."""
    app.extensions.setdefault(TRANSLATIONS, []).append(_existing(folder))


def add_migrations(app: Flask, name: str, folder: str | Path) -> None:
    """Add a folder of Alembic's revisions, which `flask setup` runs after the site's own.

    Their state is in a table `alembic_version_<name>`. So the schema of the site does not depend on the plug-in, and the
    site runs on after it was uninstalled.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f"{name!r} must be letters (a-z), digits and underscores")
    found = Migrations(_existing(folder), f"alembic_version_{name}")
    if found.version_table in {known.version_table for known in migrations_of(app)}:
        raise ValueError(f"another plug-in has migrations called {name!r}")
    app.extensions.setdefault(MIGRATIONS, []).append(found)


def translations_of(app: Flask) -> list[Path]:
    return list(app.extensions.get(TRANSLATIONS, ()))


def migrations_of(app: Flask) -> list[Migrations]:
    return list(app.extensions.get(MIGRATIONS, ()))


def _existing(folder: str | Path) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}")
    return path
