"""API schemas of dishes that guests bring."""

from marshmallow import Schema, fields

from app.parties import api_fields, models
from app.parties.api_fields import AtMostValidator, ChoiceField, RequestSchema, TextField, WholeNumberField, described
from app.parties.enums import Course
from app.parties.models import MAX_DISH_LENGTH


class RequestedDishInput(RequestSchema):
    """A requested dish."""

    id = WholeNumberField(
        0, 2**31 - 1, **api_fields.described("Of a stored dish; stored dishes that are left out are removed")
    )
    course = ChoiceField(Course.labels(), load_default=Course.SIDE)
    name = TextField(MAX_DISH_LENGTH, least=1, required=True)
    wanted = WholeNumberField(1, models.MAX_WANTED, load_default=1)


class RequestedDishesInput(RequestSchema):
    """The requested dishes."""

    dishes = fields.List(
        fields.Nested(RequestedDishInput), required=True, validate=AtMostValidator(models.MAX_DISHES, of="entries")
    )
    seen = fields.String(
        **api_fields.described("The fingerprint that was read with the list; left out: replace whatever is stored")
    )


class ClaimInput(RequestSchema):
    """What a guest brings."""

    quantity = WholeNumberField(1, models.MAX_WANTED, load_default=1)
    dish = TextField(
        MAX_DISH_LENGTH, load_default="", **api_fields.described("What exactly it will be", example="Lemon tart")
    )


class Claim(Schema):
    """What one brings."""

    quantity = fields.Integer()
    dish = fields.String()


class ClaimOfGuest(Claim):
    """Who brings what."""

    id = fields.Integer()
    name = fields.Function(lambda claim: str(claim.rsvp), metadata={"type": "string"})


class RequestedDish(Schema):
    """A requested dish."""

    id = fields.Integer()
    course = fields.String(metadata={"enum": list(Course)})
    name = fields.String()
    wanted = fields.Integer()
    open = fields.Integer(**described("How many are still needed"))
    mine = fields.Nested(Claim, allow_none=True)
    promises = fields.List(fields.Nested(ClaimOfGuest), allow_none=True, **described("Null for guests"))
