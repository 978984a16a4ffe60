"""Dinner parties, with one package for each subject."""

from flask import Flask


def init_app(app: Flask) -> None:
    # Importing a model must not import the commands.
    from app.parties.cli import parties

    app.cli.add_command(parties)
