"""Forms of messages and reminders."""

from flask_babel import gettext as _
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
from wtforms.validators import DataRequired, Length, NumberRange, Optional, ValidationError

from app.crud.fields import clean_line, clean_text
from app.parties.enums import ReminderKind
from app.parties.menu.forms import CheckboxesField
from app.parties.messages import models as message_models
from app.parties.messages import rules as message_rules
from app.parties.messages import texts as message_texts

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


class QuestionForm(FlaskForm):
    """A question of a guest to the hosts."""

    text = TextAreaField(
        lazy_gettext("Your question"),
        filters=[clean_text],
        validators=[DataRequired(), Length(max=message_models.MAX_QUESTION_LENGTH)],
    )
    key = HiddenField(validators=[Length(max=MAX_KEY_LENGTH)])


class ReminderForm(Form):
    """One reminder. Without a number, it is removed."""

    amount = IntegerField(lazy_gettext("How long before"), validators=[Optional(), NumberRange(min=1)])
    unit = SelectField(
        lazy_gettext("Unit"),
        coerce=int,
        choices=[
            (message_rules.HOUR, lazy_gettext("Hours")),
            (message_rules.DAY, lazy_gettext("Days")),
            (message_rules.WEEK, lazy_gettext("Weeks")),
        ],
    )
    kind = SelectField(lazy_gettext("Reminder type"), choices=list(ReminderKind.labels().items()))

    @property
    def hours_before(self) -> int:
        """The hours before; 0 for an empty row."""
        return (self.amount.data or 0) * self.unit.data

    def validate_unit(self, _field: SelectField) -> None:
        """Refuse what no reminder is sent so long before; the number is corrected first."""
        if self.hours_before > message_models.MAX_HOURS_BEFORE:
            most = message_texts.before(message_models.MAX_HOURS_BEFORE)
            raise ValidationError(_("The earliest is %(before)s.", before=most))


class RemindersForm(FlaskForm):
    """The reminders; `seen` is their fingerprint when the form was opened."""

    seen = HiddenField()
    reminders = FieldList(FormField(ReminderForm), max_entries=message_models.MAX_REMINDERS)
