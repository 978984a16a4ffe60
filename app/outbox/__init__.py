"""The outbox: letters waiting for the post."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Add the outbox's commands to `app`."""
