"""The address book of a host: whom they have invited before. Nobody else sees it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, exists, func, select

from app import clock
from app.accounts.models import Member
from app.address_key import address_key
from app.database import insert_into
from app.extensions import db
from app.parties.invitations.import_list import ImportEntry
from app.parties.invitations.models import Contact
from app.parties.models import DinnerParty, Invitation, Rsvp

# Hosts with more contacts type the others, or import them as a list.
MAX_SHOWN = 200


def remember(owner: Member, entries: Iterable[ImportEntry]) -> None:
    """Add the invited guests to the host's address book. A name replaces the one stored before, an empty name does not."""
    found = {address_key(entry.email): entry for entry in entries}
    rows = [{"owner_id": owner.id, "email": entry.email, "name": entry.name} for entry in found.values()]
    if not rows:
        return
    now = clock.now()
    statement = insert_into(Contact).values([{**row, "invited_at": now} for row in rows])
    name = func.coalesce(func.nullif(statement.excluded.name, ""), Contact.name)
    statement = statement.on_conflict_do_update(
        index_elements=[Contact.owner_id, Contact.email_key, Contact.duplicate], set_={"name": name, "invited_at": now}
    )
    db.session.execute(statement)


def suggestions(owner: Member, party: DinnerParty) -> list[Contact]:
    """Return the host's contacts who are neither invited to the party nor have answered, the latest first."""
    invited = exists().where(Invitation.party_id == party.id, Invitation.email_key == Contact.email_key)
    answered = exists().where(Rsvp.party_id == party.id, Rsvp.email_key == Contact.email_key)
    statement = (
        select(Contact)
        .where(Contact.owner_id == owner.id, ~invited, ~answered)
        .order_by(Contact.invited_at.desc(), Contact.id.desc())
        .limit(MAX_SHOWN)
    )
    return list(db.session.scalars(statement))


def select_entries(owner: Member, keys: Sequence[int]) -> list[ImportEntry]:
    """Return the host's contacts with these keys, as guests to invite."""
    statement = select(Contact).where(Contact.owner_id == owner.id, Contact.id.in_(keys)).order_by(Contact.id)
    return [ImportEntry(contact.email, contact.name) for contact in db.session.scalars(statement)]


def remove(owner: Member, key: int) -> bool:
    """Delete a contact of the host; return False if the host has no such contact."""
    statement = delete(Contact).where(Contact.owner_id == owner.id, Contact.id == key).returning(Contact.id)
    return db.session.execute(statement).first() is not None
