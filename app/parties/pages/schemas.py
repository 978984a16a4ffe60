"""API schemas of a whole party."""

from marshmallow import Schema, fields

from app.parties.api_fields import described
from app.parties.schemas import PartySummary


class MyParties(Schema):
    """The parties of a member."""

    hosted = fields.List(fields.Nested(PartySummary))
    attended = fields.List(fields.Nested(PartySummary))
    offered = fields.List(fields.Nested(PartySummary), **described("Seats are held until they decide"))
    waiting = fields.List(fields.Nested(PartySummary))
    asked = fields.List(fields.Nested(PartySummary), **described("The host is to let them in"))
    invited = fields.List(fields.Nested(PartySummary), **described("Not answered yet"))
