"""Rules about parties. Pure functions: facts in, decision out."""

from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

from app.parties.enums import SEATED, PartyStatus, RsvpStatus, Visibility

# The statuses that may follow each status. A cancelled party stays cancelled, because its guests were notified.
NEXT_STATUSES: dict[PartyStatus, tuple[PartyStatus, ...]] = {
    PartyStatus.DRAFT: (PartyStatus.PUBLISHED, PartyStatus.CANCELLED),
    PartyStatus.PUBLISHED: (PartyStatus.CANCELLED, PartyStatus.DONE),
    PartyStatus.CANCELLED: (),
    PartyStatus.DONE: (PartyStatus.PUBLISHED,),
}


class ClosedReason(Enum):
    """Why a party takes no RSVPs."""

    DRAFT = "draft"
    CANCELLED = "cancelled"
    LATE = "late"


def closed_reason(status: PartyStatus, answers_until: datetime, now: datetime) -> ClosedReason | None:
    """Return why a party takes no RSVPs now, or None if it does."""
    if status == PartyStatus.DRAFT:
        return ClosedReason.DRAFT
    if status == PartyStatus.CANCELLED:
        return ClosedReason.CANCELLED
    if status == PartyStatus.DONE or answers_until <= now:
        return ClosedReason.LATE
    return None


def is_visible(  # noqa: PLR0913 - the facts it depends on
    *, visibility: Visibility, status: PartyStatus, is_hidden: bool, is_host: bool, is_guest: bool, is_staff: bool
) -> bool:
    """Whether a reader who knows the URL can see the party. A guest is invited, or has answered and was not removed."""
    if is_host or is_staff:
        return True
    if status == PartyStatus.DRAFT:
        return False
    return is_guest or (visibility != Visibility.PRIVATE and not is_hidden)


def shows_address(*, for_guests: bool, status: RsvpStatus | None, is_host: bool) -> bool:
    """Whether a reader with an RSVP of this status sees the postal address. `for_guests` is the host's setting."""
    return is_host or not for_guests or status in SEATED


def is_web_link(text: str) -> bool:
    """Whether `text` is a URL that a page can link to: http or https, with a host, without a user name or password."""
    if not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def needs_approval(*, approval: bool, is_invited: bool, was_approved: bool) -> bool:
    """Whether a host must approve the RSVP before it gets a seat."""
    return approval and not is_invited and not was_approved
