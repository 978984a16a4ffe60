"""Hosts see to several answers at once: what can be done is done, and the rest is counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import lazy_gettext
from sqlalchemy import select

from app.errors import DomainError
from app.extensions import db
from app.parties import models, rules
from app.parties.models import DinnerParty, Rsvp
from app.parties.service import approval, leaving, seats


@dataclass(frozen=True)
class Removed:
    """How many guests were removed, and how many seats were offered to others."""

    guests: int
    offered: int


def approve_all(party: DinnerParty, answers: Iterable[Rsvp]) -> Counter[str]:
    """Let in those who ask, in the order in which they did; return how many have which status now.

    Raises DomainError when that was true of none of them.
    """
    counts: Counter[str] = Counter()
    refusal = None
    seats.lock(party.id)
    for answer in sorted(answers, key=lambda answer: (answer.answered_at, answer.id)):
        try:
            counts[approval.approve(answer).answer.status] += 1
        except DomainError as error:
            refusal = error
    if not counts and refusal is not None:
        raise refusal
    return counts


def remove(answer: Rsvp) -> int:
    """Take a guest off the table; return how many seats were offered to the next in line.

    Raises DomainError when the party has begun or was cancelled, or the guest does not come anyway.
    """
    party = answer.party
    seats.lock(party.id)
    db.session.refresh(answer)
    db.session.refresh(party, ["status", "starts_at"])
    if not party.is_open:
        raise DomainError(lazy_gettext("Nobody is removed from a party that has begun or was cancelled."), "warning")
    if answer.status not in rules.CONCERNED:
        raise DomainError(lazy_gettext("Nothing changed: %(name)s was not expected.", name=str(answer)), "warning")
    return leaving.remove(answer)


def remove_all(party: DinnerParty, answers: Iterable[Rsvp]) -> Removed:
    """Take guests off the table. Raises DomainError when none of them was on it."""
    guests = offered = 0
    refusal = None
    seats.lock(party.id)
    # Those who wait first: nobody is offered seats just before they are removed.
    for answer in sorted(answers, key=lambda answer: answer.status in models.SEATED):
        try:
            offered += remove(answer)
        except DomainError as error:
            refusal = error
        else:
            guests += 1
    if not guests and refusal is not None:
        raise refusal
    return Removed(guests, offered)


def of_party(party: DinnerParty, keys: Iterable[int]) -> list[Rsvp]:
    """Return answers to a party by their keys; those of other parties are left out."""
    statement = select(Rsvp).where(Rsvp.party_id == party.id, Rsvp.id.in_(list(keys))).order_by(Rsvp.id)
    return list(db.session.scalars(statement))
