"""Commands of parties: `flask parties sweep` and `flask parties remind`."""

import logging

import click
from flask.cli import AppGroup, with_appcontext

from app import clock
from app.database import report_outage, transaction
from app.errors import DomainError
from app.extensions import db
from app.parties.messages import reminders
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list import seats

logger = logging.getLogger(__name__)
parties = AppGroup("parties", help="Dinner parties and their waiting lists.")


@parties.command("sweep")
@with_appcontext
@report_outage
def sweep_command() -> None:
    """Expire seat offers and offer their seats to the next guests. Run it every minute; safe to run again."""
    click.echo(f"Seats offered: {sweep()}.")


@parties.command("remind")
@with_appcontext
@report_outage
def remind_command() -> None:
    """Send the reminders that are due. Run it every minute; no reminder is sent twice."""
    click.echo(f"Reminders queued: {reminders.send_due()}.")


def sweep() -> int:
    """End expired offers, each party in its own transaction. Return how many seats were offered again."""
    due = waiting_list_queries.parties_to_sweep(clock.now())
    # End the transaction, so that nothing is read from a snapshot older than the locks to come.
    db.session.rollback()
    return sum(_sweep_one(party_id) for party_id in due)


def _sweep_one(party_id: int) -> int:
    try:
        with transaction():
            return seats.expire_offers(party_id)
    except DomainError:
        # The party was deleted in the meantime.
        return 0
    except Exception:
        # An error with one party must not stop the others, nor the next run.
        logger.exception("Updating the waiting list of party %d failed", party_id)
        return 0
