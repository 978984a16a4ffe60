"""The forms of hosts and guests."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.crud.fields import LocalDateTimeField, ZoneField, clean_text
from app.food import ALLERGENS, DIETS
from app.parties import models

FILTERS = [clean_text]
LONGEST_DESCRIPTION = 5000
LONGEST_NOTE = 500
WISHES = {
    models.YES: lazy_gettext("Yes, I am coming"),
    models.MAYBE: lazy_gettext("Maybe"),
    models.NO: lazy_gettext("No, I cannot come"),
}
CLAIM, STAY, LEAVE = "claim", "stay", "leave"
DECISIONS = {
    CLAIM: lazy_gettext("Take the seats"),
    STAY: lazy_gettext("Give them back, and wait on"),
    LEAVE: lazy_gettext("Give them back, and leave"),
}


class PartyForm(FlaskForm):
    """What a host says about a party."""

    title = StringField(lazy_gettext("Title"), filters=FILTERS, validators=[DataRequired(), Length(max=120)])
    starts_at = LocalDateTimeField(lazy_gettext("Starts at"), zone_field="timezone", validators=[InputRequired()])
    timezone = ZoneField(
        lazy_gettext("Time zone"),
        validators=[InputRequired()],
        description=lazy_gettext("The zone of the place, like Europe/Madrid. All times above and below are in it."),
    )
    duration_minutes = IntegerField(
        lazy_gettext("Duration in minutes"),
        default=180,
        validators=[InputRequired(), NumberRange(1, models.LONGEST_PARTY_MINUTES)],
    )
    venue = StringField(lazy_gettext("Venue"), filters=FILTERS, validators=[Length(max=120)])
    address = StringField(lazy_gettext("Address"), filters=FILTERS, validators=[Length(max=255)])
    main_dish = StringField(lazy_gettext("Main dish"), filters=FILTERS, validators=[Length(max=120)])
    description = TextAreaField(
        lazy_gettext("What guests should know"), filters=FILTERS, validators=[Length(max=LONGEST_DESCRIPTION)]
    )
    number_seats = IntegerField(
        lazy_gettext("Seats"),
        default=8,
        validators=[InputRequired(), NumberRange(1, models.MOST_SEATS)],
        description=lazy_gettext("Yours is one of them."),
    )
    max_party = IntegerField(
        lazy_gettext("Largest group"),
        default=models.USUAL_GROUP,
        filters=[lambda size: size or models.USUAL_GROUP],
        validators=[Optional(), NumberRange(1, models.MOST_SEATS)],
        description=lazy_gettext("So many may come with one answer, the guest who answers included."),
    )
    rsvp_deadline = LocalDateTimeField(
        lazy_gettext("Answers until"),
        zone_field="timezone",
        validators=[Optional()],
        description=lazy_gettext("Empty: until the party starts."),
    )
    visibility = SelectField(lazy_gettext("Who may see it"), choices=list(models.VISIBILITIES.items()))
    version = HiddenField()


class AnswerForm(FlaskForm):
    """A guest's answer."""

    answer = RadioField(
        lazy_gettext("Your answer"), choices=list(WISHES.items()), default=models.YES, validators=[InputRequired()]
    )
    party_size = IntegerField(
        lazy_gettext("How many are you?"), validators=[Optional(), NumberRange(1, models.MOST_SEATS)]
    )
    min_party = IntegerField(
        lazy_gettext("With how few would you come?"),
        validators=[Optional(), NumberRange(1, models.MOST_SEATS)],
        description=lazy_gettext("If there is not a seat for each of you. Empty: all together or not at all."),
    )
    note = TextAreaField(
        lazy_gettext("A note to the host"), filters=FILTERS, validators=[Optional(), Length(max=LONGEST_NOTE)]
    )
    # The two buttons that are shown when only some of the seats are free.
    come_with = IntegerField(validators=[Optional(), NumberRange(1, models.MOST_SEATS)])
    wait = BooleanField()

    def validate_min_party(self, field: IntegerField) -> None:
        """Refuse more than all of them."""
        if field.data and self.party_size.data and field.data > self.party_size.data:
            raise ValidationError(lazy_gettext("That is more than all of you."))


class OfferForm(FlaskForm):
    """What somebody does with seats that are offered to them."""

    decision = RadioField(choices=list(DECISIONS.items()), validators=[InputRequired()])


class RsvpByIdForm(FlaskForm):
    """A yes by the number that stands on an invitation."""

    party_id = StringField(
        lazy_gettext("Party ID"), filters=FILTERS, render_kw={"inputmode": "numeric", "autocomplete": "off"}
    )


class CoHostForm(FlaskForm):
    """Who hosts, too."""

    username = StringField(
        lazy_gettext("Username"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=64)],
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )


class SeveralField(SelectMultipleField):
    """Any number of a few things, as checkboxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class DishForm(Form):
    """A dish. One without a name is none."""

    name = StringField(lazy_gettext("Dish"), filters=FILTERS, validators=[Length(max=120)])
    course = SelectField(lazy_gettext("Course"), choices=list(models.COURSES.items()), default=models.MAIN)
    allergens = SeveralField(lazy_gettext("Contains"), choices=list(ALLERGENS.items()))
    diets = SeveralField(lazy_gettext("Suits"), choices=list(DIETS.items()))


class MenuForm(FlaskForm):
    """What is on the table."""

    dishes = FieldList(FormField(DishForm), max_entries=models.MOST_DISHES)


class PersonForm(Form):
    """Somebody who comes."""

    name = StringField(lazy_gettext("Name"), filters=FILTERS, validators=[Length(max=130)])
    diets = SeveralField(lazy_gettext("Diet"), choices=list(DIETS.items()))
    allergens = SeveralField(lazy_gettext("Must not eat"), choices=list(ALLERGENS.items()))
    note = StringField(
        lazy_gettext("Anything else the kitchen should know"), filters=FILTERS, validators=[Length(max=200)]
    )


class PeopleForm(FlaskForm):
    """Who comes, one for each seat."""

    people = FieldList(FormField(PersonForm), max_entries=models.MOST_SEATS)
