"""Rules about parties. Pure functions: facts in, decision out."""

from datetime import datetime
from enum import Enum
from urllib.parse import urlsplit

from app.parties.enums import SEATED, PartyStatus, RsvpStatus, Visibility

# What a party may become. Guests of one that was called off were told so: another one is laid instead.
NEXT_STATUSES: dict[PartyStatus, tuple[PartyStatus, ...]] = {
    PartyStatus.DRAFT: (PartyStatus.PUBLISHED, PartyStatus.CANCELLED),
    PartyStatus.PUBLISHED: (PartyStatus.CANCELLED, PartyStatus.DONE),
    PartyStatus.CANCELLED: (),
    PartyStatus.DONE: (PartyStatus.PUBLISHED,),
}


class ClosedReason(Enum):
    """Why a party takes no answer."""

    DRAFT = "draft"
    CANCELLED = "cancelled"
    LATE = "late"


def closed_reason(status: PartyStatus, answers_until: datetime, now: datetime) -> ClosedReason | None:
    """Return why a party takes no answer now, or None when it does."""
    if status == PartyStatus.DRAFT:
        return ClosedReason.DRAFT
    if status == PartyStatus.CANCELLED:
        return ClosedReason.CANCELLED
    if status == PartyStatus.DONE or answers_until <= now:
        return ClosedReason.LATE
    return None


def is_visible(  # noqa: PLR0913 - what it depends on
    *, visibility: Visibility, status: PartyStatus, is_hidden: bool, is_host: bool, is_guest: bool, is_staff: bool
) -> bool:
    """Whether somebody who has the link may see the party. Guests are those who answered or are invited."""
    if is_host or is_staff:
        return True
    if status == PartyStatus.DRAFT:
        return False
    return is_guest or (visibility != Visibility.PRIVATE and not is_hidden)


def shows_address(*, for_guests: bool, status: RsvpStatus | None, is_host: bool) -> bool:
    """Whether somebody whose answer has `status` is told where exactly the party is."""
    return is_host or not for_guests or status in SEATED


def is_web_link(text: str) -> bool:
    """Whether `text` is an address on the web that a reader may be led to: by http, to a host, and as nobody."""
    if not text.isprintable() or " " in text or "\\" in text:
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc


def needs_approval(*, approval: bool, is_invited: bool, was_approved: bool) -> bool:
    """Whether the host is asked before somebody gets a seat."""
    return approval and not is_invited and not was_approved
