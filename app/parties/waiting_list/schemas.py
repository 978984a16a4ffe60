"""API schemas of the waiting list."""

from marshmallow import Schema, fields

from app.parties.api_fields import described
from app.parties.schemas import Offer


class HistoryEntry(Schema):
    """An event of the waiting list."""

    at = fields.AwareDateTime()
    who = fields.String()
    what = fields.String()


class QueueEntry(Schema):
    """A waiting RSVP, as hosts see it."""

    id = fields.Integer()
    place = fields.Integer()
    name = fields.String()
    party_size = fields.Integer()
    min_party = fields.Integer()
    note = fields.String()
    why = fields.String(**described("Why they are offered seats, or are not"))


class WaitingList(Schema):
    """One's own position on the waiting list and the reason for it; for hosts, the whole list."""

    place = fields.Integer(allow_none=True)
    why = fields.String(allow_none=True)
    offer = fields.Nested(Offer, allow_none=True)
    steps = fields.List(fields.Nested(HistoryEntry), **described("What happened, the latest first"))
    line = fields.List(fields.Nested(QueueEntry), allow_none=True, **described("Null for guests"))
