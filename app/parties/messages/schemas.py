"""API schemas of messages and reminders."""

from marshmallow import Schema, fields

from app.parties import api_fields
from app.parties.api_fields import (
    AtMostValidator,
    ChoiceField,
    ChoicesField,
    RequestSchema,
    TextField,
    WholeNumberField,
)
from app.parties.enums import Audience, ReminderKind
from app.parties.messages import models as message_models


class MessageInput(RequestSchema):
    """A message to guests."""

    audiences = ChoicesField(
        Audience.labels(), required=True, **api_fields.described("The guests who get it, by their answer")
    )
    subject = TextField(message_models.MAX_SUBJECT_LENGTH, least=1, required=True)
    text = TextField(
        message_models.MAX_MESSAGE_LENGTH,
        least=1,
        required=True,
        **api_fields.described("Plain text. An empty line separates paragraphs"),
    )
    with_address = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=False,
        **api_fields.described("Whether guests can reply to the e-mail address of the author"),
    )


class QuestionInput(RequestSchema):
    """A question to the hosts."""

    text = TextField(
        message_models.MAX_QUESTION_LENGTH,
        least=1,
        required=True,
        **api_fields.described("Plain text. An empty line separates paragraphs"),
    )


class ReminderInput(RequestSchema):
    """A reminder."""

    kind = ChoiceField(ReminderKind.labels(), required=True)
    hours_before = WholeNumberField(1, message_models.MAX_HOURS_BEFORE, required=True)


class RemindersInput(RequestSchema):
    """All reminders of a party."""

    reminders = fields.List(
        fields.Nested(ReminderInput),
        required=True,
        validate=AtMostValidator(message_models.MAX_REMINDERS, of="entries"),
    )
    seen = fields.String(
        **api_fields.described("The fingerprint that was read with the list; left out: replace whatever is stored")
    )


class Message(Schema):
    """A message that was sent to guests."""

    subject = fields.String()
    text = fields.String()
    audiences = fields.List(fields.String(metadata={"enum": list(Audience)}), attribute="statuses")
    recipients = fields.Integer()
    created_at = fields.AwareDateTime()


class PlannedReminder(Schema):
    """A reminder, and when it is sent."""

    kind = fields.String(attribute="reminder.kind", metadata={"enum": list(ReminderKind)})
    hours_before = fields.Integer(attribute="reminder.hours_before")
    due = fields.AwareDateTime(attribute="when.due", allow_none=True)
    sent_at = fields.AwareDateTime(attribute="reminder.sent_at", allow_none=True)
