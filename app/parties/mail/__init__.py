"""The letters about parties: who gets which, and what they say."""

from app.parties.mail.guests import (
    PartyLetter,
    offer_expired,
    party_cancelled,
    party_changed,
    removed,
    request_declined,
    rsvp_waitlisted,
    rsvp_yes,
    seat_offered,
)
from app.parties.mail.hosts import approval_asked, co_host, food_clash

__all__ = [
    "PartyLetter",
    "approval_asked",
    "co_host",
    "food_clash",
    "offer_expired",
    "party_cancelled",
    "party_changed",
    "removed",
    "request_declined",
    "rsvp_waitlisted",
    "rsvp_yes",
    "seat_offered",
]
