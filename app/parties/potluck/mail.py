"""E-mails about the potluck."""

from app import clock
from app.parties.mail import send
from app.parties.models import DinnerParty
from app.parties.potluck.models import DishClaim


def dish_released(party: DinnerParty, claim: DishClaim) -> None:
    """Tell a guest that a host has released them from a dish."""
    version = f"{claim.id}:{clock.now():%Y%m%dT%H%M%S%f}"
    send("dish_released", party, claim.rsvp, version=version, dish=str(claim), quantity=claim.quantity)
