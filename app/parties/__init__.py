"""Parties: what is on the table, and who sits at it."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Add the commands of parties to `app`."""
    # Whoever asks for a model does not need the commands.
    from app.parties.cli import parties

    app.cli.add_command(parties)
