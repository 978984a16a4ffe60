"""Forms of the potluck."""

from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import FieldList, FormField, HiddenField, IntegerField, SelectField, StringField
from wtforms.validators import Length, NumberRange, Optional

from app.crud.fields import clean_text
from app.parties import models
from app.parties.enums import Course

FILTERS = [clean_text]
BRING, GIVE_BACK = "bring", "give_back"


def _default_one(number: int | None) -> int:
    """Return 1 for an empty field."""
    return 1 if number is None else number


class _Part(FlaskForm):
    """A part of a form. The form itself has the CSRF token."""

    class Meta:
        csrf = False


class RequestedDishForm(_Part):
    """A requested dish. Rows without a name are ignored."""

    key = HiddenField()
    name = StringField(lazy_gettext("Dish"), filters=FILTERS, validators=[Length(max=120)])
    course = SelectField(lazy_gettext("Course"), choices=list(Course.labels().items()), default=Course.SIDE)
    wanted = IntegerField(
        lazy_gettext("How many"),
        default=1,
        filters=[_default_one],
        validators=[Optional(), NumberRange(1, models.MAX_WANTED)],
    )


class DishesForm(FlaskForm):
    """The requested dishes; `seen` is their fingerprint when the form was opened."""

    dishes = FieldList(FormField(RequestedDishForm), max_entries=models.MAX_DISHES)
    seen = HiddenField()


class ClaimForm(_Part):
    """How many of a dish a guest brings, and what it will be."""

    quantity = IntegerField(
        lazy_gettext("How many"),
        default=1,
        filters=[_default_one],
        validators=[Optional(), NumberRange(1, models.MAX_WANTED)],
    )
    dish = StringField(
        lazy_gettext("Exact dish"),
        filters=[*FILTERS, lambda text: text or ""],
        validators=[Length(max=120)],
        description=lazy_gettext("If you already know, for example: lemon tart."),
    )

    def __init__(self, slot_id: int, **kwargs: Any) -> None:
        super().__init__(prefix=f"dish{slot_id}-", **kwargs)
