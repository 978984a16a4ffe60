"""Dashboards: charts of the site's figures, arranged by their owners."""

from flask import Flask


def init_app(app: Flask) -> None:
    # Importing a model must not import the rest.
    from app.dashboards import texts

    app.jinja_env.filters.update(name_of=texts.name_of, description_of=texts.description_of)
