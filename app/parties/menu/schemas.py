"""API schemas of menus, and what guests do not eat."""

from marshmallow import Schema, fields

from app.food import ALLERGENS, DIETS, DISH_DIETS
from app.parties import api_fields, models
from app.parties.api_fields import AtMostValidator, ChoiceField, ChoicesField, RequestSchema, TextField, described
from app.parties.enums import Course
from app.parties.models import MAX_DISH_LENGTH, MAX_NAME_LENGTH, MAX_PERSON_NOTE_LENGTH


class PersonInput(RequestSchema):
    """A person who comes."""

    name = TextField(MAX_NAME_LENGTH)
    diets = ChoicesField(DIETS)
    allergens = ChoicesField(ALLERGENS, **api_fields.described("What they must not eat"))
    note = TextField(MAX_PERSON_NOTE_LENGTH, **api_fields.described("Anything else the kitchen should know"))


class PeopleInput(RequestSchema):
    """The people who come, one for each seat."""

    people = fields.List(
        fields.Nested(PersonInput), required=True, validate=AtMostValidator(models.MAX_SEATS, of="entries")
    )
    seen = fields.String(
        **api_fields.described("The fingerprint that was read with the list; left out: replace whatever is stored")
    )


class DishInput(RequestSchema):
    """A dish."""

    course = ChoiceField(Course.labels(), load_default=Course.MAIN)
    name = TextField(MAX_DISH_LENGTH, least=1, required=True)
    allergens = ChoicesField(ALLERGENS, **api_fields.described("What is in it"))
    diets = ChoicesField(
        DISH_DIETS,
        **api_fields.described("Whom it suits; `no_other`: and no other diet. Nothing is said of those left out"),
    )


class MenuInput(RequestSchema):
    """The menu, in serving order."""

    dishes = fields.List(
        fields.Nested(DishInput), required=True, validate=AtMostValidator(models.MAX_DISHES, of="entries")
    )
    seen = fields.String(
        **api_fields.described("The fingerprint that was read with the list; left out: replace whatever is stored")
    )


class Dish(Schema):
    """A dish of the menu."""

    course = fields.String(**described("When it is served", enum=list(Course)))
    name = fields.String()
    allergens = fields.List(fields.String(), **described("What is in it"))
    diets = fields.List(fields.String(), **described("Whom it suits"))


class ConflictCount(Schema):
    """How many people cannot eat a dish, and how many for each reason."""

    people = fields.Integer()
    allergens = fields.Dict(keys=fields.String(), values=fields.Integer())
    diets = fields.Dict(keys=fields.String(), values=fields.Integer())


class KitchenDish(Schema):
    """A dish, and how many people cannot eat it."""

    course = fields.String()
    name = fields.String()
    cannot = fields.Nested(ConflictCount)
    not_said = fields.Nested(
        ConflictCount, metadata={"description": "For how many people nobody has said whether it suits them"}
    )


class Kitchen(Schema):
    """The kitchen sheet."""

    people = fields.Integer(**described("How many people entered what they do not eat"))
    dishes = fields.List(fields.Nested(KitchenDish))
    left_out = fields.Dict(
        keys=fields.String(), values=fields.Integer(), **described("How many people can eat no dish of a course")
    )
    diets = fields.Dict(keys=fields.String(), values=fields.Integer())
    allergens = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(fields.String())


class Person(Schema):
    """A person who comes with an RSVP."""

    name = fields.String()
    diets = fields.List(fields.String())
    allergens = fields.List(fields.String(), **described("What they must not eat"))
    note = fields.String()
