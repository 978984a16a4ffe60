"""Forms of hosts."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, HiddenField, IntegerField, SelectField, StringField, TextAreaField, URLField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import LocalDateTimeField, TimezoneField, clean_text
from app.crud.upload_field import UploadField
from app.parties import models, rules
from app.parties.enums import Visibility

FILTERS = [clean_text]
MAX_DESCRIPTION_LENGTH = 5000
DEFAULT_MINUTES = 180


def validate_web_link(_form: object, field: Field) -> None:
    """WTForms validator: refuse anything but http and https URLs."""
    if not rules.is_web_link(field.data):
        raise ValidationError(
            _(
                "This is not a valid web address. It must look like https://maps.example.org/place and must not "
                "contain a password."
            )
        )


class EndField(LocalDateTimeField):
    """The end of a party. What is stored is how long it takes."""

    def populate_obj(self, obj: object, name: str) -> None:  # noqa: ARG002 - WTForms' signature
        """Store the minutes between start and end."""
        if self.data is None:
            obj.duration_minutes = DEFAULT_MINUTES  # type: ignore[attr-defined]
        else:
            obj.duration_minutes = minutes_between(self._form["starts_at"].data, self.data)  # type: ignore[attr-defined]


def minutes_between(start: datetime, end: datetime) -> int:
    return round((end - start).total_seconds() / 60)


class PartyForm(FlaskForm):
    title = StringField(lazy_gettext("Title"), filters=FILTERS, validators=[DataRequired(), Length(max=120)])
    starts_at = LocalDateTimeField(lazy_gettext("Starts at"), zone_field="timezone", validators=[InputRequired()])
    timezone = TimezoneField(
        lazy_gettext("Time zone"),
        validators=[InputRequired()],
        description=lazy_gettext(
            "The time zone of the venue, for example Europe/Madrid. All times on this form are in this time zone."
        ),
    )
    ends_at = EndField(
        lazy_gettext("Ends at"),
        zone_field="timezone",
        validators=[Optional()],
        description=lazy_gettext("If empty, three hours after the start."),
    )
    venue = StringField(
        lazy_gettext("Venue"),
        filters=FILTERS,
        validators=[Length(max=120)],
        description=lazy_gettext("The name of the place. Everyone who can see the party sees it."),
    )
    area = StringField(
        lazy_gettext("Area"),
        filters=FILTERS,
        validators=[Length(max=120)],
        description=lazy_gettext(
            "Town or neighbourhood, for example Lavapiés, Madrid. Everyone who can see the party sees it."
        ),
    )
    address = StringField(lazy_gettext("Address"), filters=FILTERS, validators=[Length(max=255)])
    main_dish = StringField(lazy_gettext("Main dish"), filters=FILTERS, validators=[Length(max=120)])
    description = TextAreaField(
        lazy_gettext("Information for guests"), filters=FILTERS, validators=[Length(max=MAX_DESCRIPTION_LENGTH)]
    )
    picture = UploadField(
        lazy_gettext("Picture"),
        image=models.PICTURE,
        description=lazy_gettext(
            "A JPEG, PNG, GIF or WebP file of up to 5 MB. Those who can see the party see it, too."
        ),
        validators=[Optional()],
    )
    number_seats = IntegerField(
        lazy_gettext("Seats"),
        default=8,
        validators=[InputRequired(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("This includes your own seat."),
    )
    max_party = IntegerField(
        lazy_gettext("Maximum party size"),
        default=models.DEFAULT_MAX_PARTY,
        filters=[lambda size: size or models.DEFAULT_MAX_PARTY],
        validators=[Optional(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext("The maximum number of people in one answer, including the guest who answers."),
    )
    rsvp_deadline = LocalDateTimeField(
        lazy_gettext("Answer deadline"),
        zone_field="timezone",
        validators=[Optional()],
        description=lazy_gettext("If empty, until the party starts."),
    )
    visibility = SelectField(lazy_gettext("Visibility"), choices=list(Visibility.labels().items()))
    approval = BooleanField(lazy_gettext("Ask me to approve guests who were not invited"))
    answers_by_email = BooleanField(
        lazy_gettext("Guests without an account can answer by e-mail"),
        description=lazy_gettext("If the party is public. They confirm by a link in an e-mail before a seat counts."),
    )
    shows_guests = BooleanField(
        lazy_gettext("Guests who come can see who else comes"),
        description=lazy_gettext("Only the names of guests who agree to it."),
    )
    address_for_guests = BooleanField(
        lazy_gettext("Show the address only to guests who are coming"),
        default=True,
        description=lazy_gettext("Everyone else sees only the venue and the area, not the address or the map."),
    )
    map_url = URLField(
        lazy_gettext("Link to a map"),
        filters=FILTERS,
        validators=[Optional(), Length(max=models.MAX_URL_LENGTH)],
        description=lazy_gettext("If empty, the map is found by the address."),
    )
    version = HiddenField()

    def validate_ends_at(self, field: EndField) -> None:
        """Refuse an end that is not after the start. An end that was left as it was moves with the start."""
        start, stored_start, stored_end = self.starts_at.data, self.starts_at.object_data, field.object_data
        if start is None or field.data is None:
            return
        is_unchanged = stored_end is not None and minutes_between(stored_end, field.data) == 0
        if is_unchanged and field.data <= start:
            field.data = start + (stored_end - stored_start)
        if not 1 <= minutes_between(start, field.data) <= models.MAX_PARTY_MINUTES:
            raise ValidationError(_("The party must end after it starts, and within a week."))

    def validate_map_url(self, field: URLField) -> None:
        validate_web_link(self, field)


class CoHostForm(FlaskForm):
    """A new co-host."""

    username = StringField(
        lazy_gettext("Name, e-mail address or username"),
        filters=FILTERS,
        validators=[DataRequired(), Length(max=320)],
        description=lazy_gettext(
            "You find members who have answered to one of your parties. Others you find by their username."
        ),
        render_kw={"autocapitalize": "none", "spellcheck": "false", "autocomplete": "off"},
    )
