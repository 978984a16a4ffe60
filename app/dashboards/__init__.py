"""Dashboards: charts of the site's figures, arranged by their owners."""

from flask import Flask


def init_app(app: Flask) -> None:
    # Importing a model must not import the commands.
    from app.dashboards.cli import dashboards

    app.cli.add_command(dashboards)
