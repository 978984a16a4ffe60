"""Appointments in e-mails to guests, and what the calendar behind each address was sent so far.

A calendar that was sent a dinner keeps it until it is sent a cancellation. So each e-mail that carries an appointment is
remembered, and whoever leaves or whose dinner changes gets what undoes or updates it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select, update

from app import clock
from app.database import insert_into
from app.extensions import db
from app.parties.calendar import ics
from app.parties.calendar.models import CalendarEntry, Method
from app.parties.mail import Appointment
from app.parties.models import DinnerParty, Invitation, Rsvp

Guest = Rsvp | Invitation


def request(party: DinnerParty, guest: Guest) -> Appointment:
    """Return what adds the party to the guest's calendar, or updates it there."""
    return lambda: partial(ics.request, party, guest, _remember(party, guest, Method.REQUEST))


def cancellation(party: DinnerParty, guest: Guest) -> Appointment:
    """Return what removes the party from the guest's calendar."""
    return lambda: partial(ics.cancellation, party, guest, _remember(party, guest, Method.CANCEL))


def update_if_sent(party: DinnerParty, guest: Guest) -> Appointment | None:
    """Return what updates the party in the guest's calendar, or None if it is not there."""
    sequence = _remember_if_sent(party, guest, Method.REQUEST)
    return None if sequence is None else lambda: partial(ics.request, party, guest, sequence)


def cancellation_if_sent(party: DinnerParty, guest: Guest) -> Appointment | None:
    """Return what removes the party from the guest's calendar, or None if it is not there."""
    sequence = _remember_if_sent(party, guest, Method.CANCEL)
    return None if sequence is None else lambda: partial(ics.cancellation, party, guest, sequence)


def is_outdated(party: DinnerParty, email: str, sequence: int) -> bool:
    """Whether the party has changed since the calendar of `email` was sent it with this SEQUENCE."""
    entry = CalendarEntry
    changed = or_(entry.current_from > sequence, entry.party_sequence < party.ics_sequence)
    return db.session.scalar(select(entry.party_id).where(is_of(party, email), changed)) is not None


def take_reply(party: DinnerParty, email: str, digest: str, written_at: datetime | None) -> bool:
    """Remember a reply. Return False if it, or one that was written later, was taken before."""
    entry = CalendarEntry
    is_new = or_(entry.reply_digest.is_(None), entry.reply_digest != digest)
    values: dict[str, object] = {"reply_digest": digest}
    if written_at is not None:
        # A calendar whose clock is ahead must not outdate the replies to come.
        values["replied_at"] = min(written_at, clock.now())
        is_new &= or_(entry.replied_at.is_(None), entry.replied_at <= written_at)
    statement = update(entry).where(is_of(party, email), is_new).values(**values).returning(entry.party_id)
    return db.session.execute(statement).first() is not None


def holders(party: DinnerParty) -> set[str]:
    """Return the e-mail addresses, in lower case, whose calendars have the party."""
    entry = CalendarEntry
    return set(
        db.session.scalars(select(entry.email).where(entry.party_id == party.id, entry.method == Method.REQUEST))
    )


def remove_all(email: str) -> list[Callable[[], str]]:
    """Return what writes the removal of the coming parties from the calendar behind an e-mail address."""
    of_email = func.lower(Invitation.email) == email, func.lower(Rsvp.email) == email
    statement = (
        select(DinnerParty, Rsvp, Invitation)
        .join(CalendarEntry, CalendarEntry.party_id == DinnerParty.id)
        .outerjoin(Invitation, and_(Invitation.party_id == DinnerParty.id, of_email[0]))
        .outerjoin(Rsvp, and_(Rsvp.party_id == DinnerParty.id, of_email[1]))
        .where(CalendarEntry.email == email, CalendarEntry.method == Method.REQUEST)
        .where(DinnerParty.starts_at > clock.now())
        .order_by(DinnerParty.starts_at, DinnerParty.id)
    )
    # Of the two that are joined, either may be missing.
    rows: list[Any] = list(db.session.execute(statement))
    found = [(party, invitation if rsvp is None else rsvp) for party, rsvp, invitation in rows]
    return [
        partial(ics.cancellation, party, guest, _remember(party, guest, Method.CANCEL))
        for party, guest in found
        if guest is not None
    ]


def forget(condition: ColumnElement[bool]) -> None:
    """Delete what is remembered for the e-mail addresses or parties that match."""
    db.session.execute(delete(CalendarEntry).where(condition))


def _remember(party: DinnerParty, guest: Guest, method: Method) -> int:
    """Store what is sent, and return its SEQUENCE."""
    first = party.ics_sequence
    statement = (
        insert_into(CalendarEntry)
        .values(
            party_id=party.id,
            email=ics.recipient(guest).email.lower(),
            method=method,
            sequence=first,
            party_sequence=first,
            current_from=first,
        )
        .on_conflict_do_update(
            index_elements=[CalendarEntry.party_id, CalendarEntry.email], set_=_next_values(party, method)
        )
        .returning(CalendarEntry.sequence)
    )
    return int(db.session.execute(statement).scalar_one())


def _remember_if_sent(party: DinnerParty, guest: Guest, method: Method) -> int | None:
    """Store what is sent to a calendar that has the party, and return its SEQUENCE; None if it does not have it."""
    statement = (
        update(CalendarEntry)
        .where(is_of(party, ics.recipient(guest).email), CalendarEntry.method == Method.REQUEST)
        .values(**_next_values(party, method))
        .returning(CalendarEntry.sequence)
    )
    return db.session.execute(statement).scalar_one_or_none()


def is_of(party: DinnerParty, email: str) -> ColumnElement[bool]:
    """Condition: it is what the calendar behind an e-mail address was sent of the party."""
    return and_(CalendarEntry.party_id == party.id, CalendarEntry.email == email.lower())


def _next_values(party: DinnerParty, method: Method) -> dict[str, object]:
    """Return the columns after `method` is sent. The SEQUENCE rises with the party's and with each change of method.

    A calendar may ignore a cancellation, or an invitation after one, that has the SEQUENCE it knows.
    """
    is_newer = CalendarEntry.party_sequence < party.ics_sequence
    differs = CalendarEntry.method != method
    rise = case((is_newer, party.ics_sequence - CalendarEntry.party_sequence), (differs, 1), else_=0)
    return {
        "method": method,
        "sequence": CalendarEntry.sequence + rise,
        "party_sequence": party.ics_sequence,
        "current_from": case((is_newer, CalendarEntry.sequence + rise), else_=CalendarEntry.current_from),
    }
