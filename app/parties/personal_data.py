"""What parties keep about a member: given to them as they take their data along, let go of as they are erased."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.accounts.service.exporting import Archive, pick
from app.accounts.signals import member_erasing, member_exporting
from app.extensions import db
from app.parties import calendar, rules
from app.parties.guests import Guest
from app.parties.models import DONE, PUBLISHED, REMOVED, SEATED, CoHost, DinnerParty, Rsvp, RsvpPerson
from app.parties.service import answers, feeds, food, hosting, seats

HOSTED = (
    *("title", "slug", "starts_at", "timezone", "duration_minutes", "venue", "address", "main_dish", "description"),
    *("number_seats", "seats_taken", "rsvp_deadline", "visibility", "status", "created_at"),
)
PERSON = ("name", "diets", "allergens", "note")
ATTENDED = ("title", "slug", "starts_at", "timezone")
ANSWER = ("status", "party_size", "name", "email", "note", "locale", "timezone", "answered_at", "waitlisted_at")


def connect() -> None:
    """Listen to what accounts tell about members."""
    member_exporting.connect(_export)
    member_erasing.connect(_erase)


# -- take along


def _export(member: Member, *, archive: Archive) -> None:
    hosted, given = _hosted_by(member), _answers_of(member)
    archive.add_json("parties.json", [pick(party, HOSTED) for party in hosted])
    archive.add_json("answers.json", [_answer(answer, member) for answer in given])
    archive.add_json("people.json", [pick(person, PERSON) for answer in given for person in food.people(answer)])
    attended = [answer.party for answer in given if answer.status in SEATED and answer.party.host_id != member.id]
    planned = [party for party in (*hosted, *attended) if party.status in {PUBLISHED, DONE}]
    archive.add(
        "dinners.ics", calendar.published(sorted(planned, key=lambda party: (party.starts_at, party.id))).encode()
    )


def _answer(answer: Rsvp, member: Member) -> dict[str, Any]:
    """Return an answer, and its dinner as far as its guest may see it."""
    visible = rules.is_visible(
        visibility=answer.party.visibility,
        status=answer.party.status,
        is_hidden=answer.party.hidden_at is not None,
        is_host=answer.party.host_id == member.id,
        is_guest=answer.status != REMOVED,
        is_staff=False,
    )
    return {**pick(answer, ANSWER), "party": pick(answer.party, ATTENDED) if visible else None}


# -- let go


def _erase(member: Member) -> None:
    """Call the coming dinners of a member off, hand their seats on, and leave nothing of them in what stays.

    What was eaten was eaten: past dinners keep their guests as numbers.
    """
    _hold_tables(member)
    for party in _hosted_by(member):
        if party.is_cancellable:
            hosting.cancel(party)
    for answer in _answers_of(member):
        if _can_be_withdrawn(answer, member):
            answers.withdraw(answer.party, Guest(member))
    db.session.flush()
    feeds.stop(member)
    db.session.execute(delete(CoHost).where(CoHost.member_id == member.id))
    theirs = select(Rsvp.id).where(_is_of(member))
    db.session.execute(delete(RsvpPerson).where(RsvpPerson.rsvp_id.in_(theirs)))
    _blank(DinnerParty, DinnerParty.host_id == member.id, venue="", address="", description="")
    _blank(Rsvp, _is_of(member), name="", email=f"erased-{member.id}@invalid", note="", locale=None, timezone=None)


def _hold_tables(member: Member) -> None:
    """Hold the coming parties of a member until the end of the transaction.

    All at once and in one order: two who are erased at the same time may sit at each other's tables.
    """
    answered = select(Rsvp.party_id).where(_is_of(member))
    theirs = or_(DinnerParty.host_id == member.id, DinnerParty.id.in_(answered))
    coming = select(DinnerParty.id).where(DinnerParty.starts_at > clock.now(), theirs).order_by(DinnerParty.id)
    for party_id in db.session.scalars(coming).all():
        seats.lock(party_id)


def _can_be_withdrawn(answer: Rsvp, member: Member) -> bool:
    is_guest = answer.party.host_id != member.id
    return is_guest and answer.status in rules.WITHDRAWABLE and not answer.party.is_past


def _blank(model: type[DinnerParty] | type[Rsvp], which: ColumnElement[bool], **values: str | None) -> None:
    db.session.execute(update(model).where(which).values(**values).execution_options(synchronize_session=False))


# -- what there is


def _hosted_by(member: Member) -> Sequence[DinnerParty]:
    statement = select(DinnerParty).where(DinnerParty.host_id == member.id)
    return db.session.scalars(statement.order_by(DinnerParty.starts_at, DinnerParty.id)).all()


def _answers_of(member: Member) -> Sequence[Rsvp]:
    statement = select(Rsvp).join(Rsvp.party).options(joinedload(Rsvp.party)).where(_is_of(member))
    return db.session.scalars(statement.order_by(DinnerParty.starts_at, Rsvp.id)).all()


def _is_of(member: Member) -> ColumnElement[bool]:
    """Whether a member gave an answer, with their account or, before they had one, with their address."""
    by_address = and_(Rsvp.member_id.is_(None), func.lower(Rsvp.email) == member.email.lower())
    return or_(Rsvp.member_id == member.id, by_address)
