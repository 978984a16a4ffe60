"""Conflicts between dishes and what people do not eat. Pure functions: facts in, decision out.

A dish suits a person, does not suit them, or nobody has said whether it does. Nothing is called unsuitable that is only not
described.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.food import IMPLIED, LESS_STRICT, NO_OTHER, NOT_IN
from app.parties.enums import Course


class Dish(Protocol):
    """The allergens of a dish, and the diets it suits: keys of app.food."""

    course: Course
    allergens: list[str]
    diets: list[str]


class DietaryProfile(Protocol):
    """The allergens a person must not eat, and their diets: keys of app.food."""

    allergens: list[str]
    diets: list[str]


@dataclass(frozen=True)
class DietaryConflict:
    """Why a person cannot eat a dish. It is falsy if there is no reason."""

    allergens: tuple[str, ...] = ()
    diets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.allergens or self.diets)


@dataclass
class ConflictCount:
    """How many people cannot eat a dish, and how many for each reason."""

    people: int = 0
    allergens: dict[str, int] = field(default_factory=dict)
    diets: dict[str, int] = field(default_factory=dict)


def find_conflict(dish: Dish, profile: DietaryProfile) -> DietaryConflict:
    """Return why the person with this profile cannot eat `dish`, as far as somebody has said what it is."""
    return DietaryConflict(
        tuple(allergen for allergen in dish.allergens if allergen in profile.allergens),
        tuple(diet for diet in profile.diets if _suits(dish, diet) is False),
    )


def find_open(dish: Dish, profile: DietaryProfile) -> DietaryConflict:
    """Return what nobody has said of `dish` and the person with this profile has to know.

    It is empty if the dish suits them, and also if it does not: then there is nothing to ask.
    """
    if find_conflict(dish, profile):
        return DietaryConflict()
    return DietaryConflict(
        () if is_described(dish) else tuple(profile.allergens),
        tuple(diet for diet in profile.diets if _suits(dish, diet) is None),
    )


def is_described(dish: Dish) -> bool:
    """Whether somebody has said what is in a dish, or whom it suits."""
    return bool(dish.allergens or dish.diets)


def _suits(dish: Dish, diet: str) -> bool | None:
    """Return whether a dish suits a diet; None if nobody has said that."""
    if diet in implied_diets(dish.diets):
        return True
    excluded = {NO_OTHER, *LESS_STRICT.get(diet, ())}.intersection(dish.diets)
    return False if excluded or NOT_IN.get(diet, frozenset()).intersection(dish.allergens) else None


def implied_diets(diets: Iterable[str]) -> frozenset[str]:
    """Return `diets` and the diets they imply: a vegan dish is vegetarian, too."""
    named = frozenset(diets)
    return named.union(*(IMPLIED.get(diet, frozenset()) for diet in named))


def count_conflicts(dish: Dish, profiles: Iterable[DietaryProfile]) -> ConflictCount:
    """Return how many people cannot eat `dish`."""
    return _count(find_conflict(dish, profile) for profile in profiles)


def count_open(dish: Dish, profiles: Iterable[DietaryProfile]) -> ConflictCount:
    """Return how many people cannot know whether they can eat `dish`."""
    return _count(find_open(dish, profile) for profile in profiles)


def _count(reasons: Iterable[DietaryConflict]) -> ConflictCount:
    total = ConflictCount()
    for found in reasons:
        total.people += bool(found)
        for allergen in found.allergens:
            total.allergens[allergen] = total.allergens.get(allergen, 0) + 1
        for diet in found.diets:
            total.diets[diet] = total.diets.get(diet, 0) + 1
    return total


def guests_without_option(dishes: Iterable[Dish], profiles: Iterable[DietaryProfile]) -> dict[str, int]:
    """Return, for each course, how many people can eat none of its dishes. Courses without any are left out."""
    courses: dict[str, list[Dish]] = {}
    for dish in dishes:
        courses.setdefault(dish.course, []).append(dish)
    people = list(profiles)
    counts = {
        course: sum(all(find_conflict(dish, profile) for dish in options) for profile in people)
        for course, options in courses.items()
    }
    return {course: number for course, number in counts.items() if number}
