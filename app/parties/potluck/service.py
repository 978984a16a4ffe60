"""What guests bring along: hosts ask for dishes, and those who come promise them.

How many are promised moves by a guarded UPDATE alone, as seats do. The party's row is held first: an answer does not
leave, and nothing is asked otherwise, while a dish is promised with it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import lazy_gettext, lazy_ngettext
from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import joinedload, selectinload

from app.errors import DomainError
from app.extensions import db
from app.i18n import formats
from app.parties.enums import SEATED, Course
from app.parties.models import DinnerParty, Rsvp
from app.parties.optimistic_lock import ConflictError, fingerprint
from app.parties.potluck import mail as potluck_mail
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.waiting_list import seats

ANSWER_FIRST = lazy_gettext("Only guests who are coming can bring something. Answer first.")


@dataclass(frozen=True)
class RequestedDish:
    """What a host asks for; without a name it is nothing. `key` is that of a dish that was asked for before."""

    course: Course
    name: str
    wanted: int = 1
    key: int = 0


class ClaimedError(DomainError):
    """A dish cannot be asked for like this, because guests have promised it. `number` is its row, counted from 0."""

    def __init__(self, message: object, number: int | None, field: str) -> None:
        super().__init__(message, field=field)
        self.number = number


# -- what there is


def slots(party: DinnerParty, *, with_claims: bool = False) -> list[DishSlot]:
    """Return what guests are asked to bring, in the order in which it is served; with who brings it, if asked."""
    statement = select(DishSlot).where(DishSlot.party_id == party.id).execution_options(populate_existing=True)
    if with_claims:
        statement = statement.options(selectinload(DishSlot.claims).joinedload(DishClaim.rsvp))
    return sorted(db.session.scalars(statement), key=_ordered)


def slots_and_own_claims(party: DinnerParty, rsvp: Rsvp | None) -> list[tuple[DishSlot, DishClaim | None]]:
    """Return what guests are asked to bring, each with what was promised of it by `answer`."""
    own = and_(DishClaim.slot_id == DishSlot.id, DishClaim.rsvp_id == (rsvp.id if rsvp else None))
    statement = select(DishSlot, DishClaim).outerjoin(DishClaim, own).where(DishSlot.party_id == party.id)
    rows = db.session.execute(statement.execution_options(populate_existing=True))
    return sorted(((slot, claim) for slot, claim in rows), key=lambda row: _ordered(row[0]))


def fingerprint_of(asked: Sequence[DishSlot]) -> str:
    """Return what tells what is asked for from what was asked for before."""
    return fingerprint([(slot.id, slot.course, slot.name, slot.wanted) for slot in asked])


# -- hosts ask


def set_requested_dishes(party: DinnerParty, asked: Sequence[RequestedDish], *, seen: str) -> None:
    """Ask guests for these dishes, and for no others.

    Raises ChangedError when it was not those with the mark `seen` that are asked for now, and PromisedError for fewer
    than guests have promised.
    """
    seats.lock(party.id)
    stored = slots(party, with_claims=True)
    if seen != fingerprint_of(stored):
        if [(dish.course, dish.name, dish.wanted) for dish in _in_order(asked)] == _values(stored):
            return
        raise ConflictError
    known = {slot.id: slot for slot in stored}
    kept = {dish.key for dish in asked if dish.name}
    for slot in stored:
        if slot.id not in kept and slot.claims:
            raise ClaimedError(_whose(slot), _row_of(slot, asked), "name")
    for position, dish in enumerate(asked):
        if not dish.name:
            continue
        if dish.key not in known:
            added = DishSlot(party_id=party.id, position=position, course=dish.course, name=dish.name)
            added.wanted = dish.wanted
            db.session.add(added)
        elif not _update_slot(dish, position):
            raise ClaimedError(_too_few(known[dish.key]), position, "wanted")
    gone = [slot_id for slot_id in known if slot_id not in kept]
    db.session.execute(delete(DishSlot).where(DishSlot.id.in_(gone), DishSlot.claimed == 0))
    db.session.flush()


def refuse_fewer(slot: DishSlot) -> None:
    """Refuse a slot that is about to ask for fewer than guests have promised; holds its party."""
    seats.lock(slot.party_id)
    db.session.refresh(slot, ["claimed"])
    if slot.claimed > slot.wanted:
        raise DomainError(_too_few(slot), field="wanted")


def delete_slot(party: DinnerParty, key: int) -> DishClaim:
    """Free a guest of what they have promised, and tell them; raises DomainError when they do not promise it."""
    seats.lock(party.id)
    claim = db.session.get(DishClaim, key, options=[joinedload(DishClaim.slot), joinedload(DishClaim.rsvp)])
    if claim is None or claim.slot.party_id != party.id:
        raise DomainError(lazy_gettext("Nothing changed: nobody is bringing that any more."), "warning")
    _forget(claim)
    if claim.rsvp.member_id != party.host_id:
        potluck_mail.dish_released(party, claim)
    return claim


def copy(party: DinnerParty, twin: DinnerParty) -> None:
    """Ask the guests of `twin` for the same dishes."""
    db.session.add_all(
        DishSlot(party_id=twin.id, position=position, course=slot.course, name=slot.name, wanted=slot.wanted)
        for position, slot in enumerate(slots(party))
    )
    db.session.flush()


# -- guests promise


def claim(party: DinnerParty, rsvp: Rsvp, key: int, quantity: int, what: str = "") -> DishClaim:
    """Promise `quantity` of a dish, in place of what was promised of it before.

    Raises DomainError when others were faster, and for whoever does not come.
    """
    slot, before = _claimed(party, rsvp, key)
    more = quantity - (before.quantity if before else 0)
    if more > 0 and not release_claim(slot.id, more):
        db.session.refresh(slot)
        raise _taken(slot.open + (before.quantity if before else 0))
    if more < 0:
        _return_quantity(slot.id, -more)
    promised = before or DishClaim(slot_id=slot.id, rsvp_id=rsvp.id)
    promised.quantity, promised.dish = quantity, what
    db.session.add(promised)
    db.session.flush()
    db.session.refresh(slot)
    return promised


def withdraw_claim(party: DinnerParty, rsvp: Rsvp, key: int) -> DishClaim:
    """Bring a dish no more; raises DomainError when nothing of it was promised."""
    _slot, before = _claimed(party, rsvp, key)
    if before is None:
        raise DomainError(lazy_gettext("Nothing changed: you were not bringing this dish."), "warning")
    _forget(before)
    return before


def release_claims_of(*answer_ids: int) -> None:
    """Free everything that was promised with answers that do not come any more, under the party's lock."""
    gone = delete(DishClaim).where(DishClaim.rsvp_id.in_(answer_ids)).returning(DishClaim.slot_id, DishClaim.quantity)
    freed = Counter[int]()
    for slot_id, quantity in db.session.execute(gone):
        freed[slot_id] += quantity
    for slot_id, quantity in freed.items():
        _return_quantity(slot_id, quantity)


