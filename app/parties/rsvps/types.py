"""What a guest asks for with an RSVP, and the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.parties.enums import RsvpStatus
from app.parties.menu.dietary_conflicts import DietaryConflict
from app.parties.menu.models import MenuItem
from app.parties.models import Rsvp
from app.parties.waiting_list import queries as waiting_list_queries


class PartySize(NamedTuple):
    """How many people come with an RSVP, and with how few they would still come."""

    size: int
    minimum: int


@dataclass(frozen=True)
class RsvpRequest:
    """What a guest asks for. None keeps what the RSVP says already; without `minimum` all come or none.

    With `wait`, a group waits for all its seats rather than come with the free ones.
    """

    answer: RsvpStatus
    size: int | None = None
    minimum: int | None = None
    note: str | None = None
    wait: bool = False
    # The name of a guest without an account.
    name: str | None = None
    # Whether other guests may read the name.
    shows_name: bool | None = None


@dataclass(frozen=True)
class RsvpResult:
    """An RSVP after a request, and whether the request changed it."""

    rsvp: Rsvp
    changed: bool
    # On the waiting list; 1 is next.
    position: int | None = None
    # Seats that are held for the guest by an open offer.
    offered: int = 0
    # The guest had seats before, and has more or fewer now.
    resized: bool = False
    # The status before, if the guest withdrew.
    before: RsvpStatus | None = None
    # The offer expired before the guest decided.
    offer_expired: bool = False
    # Dishes that somebody of the group cannot eat.
    dietary_conflicts: Sequence[tuple[MenuItem, DietaryConflict]] = ()


@dataclass(frozen=True)
class PartialAvailability:
    """Only `free` of the `size` seats are free. Nothing was stored; the guest has to choose."""

    free: int
    size: int


def position(rsvp: Rsvp) -> int | None:
    """Return the position of a waiting RSVP, or None if it does not wait."""
    return waiting_list_queries.position(rsvp) if rsvp.is_waitlisted else None


def offered_result(rsvp: Rsvp, *, changed: bool) -> RsvpResult:
    """Return the result for a guest who has an open seat offer."""
    offer = waiting_list_queries.pending_offer(rsvp)
    return RsvpResult(rsvp, changed=changed, offered=offer.seats if offer else 0)
