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
    """End the offers that ran out and hand their seats on. To be run each minute; doing it again changes nothing."""
    click.echo(f"Seats offered: {sweep()}.")


@parties.command("remind")
@with_appcontext
@report_outage
def remind_command() -> None:
    """Send the reminders that are due. To be run each minute; doing it again sends none twice."""
    click.echo(f"People reminded: {reminders.send_due()}.")


def sweep() -> int:
    """Do what time has brought about, each party in a transaction of its own; return how many seats were offered."""
    due = waiting_list_queries.parties_to_sweep(clock.now())
    # Begin anew: what was read must not be older than the locks to come.
    db.session.rollback()
    return sum(_sweep_one(party_id) for party_id in due)


def _sweep_one(party_id: int) -> int:
    try:
        with transaction():
            return seats.expire_offers(party_id)
    except DomainError:
        # Deleted since it was found.
        return 0
    except Exception:
        # The trouble of one party is not that of the others, nor of the next minute.
        logger.exception("the waiting list of party %d does not move", party_id)
        return 0
