"""Plug-ins: packages with an entry point in the group `dinnerparty.plugins`, a function that is called with the app."""

from importlib.metadata import entry_points

from flask import Flask

from config import ConfigurationError

GROUP = "dinnerparty.plugins"


def init_app(app: Flask) -> None:
    """Load every installed plug-in; raises ConfigurationError if one fails, so the site does not start without it."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
            register(app)
        except Exception as error:
            msg = f"The plug-in {entry.name} ({entry.value}) cannot be loaded: {error!r}. Fix or uninstall it."
            raise ConfigurationError(msg) from error
