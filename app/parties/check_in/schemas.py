"""API schemas of tickets."""

from marshmallow import Schema, fields


class Ticket(Schema):
    """What a guest shows at the door."""

    code = fields.String()
    url = fields.String()
