"""Seats: taken by a guarded UPDATE, freed and handed on in the same transaction.

Reading the free seats and then writing would sell them twice; here the database decides, on SQLite and PostgreSQL
alike. Who needs more than one row takes the party's first (`lock`, `take`), so that no two can wait for each other.
"""

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, exists, select, update

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties import mail, queries
from app.parties.models import PUBLISHED, WAITLISTED, YES, DinnerParty, Rsvp


def take(party_id: int, seats: int) -> bool:
    """Take `seats` seats if so many are free and nobody is waiting for them; return whether it did."""
    somebody_waits = exists(
        select(Rsvp.id).where(Rsvp.party_id == DinnerParty.id, Rsvp.status == WAITLISTED).correlate(DinnerParty)
    )
    return _add_taken(party_id, seats, DinnerParty.status == PUBLISHED, ~somebody_waits)


def take_first(party_id: int) -> bool:
    """Take the seat of a host, who goes before those who wait; return whether one was free."""
    return _add_taken(party_id, 1)


def lock(party_id: int) -> int:
    """Hold the party's row until the end of the transaction; return the seats taken.

    Raises DomainError when the party was deleted meanwhile.
    """
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id)
        .values(seats_taken=DinnerParty.seats_taken)
        .returning(DinnerParty.seats_taken)
        .execution_options(synchronize_session=False)
    )
    taken = db.session.execute(statement).scalar_one_or_none()
    if taken is None:
        raise DomainError(lazy_gettext("This party does not exist any more."))
    return taken


def free(party_id: int, seats: int) -> list[Rsvp]:
    """Give `seats` seats back and hand them on; return the answers that were moved up."""
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id)
        .values(seats_taken=DinnerParty.seats_taken - seats)
        .execution_options(synchronize_session=False)
    )
    db.session.execute(statement)
    return fill(party_id)


def fill(party_id: int) -> list[Rsvp]:
    """Seat those who wait, first come first served, until the next ones do not fit; tell each by letter."""
    moved_up = []
    for answer in db.session.scalars(queries.waiting(party_id)).all():
        if not _add_taken(party_id, answer.party_size, DinnerParty.status == PUBLISHED):
            break
        answer.status, answer.waitlisted_at, answer.answered_at = YES, None, clock.now()
        moved_up.append(answer)
    db.session.flush()
    for answer in moved_up:
        mail.seat_freed(answer)
    return moved_up


def _add_taken(party_id: int, seats: int, *conditions: ColumnElement[bool]) -> bool:
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id, DinnerParty.seats_taken + seats <= DinnerParty.number_seats, *conditions)
        .values(seats_taken=DinnerParty.seats_taken + seats)
        .returning(DinnerParty.id)
        .execution_options(synchronize_session=False)
    )
    return db.session.execute(statement).first() is not None
