"""Who cannot eat what. Pure functions: facts in, decision out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from app.food import IMPLIED
from app.parties.enums import Course


class Dish(Protocol):
    """What is known of a dish: what is in it, and whom it suits; keys of app.food."""

    course: Course
    allergens: list[str]
    diets: list[str]


class DietaryProfile(Protocol):
    """What is known of somebody who eats; keys of app.food."""

    allergens: list[str]
    diets: list[str]


@dataclass(frozen=True)
class DietaryConflict:
    """Why somebody cannot eat a dish."""

    allergens: tuple[str, ...] = ()
    diets: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.allergens or self.diets)


@dataclass
class ConflictCount:
    """How many cannot eat a dish, and why: how many for each reason."""

    people: int = 0
    allergens: dict[str, int] = field(default_factory=dict)
    diets: dict[str, int] = field(default_factory=dict)


def find_conflict(dish: Dish, eater: DietaryProfile) -> DietaryConflict:
    """Return why `eater` cannot eat `dish`; nothing if they can."""
    suits = implied_diets(dish.diets)
    return DietaryConflict(
        tuple(allergen for allergen in dish.allergens if allergen in eater.allergens),
        tuple(diet for diet in eater.diets if diet not in suits),
    )


def implied_diets(diets: Iterable[str]) -> frozenset[str]:
    """Return all diets that something suits, those it suits by suiting another one included."""
    named = frozenset(diets)
    return named.union(*(IMPLIED.get(diet, frozenset()) for diet in named))


def count_conflicts(dish: Dish, eaters: Iterable[DietaryProfile]) -> ConflictCount:
    """Return how many of `eaters` cannot eat `dish`."""
    total = ConflictCount()
    for eater in eaters:
        found = find_conflict(dish, eater)
        total.people += bool(found)
        for allergen in found.allergens:
            total.allergens[allergen] = total.allergens.get(allergen, 0) + 1
        for diet in found.diets:
            total.diets[diet] = total.diets.get(diet, 0) + 1
    return total


def guests_without_option(dishes: Iterable[Dish], eaters: Iterable[DietaryProfile]) -> dict[str, int]:
    """Return, for each course, how many of `eaters` find nothing in it that they can eat; courses without any are left out."""
    courses: dict[str, list[Dish]] = {}
    for dish in dishes:
        courses.setdefault(dish.course, []).append(dish)
    everybody = list(eaters)
    counts = {
        course: sum(all(find_conflict(dish, eater) for dish in offered) for eater in everybody)
        for course, offered in courses.items()
    }
    return {course: number for course, number in counts.items() if number}
