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
from app.parties.rsvps.types import PartySize, RsvpRequest, RsvpResult, offered_result
from app.parties.waiting_list import history, seats
from app.parties.waiting_list import queries as waiting_list_queries


def approve(rsvp: Rsvp) -> RsvpResult:
    """Approve a request: the guest gets seats, or joins the waiting list.

    Raises DomainError if the request was decided or withdrawn, or the party accepts no more guests.
    """
    party = rsvp.party
    waiting_list = seats.release_and_reoffer(party.id)
    _ensure_undecided(rsvp)
    if waiting_list.count.status != PartyStatus.PUBLISHED or waiting_list.count.starts_at <= clock.now():
        raise DomainError(lazy_gettext("This party no longer accepts guests."))
    rsvp.approved_at = clock.now()
    # All seats or none now. A group that would also accept fewer gets them as an offer, and decides itself.
    size, minimum = rsvp.party_size, rsvp.min_party
    seat_or_queue(rsvp, PartySize(size, size), RsvpRequest(RsvpStatus.YES, size, minimum=size), waiting_list)
    rsvp.min_party = minimum
    db.session.flush()
    if rsvp.is_waitlisted:
        return _join_waiting_list(rsvp)
    return record_and_notify(party, rsvp, before=RsvpStatus.AWAITING_APPROVAL)


def decline(rsvp: Rsvp) -> None:
    """Decline a request and e-mail the guest. Raises DomainError if it was decided or withdrawn."""
    seats.lock(rsvp.party_id)
    _ensure_undecided(rsvp)
    leaving.remove(rsvp)


def _ensure_undecided(rsvp: Rsvp) -> None:
    db.session.refresh(rsvp)
    if rsvp.status != RsvpStatus.AWAITING_APPROVAL:
        raise DomainError(
            lazy_gettext("Nothing changed: this request has already been answered or withdrawn."), "warning"
        )


def _join_waiting_list(rsvp: Rsvp) -> RsvpResult:
    """Offer the free seats to a group that has just joined. The guest gets one e-mail: about the offer or the list."""
    position = waiting_list_queries.position(rsvp)
    history.record_request(WaitingListEventKind.JOINED, rsvp, position)
    seats.release_and_reoffer(rsvp.party_id)
    if rsvp.status == RsvpStatus.OFFERED:
        return offered_result(rsvp, changed=True)
    rsvp_mail.rsvp_waitlisted(rsvp.party, rsvp, position)
    return RsvpResult(rsvp, changed=True, position=position)


@dataclass(frozen=True)
class RemovalResult:
    """How many guests were removed, and how many seats were offered to others."""

    guests: int
    offered: int


def approve_all(party: DinnerParty, rsvps: Iterable[Rsvp]) -> Counter[str]:
    """Approve several requests, in the order of arrival. Return how many RSVPs have which status now.

    Raises DomainError if none of them could be approved.
    """
    counts: Counter[str] = Counter()
    last_error = None
    seats.lock(party.id)
    for rsvp in sorted(rsvps, key=lambda rsvp: (rsvp.answered_at, rsvp.id)):
        try:
            counts[approve(rsvp).rsvp.status] += 1
        except DomainError as error:
            last_error = error
    if not counts and last_error is not None:
        raise last_error
    return counts


def remove(rsvp: Rsvp) -> int:
    """Remove a guest. Return how many seats were offered to others.

    Raises DomainError if the party has started or was cancelled, or the guest is not expected.
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
    """Remove several guests. Raises DomainError if none of them could be removed."""
    guests = offered = 0
    last_error = None
    seats.lock(party.id)
    # Waiting guests first, so that none of them is offered seats and then removed.
    for rsvp in sorted(rsvps, key=lambda rsvp: rsvp.status in SEATED):
        try:
            offered += remove(rsvp)
        except DomainError as error:
            last_error = error
        else:
            guests += 1
    if not guests and last_error is not None:
        raise last_error
    return RemovalResult(guests, offered)


def select_of_party(party: DinnerParty, rsvp_ids: Iterable[int]) -> list[Rsvp]:
    """Return the RSVPs with these ids; those of other parties are left out."""
    statement = select(Rsvp).where(Rsvp.party_id == party.id, Rsvp.id.in_(list(rsvp_ids))).order_by(Rsvp.id)
    return list(db.session.scalars(statement))
