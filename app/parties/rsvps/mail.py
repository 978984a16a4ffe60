"""E-mails about RSVPs, to guests and hosts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from app.accounts.models import Member
from app.http import public_url
from app.outbox.models import EmailTopic
from app.parties.calendar import ics
from app.parties.mail import party_context, party_url, send, to_member
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list.allocation import max_guest_seats

# The next daily e-mail follows a day later.
DIGEST_LIFETIME = timedelta(days=1)


def rsvp_yes(party: DinnerParty, rsvp: Rsvp) -> None:
    """Confirm seats."""
    ticket = party_url(rsvp, "TicketView.show")
    send("rsvp_yes", party, rsvp, seats=rsvp.party_size, ticket_url=ticket, appointment=ics.request)


def rsvp_waitlisted(party: DinnerParty, rsvp: Rsvp, position: int) -> None:
    """Tell a guest their position on the waiting list, and whether the table is too small for their group."""
    most = max_guest_seats(party.number_seats)
    send("rsvp_waitlisted", party, rsvp, place=position, needed=rsvp.min_party, most=most)


def request_declined(party: DinnerParty, rsvp: Rsvp) -> None:
    """Tell a guest that their request was declined."""
    send("request_declined", party, rsvp)


def removed(party: DinnerParty, rsvp: Rsvp, before: str) -> None:
    """Tell a guest that a host removed them. Guests with seats get a cancellation for their calendar."""
    appointment = ics.cancellation if before in ics.PARTICIPATION else None
    send("removed", party, rsvp, appointment=appointment)


def guest_answered(party: DinnerParty, rsvp: Rsvp, host: Member) -> None:
    """Tell a host what a guest has just answered."""
    _about_answer("guest_answered", party, rsvp, host, status=rsvp.status, seats=rsvp.party_size, note=rsvp.note)


def seats_freed(party: DinnerParty, rsvp: Rsvp, host: Member, seats: int) -> None:
    """Tell a host that seats became free after the RSVP deadline, when nobody on the waiting list can get them."""
    _about_answer("seats_freed", party, rsvp, host, seats=seats)


def _about_answer(kind: str, party: DinnerParty, rsvp: Rsvp, host: Member, **context: Any) -> None:
    to_member(
        kind,
        host,
        f"{rsvp.id}:{host.id}:{rsvp.answered_at:%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
        topic=EmailTopic.ANSWERS,
        party=party_context(party, to_host=True),
        guest=str(rsvp),
        url=public_url("GuestListView.show", slug=party.slug),
        **context,
    )


def answers_digest(host: Member, news: Sequence[Rsvp], now: datetime) -> None:
    """Tell a host what guests of their parties have answered. The news are sorted by party."""
    parties = [
        {
            "title": party.title,
            "starts_at": party.starts_at,
            "timezone": party.timezone,
            "seats_free": party.seats_free,
            "url": public_url("GuestListView.show", slug=party.slug),
            "answers": [
                {"guest": str(rsvp), "status": rsvp.status, "seats": rsvp.party_size, "note": rsvp.note}
                for rsvp in rsvps
            ],
        }
        for party, rsvps in groupby(news, key=lambda rsvp: rsvp.party)
    ]
    to_member(
        "answers_digest",
        host,
        f"{host.id}:{now:%Y%m%dT%H%M%S%f}",
        expires_at=now + DIGEST_LIFETIME,
        topic=EmailTopic.ANSWERS,
        parties=parties,
        count=len(news),
    )


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
