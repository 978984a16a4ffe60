"""What programs send."""

from typing import Any

from marshmallow import fields

from app.accounts.models import Member
from app.food import ALLERGENS, DIETS
from app.i18n import locales
from app.parties import models
from app.parties.api.fields import (
    AtMost,
    Choice,
    EmailAddress,
    Filled,
    Locale,
    Moment,
    Sent,
    Several,
    Text,
    WebLink,
    Whole,
    Zone,
)
from app.parties.forms.answering import DECISIONS, LONGEST_NOTE, WISHES
from app.parties.forms.hosting import LONGEST_DESCRIPTION
from app.parties.service import address_lists

LONGEST_NAME, LONGEST_TITLE, LONGEST_DISH, LONGEST_PERSON_NOTE = 130, 120, 120, 200


def told(description: str, **more: Any) -> dict[str, Any]:
    """Return what is said of a field."""
    return {"metadata": {"description": description, **more}}


class AnswerSent(Sent):
    """A guest's answer. What is left out stays as it was."""

    answer = Choice(WISHES, required=True)
    party_size = Whole(1, models.MOST_SEATS, **told("How many come, the guest included"))
    min_party = Whole(
        1, models.MOST_SEATS, **told("With how few they would come, too; left out: all together or not at all")
    )
    note = Text(LONGEST_NOTE, **told("For the host"))
    wait = fields.Boolean(
        truthy={True}, falsy={False}, **told("Rather wait for all seats than come with those that are free")
    )


class OfferSent(Sent):
    """What a guest does with seats that are offered to them."""

    decision = Choice(DECISIONS, required=True)


class PersonSent(Sent):
    """Somebody who comes."""

    name = Text(LONGEST_NAME)
    diets = Several(DIETS)
    allergens = Several(ALLERGENS, **told("What they must not eat"))
    note = Text(LONGEST_PERSON_NOTE, **told("Anything else the kitchen should know"))


class PeopleSent(Sent):
    """Who comes, one for each seat."""

    people = fields.List(fields.Nested(PersonSent), required=True, validate=AtMost(models.MOST_SEATS, of="things"))
    seen = fields.String(**told("What stood beside it when it was read; left out: replace whatever is stored"))


class DishSent(Sent):
    """A dish."""

    course = Choice(models.COURSES, load_default=models.MAIN)
    name = Text(LONGEST_DISH, least=1, required=True)
    allergens = Several(ALLERGENS, **told("What is in it"))
    diets = Several(DIETS, **told("Whom it suits"))


class MenuSent(Sent):
    """What is on the table, in the order in which it is served."""

    dishes = fields.List(fields.Nested(DishSent), required=True, validate=AtMost(models.MOST_DISHES, of="things"))
    seen = fields.String(**told("What stood beside it when it was read; left out: replace whatever is stored"))


class Facts(Sent):
    """What a host says about a party."""

    title = Text(LONGEST_TITLE, least=1)
    starts_at = Moment(**told("With an offset, or as the clocks of the time zone show it", example="2030-06-01T19:00"))
    timezone = Zone(**told("Where the party is; left out, where the host is", example="Europe/Madrid"))
    duration_minutes = Whole(1, models.LONGEST_PARTY_MINUTES)
    venue = Text(LONGEST_TITLE)
    address = Text(255)
    map_url = WebLink(models.LONGEST_URL)
    main_dish = Text(LONGEST_DISH)
    description = Text(LONGEST_DESCRIPTION)
    number_seats = Whole(1, models.MOST_SEATS, **told("The host's is one of them"))
    max_party = Whole(1, models.MOST_SEATS, **told("How many may come with one answer"))
    rsvp_deadline = Moment(allow_none=True, **told("Null: until the party starts"))
    visibility = Choice(models.VISIBILITIES)
    approval = fields.Boolean(truthy={True}, falsy={False}, **told("Whoever was not invited asks the host for a seat"))
    address_for_guests = fields.Boolean(
        truthy={True}, falsy={False}, **told("The address is told to those who come, and to nobody else")
    )


class PartySent(Facts):
    """A new party. With an Idempotency-Key, or the same within a minute, it is laid once however often it is sent."""

    title = Text(LONGEST_TITLE, least=1, required=True)
    starts_at = Moment(
        required=True, **told("With an offset, or as the clocks of the time zone show it", example="2030-06-01T19:00")
    )
    status = Choice(
        (models.DRAFT, models.PUBLISHED), load_default=models.DRAFT, **told("Whether guests see it at once")
    )


class PartyChange(Facts):
    """A change of a party. What is left out stays as it is."""

    version = Whole(1, 2**31 - 1, required=True, **told("That of the party when it was read"))


class HostSent(Sent):
    """Somebody who is to host beside the owner."""

    username = Text(64, least=1, required=True)


class AskedSent(Sent):
    """Something that guests are asked to bring."""

    id = Whole(0, 2**31 - 1, **told("Of what was asked for before; what is left out is asked for no more"))
    course = Choice(models.COURSES, load_default=models.SIDE)
    name = Text(LONGEST_DISH, least=1, required=True)
    wanted = Whole(1, models.MOST_WANTED, load_default=1)


class AskedForSent(Sent):
    """What guests are asked to bring."""

    dishes = fields.List(fields.Nested(AskedSent), required=True, validate=AtMost(models.MOST_DISHES, of="things"))
    seen = fields.String(**told("What stood beside it when it was read; left out: replace whatever is stored"))


class PromiseSent(Sent):
    """What a guest brings along."""

    quantity = Whole(1, models.MOST_WANTED, load_default=1)
    dish = Text(LONGEST_DISH, load_default="", **told("What exactly it will be", example="Lemon tart"))


class MessageSent(Sent):
    """What a host writes to guests."""

    audiences = Several(models.AUDIENCES, required=True, **told("Whom to write to, by what they answered"))
    subject = Text(models.LONGEST_SUBJECT, least=1, required=True)
    text = Text(models.LONGEST_MESSAGE, least=1, required=True, **told("Plain; an empty line begins a paragraph"))
    with_address = fields.Boolean(
        truthy={True}, falsy={False}, load_default=False, **told("Guests may answer to the address of the author")
    )


class ReminderSent(Sent):
    """When guests are reminded."""

    kind = Choice(models.REMINDER_KINDS, required=True)
    hours_before = Whole(1, models.MOST_HOURS_BEFORE, required=True)


class RemindersSent(Sent):
    """All reminders of a party."""

    reminders = fields.List(
        fields.Nested(ReminderSent), required=True, validate=AtMost(models.MOST_REMINDERS, of="things")
    )


class ReportSent(Sent):
    """What is wrong with a party."""

    reason = Choice(models.REPORT_REASONS, required=True)
    note = Text(models.LONGEST_REPORT, load_default="")


class InvitedSent(Sent):
    """Somebody to invite."""

    email = EmailAddress(required=True)
    name = Text(LONGEST_NAME, load_default="")
    number = Whole(
        1, models.MOST_SEATS, **told("How many may come, they included; left out: as many as the party says")
    )


class InvitationsSent(Sent):
    """Whom to invite, and in which language."""

    invitations = fields.List(
        fields.Nested(InvitedSent), required=True, validate=[Filled(), AtMost(address_lists.MOST_LINES, of="things")]
    )
    locale = Locale(**told("The language of the letters; left out: that of the host", example="es"))


def language_of(member: Member) -> str:
    """Return the language of a member: most people invite those who speak it."""
    return (locales.match(member.locale) or locales.default()).key
