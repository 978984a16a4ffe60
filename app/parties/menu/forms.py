"""Forms of the menu, and of what guests do not eat."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    FieldList,
    Form,
    FormField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.crud.fields import clean_text
from app.food import ALLERGENS, DIETS
from app.parties import models
from app.parties.enums import Course

FILTERS = [clean_text]


class CheckboxesField(SelectMultipleField):
    """Any number of choices, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DishForm(Form):
    """A dish. Rows without a name are ignored."""

    name = StringField(lazy_gettext("Dish"), filters=FILTERS, validators=[Length(max=120)])
    course = SelectField(lazy_gettext("Course"), choices=list(Course.labels().items()), default=Course.MAIN)
    allergens = CheckboxesField(lazy_gettext("Contains"), choices=list(ALLERGENS.items()))
    diets = CheckboxesField(lazy_gettext("Suits"), choices=list(DIETS.items()))

    @property
    def said(self) -> list[tuple[str, list[str]]]:
        """What is chosen: the names of allergens and diets, below the label of their field."""
        fields = [field for field in (self.allergens, self.diets) if field.data]
        return [(field.label.text, [str(name) for key, name in field.choices if key in field.data]) for field in fields]


class MenuForm(FlaskForm):
    """The menu; `seen` is its fingerprint when the form was opened."""

    dishes = FieldList(FormField(DishForm), max_entries=models.MAX_DISHES)
    seen = HiddenField()
    recipe = TextAreaField(
        lazy_gettext("Recipe"),
        description=lazy_gettext(
            "JSON-LD of a web page, Cooklang, or the JSON of Mealie or Tandoor. Name, course and ingredients are read, and "
            "allergens are proposed."
        ),
    )


class PersonForm(Form):
    """A person who comes."""

    name = StringField(lazy_gettext("Name"), filters=FILTERS, validators=[Length(max=130)])
    diets = CheckboxesField(lazy_gettext("Diet"), choices=list(DIETS.items()))
    allergens = CheckboxesField(lazy_gettext("Must not eat"), choices=list(ALLERGENS.items()))
    note = StringField(
        lazy_gettext("Anything else the kitchen should know"), filters=FILTERS, validators=[Length(max=200)]
    )


class PeopleForm(FlaskForm):
    """The people who come, one for each seat; `seen` is their fingerprint when the form was opened."""

    people = FieldList(FormField(PersonForm), max_entries=models.MAX_SEATS)
    seen = HiddenField()
