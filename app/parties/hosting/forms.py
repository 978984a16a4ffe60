"""What a host says about a party."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import LocalDateTimeField, TimezoneField, clean_text
from app.parties import models, rules
from app.parties.enums import Visibility

FILTERS = [clean_text]
MAX_DESCRIPTION_LENGTH = 5000


def refuse_other_links(_form: object, field: Field) -> None:
    """Refuse what leads anywhere but to the web: a validator."""
    if not rules.is_web_link(field.data):
        raise ValidationError(
            _("This is no address on the web. It must look like https://maps.example.org/place, without a password.")
        )


class PartyForm(FlaskForm):
    """What a host says about a party."""

    title = StringField(lazy_gettext("Title"), filters=FILTERS, validators=[DataRequired(), Length(max=120)])
    starts_at = LocalDateTimeField(lazy_gettext("Starts at"), zone_field="timezone", validators=[InputRequired()])
    timezone = TimezoneField(
        lazy_gettext("Time zone"),
        validators=[InputRequired()],
        description=lazy_gettext("The zone of the place, like Europe/Madrid. All times above and below are in it."),
    )
    duration_minutes = IntegerField(
        lazy_gettext("Duration in minutes"),
        default=180,
        validators=[InputRequired(), NumberRange(1, models.MAX_PARTY_MINUTES)],
    )
    venue = StringField(lazy_gettext("Venue"), filters=FILTERS, validators=[Length(max=120)])
    address = StringField(lazy_gettext("Address"), filters=FILTERS, validators=[Length(max=255)])
    main_dish = StringField(lazy_gettext("Main dish"), filters=FILTERS, validators=[Length(max=120)])
    description = TextAreaField(
        lazy_gettext("What guests should know"), filters=FILTERS, validators=[Length(max=MAX_DESCRIPTION_LENGTH)]
    )
    number_seats = IntegerField(
        lazy_gettext("Seats"),
        default=8,
        validators=[InputRequired(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("Yours is one of them."),
    )
    max_party = IntegerField(
        lazy_gettext("Largest group"),
        default=models.DEFAULT_MAX_PARTY,
        filters=[lambda size: size or models.DEFAULT_MAX_PARTY],
        validators=[Optional(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("So many may come with one answer, the guest who answers included."),
    )
    rsvp_deadline = LocalDateTimeField(
        lazy_gettext("Answers until"),
        zone_field="timezone",
        validators=[Optional()],
        description=lazy_gettext("Empty: until the party starts."),
    )
    visibility = SelectField(lazy_gettext("Who may see it"), choices=list(Visibility.labels().items()))
    approval = BooleanField(lazy_gettext("Ask me before somebody who was not invited gets a seat"))
    address_for_guests = BooleanField(
        lazy_gettext("Tell the address to those who come only"),
        description=lazy_gettext("Everybody else reads the name of the venue, and neither the address nor the map."),
    )
    map_url = URLField(
        lazy_gettext("Link to a map"),
        filters=FILTERS,
        validators=[Optional(), Length(max=models.MAX_URL_LENGTH)],
        description=lazy_gettext("Empty: a map is searched for the address."),
    )
    version = HiddenField()

    def validate_map_url(self, field: URLField) -> None:
        """Refuse what leads anywhere but to the web."""
        refuse_other_links(self, field)


class CoHostForm(FlaskForm):
    """Who hosts, too."""

    username = StringField(
        lazy_gettext("Username"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=64)],
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
