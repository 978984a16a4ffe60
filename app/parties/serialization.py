"""A whole party as JSON, as its reader may see it."""

from typing import Any

from marshmallow import Schema, fields

from app.parties import location
from app.parties.access import PartyAccess
from app.parties.api_fields import described
from app.parties.enums import RsvpStatus
from app.parties.menu import service as menu_service
from app.parties.menu.schemas import Dish
from app.parties.models import DinnerParty, Rsvp
from app.parties.schemas import Host, Offer, PartySummary, ReaderView
from app.parties.waiting_list import queries as waiting_list_queries


class RsvpDetails(Schema):
    """The reader's RSVP."""

    status = fields.String(metadata={"enum": list(RsvpStatus)})
    party_size = fields.Integer()
    min_party = fields.Integer()
    note = fields.String()
    answered_at = fields.AwareDateTime()


class Standing(Schema):
    """How the reader stands with a party: their RSVP, their position on the waiting list, or their seat offer."""

    answer = fields.Nested(RsvpDetails, attribute="rsvp", allow_none=True)
    place = fields.Integer(attribute="position", allow_none=True, **described("The next to be offered seats is 1"))
    offer = fields.Nested(Offer, allow_none=True)


class Party(PartySummary, Standing):
    """A party, as the reader sees it."""

    co_hosts = fields.List(fields.Nested(Host))
    address = fields.String(allow_none=True, **described("Null if only guests who come can see it"))
    map_url = fields.String(allow_none=True)
    description = fields.String()
    seats_taken = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime(allow_none=True)
    answers_until = fields.AwareDateTime()
    approval = fields.Boolean(**described("Guests without an invitation need the approval of a host"))
    answers_by_email = fields.Boolean()
    shows_guests = fields.Boolean()
    address_for_guests = fields.Boolean()
    waiting_count = fields.Integer(**described("How many RSVPs are on the waiting list"))
    menu = fields.List(fields.Nested(Dish))
    hosts = fields.Boolean(**described("Whether the member hosts it"))
    version = fields.Integer(**described("To be sent along with a change"))


def serialize_standing(rsvp: Rsvp | None) -> Any:
    """Return how the guest with this RSVP stands, as JSON."""
    return Standing().dump(waiting_list_queries.standing(rsvp))


def serialize_party(access: PartyAccess, party: DinnerParty, rsvp: Rsvp | None) -> Any:
    """Return a party as JSON, as its reader may see it."""
    where = location.visible_location(party, with_address=access.shows_address(party, rsvp))
    standing = waiting_list_queries.standing(rsvp)
    more = {
        "rsvp": standing.rsvp,
        "position": standing.position,
        "offer": standing.offer,
        "address": where.address or None,
        "map_url": where.map_url or None,
        "waiting_count": waiting_list_queries.waiting_count(party.id),
        "menu": menu_service.menu(party),
        "hosts": access.is_host(party),
    }
    return Party().dump(ReaderView(party, more))
