"""What programs get. Moments are in UTC; what is null is not known, not told, or not there."""

from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields

from app.http import public_url
from app.parties import models, queries, rules
from app.parties.api.request_schemas import told
from app.parties.models import OFFERED, Rsvp


class Host(Schema):
    """Somebody who hosts."""

    username = fields.Method("username_of", allow_none=True, metadata={"type": "string"})
    name = fields.String(attribute="display_name")

    def username_of(self, member: Any) -> str | None:
        """Return by which name they are found, unless they were erased."""
        return None if member.erased_at else str(member.username)


class Dish(Schema):
    """Something that is on the table."""

    course = fields.String(**told("When it is served", enum=list(models.COURSES)))
    name = fields.String()
    allergens = fields.List(fields.String(), **told("What is in it"))
    diets = fields.List(fields.String(), **told("Whom it suits"))


class PartyInShort(Schema):
    """A party, as it stands in lists."""

    slug = fields.String(**told("What addresses of this party are made with"))
    url = fields.Function(
        lambda party: public_url("PartyView.show", slug=party.slug),
        metadata={"type": "string", "format": "uri", "description": "Its page"},
    )
    title = fields.String()
    host = fields.Nested(Host)
    starts_at = fields.AwareDateTime()
    timezone = fields.String()
    duration_minutes = fields.Integer()
    venue = fields.String()
    main_dish = fields.String()
    number_seats = fields.Integer()
    seats_free = fields.Integer(**told("Others may wait for them already"))
    visibility = fields.String(metadata={"enum": list(models.VISIBILITIES)})
    status = fields.String(metadata={"enum": list(models.PARTY_STATUSES)})


class Answer(Schema):
    """An answer of one's own."""

    status = fields.String(metadata={"enum": list(models.ANSWERS)})
    party_size = fields.Integer()
    min_party = fields.Integer()
    note = fields.String()
    answered_at = fields.AwareDateTime()


class Offer(Schema):
    """Seats that are held for a guest until they decide."""

    seats = fields.Integer()
    expires_at = fields.AwareDateTime()


class Standing(Schema):
    """How somebody stands with a party: their answer, their place in line, and the seats that are held for them."""

    answer = fields.Nested(Answer, allow_none=True)
    place = fields.Integer(allow_none=True, **told("The next to be offered seats is 1"))
    offer = fields.Nested(Offer, allow_none=True)


class Party(PartyInShort, Standing):
    """A party, as whoever is asking sees it."""

    co_hosts = fields.List(fields.Nested(Host))
    address = fields.String(allow_none=True, **told("Null where it is told to those who come only"))
    map_url = fields.String(allow_none=True)
    description = fields.String()
    seats_taken = fields.Integer()
    max_party = fields.Integer()
    rsvp_deadline = fields.AwareDateTime(allow_none=True)
    answers_until = fields.AwareDateTime()
    approval = fields.Boolean(**told("Whoever was not invited asks the host for a seat"))
    address_for_guests = fields.Boolean()
    waiting_count = fields.Integer(**told("How many answers wait"))
    menu = fields.List(fields.Nested(Dish))
    hosts = fields.Boolean(**told("Whether whoever is asking hosts it"))
    version = fields.Integer(**told("To be sent along with a change"))


class Facts(Schema):
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


class Cannot(Schema):
    """How many cannot eat a dish, and for which reason how many of them."""

    people = fields.Integer()
    allergens = fields.Dict(keys=fields.String(), values=fields.Integer())
    diets = fields.Dict(keys=fields.String(), values=fields.Integer())


class CookedDish(Schema):
    """A dish, and who cannot eat it."""

    course = fields.String()
    name = fields.String()
    cannot = fields.Nested(Cannot)


class Kitchen(Schema):
    """What the kitchen must know."""

    people = fields.Integer(**told("Of how many it is known what they eat"))
    dishes = fields.List(fields.Nested(CookedDish))
    left_out = fields.Dict(
        keys=fields.String(), values=fields.Integer(), **told("How many find nothing they can eat in a course")
    )
    diets = fields.Dict(keys=fields.String(), values=fields.Integer())
    allergens = fields.Dict(keys=fields.String(), values=fields.Integer())
    notes = fields.List(fields.String())


class Mine(Schema):
    """The parties of a member."""

    hosted = fields.List(fields.Nested(PartyInShort))
    attended = fields.List(fields.Nested(PartyInShort))
    offered = fields.List(fields.Nested(PartyInShort), **told("Seats are held until they decide"))
    waiting = fields.List(fields.Nested(PartyInShort))
    asked = fields.List(fields.Nested(PartyInShort), **told("The host is to let them in"))
    invited = fields.List(fields.Nested(PartyInShort), **told("Not answered yet"))


class Ticket(Schema):
    """What a guest shows at the door."""

    code = fields.String()
    url = fields.String()


class Person(Schema):
    """Somebody who comes with an answer."""

    name = fields.String()
    diets = fields.List(fields.String())
    allergens = fields.List(fields.String(), **told("What they must not eat"))
    note = fields.String()


class Step(Schema):
    """Something that happened in line."""

    at = fields.AwareDateTime()
    who = fields.String()
    what = fields.String()


class InLine(Schema):
    """Somebody who waits, as hosts read of them."""

    id = fields.Integer()
    place = fields.Integer()
    name = fields.String()
    party_size = fields.Integer()
    min_party = fields.Integer()
    note = fields.String()
    why = fields.String(**told("Why they are offered seats, or are not"))


