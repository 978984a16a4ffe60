"""Forms of messages and reminders."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from app.crud.fields import clean_line, clean_text
from app.parties.enums import ReminderKind
from app.parties.menu.forms import CheckboxesField
from app.parties.messages import models as message_models

EVERYONE = "everybody"
MAX_KEY_LENGTH = 64


class MessageForm(FlaskForm):
    """A message to guests. The view sets the choices of `audiences`, with the number of guests in each."""

    audiences = CheckboxesField(
        lazy_gettext("To"),
        validators=[DataRequired(lazy_gettext("Choose the recipients."))],
        description=lazy_gettext(
            "Guests who have unsubscribed from messages by hosts are not counted and do not receive any."
        ),
    )
    subject = StringField(
        lazy_gettext("Subject"),
        filters=[clean_line],
        validators=[DataRequired(), Length(max=message_models.MAX_SUBJECT_LENGTH)],
    )
    text = TextAreaField(
        lazy_gettext("Text"),
        filters=[clean_text],
        validators=[DataRequired(), Length(max=message_models.MAX_MESSAGE_LENGTH)],
        description=lazy_gettext(
            "Plain text. Separate paragraphs with an empty line. The date, the location and a link to the "
            "party are added automatically."
        ),
    )
    with_address = BooleanField(
        lazy_gettext("Let guests reply to my e-mail address"),
        description=lazy_gettext(
            "If you allow this, they can see your address. Otherwise nobody receives their replies."
        ),
    )
    key = HiddenField(validators=[Length(max=MAX_KEY_LENGTH)])


class ReminderForm(Form):
    """One reminder. Without hours, it is removed."""

    kind = SelectField(lazy_gettext("Reminder type"), choices=list(ReminderKind.labels().items()))
    hours_before = IntegerField(
        lazy_gettext("Hours before"), validators=[Optional(), NumberRange(1, message_models.MAX_HOURS_BEFORE)]
    )


class RemindersForm(FlaskForm):
    """The reminders; `seen` is their fingerprint when the form was opened."""

    seen = HiddenField()
    reminders = FieldList(FormField(ReminderForm), max_entries=message_models.MAX_REMINDERS)
