"""API schemas of invitations."""

from typing import Any

from flask_babel import gettext as _
from marshmallow import Schema, ValidationError, fields

from app.accounts.models import Member
from app.crud.api import TranslatedMessage
from app.crud.fields import clean_text
from app.i18n import locales
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
from app.parties.models import MAX_NAME_LENGTH


class EmailField(fields.String):
    """An address that letters can be sent to, as it is kept."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        address = import_list.address(clean_text(super()._deserialize(value, attr, data, **kwargs)) or "")
        if address is None:
            raise ValidationError(TranslatedMessage(_("Please enter a valid e-mail address.")), attr or "")
        return address


class InvitationInput(RequestSchema):
    """Somebody to invite."""

    email = EmailField(required=True)
    name = TextField(MAX_NAME_LENGTH, load_default="")
    number = WholeNumberField(
        1,
        models.MAX_SEATS,
        **api_fields.described("How many may come, they included; left out: as many as the party says"),
    )


class InvitationsInput(RequestSchema):
    """Whom to invite, and in which language."""

    invitations = fields.List(
        fields.Nested(InvitationInput),
        required=True,
        validate=[FilledValidator(), AtMostValidator(import_list.MAX_ROWS, of="things")],
    )
    locale = LocaleField(
        **api_fields.described("The language of the letters; left out: that of the host", example="es")
    )


def language_of(member: Member) -> str:
    """Return the language of a member: most people invite those who speak it."""
    return (locales.match(member.locale) or locales.default()).key


class InvitedGuest(Schema):
    """Somebody who was invited."""

    id = fields.Integer(attribute="invitation.id")
    email = fields.String(attribute="invitation.email")
    name = fields.String(attribute="invitation.name")
    number = fields.Integer(attribute="invitation.max_party", **described("How many may come, they included"))
    sent_at = fields.AwareDateTime(attribute="invitation.sent_at", allow_none=True, **described("Null: with the draft"))
    opened_at = fields.AwareDateTime(attribute="invitation.opened_at", allow_none=True)
    revoked_at = fields.AwareDateTime(attribute="invitation.revoked_at", allow_none=True)
    status = fields.Function(
        lambda row: row.rsvp.status if row.rsvp else None,
        allow_none=True,
        metadata={"type": "string", "description": "What they answered"},
    )


class ShareLink(Schema):
    """The link that lets whoever has it see a party and answer."""

    url = fields.String(allow_none=True, **described("Null: there is none"))


class InvitationStatus(Schema):
    """An invitation as it is now."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    sent_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class InviteResult(Schema):
    """What became of those who were to be invited."""

    added = fields.Integer()
    skipped = fields.Integer(**described("Invited before, or at the table already"))
    late = fields.Integer(**described("More than may be invited on one day"))
