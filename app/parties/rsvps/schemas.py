"""API schemas of RSVPs, and the guest list."""

from marshmallow import Schema, fields

from app.outbox.models import MailProblem
from app.parties import api_fields, models
from app.parties.api_fields import ChoiceField, RequestSchema, TextField, WholeNumberField, described
from app.parties.enums import RsvpStatus
from app.parties.menu.schemas import Person
from app.parties.rsvps.forms import ANSWERS, DECISIONS, MAX_NOTE_LENGTH
from app.parties.schemas import Offer


class RsvpInput(RequestSchema):
    """An RSVP. Fields that are left out stay as they are."""

    answer = ChoiceField(ANSWERS, required=True)
    party_size = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("How many come, the guest included"))
    min_party = WholeNumberField(
        1,
        models.MAX_SEATS,
        **api_fields.described("The fewest people with whom the group would come; left out: all or none"),
    )
    note = TextField(MAX_NOTE_LENGTH, **api_fields.described("For the host"))
    wait = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("Rather wait for all seats than come with those that are free"),
    )


class OfferDecisionInput(RequestSchema):
    """A guest's decision about a seat offer."""

    decision = ChoiceField(DECISIONS, required=True)


class Guest(Schema):
    """A guest who answered, as hosts see them."""

    id = fields.Integer(attribute="rsvp.id")
    name = fields.Function(lambda guest: str(guest.rsvp), metadata={"type": "string"})
    email = fields.String(attribute="rsvp.shown_email", **described("Empty if the guest gave none"))
    status = fields.String(attribute="rsvp.status", metadata={"enum": list(RsvpStatus)})
    party_size = fields.Integer(attribute="rsvp.party_size")
    min_party = fields.Integer(attribute="rsvp.min_party")
    note = fields.String(attribute="rsvp.note")
    answered_at = fields.AwareDateTime(attribute="rsvp.answered_at")
    checked_in_at = fields.AwareDateTime(attribute="rsvp.checked_in_at", allow_none=True)
    place = fields.Integer(attribute="position", allow_none=True, **described("On the waiting list; 1 is next"))
    offer = fields.Nested(Offer, allow_none=True)
    people = fields.List(fields.Nested(Person))
    mail_problem = fields.String(
        attribute="problem",
        allow_none=True,
        metadata={"enum": [*MailProblem, None], "description": "Why e-mails do not reach the guest"},
    )


class GuestStatus(Schema):
    """A guest after a host's decision."""

    id = fields.Integer()
    name = fields.Function(lambda rsvp: str(rsvp), metadata={"type": "string"})  # noqa: PLW0108 - not any callable will do
    status = fields.String(metadata={"enum": list(RsvpStatus)})
    party_size = fields.Integer()
    checked_in_at = fields.AwareDateTime(allow_none=True)
