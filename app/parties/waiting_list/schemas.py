"""API schemas of the waiting list."""

from marshmallow import Schema, fields

from app.parties.api_fields import described
from app.parties.schemas import Offer


class HistoryEntry(Schema):
    """Something that happened in line."""

    at = fields.AwareDateTime()
    who = fields.String()
    what = fields.String()


class QueueEntry(Schema):
    """Somebody who waits, as hosts read of them."""

    id = fields.Integer()
    place = fields.Integer()
    name = fields.String()
    party_size = fields.Integer()
    min_party = fields.Integer()
    note = fields.String()
    why = fields.String(**described("Why they are offered seats, or are not"))


class WaitingList(Schema):
    """The waiting list: one's own place in it and why it is so; all of it for hosts."""

    place = fields.Integer(allow_none=True)
    why = fields.String(allow_none=True)
    offer = fields.Nested(Offer, allow_none=True)
    steps = fields.List(fields.Nested(HistoryEntry), **described("What happened, the latest first"))
    line = fields.List(fields.Nested(QueueEntry), allow_none=True, **described("Null for guests"))
