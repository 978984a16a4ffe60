"""The outbox: letters waiting for the post."""

from flask import Flask

from app.outbox import cli, error_mail


def init_app(app: Flask) -> None:
    """Add the outbox's commands to `app`, and send unexpected errors by e-mail."""
    error_mail.init_app(app)
    app.cli.add_command(cli.outbox)
