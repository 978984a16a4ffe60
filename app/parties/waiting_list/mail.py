"""E-mails about offers of seats."""

from app.parties.mail import TIMED, party_url, send
from app.parties.waiting_list.models import WaitOffer


def seat_offered(offer: WaitOffer) -> None:
    """Tell somebody who waited that seats are held for them, and until when."""
    party = offer.rsvp.party
    send(
        "seat_offered",
        party,
        offer.rsvp,
        version=offer.id,
        expires_at=offer.expires_at,
        priority=TIMED,
        seats=offer.seats,
        size=offer.rsvp.party_size,
        until=offer.expires_at,
        offer_url=party_url(offer.rsvp, "PartyView.offer"),
    )


def offer_expired(offer: WaitOffer, place: int) -> None:
    """Tell somebody that their offer ran out, and where they stand now."""
    send("offer_expired", offer.rsvp.party, offer.rsvp, version=offer.id, seats=offer.seats, place=place)
