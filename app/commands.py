"""The commands of `flask`. The file of a command is imported when it is asked for, so processes that serve load none."""

import io
import sys
from importlib import import_module
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app import clock
from app.extensions import Model, db

COMMANDS = {
    "backup": "app.copies.cli:backup_command",
    "create-admin": "app.cli:create_admin_command",
    "dashboards": "app.dashboards.cli:dashboards",
    "db": "flask_migrate.cli:db",
    "demo": "app.cli:demo_command",
    "directory": "app.accounts.users.directory_cli:directory_group",
    "doctor": "app.checks.cli:doctor_command",
    "fab": "app.fab_commands:fab",
    "i18n": "app.i18n.cli:group",
    "inbound": "app.inbound.cli:inbound",
    "link-identity": "app.accounts.cli:link_identity_command",
    "outbox": "app.outbox.cli:outbox",
    "parties": "app.parties.cli:parties",
    "purge": "app.cli:purge_command",
    "reset-password": "app.accounts.cli:reset_password_command",
    "restore": "app.copies.cli:restore_command",
    "setup": "app.cli:setup_command",
    "unlock": "app.accounts.cli:unlock_command",
    "upgrade-check": "app.copies.cli:upgrade_check_command",
    "worker": "app.cli:worker_command",
}


class Commands(AppGroup):
    """The commands above, and those that plug-ins add."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command."""
        added = super().get_command(ctx, cmd_name)
        if added is not None or cmd_name not in COMMANDS:
            return added
        file, _, name = COMMANDS[cmd_name].partition(":")
        found: click.Command = getattr(import_module(file), name)
        return found


def init_app(app: Flask) -> None:
    """Give `app` its commands."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names may have characters that the terminal cannot show. That must not end a command.
        sys.stdout.reconfigure(errors="replace")
    app.shell_context_processor(_shell_names)
    app.cli = Commands(app.name)
    if "flask_appbuilder.cli" in sys.modules:
        # `flask` found the commands of Flask-AppBuilder itself, before the application.
        from app import fab_commands

        fab_commands.take_over()


def _shell_names() -> dict[str, Any]:
    """Return what `flask shell` knows by name: the database, the clock and every model."""
    models = {mapper.class_.__name__: mapper.class_ for mapper in Model.registry.mappers}
    return {"db": db, "clock": clock, **models}
