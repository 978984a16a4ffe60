"""The address book of a host: whom they have invited before. Nobody else ever sees it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Insert, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app import clock
from app.accounts.models import Member
from app.extensions import db
from app.parties.invitations.import_list import ImportEntry
from app.parties.invitations.models import Contact
from app.parties.models import DinnerParty, Invitation, Rsvp

INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
# As many as are offered to choose from; whoever has more types the others, or sends them as a list.
MAX_SHOWN = 200


def remember(owner: Member, entries: Iterable[ImportEntry]) -> None:
    """Write down whom a host has just invited; a new name takes the place of an old one."""
    found = {entry.email.lower(): entry for entry in entries}
    rows = [{"owner_id": owner.id, "email": entry.email, "name": entry.name} for entry in found.values()]
    if not rows:
        return
    now = clock.now()
    statement = insert(Contact).values([{**row, "invited_at": now} for row in rows])
    name = func.coalesce(func.nullif(statement.excluded.name, ""), Contact.name)
    statement = statement.on_conflict_do_update(
        index_elements=[Contact.owner_id, func.lower(Contact.email)], set_={"name": name, "invited_at": now}
    )
    db.session.execute(statement)


def suggestions(owner: Member, party: DinnerParty) -> list[Contact]:
    """Return those whom a host has invited before and who neither are invited to a party nor have answered."""
    same = func.lower(Contact.email)
    invited = exists().where(Invitation.party_id == party.id, func.lower(Invitation.email) == same)
    answered = exists().where(Rsvp.party_id == party.id, func.lower(Rsvp.email) == same)
    statement = (
        select(Contact)
        .where(Contact.owner_id == owner.id, ~invited, ~answered)
        .order_by(Contact.invited_at.desc(), Contact.id.desc())
        .limit(MAX_SHOWN)
    )
    return list(db.session.scalars(statement))


def chosen(owner: Member, keys: Sequence[int]) -> list[ImportEntry]:
    """Return those of a host's contacts that have one of `keys`."""
    statement = select(Contact).where(Contact.owner_id == owner.id, Contact.id.in_(keys)).order_by(Contact.id)
    return [ImportEntry(contact.email, contact.name) for contact in db.session.scalars(statement)]


def forget(owner: Member, key: int) -> bool:
    """Take somebody out of a host's address book; return whether they were in it."""
    gone = delete(Contact).where(Contact.owner_id == owner.id, Contact.id == key).returning(Contact.id)
    return db.session.execute(gone).first() is not None


def insert(model: type[Any]) -> Any:
    """Return an INSERT that knows what to do about a row that is there already."""
    statement: Insert = INSERTS[db.engine.dialect.name](model)
    return statement
