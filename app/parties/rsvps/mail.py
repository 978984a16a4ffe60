"""E-mails about RSVPs, to guests and hosts."""

from app.http import public_url
from app.parties.calendar import ics
from app.parties.mail import party_context, party_url, send, to_member
from app.parties.models import DinnerParty, Rsvp


def rsvp_yes(party: DinnerParty, rsvp: Rsvp) -> None:
    """Confirm seats."""
    ticket = party_url(rsvp, "TicketView.show")
    send("rsvp_yes", party, rsvp, seats=rsvp.party_size, ticket_url=ticket, appointment=ics.request)


def rsvp_waitlisted(party: DinnerParty, rsvp: Rsvp, place: int) -> None:
    """Tell a place in line."""
    send("rsvp_waitlisted", party, rsvp, place=place)


def request_declined(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell somebody who asked for a seat that there is none for them."""
    send("request_declined", party, rsvp)


def removed(party: DinnerParty, rsvp: Rsvp, before: str) -> None:
    """Tell a guest that the host took their seats, or their place in line, back."""
    appointment = ics.cancellation if before in ics.PARTICIPATION else None
    send("removed", party, rsvp, appointment=appointment)


def approval_asked(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell the hosts that somebody asks for a seat who was not invited."""
    for host in (party.host, *party.co_hosts):
        to_member(
            "approval_asked",
            host,
            f"{rsvp.id}:{host.id}:{rsvp.answered_at:%Y%m%dT%H%M%S%f}",
            expires_at=party.starts_at,
            party=party_context(party, to_host=True),
            guest=rsvp.name,
            seats=rsvp.party_size,
            note=rsvp.note,
            url=public_url("GuestListView.show", slug=party.slug),
        )
