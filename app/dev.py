"""Tools of developers: `make dev` and `make reset` use this module, the served site does not.

`make dev` logs the SQL statements and the time of each request, and prints e-mails when they are enqueued.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from jinja2 import StrictUndefined
from sqlalchemy import Engine, event, select

from app import clock
from app import create_app as create_site
from app.errors import ConfigurationError
from app.extensions import db
from app.outbox import service
from app.outbox.models import OutboxEmail
from config import DATABASE_FILE

logger = logging.getLogger(__name__)
cost = threading.local()


def create_app() -> Flask:
    """Return the application as developers run it."""
    app = create_site()
    # A misspelt name in a template is an error.
    app.jinja_env.undefined = StrictUndefined
    app.wsgi_app = _log_cost(app.wsgi_app, EmailPrinter(app).print_new)  # type: ignore[assignment,method-assign]
    app.cli.add_command(reset_command)
    return app


def _log_cost(wsgi_app: WSGIApplication, afterwards: Callable[[], None]) -> WSGIApplication:
    def measured(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/static/"):
            return wsgi_app(environ, start_response)
        cost.statements, started = 0, time.perf_counter()
        try:
            return wsgi_app(environ, start_response)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            method = environ["REQUEST_METHOD"]
            logger.info("%s %s: %d SQL statements, %d ms", method, path, cost.statements, milliseconds)
            afterwards()

    return measured


@event.listens_for(Engine, "before_cursor_execute")
def _count_statement(*_: Any) -> None:
    cost.statements = getattr(cost, "statements", 0) + 1


class EmailPrinter:
    """Prints the e-mails in the outbox that are newer than itself, each once, as their recipients read them."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._since = clock.now()
        self._last_id = 0

    def print_new(self) -> None:
        with self._lock, self._app.app_context():
            new = select(OutboxEmail).where(OutboxEmail.id > self._last_id, OutboxEmail.created_at >= self._since)
            for email in db.session.scalars(new.order_by(OutboxEmail.id)):
                self._last_id = email.id
                text, _html = service.with_secret(email)
                click.echo(f"\n-- E-mail to {email.recipient}: {email.subject}\n\n{text.strip()}\n--\n")


@click.command("reset")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def reset_command(*, yes: bool) -> None:
    """Remove the embedded SQLite database. A database that DATABASE_URL names is never touched."""
    path = Path(current_app.config["INSTANCE_PATH"]) / DATABASE_FILE
    url = db.engine.url
    if url.get_backend_name() != "sqlite" or Path(str(url.database)) != path:
        raise ConfigurationError("DATABASE_URL names another database, and only the embedded one can be reset.")
    if not path.exists():
        click.echo(f"There is no database {path}.")
        return
    if not yes:
        click.confirm(f"Remove {path} with all members and parties? Stop the site first.", abort=True)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    click.echo(f"Removed {path}. `make run` sets up a new one.")
