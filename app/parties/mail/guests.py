"""Letters to guests about their seats."""

from collections.abc import Callable

from app.parties import calendar
from app.parties.mail.common import Appointment, address, write
from app.parties.models import OFFERED, DinnerParty, Rsvp, WaitOffer

PartyLetter = Callable[[DinnerParty, Rsvp], None]
# An offer ends soon: its letter does not wait behind a hundred others.
TIMED = 2


def rsvp_yes(party: DinnerParty, answer: Rsvp) -> None:
    """Confirm seats."""
    ticket = address(answer, "TicketView.show")
    write("rsvp_yes", party, answer, seats=answer.party_size, ticket_url=ticket, appointment=calendar.request)


def rsvp_waitlisted(party: DinnerParty, answer: Rsvp, place: int) -> None:
    """Tell a place in line."""
    write("rsvp_waitlisted", party, answer, place=place)


def seat_offered(offer: WaitOffer) -> None:
    """Tell somebody who waited that seats are held for them, and until when."""
    party = offer.rsvp.party
    write(
        "seat_offered",
        party,
        offer.rsvp,
        version=offer.id,
        expires_at=offer.expires_at,
        priority=TIMED,
        seats=offer.seats,
        size=offer.rsvp.party_size,
        until=offer.expires_at,
        offer_url=address(offer.rsvp, "PartyView.offer"),
    )


def offer_expired(offer: WaitOffer, place: int) -> None:
    """Tell somebody that their offer ran out, and where they stand now."""
    write("offer_expired", offer.rsvp.party, offer.rsvp, version=offer.id, seats=offer.seats, place=place)


def request_declined(party: DinnerParty, answer: Rsvp) -> None:
    """Tell somebody who asked for a seat that there is none for them."""
    write("request_declined", party, answer)


def removed(party: DinnerParty, answer: Rsvp, before: str) -> None:
    """Tell a guest that the host took their seats, or their place in line, back."""
    appointment = calendar.cancellation if before in calendar.PARTICIPATION else None
    write("removed", party, answer, appointment=appointment)


def party_changed(party: DinnerParty, answer: Rsvp) -> None:
    """Tell the new time or place."""
    write("party_changed", party, answer, version=party.version, appointment=_if_it_was_told(answer, calendar.request))


def party_cancelled(party: DinnerParty, answer: Rsvp) -> None:
    """Tell that there will be no party."""
    write(
        "party_cancelled",
        party,
        answer,
        version=party.version,
        # Whoever was offered seats may have noted the evening themselves.
        appointment=calendar.cancellation
        if answer.status == OFFERED
        else _if_it_was_told(answer, calendar.cancellation),
    )


def _if_it_was_told(answer: Rsvp, appointment: Appointment) -> Appointment | None:
    """Return `appointment` for those in whose calendar the dinner may stand."""
    return appointment if answer.status in calendar.PARTICIPATION else None
