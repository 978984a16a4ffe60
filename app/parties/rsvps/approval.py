"""Hosts approve and decline requests for seats, and remove guests, one or many at once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import lazy_gettext
from sqlalchemy import select

from app import clock
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import NOTIFIED, SEATED, PartyStatus, RsvpStatus, WaitingListEventKind
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps import leaving
from app.parties.rsvps import mail as rsvp_mail
from app.parties.rsvps.service import record_and_notify, seat_or_queue
from app.parties.rsvps.types import RsvpRequest, RsvpResult, held_offer
from app.parties.waiting_list import history, seats
from app.parties.waiting_list import queries as waiting_list_queries


def approve(rsvp: Rsvp) -> RsvpResult:
    """Give a guest who asked the seats they want, or a place in line.

    Raises DomainError when they do not ask any more, or the party takes nobody any more.
    """
    party = rsvp.party
    line = seats.release_and_reoffer(party.id)
    _refuse_answered(rsvp)
    if line.table.status != PartyStatus.PUBLISHED or line.table.starts_at <= clock.now():
        raise DomainError(lazy_gettext("This party no longer accepts guests."))
    rsvp.approved_at = clock.now()
    # Whoever would also come with fewer is offered those in line, and decides for themselves.
    wish = RsvpRequest(RsvpStatus.YES, size=rsvp.party_size, least=rsvp.party_size)
    least = rsvp.min_party
    seat_or_queue(rsvp, (rsvp.party_size, rsvp.party_size), wish, line)
    rsvp.min_party = least
    db.session.flush()
    return (
        _stand_in_line(rsvp)
        if rsvp.status == RsvpStatus.WAITLISTED
        else record_and_notify(party, rsvp, before=RsvpStatus.AWAITING_APPROVAL)
    )


def decline(rsvp: Rsvp) -> None:
    """Tell a guest who asked that there is no seat for them. Raises DomainError when they do not ask any more."""
    seats.lock(rsvp.party_id)
    _refuse_answered(rsvp)
    leaving.remove(rsvp)


def _refuse_answered(rsvp: Rsvp) -> None:
    db.session.refresh(rsvp)
    if rsvp.status != RsvpStatus.AWAITING_APPROVAL:
        raise DomainError(
            lazy_gettext("Nothing changed: this request has already been answered or withdrawn."), "warning"
        )


def _stand_in_line(rsvp: Rsvp) -> RsvpResult:
    """Offer a group that has just joined the line what is free of the seats it wants; one letter tells either."""
    where = waiting_list_queries.position(rsvp)
    history.record_request(WaitingListEventKind.JOINED, rsvp, where)
    seats.release_and_reoffer(rsvp.party_id)
    if rsvp.status == RsvpStatus.OFFERED:
        return held_offer(rsvp, changed=True)
    rsvp_mail.rsvp_waitlisted(rsvp.party, rsvp, where)
    return RsvpResult(rsvp, changed=True, place=where)


@dataclass(frozen=True)
class RemovalResult:
    """How many guests were removed, and how many seats were offered to others."""

    guests: int
    offered: int


def approve_all(party: DinnerParty, rsvps: Iterable[Rsvp]) -> Counter[str]:
    """Let in those who ask, in the order in which they did; return how many have which status now.

    Raises DomainError when that was true of none of them.
    """
    counts: Counter[str] = Counter()
    refusal = None
    seats.lock(party.id)
    for rsvp in sorted(rsvps, key=lambda rsvp: (rsvp.answered_at, rsvp.id)):
        try:
            counts[approve(rsvp).rsvp.status] += 1
        except DomainError as error:
            refusal = error
    if not counts and refusal is not None:
        raise refusal
    return counts


def remove(rsvp: Rsvp) -> int:
    """Take a guest off the table; return how many seats were offered to the next in line.

    Raises DomainError when the party has begun or was cancelled, or the guest does not come anyway.
    """
    party = rsvp.party
    seats.lock(party.id)
    db.session.refresh(rsvp)
    db.session.refresh(party, ["status", "starts_at"])
    if not party.is_open:
        raise DomainError(
            lazy_gettext("Guests cannot be removed from a party that has started or was cancelled."), "warning"
        )
    if rsvp.status not in NOTIFIED:
        raise DomainError(
            lazy_gettext("Nothing changed: %(name)s is not an expected guest.", name=str(rsvp)), "warning"
        )
    return leaving.remove(rsvp)


def remove_all(party: DinnerParty, rsvps: Iterable[Rsvp]) -> RemovalResult:
    """Take guests off the table. Raises DomainError when none of them was on it."""
    guests = offered = 0
    refusal = None
    seats.lock(party.id)
    # Those who wait first: nobody is offered seats just before they are removed.
    for rsvp in sorted(rsvps, key=lambda rsvp: rsvp.status in SEATED):
        try:
            offered += remove(rsvp)
        except DomainError as error:
            refusal = error
        else:
            guests += 1
    if not guests and refusal is not None:
        raise refusal
    return RemovalResult(guests, offered)


def select_of_party(party: DinnerParty, keys: Iterable[int]) -> list[Rsvp]:
    """Return answers to a party by their keys; those of other parties are left out."""
    statement = select(Rsvp).where(Rsvp.party_id == party.id, Rsvp.id.in_(list(keys))).order_by(Rsvp.id)
    return list(db.session.scalars(statement))
