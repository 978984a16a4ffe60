"""Potluck: hosts request dishes, and guests claim them.

`DishSlot.claimed` changes only by a guarded UPDATE, as the seats of a party do. Every change locks the party's row
first, so that no RSVP is withdrawn, and no request changed, while a guest claims a dish.
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
from app.parties.enums import Course
from app.parties.models import DinnerParty, Rsvp
from app.parties.optimistic_lock import StaleFormError, fingerprint
from app.parties.potluck import mail as potluck_mail
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.waiting_list import seats

ANSWER_FIRST = lazy_gettext("Only guests who are coming can bring something. Answer first.")


@dataclass(frozen=True)
class RequestedDish:
    """A dish that a host requests. Dishes without a name are ignored. `key` is the id of the stored slot, if there is one."""

    course: Course
    name: str
    wanted: int = 1
    key: int = 0


class ClaimedError(DomainError):
    """A request conflicts with claims of guests. `row` is the row of the form, counted from 0."""

    def __init__(self, message: object, row: int | None, field: str) -> None:
        super().__init__(message, field=field)
        self.row = row


# -- reading


def slots(party: DinnerParty, *, with_claims: bool = False) -> list[DishSlot]:
    """Return the requested dishes in serving order, with the claims of all guests if wanted."""
    statement = select(DishSlot).where(DishSlot.party_id == party.id).execution_options(populate_existing=True)
    if with_claims:
        statement = statement.options(selectinload(DishSlot.claims).joinedload(DishClaim.rsvp))
    return sorted(db.session.scalars(statement), key=_serving_order)


def slots_and_own_claims(party: DinnerParty, rsvp: Rsvp | None) -> list[tuple[DishSlot, DishClaim | None]]:
    """Return the requested dishes in serving order, each with the claim of one RSVP."""
    own = and_(DishClaim.slot_id == DishSlot.id, DishClaim.rsvp_id == (rsvp.id if rsvp else None))
    statement = select(DishSlot, DishClaim).outerjoin(DishClaim, own).where(DishSlot.party_id == party.id)
    rows = db.session.execute(statement.execution_options(populate_existing=True))
    return sorted(((slot, claim) for slot, claim in rows), key=lambda row: _serving_order(row[0]))


def fingerprint_of(stored: Sequence[DishSlot]) -> str:
    """Return the fingerprint of the requested dishes."""
    return fingerprint([(slot.id, slot.course, slot.name, slot.wanted) for slot in stored])


# -- hosts request dishes


def set_requested_dishes(party: DinnerParty, wanted: Sequence[RequestedDish], *, expected: str) -> None:
    """Replace the requested dishes if they still have the fingerprint `expected`.

    Raises StaleFormError if they were changed, and ClaimedError if guests have claimed more than is wanted now.
    """
    seats.lock(party.id)
    stored = slots(party, with_claims=True)
    if expected != fingerprint_of(stored):
        named = sorted((dish for dish in wanted if dish.name), key=lambda dish: list(Course).index(dish.course))
        if [(dish.course, dish.name, dish.wanted) for dish in named] == [
            (slot.course, slot.name, slot.wanted) for slot in stored
        ]:
            return
        raise StaleFormError
    known = {slot.id: slot for slot in stored}
    kept = {dish.key for dish in wanted if dish.name}
    for slot in stored:
        if slot.id not in kept and slot.claims:
            row = next((row for row, dish in enumerate(wanted) if dish.key == slot.id), None)
            raise ClaimedError(_claimed_by_text(slot), row, "name")
    for position, dish in enumerate(wanted):
        if not dish.name:
            continue
        if dish.key not in known:
            added = DishSlot(party_id=party.id, position=position, course=dish.course, name=dish.name)
            added.wanted = dish.wanted
            db.session.add(added)
        elif not _update_slot(dish, position):
            raise ClaimedError(_fewer_than_claimed_text(known[dish.key]), position, "wanted")
    removed = [slot_id for slot_id in known if slot_id not in kept]
    db.session.execute(delete(DishSlot).where(DishSlot.id.in_(removed), DishSlot.claimed == 0))
    db.session.flush()


def ensure_covers_claims(slot: DishSlot) -> None:
    """Lock the party, and raise DomainError if guests have claimed more of a changed slot than it wants."""
    seats.lock(slot.party_id)
    db.session.refresh(slot, ["claimed"])
    if slot.claimed > slot.wanted:
        raise DomainError(_fewer_than_claimed_text(slot), field="wanted")


def release_claim(party: DinnerParty, claim_id: int) -> DishClaim:
    """Delete a guest's claim for a host, and e-mail the guest. Raises DomainError if it no longer exists."""
    seats.lock(party.id)
    claim = db.session.get(DishClaim, claim_id, options=[joinedload(DishClaim.slot), joinedload(DishClaim.rsvp)])
    if claim is None or claim.slot.party_id != party.id:
        raise DomainError(lazy_gettext("Nothing changed: nobody is bringing that any more."), "warning")
    _delete(claim)
    if claim.rsvp.member_id != party.host_id:
        potluck_mail.dish_released(party, claim)
    return claim


