"""What a host says about a party."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.crud.fields import LocalDateTimeField, ZoneField, clean_text
from app.parties import models

FILTERS = [clean_text]
LONGEST_DESCRIPTION = 5000


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


class CoHostForm(FlaskForm):
    """Who hosts, too."""

    username = StringField(
        lazy_gettext("Username"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=64)],
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
