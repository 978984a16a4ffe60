"""What guests ask for, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.parties.enums import RsvpStatus
from app.parties.menu.dietary_conflicts import DietaryConflict
from app.parties.menu.models import MenuItem
from app.parties.models import Rsvp
from app.parties.waiting_list import queries as waiting_list_queries


@dataclass(frozen=True)
class RsvpRequest:
    """What a guest asks for. What is None stays as it was; a group without `least` comes together or not at all.

    With `wait` they would rather wait for all their seats than come with those that are free.
    """

    answer: RsvpStatus
    size: int | None = None
    least: int | None = None
    note: str | None = None
    wait: bool = False
    # How somebody without an account is called.
    name: str | None = None


@dataclass(frozen=True)
class RsvpResult:
    """What became of an answer: the row as it is now, and whether it was so before."""

    rsvp: Rsvp
    changed: bool
    place: int | None = None
    # The seats that are held for them until they decide.
    offered: int = 0
    # They held seats before, and hold more or fewer now.
    resized: bool = False
    # Their offer ran out before they decided.
    lapsed: bool = False
    # What they never eat, and would be served.
    clashes: Sequence[tuple[MenuItem, DietaryConflict]] = ()


@dataclass(frozen=True)
class PartialAvailability:
    """Nothing was stored: only `free` of `size` seats are free, and the guest has to say what they would rather."""

    free: int
    size: int


def position(rsvp: Rsvp) -> int | None:
    """Return the place in line of an answer that waits."""
    return waiting_list_queries.position(rsvp) if rsvp.status == RsvpStatus.WAITLISTED else None


def held_offer(rsvp: Rsvp, *, changed: bool) -> RsvpResult:
    """Return what somebody is told who has seats held for them."""
    offer = waiting_list_queries.pending_offer(rsvp)
    return RsvpResult(rsvp, changed=changed, offered=offer.seats if offer else 0)
