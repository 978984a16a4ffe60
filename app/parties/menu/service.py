"""The menu of a party, and the people who come with what they do not eat."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from flask import current_app
from flask_babel import lazy_gettext
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.parties.enums import SEATED, Course, RsvpStatus
from app.parties.menu import dietary_conflicts
from app.parties.menu import mail as menu_mail
from app.parties.menu.dietary_conflicts import DietaryConflict
from app.parties.menu.models import MenuItem
from app.parties.models import MAX_DISHES, DinnerParty, Rsvp, RsvpPerson
from app.parties.optimistic_lock import StaleFormError, fingerprint
from app.parties.waiting_list import seats

ANSWER_FIRST = lazy_gettext("Answer first. Then you can enter who is coming with you.")
# RSVPs of guests who come or may come: they can enter what they do not eat.
POSSIBLE = (*SEATED, RsvpStatus.MAYBE, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED, RsvpStatus.AWAITING_APPROVAL)


@dataclass
class DishInput:
    """A dish, as a host enters it."""

    course: Course
    name: str
    allergens: list[str] = field(default_factory=list)
    diets: list[str] = field(default_factory=list)


@dataclass
class PersonInput:
    """A person who comes, as a guest enters it."""

    name: str
    diets: list[str] = field(default_factory=list)
    allergens: list[str] = field(default_factory=list)
    note: str = ""


def menu(party: DinnerParty) -> list[MenuItem]:
    """Return the dishes of a party in serving order."""
    statement = select(MenuItem).where(MenuItem.party_id == party.id)
    items = db.session.scalars(statement.execution_options(populate_existing=True))
    served = list(Course)
    return sorted(items, key=lambda item: (served.index(item.course), item.position))


def menu_fingerprint(items: Sequence[MenuItem]) -> str:
    """Return the fingerprint of a menu."""
    return fingerprint(_dish_values(items))


def change_menu(party: DinnerParty, dishes: Sequence[DishInput], *, expected: str) -> None:
    """Replace the menu if it still has the fingerprint `expected`. Raises StaleFormError if it was changed."""
    seats.lock(party.id)
    db.session.refresh(party)
    stored = menu(party)
    if expected == menu_fingerprint(stored):
        set_menu(party, dishes)
        return
    served = list(Course)
    if _dish_values(stored) != _dish_values(sorted(dishes, key=lambda dish: served.index(dish.course))):
        raise StaleFormError


def set_menu(party: DinnerParty, dishes: Sequence[DishInput]) -> list[MenuItem]:
    """Replace the menu. The first main course becomes the party's main dish."""
    db.session.execute(
        delete(MenuItem).where(MenuItem.party_id == party.id).execution_options(synchronize_session="auto")
    )
    items = [
        MenuItem(
            party_id=party.id,
            position=position,
            course=dish.course,
            name=dish.name,
            allergens=dish.allergens,
            diets=dish.diets,
        )
        for position, dish in enumerate(dishes)
    ]
    db.session.add_all(items)
    main = next((dish.name for dish in dishes if dish.course == Course.MAIN), None)
    if main is not None:
        party.main_dish = main
    db.session.flush()
    return items


def add_dish(item: MenuItem) -> None:
    """Add a dish at the end of its menu. Raises DomainError if the menu is full."""
    seats.lock(item.party.id)
    known = menu(item.party)
    if len(known) >= MAX_DISHES:
        raise DomainError(lazy_gettext("This menu already has the maximum number of dishes."), field="party")
    item.position = max((dish.position for dish in known), default=-1) + 1
    update_main_dish(item.party)


def update_main_dish(party: DinnerParty, *, without: MenuItem | None = None) -> None:
    """Copy the first main course of the menu to the party, if there is one."""
    seats.lock(party.id)
    db.session.flush()
    db.session.refresh(party)
    main = next((item.name for item in menu(party) if item.course == Course.MAIN and item is not without), None)
    if main is not None:
        party.main_dish = main
        db.session.flush()


def people(rsvp: Rsvp) -> list[RsvpPerson]:
    """Return the people who come with an RSVP, as far as they were entered."""
    statement = select(RsvpPerson).where(RsvpPerson.rsvp_id == rsvp.id).order_by(RsvpPerson.position)
    return list(db.session.scalars(statement))


def people_fingerprint(people: Sequence[RsvpPerson]) -> str:
    """Return the fingerprint of the people of an RSVP."""
    return fingerprint(_people_values(people))


