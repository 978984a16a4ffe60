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
from app.parties.mail.invited import (
    InvitationLetter,
    invitation_cancelled,
    invitation_changed,
    party_invitation,
    personal_link,
    rehearse_personal_link,
)
from app.parties.mail.moderation import party_hidden, party_reported, party_shown
from app.parties.mail.potluck import dish_released
from app.parties.mail.writing import (
    guest_message,
    message_to_invited,
    reminder_answer,
    reminder_maybe,
    reminder_start,
)

__all__ = [
    "InvitationLetter",
    "PartyLetter",
    "approval_asked",
    "co_host",
    "dish_released",
    "food_clash",
    "guest_message",
    "invitation_cancelled",
    "invitation_changed",
    "message_to_invited",
    "offer_expired",
    "party_cancelled",
    "party_changed",
    "party_hidden",
    "party_invitation",
    "party_reported",
    "party_shown",
    "personal_link",
    "rehearse_personal_link",
    "reminder_answer",
    "reminder_maybe",
    "reminder_start",
    "removed",
    "request_declined",
    "rsvp_waitlisted",
    "rsvp_yes",
    "seat_offered",
]
