"""Dinner parties, with one package for each subject."""

from flask import Flask

from app.inbound import registry


def init_app(app: Flask) -> None:
    # Importing a model must not import the commands.
    from app.parties.cli import parties
    from app.parties.rsvps import calendar_replies

    registry.register_calendar(calendar_replies.handle)
    app.cli.add_command(parties)
