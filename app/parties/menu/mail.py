"""The e-mail that warns hosts of a dietary conflict."""

from app import clock
from app.http import public_url
from app.parties.mail import party_context, to_member
from app.parties.models import DinnerParty, Rsvp


def dietary_conflict(party: DinnerParty, rsvp: Rsvp, dishes: list[str]) -> None:
    """Tell the host which dishes a guest cannot eat. The reasons are on the kitchen sheet only."""
    to_member(
        "dietary_conflict",
        party.host,
        f"{rsvp.id}:{clock.now():%Y%m%dT%H%M%S%f}",
        expires_at=party.starts_at,
        party=party_context(party, to_host=True),
        guest=rsvp.name,
        dishes=dishes,
        url=public_url("KitchenView.show", slug=party.slug),
    )
