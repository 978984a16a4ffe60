"""API schemas of a whole party."""

from marshmallow import Schema, fields

from app.parties.api_fields import described
from app.parties.schemas import PartySummary


class MyParties(Schema):
    """The parties of a member."""

    hosted = fields.List(fields.Nested(PartySummary))
    attended = fields.List(fields.Nested(PartySummary))
    offered = fields.List(fields.Nested(PartySummary), **described("Seats are held until the member decides"))
    waiting = fields.List(fields.Nested(PartySummary))
    asked = fields.List(fields.Nested(PartySummary), **described("The host has to approve the request"))
    invited = fields.List(fields.Nested(PartySummary), **described("Not answered yet"))
