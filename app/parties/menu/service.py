"""What is on the table, and what those who come do not eat."""

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
from app.parties.optimistic_lock import ConflictError, fingerprint
from app.parties.waiting_list import seats

ANSWER_FIRST = lazy_gettext("Answer first. Then you can enter who is coming with you.")
# Those the kitchen cooks for, and those it would like to know about: what they typed is kept while they may come.
EXPECTED, POSSIBLE = (
    SEATED,
    (*SEATED, RsvpStatus.MAYBE, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED, RsvpStatus.AWAITING_APPROVAL),
)


@dataclass
class DishInput:
    """What a host says about a dish."""

    course: Course
    name: str
    allergens: list[str] = field(default_factory=list)
    diets: list[str] = field(default_factory=list)


@dataclass
class PersonInput:
    """What a guest says about one of those who come."""

    name: str
    diets: list[str] = field(default_factory=list)
    allergens: list[str] = field(default_factory=list)
    note: str = ""


def menu(party: DinnerParty) -> list[MenuItem]:
    """Return what is on the table, in the order in which it is served."""
    statement = select(MenuItem).where(MenuItem.party_id == party.id)
    items = db.session.scalars(statement.execution_options(populate_existing=True))
    served = list(Course)
    return sorted(items, key=lambda item: (served.index(item.course), item.position))


def menu_fingerprint(items: Sequence[MenuItem]) -> str:
    """Return what tells a menu from another one."""
    return fingerprint(_dish_values(items))


def change_menu(party: DinnerParty, dishes: Sequence[DishInput], *, seen: str) -> None:
    """Replace the menu that has the mark `seen`; raises ChangedError when there is another one by now."""
    seats.lock(party.id)
    db.session.refresh(party)
    stored = menu(party)
    if seen == menu_fingerprint(stored):
        set_menu(party, dishes)
        return
    served = list(Course)
    if _dish_values(stored) != _dish_values(sorted(dishes, key=lambda dish: served.index(dish.course))):
        raise ConflictError


def set_menu(party: DinnerParty, dishes: Sequence[DishInput]) -> list[MenuItem]:
    """Replace the menu; the first main course is the party's main dish from now on."""
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
    """Put a dish at the end of a menu; raises DomainError where there are enough."""
    seats.lock(item.party.id)
    known = menu(item.party)
    if len(known) >= MAX_DISHES:
        raise DomainError(lazy_gettext("This menu already has the maximum number of dishes."), field="party")
    item.position = max((dish.position for dish in known), default=-1) + 1
    name_main_dish(item.party)


def name_main_dish(party: DinnerParty, *, without: MenuItem | None = None) -> None:
    """Let the first main course of the menu be the party's main dish; where there is none it stays what it was."""
    seats.lock(party.id)
    db.session.flush()
    db.session.refresh(party)
    main = next((item.name for item in menu(party) if item.course == Course.MAIN and item is not without), None)
    if main is not None:
        party.main_dish = main
        db.session.flush()


def people(rsvp: Rsvp) -> list[RsvpPerson]:
    """Return who comes with an answer, as far as it was told."""
    statement = select(RsvpPerson).where(RsvpPerson.rsvp_id == rsvp.id).order_by(RsvpPerson.position)
    return list(db.session.scalars(statement))


def people_fingerprint(told: Sequence[RsvpPerson]) -> str:
    """Return what tells what was told of some people from anything else."""
    return fingerprint(_people_values(told))


def change_people(rsvp: Rsvp, told: Sequence[PersonInput], *, seen: str) -> list[tuple[MenuItem, DietaryConflict]]:
    """Replace those who come, of whom the mark of what was told is `seen`; return as `set_people` does.

    Raises ChangedError when other things were told meanwhile, and DomainError when they do not come any more.
    """
    seats.lock(rsvp.party_id)
    db.session.refresh(rsvp)
    if rsvp.status not in POSSIBLE:
        raise DomainError(ANSWER_FIRST, "warning")
    stored = people(rsvp)
    if seen != people_fingerprint(stored) and _people_values(stored) != _people_values(told[: rsvp.party_size]):
        raise ConflictError
    return set_people(rsvp, told)


def remember_usual(rsvp: Rsvp) -> list[tuple[MenuItem, DietaryConflict]]:
    """Let the kitchen know what somebody who comes never eats, unless they told what they eat there.

    Return the dishes they cannot eat, of which the host is told.
    """
    member = rsvp.member
    if member is None or not (member.diets or member.allergens) or people(rsvp):
        return []
    return set_people(rsvp, [usual_diet(member)])


def set_people(rsvp: Rsvp, told: Sequence[PersonInput]) -> list[tuple[MenuItem, DietaryConflict]]:
    """Replace those who come with `answer`; return the dishes one of them cannot eat, of which the host is told."""
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
        for position, person in enumerate(told[: rsvp.party_size])
    )
    db.session.flush()
    found = [(dish, clash) for dish in menu(rsvp.party) for clash in [_conflicts_of_any(dish, told)] if clash]
    if found and rsvp.member_id != rsvp.party.host_id:
        menu_mail.dietary_conflict(rsvp.party, rsvp, [dish.name for dish, _clash in found])
    return found


def usual_diet(member: Member) -> PersonInput:
    """Return what a member said in their profile about what they eat."""
    return PersonInput(member.display_name, list(member.diets), list(member.allergens))


def dietary_profiles(party: DinnerParty) -> list[RsvpPerson]:
    """Return those who come, as far as it was told who they are."""
    statement = (
        select(RsvpPerson)
        .options(joinedload(RsvpPerson.rsvp))
        .join(RsvpPerson.rsvp)
        # Whoever was told of a seat that was given back since does not come.
        .where(Rsvp.party_id == party.id, Rsvp.status.in_(EXPECTED), RsvpPerson.position < Rsvp.party_size)
        .order_by(Rsvp.id, RsvpPerson.position)
    )
    return list(db.session.scalars(statement))


def forget() -> int:
    """Forget who came, and what they do not eat, DIETARY_RETENTION_DAYS after a party; return how many people."""
    before = clock.now() - timedelta(days=current_app.config["DIETARY_RETENTION_DAYS"])
    over = select(Rsvp.id).join(Rsvp.party).where(DinnerParty.starts_at < before)
    forget = delete(RsvpPerson).where(RsvpPerson.rsvp_id.in_(over)).returning(RsvpPerson.id)
    return len(db.session.execute(forget).all())


def _dish_values(dishes: Sequence[MenuItem] | Sequence[DishInput]) -> list[list[object]]:
    return [[dish.course, dish.name, dish.allergens, dish.diets] for dish in dishes]


def _people_values(told: Sequence[RsvpPerson] | Sequence[PersonInput]) -> list[list[object]]:
    return [[person.name, person.diets, person.allergens, person.note] for person in told]


def _conflicts_of_any(dish: MenuItem, told: Sequence[PersonInput]) -> DietaryConflict:
    found = [dietary_conflicts.find_conflict(dish, person) for person in told]
    return DietaryConflict(
        tuple(dict.fromkeys(key for clash in found for key in clash.allergens)),
        tuple(dict.fromkeys(key for clash in found for key in clash.diets)),
    )
