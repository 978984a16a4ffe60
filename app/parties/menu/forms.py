"""What is on the table, and what guests do not eat."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.crud.fields import clean_text
from app.food import ALLERGENS, DIETS
from app.parties import models
from app.parties.enums import Course

FILTERS = [clean_text]


class SeveralField(SelectMultipleField):
    """Any number of a few things, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DishForm(Form):
    """A dish. One without a name is none."""

    name = StringField(lazy_gettext("Dish"), filters=FILTERS, validators=[Length(max=120)])
    course = SelectField(lazy_gettext("Course"), choices=list(Course.labels().items()), default=Course.MAIN)
    allergens = SeveralField(lazy_gettext("Contains"), choices=list(ALLERGENS.items()))
    diets = SeveralField(lazy_gettext("Suits"), choices=list(DIETS.items()))


class MenuForm(FlaskForm):
    """What is on the table; `seen` marks the menu that the form was opened upon."""

    dishes = FieldList(FormField(DishForm), max_entries=models.MAX_DISHES)
    seen = HiddenField()


class PersonForm(Form):
    """Somebody who comes."""

    name = StringField(lazy_gettext("Name"), filters=FILTERS, validators=[Length(max=130)])
    diets = SeveralField(lazy_gettext("Diet"), choices=list(DIETS.items()))
    allergens = SeveralField(lazy_gettext("Must not eat"), choices=list(ALLERGENS.items()))
    note = StringField(
        lazy_gettext("Anything else the kitchen should know"), filters=FILTERS, validators=[Length(max=200)]
    )


class PeopleForm(FlaskForm):
    """Who comes, one for each seat; `seen` marks what was told when the form was opened."""

    people = FieldList(FormField(PersonForm), max_entries=models.MAX_SEATS)
    seen = HiddenField()