class WaitingList(Schema):
    """The waiting list: one's own place in it and why it is so; all of it for hosts."""

    place = fields.Integer(allow_none=True)
    why = fields.String(allow_none=True)
    offer = fields.Nested(Offer, allow_none=True)
    steps = fields.List(fields.Nested(Step), **told("What happened, the latest first"))
    line = fields.List(fields.Nested(InLine), allow_none=True, **told("Null for guests"))


class Guest(Schema):
    """Somebody who answered, as hosts read of them."""

    id = fields.Integer(attribute="answer.id")
    name = fields.Function(lambda guest: str(guest.answer), metadata={"type": "string"})
    email = fields.String(attribute="answer.email")
    status = fields.String(attribute="answer.status", metadata={"enum": list(models.ANSWERS)})
    party_size = fields.Integer(attribute="answer.party_size")
    min_party = fields.Integer(attribute="answer.min_party")
    note = fields.String(attribute="answer.note")
    answered_at = fields.AwareDateTime(attribute="answer.answered_at")
    checked_in_at = fields.AwareDateTime(attribute="answer.checked_in_at", allow_none=True)
    place = fields.Integer(allow_none=True, **told("In line"))
    offer = fields.Nested(Offer, allow_none=True)
    people = fields.List(fields.Nested(Person))


class GuestNow(Schema):
    """What became of an answer that a host has decided about."""

    id = fields.Integer()
    name = fields.Function(lambda answer: str(answer), metadata={"type": "string"})  # noqa: PLW0108 - not any callable will do
    status = fields.String(metadata={"enum": list(models.ANSWERS)})
    party_size = fields.Integer()
    checked_in_at = fields.AwareDateTime(allow_none=True)


class Invited(Schema):
    """Somebody who was invited."""

    id = fields.Integer(attribute="invitation.id")
    email = fields.String(attribute="invitation.email")
    name = fields.String(attribute="invitation.name")
    number = fields.Integer(attribute="invitation.max_party", **told("How many may come, they included"))
    sent_at = fields.AwareDateTime(attribute="invitation.sent_at", allow_none=True, **told("Null: with the draft"))
    opened_at = fields.AwareDateTime(attribute="invitation.opened_at", allow_none=True)
    revoked_at = fields.AwareDateTime(attribute="invitation.revoked_at", allow_none=True)
    status = fields.Function(
        lambda row: row.answer.status if row.answer else None,
        allow_none=True,
        metadata={"type": "string", "description": "What they answered"},
    )


class ShareLink(Schema):
    """The link that lets whoever has it see a party and answer."""

    url = fields.String(allow_none=True, **told("Null: there is none"))


class Message(Schema):
    """What was written to guests."""

    subject = fields.String()
    text = fields.String()
    audiences = fields.List(fields.String(metadata={"enum": list(models.AUDIENCES)}), attribute="statuses")
    recipients = fields.Integer()
    created_at = fields.AwareDateTime()


class PlannedReminder(Schema):
    """When guests are reminded, and how things stand with it."""

    kind = fields.String(attribute="reminder.kind", metadata={"enum": list(models.REMINDER_KINDS)})
    hours_before = fields.Integer(attribute="reminder.hours_before")
    due = fields.AwareDateTime(attribute="when.due", allow_none=True)
    sent_at = fields.AwareDateTime(attribute="reminder.sent_at", allow_none=True)


class InvitationNow(Schema):
    """An invitation as it is now."""

    id = fields.Integer()
    email = fields.String()
    name = fields.String()
    sent_at = fields.AwareDateTime(allow_none=True)
    revoked_at = fields.AwareDateTime(allow_none=True)


class InvitedCount(Schema):
    """What became of those who were to be invited."""

    added = fields.Integer()
    skipped = fields.Integer(**told("Invited before, or at the table already"))
    late = fields.Integer(**told("More than may be invited on one day"))


class Promise(Schema):
    """What somebody brings."""

    quantity = fields.Integer()
    dish = fields.String()


class PromiseOf(Promise):
    """Who brings what."""

    id = fields.Integer()
    name = fields.Function(lambda claim: str(claim.answer), metadata={"type": "string"})


class AskedFor(Schema):
    """Something that guests are asked to bring."""

    id = fields.Integer()
    course = fields.String(metadata={"enum": list(models.COURSES)})
    name = fields.String()
    wanted = fields.Integer()
    open = fields.Integer(**told("How many nobody brings yet"))
    mine = fields.Nested(Promise, allow_none=True)
    promises = fields.List(fields.Nested(PromiseOf), allow_none=True, **told("Null for guests"))


@dataclass(frozen=True)
class Seen:
    """A row, and what one reader is told beside it."""

    row: Any
    more: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.more[name] if name in self.more else getattr(self.row, name)


def standing(answer: Rsvp | None) -> dict[str, Any]:
    """Return how somebody stands: what is stored may be older than the end of an offer, which then is void."""
    offer = queries.pending_offer(answer) if answer is not None and answer.status == OFFERED else None
    is_open = offer is not None and offer.is_open
    waits = answer is not None and answer.status in rules.IN_LINE and not is_open
    return {
        "answer": answer,
        "place": queries.place_in_line(answer) if answer is not None and waits else None,
        "offer": offer if is_open else None,
    }
