"""API schemas of parties, as hosts send them."""

from marshmallow import Schema, fields

from app.parties import api_fields, models
from app.parties.api_fields import (
    ChoiceField,
    MomentField,
    RequestSchema,
    TextField,
    TimezoneField,
    WebLinkField,
    WholeNumberField,
)
from app.parties.enums import PartyStatus, Visibility
from app.parties.hosting.forms import MAX_DESCRIPTION_LENGTH
from app.parties.models import MAX_DISH_LENGTH, MAX_TITLE_LENGTH


class PartyFields(RequestSchema):
    """What a host says about a party."""

    title = TextField(MAX_TITLE_LENGTH, least=1)
    starts_at = MomentField(
        **api_fields.described("With an offset, or as the clocks of the time zone show it", example="2030-06-01T19:00")
    )
    timezone = TimezoneField(
        **api_fields.described("Where the party is; left out, where the host is", example="Europe/Madrid")
    )
    duration_minutes = WholeNumberField(1, models.MAX_PARTY_MINUTES)
    venue = TextField(MAX_TITLE_LENGTH)
    address = TextField(255)
    map_url = WebLinkField(models.MAX_URL_LENGTH)
    main_dish = TextField(MAX_DISH_LENGTH)
    description = TextField(MAX_DESCRIPTION_LENGTH)
    number_seats = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("The host's is one of them"))
    max_party = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("How many may come with one answer"))
    rsvp_deadline = MomentField(allow_none=True, **api_fields.described("Null: until the party starts"))
    visibility = ChoiceField(Visibility.labels())
    approval = fields.Boolean(
        truthy={True}, falsy={False}, **api_fields.described("Whoever was not invited asks the host for a seat")
    )
    address_for_guests = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("The address is told to those who come, and to nobody else"),
    )


class PartyInput(PartyFields):
    """A new party. With an Idempotency-Key, or the same within a minute, it is laid once however often it is sent."""

    title = TextField(MAX_TITLE_LENGTH, least=1, required=True)
    starts_at = MomentField(
        required=True,
        **api_fields.described("With an offset, or as the clocks of the time zone show it", example="2030-06-01T19:00"),
    )
    status = ChoiceField(
        (PartyStatus.DRAFT, PartyStatus.PUBLISHED),
        load_default=PartyStatus.DRAFT,
        **api_fields.described("Whether guests see it at once"),
    )


class PartyChangeInput(PartyFields):
    """A change of a party. What is left out stays as it is."""

    version = WholeNumberField(
        1, 2**31 - 1, required=True, **api_fields.described("That of the party when it was read")
    )


class CoHostInput(RequestSchema):
    """Somebody who is to host beside the owner."""

    username = TextField(64, least=1, required=True)


class StoredParty(Schema):
    """What a host says about a party, as it is stored."""

    title = fields.String()
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    address = fields.String()
    map_url = fields.String()
    main_dish = fields.String()
    description = fields.String()
    number_seats = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime()
    visibility = fields.String()
    approval = fields.Boolean()
    address_for_guests = fields.Boolean()