def release_claim(slot_id: int, quantity: int) -> bool:
    """Take `quantity` of what is still wanted of a dish, if it is so many; return whether it did."""
    statement = (
        update(DishSlot)
        .where(DishSlot.id == slot_id, DishSlot.claimed + quantity <= DishSlot.wanted)
        .values(claimed=DishSlot.claimed + quantity)
        .returning(DishSlot.id)
    )
    return db.session.execute(statement).first() is not None


# -- inside


def _ordered(slot: DishSlot) -> tuple[int, int, int]:
    return list(Course).index(slot.course), slot.position, slot.id


def _in_order(asked: Sequence[RequestedDish]) -> list[RequestedDish]:
    """Return what is asked for as it will be read again."""
    return sorted((dish for dish in asked if dish.name), key=lambda dish: list(Course).index(dish.course))


def _values(stored: Sequence[DishSlot]) -> list[tuple[str, str, int]]:
    return [(slot.course, slot.name, slot.wanted) for slot in stored]


def _row_of(slot: DishSlot, asked: Sequence[RequestedDish]) -> int | None:
    return next((number for number, dish in enumerate(asked) if dish.key == slot.id), None)


def _update_slot(dish: RequestedDish, position: int) -> bool:
    """Change what is asked for, unless more is promised; return whether it did."""
    statement = (
        update(DishSlot)
        .where(DishSlot.id == dish.key, DishSlot.claimed <= dish.wanted)
        .values(course=dish.course, name=dish.name, wanted=dish.wanted, position=position)
        .returning(DishSlot.id)
    )
    return db.session.execute(statement).first() is not None


def _whose(slot: DishSlot) -> object:
    return lazy_gettext(
        "“%(dish)s” has already been promised by %(names)s. Release the dish first; they will be notified.",
        dish=slot.name,
        names=formats.value([str(claim.rsvp) for claim in slot.claims]),
    )


def _too_few(slot: DishSlot) -> object:
    return lazy_ngettext(
        "%(num)d has already been promised; you cannot request fewer.",
        "%(num)d have already been promised; you cannot request fewer.",
        slot.claimed,
    )


def _taken(left: int) -> DomainError:
    if left <= 0:
        return DomainError(lazy_gettext("Someone else just took that dish."), "warning")
    message = lazy_ngettext("Only %(num)d is still needed.", "Only %(num)d are still needed.", left)
    return DomainError(message, "warning", field="quantity")


def _claimed(party: DinnerParty, rsvp: Rsvp, key: int) -> tuple[DishSlot, DishClaim | None]:
    """Return a dish, and what an answer has promised of it so far, under the party's lock."""
    seats.lock(party.id)
    db.session.refresh(rsvp)
    db.session.refresh(party)
    if rsvp.status not in SEATED:
        raise DomainError(ANSWER_FIRST, "warning")
    if not party.is_open:
        raise DomainError(lazy_gettext("It is too late to change what you are bringing."), "warning")
    slot, own = next((row for row in slots_and_own_claims(party, rsvp) if row[0].id == key), (None, None))
    if slot is None:
        raise DomainError(lazy_gettext("This dish is no longer requested."), "warning")
    return slot, own


def _forget(claim: DishClaim) -> None:
    _return_quantity(claim.slot_id, claim.quantity)
    db.session.execute(delete(DishClaim).where(DishClaim.id == claim.id))


def _return_quantity(slot_id: int, quantity: int) -> None:
    statement = update(DishSlot).where(DishSlot.id == slot_id).values(claimed=DishSlot.claimed - quantity)
    db.session.execute(statement)
