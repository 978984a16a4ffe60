"""Forms of RSVPs and seat offers."""

import secrets
from typing import Any

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import clean_text
from app.parties import models
from app.parties.enums import RsvpStatus

FILTERS = [clean_text]
MAX_NOTE_LENGTH = 500
ANSWERS = {
    RsvpStatus.YES: lazy_gettext("Yes, I am coming"),
    RsvpStatus.MAYBE: lazy_gettext("Maybe"),
    RsvpStatus.NO: lazy_gettext("No, I cannot come"),
}
CLAIM, STAY, LEAVE = "claim", "stay", "leave"
DECISIONS = {
    CLAIM: lazy_gettext("Accept the seats"),
    STAY: lazy_gettext("Decline and stay on the waiting list"),
    LEAVE: lazy_gettext("Decline and leave the waiting list"),
}


class RsvpForm(FlaskForm):
    """An RSVP."""

    answer = RadioField(
        lazy_gettext("Your answer"), choices=list(ANSWERS.items()), default=RsvpStatus.YES, validators=[InputRequired()]
    )
    # Shown to guests without an account only.
    name = StringField(lazy_gettext("Your name"), filters=FILTERS, validators=[Optional(), Length(max=130)])
    party_size = IntegerField(
        lazy_gettext("How many are you?"), validators=[Optional(), NumberRange(1, models.MAX_SEATS)]
    )
    min_party = IntegerField(
        lazy_gettext("Minimum party size"),
        validators=[Optional(), NumberRange(1, models.MAX_SEATS)],
        description=lazy_gettext(
            "In case there are not enough seats for all of you. Leave empty if you only want to come all together."
        ),
    )
    note = TextAreaField(
        lazy_gettext("Note to the host"), filters=FILTERS, validators=[Optional(), Length(max=MAX_NOTE_LENGTH)]
    )
    # Shown where the hosts allow it.
    shows_name = BooleanField(lazy_gettext("Other guests may see that I come"))
    # The two buttons that are shown when only some of the seats are free.
    come_with = IntegerField(validators=[Optional(), NumberRange(1, models.MAX_SEATS)])
    wait = BooleanField()

    def validate_min_party(self, field: IntegerField) -> None:
        """Refuse a minimum above the party size."""
        if field.data and self.party_size.data and field.data > self.party_size.data:
            raise ValidationError(lazy_gettext("This is more than the size of your party."))


class LinkRsvpForm(RsvpForm):
    """The RSVP of a visitor with the share link, whom only their name tells from others."""

    name = StringField(lazy_gettext("Your name"), filters=FILTERS, validators=[DataRequired(), Length(max=130)])
    # Two requests with the same value are of one guest, who pressed the button twice.
    once = HiddenField(default=lambda: secrets.token_urlsafe(16))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name.description = lazy_gettext("As the host knows you.")


class OfferForm(FlaskForm):
    """A guest's decision about a seat offer."""

    decision = RadioField(choices=list(DECISIONS.items()), validators=[InputRequired()])


class RsvpByIdForm(FlaskForm):
    """An RSVP to the party with a given ID."""

    party_id = StringField(
        lazy_gettext("Party ID"), filters=FILTERS, render_kw={"inputmode": "numeric", "autocomplete": "off"}
    )
