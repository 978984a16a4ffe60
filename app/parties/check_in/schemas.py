"""API schemas of tickets."""

from marshmallow import Schema, fields


class Ticket(Schema):
    """A ticket that a guest shows at check-in."""

    code = fields.String()
    url = fields.String()
