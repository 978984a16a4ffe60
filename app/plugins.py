"""Packages that add to this site: each names a function in its entry points, which is called with the application."""

from importlib.metadata import entry_points

from flask import Flask

from config import ConfigurationError

GROUP = "dinnerparty.plugins"


def init_app(app: Flask) -> None:
    """Let every installed plug-in register; raises ConfigurationError when one cannot, which stops the start."""
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            register = entry.load()
            register(app)
        except Exception as error:
            msg = f"The plug-in {entry.name} ({entry.value}) cannot be loaded: {error!r}. Fix or uninstall it."
            raise ConfigurationError(msg) from error
