"""API schemas of invitations."""

from typing import Any

from marshmallow import Schema, ValidationError, fields

from app.crud.api_errors import TranslatedMessage
from app.crud.fields import clean_text
from app.outbox.models import MailProblem
from app.parties import api_fields, models
from app.parties.api_fields import (
    AtMostValidator,
    FilledValidator,
    LocaleField,
    RequestSchema,
    TextField,
    WholeNumberField,
    described,
)
from app.parties.invitations import import_list
from app.parties.invitations.forms import email_error
from app.parties.models import MAX_NAME_LENGTH


class EmailField(fields.String):
    """An e-mail address, normalised as it is stored."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = clean_text(super()._deserialize(value, attr, data, **kwargs)) or ""
        email = import_list.normalize_email(text)
        if email is None:
            raise ValidationError(TranslatedMessage(email_error(text)), attr or "")
        return email


class InvitationInput(RequestSchema):
    """A guest to invite."""

    email = EmailField(required=True)
    name = TextField(MAX_NAME_LENGTH, load_default="")
    number = WholeNumberField(
        1,
        models.MAX_SEATS,
        **api_fields.described("Maximum party size, the guest included. If left out, that of the party applies"),
    )


class InvitationsInput(RequestSchema):
    """Guests to invite."""

    invitations = fields.List(
        fields.Nested(InvitationInput),
        required=True,
        validate=[FilledValidator(), AtMostValidator(import_list.MAX_ROWS, of="entries")],
    )
    locale = LocaleField(**api_fields.described("Language of the e-mails. If left out, that of the host", example="es"))


class InvitedGuest(Schema):
    """An invited guest."""

    id = fields.Integer(attribute="invitation.id")
    email = fields.String(attribute="invitation.shown_email", **described("Empty if the guest gave none"))
    name = fields.String(attribute="invitation.name")
    number = fields.Integer(attribute="invitation.max_party", **described("Maximum party size, the guest included"))
    sent_at = fields.AwareDateTime(
        attribute="invitation.sent_at", allow_none=True, **described("Null while the party is a draft")
    )
    opened_at = fields.AwareDateTime(attribute="invitation.opened_at", allow_none=True)
    revoked_at = fields.AwareDateTime(attribute="invitation.revoked_at", allow_none=True)
    mail_problem = fields.String(
        attribute="problem",
        allow_none=True,
        metadata={"enum": [*MailProblem, None], "description": "Why e-mails do not reach the guest"},
    )
    status = fields.Function(
        lambda row: row.rsvp.status if row.rsvp else None,
        allow_none=True,
        metadata={"type": "string", "description": "Status of the RSVP"},
    )


class ShareLink(Schema):
    """The link with which anyone can see the party and answer."""

    url = fields.String(allow_none=True, **described("Null if there is no share link"))


class InvitationStatus(Schema):
    """An invitation after a change."""

    id = fields.Integer()
    email = fields.String(attribute="shown_email")
    name = fields.String()
    sent_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class InviteResult(Schema):
    """How many guests were invited, and how many were not."""

    added = fields.Integer()
    skipped = fields.Integer(**described("Already invited, or already coming"))
    repeated = fields.Integer(**described("In the request more than once, and counted once above"))
    unreachable = fields.Integer(**described("Invited, but their addresses have no mailbox"))
    late = fields.Integer(attribute="beyond_limit", **described("Not invited because of the daily limit"))