def change_people(
    rsvp: Rsvp, wanted: Sequence[PersonInput], *, expected: str
) -> list[tuple[MenuItem, DietaryConflict]]:
    """Replace the people of an RSVP if they still have the fingerprint `expected`. Return what `set_people` returns.

    Raises StaleFormError if they were changed, and DomainError if the guest no longer comes.
    """
    seats.lock(rsvp.party_id)
    db.session.refresh(rsvp)
    if rsvp.status not in POSSIBLE:
        raise DomainError(ANSWER_FIRST, "warning")
    stored = people(rsvp)
    if expected != people_fingerprint(stored) and _people_values(stored) != _people_values(wanted[: rsvp.party_size]):
        raise StaleFormError
    return set_people(rsvp, wanted)


def apply_profile_diet(rsvp: Rsvp) -> list[tuple[MenuItem, DietaryConflict]]:
    """Copy the dietary information of a member's profile to their RSVP, unless they entered some for this party.

    Return the dishes they cannot eat; the host gets an e-mail about them.
    """
    member = rsvp.member
    if member is None or not (member.diets or member.allergens) or people(rsvp):
        return []
    return set_people(rsvp, [profile_diet(member)])


def set_people(rsvp: Rsvp, wanted: Sequence[PersonInput]) -> list[tuple[MenuItem, DietaryConflict]]:
    """Replace the people of an RSVP. Return the dishes one of them cannot eat; the host gets an e-mail about them."""
    db.session.execute(
        delete(RsvpPerson).where(RsvpPerson.rsvp_id == rsvp.id).execution_options(synchronize_session="auto")
    )
    db.session.add_all(
        RsvpPerson(
            rsvp_id=rsvp.id,
            position=position,
            name=person.name,
            diets=person.diets,
            allergens=person.allergens,
            note=person.note,
        )
        for position, person in enumerate(wanted[: rsvp.party_size])
    )
    db.session.flush()
    conflicts = [(dish, _conflict_of_any(dish, wanted)) for dish in menu(rsvp.party)]
    found = [(dish, conflict) for dish, conflict in conflicts if conflict]
    if found and rsvp.member_id != rsvp.party.host_id:
        menu_mail.dietary_conflict(rsvp.party, rsvp, [dish.name for dish, _conflict in found])
    return found


def profile_diet(member: Member) -> PersonInput:
    """Return the dietary information of a member's profile."""
    return PersonInput(member.display_name, list(member.diets), list(member.allergens))


def dietary_profiles(party: DinnerParty) -> list[RsvpPerson]:
    """Return the people who come to a party, as far as they were entered."""
    statement = (
        select(RsvpPerson)
        .options(joinedload(RsvpPerson.rsvp))
        .join(RsvpPerson.rsvp)
        # The guest may have released seats after entering people for them.
        .where(Rsvp.party_id == party.id, Rsvp.status.in_(SEATED), RsvpPerson.position < Rsvp.party_size)
        .order_by(Rsvp.id, RsvpPerson.position)
    )
    return list(db.session.scalars(statement))


def delete_expired() -> int:
    """Delete the people of RSVPs DIETARY_RETENTION_DAYS after a party. Return how many."""
    before = clock.now() - timedelta(days=current_app.config["DIETARY_RETENTION_DAYS"])
    over = select(Rsvp.id).join(Rsvp.party).where(DinnerParty.starts_at < before)
    statement = delete(RsvpPerson).where(RsvpPerson.rsvp_id.in_(over)).returning(RsvpPerson.id)
    return len(db.session.execute(statement).all())


def _dish_values(dishes: Sequence[MenuItem] | Sequence[DishInput]) -> list[list[object]]:
    return [[dish.course, dish.name, dish.allergens, dish.diets] for dish in dishes]


def _people_values(people: Sequence[RsvpPerson] | Sequence[PersonInput]) -> list[list[object]]:
    return [[person.name, person.diets, person.allergens, person.note] for person in people]


def _conflict_of_any(dish: MenuItem, people: Sequence[PersonInput]) -> DietaryConflict:
    found = [dietary_conflicts.find_conflict(dish, person) for person in people]
    return DietaryConflict(
        tuple(dict.fromkeys(key for conflict in found for key in conflict.allergens)),
        tuple(dict.fromkeys(key for conflict in found for key in conflict.diets)),
    )
