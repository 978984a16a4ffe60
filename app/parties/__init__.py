"""Dinner parties, with one package for each subject."""

from flask import Flask


def init_app(app: Flask) -> None:
    # Importing a model must not import the commands.
    from app.inbound import registry
    from app.inbound.addresses import REPLY
    from app.parties.cli import parties
    from app.parties.messages import replies
    from app.parties.rsvps import calendar_replies

    registry.register(REPLY, replies.handle)
    registry.register_calendar(calendar_replies.handle)
    app.cli.add_command(parties)
