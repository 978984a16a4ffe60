"""What hosts write to their guests, and when guests are reminded."""

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
from app.parties.menu.forms import SeveralField
from app.parties.messages import models as message_models

EVERYBODY = "everybody"
MAX_KEY_LENGTH = 64


class MessageForm(FlaskForm):
    """What a host writes, and to whom. The choices of `audiences` say how many are in each."""

    audiences = SeveralField(
        lazy_gettext("To"),
        validators=[DataRequired(lazy_gettext("Choose whom you write to."))],
        description=lazy_gettext("Those who have asked for no letters from hosts are not counted and get none."),
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
            "Plain text; an empty line begins a new paragraph. When, where and a link to the party are added."
        ),
    )
    with_address = BooleanField(
        lazy_gettext("Guests may answer to my e-mail address"),
        description=lazy_gettext("They see the address then. Otherwise nobody gets their answers."),
    )
    key = HiddenField(validators=[Length(max=MAX_KEY_LENGTH)])


class ReminderForm(Form):
    """One reminder. Without hours there is none."""

    kind = SelectField(lazy_gettext("When, and to whom"), choices=list(ReminderKind.labels().items()))
    hours_before = IntegerField(
        lazy_gettext("Hours before"), validators=[Optional(), NumberRange(1, message_models.MAX_HOURS_BEFORE)]
    )


class RemindersForm(FlaskForm):
    """When guests are reminded."""

    reminders = FieldList(FormField(ReminderForm), max_entries=message_models.MAX_REMINDERS)
