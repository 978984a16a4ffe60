"""Texts about dietary conflicts."""

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.food import ALLERGENS, DIETS
from app.i18n import formats
from app.parties.menu import dietary_conflicts
from app.parties.menu.dietary_conflicts import ConflictCount, DietaryConflict
from app.parties.menu.models import MenuItem
from app.parties.models import RsvpPerson
from app.parties.texts import Flash

NO_RECIPE = lazy_gettext("No recipe was found in this text. Paste JSON-LD, Cooklang, or the JSON of Mealie or Tandoor.")
TOO_MANY_DISHES = lazy_gettext("A menu has no room for so many dishes. Paste fewer recipes.")
# A flash has at most so many sentences; the page below it has them all.
MAX_SENTENCES = 3


def conflict_warnings(found: Sequence[tuple[MenuItem, DietaryConflict]]) -> list[str]:
    """Return a sentence for each of the first dishes that a guest cannot eat."""
    return [
        _(
            "Heads-up: “%(dish)s” contains %(allergen)s. Your host can see that.",
            dish=dish.name,
            allergen=formats.value([str(ALLERGENS[key]) for key in conflict.allergens]),
        )
        if conflict.allergens
        else _(
            "Heads-up: “%(dish)s” is not suitable for you (%(diet)s). Your host can see that.",
            dish=dish.name,
            diet=formats.value([str(DIETS[key]) for key in conflict.diets]),
        )
        for dish, conflict in found[:MAX_SENTENCES]
    ]


def conflict_notice(found: list[tuple[MenuItem, DietaryConflict]]) -> Flash:
    """Return the flash after a guest entered what they do not eat."""
    if not found:
        return _("Thank you. The kitchen has been notified."), "info"
    return " ".join(conflict_warnings(found)), "warning"


def recipe_taken() -> Flash:
    """Return the flash after a recipe was read into the form."""
    return _("Nothing has been saved yet. Check the allergens: they were guessed from the ingredients."), "info"


def menu_saved(menu: list[MenuItem], people: list[RsvpPerson]) -> Flash:
    """Return the flash after a host saved the menu."""
    counted = [(dish, dietary_conflicts.count_conflicts(dish, people)) for dish in menu]
    sentences = [_cannot_eat(dish, found) for dish, found in counted if found.people]
    asked = questions(menu, people)
    if asked:
        sentences.append(
            ngettext(
                "%(num)d dish is not described, though a guest has to know what it is.",
                "%(num)d dishes are not described, though guests have to know what they are.",
                len(asked),
            )
        )
    if not sentences:
        return _("Menu saved."), "info"
    return " ".join(sentences[:MAX_SENTENCES]), "warning"


def questions(menu: Sequence[MenuItem], people: Sequence[RsvpPerson]) -> list[str]:
    """Return a question for each dish of which nobody has said what guests who come have to know."""
    counted = ((dish, dietary_conflicts.count_open(dish, people)) for dish in menu)
    return [
        _("Does “%(dish)s” suit them? %(reasons)s", dish=dish.name, reasons=formats.value(_reasons(found)))
        for dish, found in counted
        if found.people
    ]


def _reasons(found: ConflictCount) -> list[str]:
    named = [
        *((DIETS[key], number) for key, number in found.diets.items()),
        *((ALLERGENS[key], number) for key, number in found.allergens.items()),
    ]
    return [_("%(reason)s: %(number)d", reason=name, number=number) for name, number in named]


def _cannot_eat(dish: MenuItem, found: ConflictCount) -> str:
    if found.allergens:
        return str(
            ngettext(
                "“%(dish)s” contains %(allergen)s; %(num)d guest cannot eat it.",
                "“%(dish)s” contains %(allergen)s; %(num)d guests cannot eat it.",
                found.people,
                dish=dish.name,
                allergen=formats.value([str(ALLERGENS[key]) for key in found.allergens]),
            )
        )
    return str(
        ngettext(
            "“%(dish)s” is not suitable for everyone (%(diet)s); %(num)d guest cannot eat it.",
            "“%(dish)s” is not suitable for everyone (%(diet)s); %(num)d guests cannot eat it.",
            found.people,
            dish=dish.name,
            diet=formats.value([str(DIETS[key]) for key in found.diets]),
        )
    )
