"""Languages: safe translations, the reader's locale and time zone, formats, and tools for translators."""

from flask import Flask

from app.i18n import formats, locales, runtime, selectors, spoken_dates, views
from app.i18n.selectors import force_locale

__all__ = ["force_locale", "init_app", "runtime"]


def init_app(app: Flask) -> None:
    """Install in `app`, after AppBuilder, which creates the Babel extension; `runtime.init_app` comes later."""
    locales.init_app(app)
    selectors.init_app(app)
    formats.init_app(app)
    spoken_dates.init_app(app)
    views.init_app(app)
