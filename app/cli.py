"""Commands that set a site up: `flask setup`, `flask create-admin`, `flask demo`."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Add the commands to `app`."""
