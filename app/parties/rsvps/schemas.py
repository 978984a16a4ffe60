"""API schemas of RSVPs, and the guest list."""

from marshmallow import Schema, fields

from app.parties import api_fields, models
from app.parties.api_fields import ChoiceField, RequestSchema, TextField, WholeNumberField, described
from app.parties.enums import RsvpStatus
from app.parties.menu.schemas import Person
from app.parties.rsvps.forms import ANSWERS, DECISIONS, MAX_NOTE_LENGTH
from app.parties.schemas import Offer


class RsvpInput(RequestSchema):
    """A guest's answer. What is left out stays as it was."""

    answer = ChoiceField(ANSWERS, required=True)
    party_size = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("How many come, the guest included"))
    min_party = WholeNumberField(
        1,
        models.MAX_SEATS,
        **api_fields.described("With how few they would come, too; left out: all together or not at all"),
    )
    note = TextField(MAX_NOTE_LENGTH, **api_fields.described("For the host"))
    wait = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("Rather wait for all seats than come with those that are free"),
    )


class OfferDecisionInput(RequestSchema):
    """What a guest does with seats that are offered to them."""

    decision = ChoiceField(DECISIONS, required=True)


class Guest(Schema):
    """Somebody who answered, as hosts read of them."""

    id = fields.Integer(attribute="rsvp.id")
    name = fields.Function(lambda guest: str(guest.rsvp), metadata={"type": "string"})
    email = fields.String(attribute="rsvp.email")
    status = fields.String(attribute="rsvp.status", metadata={"enum": list(RsvpStatus)})
    party_size = fields.Integer(attribute="rsvp.party_size")
    min_party = fields.Integer(attribute="rsvp.min_party")
    note = fields.String(attribute="rsvp.note")
    answered_at = fields.AwareDateTime(attribute="rsvp.answered_at")
    checked_in_at = fields.AwareDateTime(attribute="rsvp.checked_in_at", allow_none=True)
    place = fields.Integer(allow_none=True, **described("In line"))
    offer = fields.Nested(Offer, allow_none=True)
    people = fields.List(fields.Nested(Person))


class GuestStatus(Schema):
    """What became of an answer that a host has decided about."""

    id = fields.Integer()
    name = fields.Function(lambda rsvp: str(rsvp), metadata={"type": "string"})  # noqa: PLW0108 - not any callable will do
    status = fields.String(metadata={"enum": list(RsvpStatus)})
    party_size = fields.Integer()
    checked_in_at = fields.AwareDateTime(allow_none=True)
