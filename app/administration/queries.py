"""What the home of administrators shows of parties and e-mails."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import clock
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty

NEXT_SIZE = 6


@dataclass(frozen=True)
class DueEmail:
    """The e-mail that should have been sent first: since when, and why it was not."""

    since: datetime
    last_error: str


def next_parties() -> list[DinnerParty]:
    """Return the next published parties, soonest first."""
    coming = select(DinnerParty).where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at > clock.now())
    return list(db.session.scalars(coming.order_by(DinnerParty.starts_at, DinnerParty.id).limit(NEXT_SIZE)))


def oldest_due_email() -> DueEmail | None:
    """Return the e-mail that has been due for longest, if one is due."""
    due = select(OutboxEmail.created_at, OutboxEmail.last_error).where(
        OutboxEmail.state == EmailState.QUEUED, OutboxEmail.created_at <= clock.now()
    )
    row = db.session.execute(due.order_by(OutboxEmail.created_at, OutboxEmail.id).limit(1)).first()
    return row and DueEmail(*row)
