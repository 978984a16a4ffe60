"""API schemas of a whole party."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from app.parties.api_fields import described
from app.parties.menu.schemas import Dish
from app.parties.rsvps.schemas import Standing
from app.parties.schemas import Host, PartySummary


class Party(PartySummary, Standing):
    """A party, as whoever is asking sees it."""

    co_hosts = fields.List(fields.Nested(Host))
    address = fields.String(allow_none=True, **described("Null where it is told to those who come only"))
    map_url = fields.String(allow_none=True)
    description = fields.String()
    seats_taken = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime(allow_none=True)
    answers_until = fields.AwareDateTime()
    approval = fields.Boolean(**described("Whoever was not invited asks the host for a seat"))
    address_for_guests = fields.Boolean()
    waiting_count = fields.Integer(**described("How many answers wait"))
    menu = fields.List(fields.Nested(Dish))
    hosts = fields.Boolean(**described("Whether whoever is asking hosts it"))
    version = fields.Integer(**described("To be sent along with a change"))


class PartyFields(Schema):
    """What a host says about a party, as it is stored."""

    title = fields.String()
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    address = fields.String()
    map_url = fields.String()
    main_dish = fields.String()
    description = fields.String()
    number_seats = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime()
    visibility = fields.String()
    approval = fields.Boolean()
    address_for_guests = fields.Boolean()


class MyParties(Schema):
    """The parties of a member."""

    hosted = fields.List(fields.Nested(PartySummary))
    attended = fields.List(fields.Nested(PartySummary))
    offered = fields.List(fields.Nested(PartySummary), **described("Seats are held until they decide"))
    waiting = fields.List(fields.Nested(PartySummary))
    asked = fields.List(fields.Nested(PartySummary), **described("The host is to let them in"))
    invited = fields.List(fields.Nested(PartySummary), **described("Not answered yet"))


@dataclass(frozen=True)
class ReaderView:
    """A row, and what one reader is told beside it."""

    row: Any
    more: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.more[name] if name in self.more else getattr(self.row, name)
