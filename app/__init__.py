"""DinnerParty. create_app() lists all parts of the application in the order of their start."""

# First, because they change how the others are imported.
import app.late_modules

# isort: split
import app.accounts.models  # noqa: F401

# isort: split
import sys
from collections.abc import Mapping
from traceback import walk_stack
from typing import Any

from flask import Flask
from flask.cli import NoAppException

import config
from app import (
    charts,
    commands,
    compression,
    dashboards,
    doctor,
    error_pages,
    fab_settings,
    http,
    i18n,
    kept_pages,
    metrics,
    navigation,
    operations,
    outbox,
    parties,
    plugins,
    replica,
    sentry,
    templating,
)
from app.administration import saved_view_views
from app.audit import journal
from app.crud import chart_data, files, html_attributes, list_rows, sidebar, stock_views
from app.extensions import AppBuilder, Menu, csrf, db, mail, migrate
from config import ConfigurationError


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Return a new application; `overrides` take precedence over the environment.

    It does not write to the database: `flask setup` does. Raises ConfigurationError for an invalid configuration.
    """
    try:
        return _create_app(overrides)
    except ConfigurationError as error:
        # `flask --help` shows a traceback of any other error, and goes on. A command shows this one only.
        if any(frame.f_code.co_name == "list_commands" for frame, _line in walk_stack(None)):
            raise NoAppException(error.message) from error
        if "doctor" in sys.argv[1:]:
            raise doctor.SiteConfigurationError(error.message) from error
        raise


def _create_app(overrides: Mapping[str, Any] | None) -> Flask:
    settings = {**config.load(), **(overrides or {})}
    fab_settings.check(settings)
    settings.setdefault(
        "SQLALCHEMY_ENGINE_OPTIONS", config.engine_options(settings["SQLALCHEMY_DATABASE_URI"], settings)
    )
    app = Flask(__name__, instance_path=settings["INSTANCE_PATH"], instance_relative_config=True)
    app.config.from_mapping(settings)
    commands.init_app(app)
    compression.init_app(app)
    sentry.init_app(app)
    metrics.init_app(app)
    # Within what comes before the application: hosts, proxies, the ID of a request.
    kept_pages.init_app(app)
    http.init_app(app)
    db.init_app(app)
    replica.init_app(app)
    migrate.init_app(app)
    mail.init_app(app)
    # Before AppBuilder, which exempts its APIs from CSRF protection when it registers them.
    csrf.init_app(app)
    with app.app_context():
        appbuilder = AppBuilder(app, db.session, menu=Menu())
        i18n.init_app(app)
        navigation.register(appbuilder)
    # Not earlier: Flask-AppBuilder looks at the texts of the views that it registers, and nobody reads their translations.
    i18n.runtime.init_app(app)
    operations.init_app(app)
    error_pages.init_app(app)
    outbox.init_app(app)
    journal.init_app(app)
    parties.init_app()
    dashboards.init_app(app)
    charts.init_app(app)
    chart_data.init_app(app)
    files.init_app(app)
    stock_views.init_app(app)
    html_attributes.install()
    list_rows.init_app(app)
    sidebar.init_app(app)
    saved_view_views.init_app(app)
    plugins.init_app(app)
    templating.init_app(app)
    return app
