"""Commands of the inbound door: `flask inbound serve` and `flask inbound poll`."""

import signal

import click
from flask import current_app
from flask.cli import AppGroup

from app.database import report_outage
from app.inbound import imap
from app.inbound.server import Listener

inbound = AppGroup("inbound", help="E-mail that comes back to the site.")


@inbound.command("serve")
def serve() -> None:
    """Receive e-mail at INBOUND_LISTEN until stopped, where the background worker does not."""
    if not current_app.config["INBOUND_LISTEN"]:
        raise click.ClickException("INBOUND_LISTEN is not set.")
    listener = Listener(current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: listener.stop())
    listener.run_forever()


@inbound.command("poll")
@report_outage
def poll() -> None:
    """Receive the unread messages of the mailbox INBOUND_IMAP once."""
    if not current_app.config["INBOUND_IMAP"]:
        raise click.ClickException("INBOUND_IMAP is not set.")
    click.echo(f"{imap.poll()} received.")
