"""E-mails about seat offers."""

from sqlalchemy import select

from app.extensions import db
from app.parties.mail import TIMED, party_url, send
from app.parties.waiting_list.models import WaitOffer


def seat_offered(offer: WaitOffer) -> None:
    """Tell a guest that seats are held for them, and until when."""
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
        earlier=_seats_of_smaller_offer(offer),
        until=offer.expires_at,
        offer_url=party_url(offer.rsvp, "RsvpView.offer"),
    )


def _seats_of_smaller_offer(offer: WaitOffer) -> int:
    """Return how many seats the guest was offered before, if they were fewer; otherwise 0."""
    earlier = select(WaitOffer.seats).where(WaitOffer.rsvp_id == offer.rsvp_id, WaitOffer.id < offer.id)
    seats = db.session.scalar(earlier.order_by(WaitOffer.id.desc()).limit(1)) or 0
    return seats if seats < offer.seats else 0


def offer_expired(offer: WaitOffer, position: int) -> None:
    """Tell a guest that their offer expired, and their new position on the waiting list."""
    send("offer_expired", offer.rsvp.party, offer.rsvp, version=offer.id, seats=offer.seats, place=position)
