"""Dashboards: charts of the site's figures, arranged by their owners."""

from flask import Flask


def init_app(app: Flask) -> None:
    # Importing a model must not import the commands.
    from app.dashboards import texts
    from app.dashboards.cli import dashboards

    app.cli.add_command(dashboards)
    app.jinja_env.filters.update(name_of=texts.name_of, description_of=texts.description_of)