def copy(party: DinnerParty, target: DinnerParty) -> None:
    """Copy the requested dishes of `party` to `target`."""
    db.session.add_all(
        DishSlot(party_id=target.id, position=position, course=slot.course, name=slot.name, wanted=slot.wanted)
        for position, slot in enumerate(slots(party))
    )
    db.session.flush()


# -- guests claim dishes


def claim(party: DinnerParty, rsvp: Rsvp, slot_id: int, quantity: int, dish: str = "") -> DishClaim:
    """Claim `quantity` of a slot for a guest; it replaces the guest's earlier claim. `dish` says what exactly it will be.

    Raises DomainError if too few are still needed, or the guest does not come.
    """
    slot, claim = _lock_and_find(party, rsvp, slot_id)
    before = claim.quantity if claim else 0
    more = quantity - before
    if more > 0 and not reserve(slot.id, more):
        db.session.refresh(slot)
        raise _taken_error(slot.open + before)
    if more < 0:
        _return_quantity(slot.id, -more)
    claim = claim or DishClaim(slot_id=slot.id, rsvp_id=rsvp.id)
    claim.quantity, claim.dish = quantity, dish
    db.session.add(claim)
    db.session.flush()
    db.session.refresh(slot)
    return claim


def withdraw_claim(party: DinnerParty, rsvp: Rsvp, slot_id: int) -> DishClaim:
    """Delete a guest's own claim. Raises DomainError if there is none."""
    _slot, claim = _lock_and_find(party, rsvp, slot_id)
    if claim is None:
        raise DomainError(lazy_gettext("Nothing changed: you were not bringing this dish."), "warning")
    _delete(claim)
    return claim


def release_claims_of(*rsvp_ids: int) -> None:
    """Delete all claims of RSVPs that no longer come. The caller has locked the party."""
    statement = (
        delete(DishClaim).where(DishClaim.rsvp_id.in_(rsvp_ids)).returning(DishClaim.slot_id, DishClaim.quantity)
    )
    released = Counter[int]()
    for slot_id, quantity in db.session.execute(statement):
        released[slot_id] += quantity
    for slot_id, quantity in released.items():
        _return_quantity(slot_id, quantity)


def reserve(slot_id: int, quantity: int) -> bool:
    """Count `quantity` more as claimed, if so many are still needed. Return whether they were."""
    statement = (
        update(DishSlot)
        .where(DishSlot.id == slot_id, DishSlot.claimed + quantity <= DishSlot.wanted)
        .values(claimed=DishSlot.claimed + quantity)
        .returning(DishSlot.id)
    )
    return db.session.execute(statement).first() is not None


# -- inside


def _serving_order(slot: DishSlot) -> tuple[int, int, int]:
    return list(Course).index(slot.course), slot.position, slot.id


def _update_slot(dish: RequestedDish, position: int) -> bool:
    """Change a slot, unless more of it is claimed. Return whether it was changed."""
    statement = (
        update(DishSlot)
        .where(DishSlot.id == dish.key, DishSlot.claimed <= dish.wanted)
        .values(course=dish.course, name=dish.name, wanted=dish.wanted, position=position)
        .returning(DishSlot.id)
    )
    return db.session.execute(statement).first() is not None


def _claimed_by_text(slot: DishSlot) -> object:
    return lazy_gettext(
        "“%(dish)s” has already been promised by %(names)s. Release the dish first; they will be notified.",
        dish=slot.name,
        names=formats.value([str(claim.rsvp) for claim in slot.claims]),
    )


def _fewer_than_claimed_text(slot: DishSlot) -> object:
    return lazy_ngettext(
        "%(num)d has already been promised; you cannot request fewer.",
        "%(num)d have already been promised; you cannot request fewer.",
        slot.claimed,
    )


def _taken_error(left: int) -> DomainError:
    if left <= 0:
        return DomainError(lazy_gettext("Someone else just took that dish."), "warning")
    message = lazy_ngettext("Only %(num)d is still needed.", "Only %(num)d are still needed.", left)
    return DomainError(message, "warning", field="quantity")


def _lock_and_find(party: DinnerParty, rsvp: Rsvp, slot_id: int) -> tuple[DishSlot, DishClaim | None]:
    """Lock the party. Return a slot and the RSVP's claim on it. Raises DomainError if the guest cannot claim dishes."""
    seats.lock(party.id)
    db.session.refresh(rsvp)
    db.session.refresh(party)
    if not rsvp.is_seated:
        raise DomainError(ANSWER_FIRST, "warning")
    if not party.is_open:
        raise DomainError(lazy_gettext("It is too late to change what you are bringing."), "warning")
    slot, own = next((row for row in slots_and_own_claims(party, rsvp) if row[0].id == slot_id), (None, None))
    if slot is None:
        raise DomainError(lazy_gettext("This dish is no longer requested."), "warning")
    return slot, own


def _delete(claim: DishClaim) -> None:
    _return_quantity(claim.slot_id, claim.quantity)
    db.session.execute(delete(DishClaim).where(DishClaim.id == claim.id))


def _return_quantity(slot_id: int, quantity: int) -> None:
    statement = update(DishSlot).where(DishSlot.id == slot_id).values(claimed=DishSlot.claimed - quantity)
    db.session.execute(statement)
