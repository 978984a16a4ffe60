"""E-mails about RSVPs, to guests and hosts."""

from app.http import public_url
from app.parties.calendar import ics
from app.parties.mail import party_context, party_url, send, to_member
from app.parties.models import DinnerParty, Rsvp


def rsvp_yes(party: DinnerParty, rsvp: Rsvp) -> None:
    """Confirm seats."""
    ticket = party_url(rsvp, "TicketView.show")
    send("rsvp_yes", party, rsvp, seats=rsvp.party_size, ticket_url=ticket, appointment=ics.request)


def rsvp_waitlisted(party: DinnerParty, rsvp: Rsvp, position: int) -> None:
    """Tell a guest their position on the waiting list."""
    send("rsvp_waitlisted", party, rsvp, place=position)


def request_declined(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell a guest that their request was declined."""
    send("request_declined", party, rsvp)


def removed(party: DinnerParty, rsvp: Rsvp, before: str) -> None:
    """Tell a guest that a host removed them. Guests with seats get a cancellation for their calendar."""
    appointment = ics.cancellation if before in ics.PARTICIPATION else None
    send("removed", party, rsvp, appointment=appointment)


def approval_requested(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell the hosts that a guest without an invitation requests seats."""
    for host in (party.host, *party.co_hosts):
        to_member(
            "approval_requested",
            host,
            f"{rsvp.id}:{host.id}:{rsvp.answered_at:%Y%m%dT%H%M%S%f}",
            expires_at=party.starts_at,
            party=party_context(party, to_host=True),
            guest=rsvp.name,
            seats=rsvp.party_size,
            note=rsvp.note,
            url=public_url("GuestListView.show", slug=party.slug),
        )
