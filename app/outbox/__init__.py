"""The outbox: letters waiting for the post."""

from flask import Flask

from app.outbox import cli


def init_app(app: Flask) -> None:
    """Add the outbox's commands to `app`."""
    app.cli.add_command(cli.outbox)
