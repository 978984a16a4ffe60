"""Appointments in e-mails to guests, and what the calendar behind each address was sent so far.

A calendar that was sent a dinner keeps it until it is sent a cancellation. So each e-mail that carries an appointment is
remembered, and whoever leaves or whose dinner changes gets what undoes or updates it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, and_, bindparam, case, delete, inspect, or_, select, update

from app import clock
from app.address_key import address_key
from app.database import INSERTS
from app.extensions import db
from app.parties.calendar import ics
from app.parties.calendar.models import CalendarEntry, Method
from app.parties.mail import Appointment
from app.parties.models import DinnerParty, Invitation, Rsvp

Guest = Rsvp | Invitation
ENTRY: Table = inspect(CalendarEntry).local_table


@dataclass(frozen=True)
class _ToRemember:
    """An appointment that is remembered when its e-mail is written."""

    party: DinnerParty
    guest: Guest
    method: Method

    @property
    def key(self) -> str:
        """The key of the address whose calendar gets it."""
        return address_key(ics.recipient(self.guest).email)

    def __call__(self) -> Callable[[], str]:
        (write,) = remember([self])
        return write


def remember(calendars: Sequence[Appointment]) -> list[Callable[[], str]]:
    """Call appointments of e-mails that are written together: one statement for each party and method."""
    keys: dict[tuple[DinnerParty, Method], set[str]] = defaultdict(set)
    for each in calendars:
        if isinstance(each, _ToRemember):
            keys[each.party, each.method].add(each.key)
    sequences = {about: _remember(*about, sorted(of)) for about, of in keys.items()}
    return [
        partial(ics.message, each.method, each.party, each.guest, sequences[each.party, each.method][each.key])
        if isinstance(each, _ToRemember)
        else each()
        for each in calendars
    ]


def request(party: DinnerParty, guest: Guest) -> Appointment:
    """Return what adds the party to the guest's calendar, or updates it there."""
    return _ToRemember(party, guest, Method.REQUEST)


def cancellation(party: DinnerParty, guest: Guest) -> Appointment:
    """Return what removes the party from the guest's calendar."""
    return _ToRemember(party, guest, Method.CANCEL)


def update_if_sent(party: DinnerParty, guest: Guest) -> Appointment | None:
    """Return what updates the party in the guest's calendar, or None if it is not there."""
    return if_sent(party, [guest], Method.REQUEST).get(guest)


def cancellation_if_sent(party: DinnerParty, guest: Guest) -> Appointment | None:
    """Return what removes the party from the guest's calendar, or None if it is not there."""
    return if_sent(party, [guest], Method.CANCEL).get(guest)


def if_sent(party: DinnerParty, guests: Iterable[Guest], method: Method) -> dict[Guest, Appointment]:
    """Return the appointments of those guests whose calendars have the party, which are remembered at once."""
    keys = {guest: address_key(ics.recipient(guest).email) for guest in guests}
    if not keys:
        return {}
    values = {"of_party": party.id, "keys": sorted(set(keys.values())), "new_method": method}
    values |= {"new_sequence": party.ics_sequence}
    sequences = {row.email: row.sequence for row in db.session.connection().execute(UPDATE_OF_HOLDERS, values)}
    return {
        guest: partial(partial, ics.message, method, party, guest, sequences[key])
        for guest, key in keys.items()
        if key in sequences
    }


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
    """Return the keys of the e-mail addresses whose calendars have the party."""
    entry = CalendarEntry
    return set(
        db.session.scalars(select(entry.email).where(entry.party_id == party.id, entry.method == Method.REQUEST))
    )


def remove_all(key: str) -> list[Callable[[], str]]:
    """Return what writes the removal of the coming parties from the calendar behind the e-mail address with a key."""
    of_email = Invitation.email_key == key, Rsvp.email_key == key
    statement = (
        select(DinnerParty, Rsvp, Invitation)
        .join(CalendarEntry, CalendarEntry.party_id == DinnerParty.id)
        .outerjoin(Invitation, and_(Invitation.party_id == DinnerParty.id, of_email[0]))
        .outerjoin(Rsvp, and_(Rsvp.party_id == DinnerParty.id, of_email[1]))
        .where(CalendarEntry.email == key, CalendarEntry.method == Method.REQUEST)
        .where(DinnerParty.starts_at > clock.now())
        .order_by(DinnerParty.starts_at, DinnerParty.id)
    )
    # Of the last two, one may be None.
    rows: Iterable[Any] = db.session.execute(statement)
    guests = [(party, invitation if rsvp is None else rsvp) for party, rsvp, invitation in rows]
    return [cancellation(party, guest)() for party, guest in guests if guest is not None]


def forget(condition: ColumnElement[bool]) -> None:
    """Delete what is remembered for the e-mail addresses or parties that match."""
    db.session.execute(delete(CalendarEntry).where(condition))


def _remember(party: DinnerParty, method: Method, keys: Sequence[str]) -> dict[str, int]:
    """Store what is sent to the addresses with some keys, and return the SEQUENCE of each."""
    first = party.ics_sequence
    row = {"party_id": party.id, "method": method, "sequence": first, "party_sequence": first, "current_from": first}
    connection = db.session.connection()
    rows = connection.execute(_insertion(connection.dialect.name), [{**row, "email": key} for key in keys])
    return {row.email: row.sequence for row in rows}


def is_of(party: DinnerParty, email: str) -> ColumnElement[bool]:
    """Condition: it is what the calendar behind an e-mail address was sent of the party."""
    return and_(CalendarEntry.party_id == party.id, CalendarEntry.email == address_key(email))


def _next_values(method: Any, sequence: Any) -> dict[str, object]:
    """Return the columns after a method is sent. The SEQUENCE rises with the party's and with each change of method.

    A calendar may ignore a cancellation, or an invitation after one, that has the SEQUENCE it knows.
    """
    is_newer = ENTRY.c.party_sequence < sequence
    rise = case((is_newer, sequence - ENTRY.c.party_sequence), (ENTRY.c.method != method, 1), else_=0)
    return {
        "method": method,
        "sequence": ENTRY.c.sequence + rise,
        "party_sequence": sequence,
        "current_from": case((is_newer, ENTRY.c.sequence + rise), else_=ENTRY.c.current_from),
    }


@cache
def _insertion(dialect: str) -> Any:
    statement = INSERTS[dialect](ENTRY)
    values = _next_values(statement.excluded.method, statement.excluded.party_sequence)
    statement = statement.on_conflict_do_update(index_elements=[ENTRY.c.party_id, ENTRY.c.email], set_=values)
    return statement.returning(ENTRY.c.email, ENTRY.c.sequence)


UPDATE_OF_HOLDERS = (
    update(ENTRY)
    .where(
        ENTRY.c.party_id == bindparam("of_party"),
        ENTRY.c.email.in_(bindparam("keys", expanding=True)),
        ENTRY.c.method == Method.REQUEST,
    )
    .values(_next_values(bindparam("new_method", type_=ENTRY.c.method.type), bindparam("new_sequence", type_=Integer)))
    .returning(ENTRY.c.email, ENTRY.c.sequence)
)
