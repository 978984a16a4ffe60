"""API schemas for hosts who create and change parties."""

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
    """What a host can set."""

    title = TextField(MAX_TITLE_LENGTH, least=1)
    starts_at = MomentField(
        **api_fields.described("With an offset, or in local time of the time zone", example="2030-06-01T19:00")
    )
    timezone = TimezoneField(
        **api_fields.described(
            "The time zone of the venue. If left out, that of the host. Changed alone, it keeps the local times",
            example="Europe/Madrid",
        )
    )
    duration_minutes = WholeNumberField(1, models.MAX_PARTY_MINUTES)
    venue = TextField(MAX_TITLE_LENGTH)
    area = TextField(
        MAX_TITLE_LENGTH,
        **api_fields.described(
            "Town or neighbourhood, for those who do not see the address", example="Lavapiés, Madrid"
        ),
    )
    address = TextField(255)
    map_url = WebLinkField(models.MAX_URL_LENGTH)
    main_dish = TextField(MAX_DISH_LENGTH)
    description = TextField(MAX_DESCRIPTION_LENGTH)
    number_seats = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("The host's seat included"))
    max_party = WholeNumberField(1, models.MAX_SEATS, **api_fields.described("Maximum number of people in one answer"))
    rsvp_deadline = MomentField(
        allow_none=True, **api_fields.described("Null if guests can answer until the party starts")
    )
    visibility = ChoiceField(Visibility.labels())
    approval = fields.Boolean(
        truthy={True}, falsy={False}, **api_fields.described("Whether hosts approve guests who were not invited")
    )
    answers_by_email = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("Whether guests of a public party can answer by e-mail, without an account"),
    )
    shows_guests = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("Whether guests who come see who else does, if those agree"),
    )
    address_for_guests = fields.Boolean(
        truthy={True},
        falsy={False},
        **api_fields.described("Whether only guests who are coming see the address. If left out, only they do"),
    )


class PartyInput(PartyFields):
    """A new party. With an Idempotency-Key, or within a minute, equal requests create it once."""

    title = TextField(MAX_TITLE_LENGTH, least=1, required=True)
    starts_at = MomentField(
        required=True,
        **api_fields.described("With an offset, or in local time of the time zone", example="2030-06-01T19:00"),
    )
    status = ChoiceField(
        (PartyStatus.DRAFT, PartyStatus.PUBLISHED),
        load_default=PartyStatus.DRAFT,
        **api_fields.described("Published parties are visible to guests at once"),
    )


class PartyChangeInput(PartyFields):
    """A change of a party. Fields that are left out stay as they are."""

    version = WholeNumberField(
        1, 2**31 - 1, required=True, **api_fields.described("The version of the party that you have read")
    )


class CoHostInput(RequestSchema):
    """A new co-host."""

    username = TextField(64, least=1, required=True)


class StoredParty(Schema):
    """The stored values of what a host can set."""

    title = fields.String()
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    area = fields.String()
    address = fields.String()
    map_url = fields.String()
    main_dish = fields.String()
    description = fields.String()
    number_seats = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime()
    visibility = fields.String()
    approval = fields.Boolean()
    answers_by_email = fields.Boolean()
    shows_guests = fields.Boolean()
    address_for_guests = fields.Boolean()
