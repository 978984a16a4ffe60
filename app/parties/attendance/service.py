"""After a party: no-shows, and closing parties that are over."""

from datetime import timedelta

from flask_babel import lazy_gettext
from sqlalchemy import ColumnElement, or_, select, update

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import HELD, PartyStatus, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.waiting_list import seats

# How long after its end a party is closed.
DONE_AFTER = timedelta(hours=6)


def mark_no_show(party: DinnerParty, rsvp: Rsvp) -> None:
    """Mark a guest as a no-show and release their seats. Raises DomainError if they came, or had no seat."""
    if not _mark_no_show(party, Rsvp.id == rsvp.id):
        raise DomainError(
            lazy_gettext("Nothing changed: %(name)s cannot be marked as a no-show.", name=str(rsvp)), "warning"
        )


def mark_all_no_show(party: DinnerParty) -> int:
    """Mark all guests who were not checked in as no-shows. Return how many RSVPs that are."""
    count = _mark_no_show(party)
    if not count:
        raise DomainError(lazy_gettext("Nothing changed: all remaining guests have been checked in."), "warning")
    return count


def undo_no_show(party: DinnerParty, rsvp: Rsvp) -> None:
    """Give a no-show their seats back. Raises DomainError if they are no no-show, or the seats have been taken."""
    seats.release_and_reoffer(party.id)
    statement = (
        update(Rsvp)
        .where(Rsvp.id == rsvp.id, Rsvp.status == RsvpStatus.NO_SHOW)
        .values(status=RsvpStatus.YES)
        .returning(Rsvp.id)
    )
    if db.session.execute(statement).first() is None:
        raise DomainError(
            lazy_gettext("Nothing changed: %(name)s was not marked as a no-show.", name=str(rsvp)), "warning"
        )
    db.session.refresh(rsvp)
    if not seats.take(party.id, rsvp.party_size):
        raise DomainError(
            lazy_gettext("The seats of %(name)s have been taken by other guests.", name=str(rsvp)), "warning"
        )


def close_finished() -> int:
    """Set parties to done that ended DONE_AFTER ago. Return how many.

    Several processes may run this at once, and a host may save a change meanwhile: the version decides who is first.
    """
    ended = clock.now() - DONE_AFTER
    columns = (DinnerParty.id, DinnerParty.version, DinnerParty.starts_at, DinnerParty.duration_minutes)
    statement = select(*columns).where(DinnerParty.status == PartyStatus.PUBLISHED, DinnerParty.starts_at < ended)
    over = [
        (key, version)
        for key, version, starts_at, minutes in db.session.execute(statement.order_by(DinnerParty.id))
        if starts_at + timedelta(minutes=minutes) < ended
    ]
    return sum(_close(key, version) for key, version in over)


def _close(party_id: int, version: int) -> bool:
    statement = (
        update(DinnerParty)
        .where(DinnerParty.id == party_id, DinnerParty.version == version, DinnerParty.status == PartyStatus.PUBLISHED)
        .values(status=PartyStatus.DONE, version=version + 1)
        .returning(DinnerParty.id)
    )
    return db.session.execute(statement).first() is not None


def _mark_no_show(party: DinnerParty, *conditions: ColumnElement[bool]) -> int:
    """Mark confirmed RSVPs other than the host's as no-shows and release their seats. Return how many."""
    seats.lock(party.id)
    db.session.refresh(party, ["status", "starts_at", "duration_minutes"])
    if party.status not in HELD or party.ends_at > clock.now():
        raise DomainError(lazy_gettext("Guests can be marked as no-shows only after the party is over."), "warning")
    statement = (
        update(Rsvp)
        .where(Rsvp.party_id == party.id, Rsvp.status == RsvpStatus.YES, *conditions)
        .where(or_(Rsvp.member_id.is_(None), Rsvp.member_id != party.host_id))
        .values(status=RsvpStatus.NO_SHOW)
        .returning(Rsvp.id, Rsvp.party_size)
    )
    sizes = {row.id: row.party_size for row in db.session.execute(statement)}
    if sizes:
        potluck_service.release_claims_of(*sizes)
        seats.release_and_reoffer(party.id, sum(sizes.values()))
    return len(sizes)
