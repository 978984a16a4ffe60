"""The rules of the table. Pure functions: facts in, decision out."""

from datetime import datetime
from enum import Enum

from app.parties import models

# Answers that hold, or wait for, a seat and so may be withdrawn.
WITHDRAWABLE = (models.YES, models.WAITLISTED, models.MAYBE)
# Those a change or a cancellation must reach.
CONCERNED = (models.YES, models.WAITLISTED, models.MAYBE)


# What a party may become. Guests of one that was called off were told so: another one is laid instead.
NEXT_STATUSES: dict[str, tuple[str, ...]] = {
    models.DRAFT: (models.PUBLISHED, models.CANCELLED),
    models.PUBLISHED: (models.CANCELLED, models.DONE),
    models.CANCELLED: (),
    models.DONE: (models.PUBLISHED,),
}


class Closed(Enum):
    """Why a party takes no answer."""

    DRAFT = "draft"
    CANCELLED = "cancelled"
    LATE = "late"


def closed(status: str, answers_until: datetime, now: datetime) -> Closed | None:
    """Return why a party takes no answer now, or None when it does."""
    if status == models.DRAFT:
        return Closed.DRAFT
    if status == models.CANCELLED:
        return Closed.CANCELLED
    if status == models.DONE or answers_until <= now:
        return Closed.LATE
    return None


def is_visible(*, visibility: str, status: str, is_host: bool, is_guest: bool, is_staff: bool) -> bool:
    """Whether somebody who has the link may see the party."""
    if is_host or is_staff:
        return True
    if status == models.DRAFT:
        return False
    return visibility != models.PRIVATE or is_guest
