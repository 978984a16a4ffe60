"""The outbox: letters waiting for the post."""

from flask import Flask

from app.outbox import alarm, cli


def init_app(app: Flask) -> None:
    """Add the outbox's commands to `app`, and let errors be told by letter."""
    alarm.init_app(app)
    app.cli.add_command(cli.outbox)
