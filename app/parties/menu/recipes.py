"""Recipes that a host pastes: schema.org's JSON-LD, the JSON of Mealie and Tandoor, and Cooklang."""

import json
import re
import unicodedata
from collections.abc import Iterator
from html import unescape
from typing import Any, NamedTuple

from app.crud.fields import clean_line
from app.parties.enums import Course
from app.parties.models import MAX_DISH_LENGTH

MAX_CHARACTERS, MAX_INGREDIENTS, MAX_DEPTH = 200_000, 200, 8
SCRIPT, SCRIPT_END = re.compile(r"<script\b", re.IGNORECASE), re.compile(r"</script", re.IGNORECASE)
# Words of categories, without accents.
COURSES = {
    Course.STARTER: [
        "starter",
        "appetizer",
        "appetiser",
        "entree",
        "soup",
        "salad",
        "entrante",
        "aperitivo",
        "sopa",
        "ensalada",
        "مقبلات",
        "شوربة",
        "سلطة",
    ],
    Course.SIDE: ["side", "guarnicion", "acompanamiento", "جانبي"],
    Course.DESSERT: ["dessert", "cake", "sweet", "postre", "pastel", "dulce", "تحلية", "حلويات", "حلوى"],
    Course.DRINK: ["drink", "beverage", "cocktail", "bebida", "coctel", "مشروب", "مشروبات"],
    Course.MAIN: ["main", "dinner", "lunch", "principal", "cena", "almuerzo", "رئيسي", "عشاء", "غداء"],
}
# Cooklang: "@salt", "@ground pepper{1%tsp}"; signs before the name say whether it is optional, hidden or a reference.
INGREDIENT = re.compile(r"@[&?+@-]{0,3}(?:([^@#~{}\n]{1,80})\{([^}\n]{0,80})\}|([\w'’-]+))")
METADATA = re.compile(r"^(?:>>\s*)?(title|course|category)\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
FRONT = re.compile(r"\A\s*---\s*\n(.*?)\n---\s*(?:\n|\Z)", re.DOTALL)


class Recipe(NamedTuple):
    """A dish and what is in it. The course is None if the recipe does not say it."""

    name: str
    course: Course | None
    ingredients: list[str]


def read(text: str) -> list[Recipe]:
    """Return the recipes in a text; none if it has none."""
    if len(text) > MAX_CHARACTERS:
        return []
    found = [recipe for source in [*_scripts(text)] or [text] for recipe in _read_json(source)]
    return found or list(_read_cooklang(text))


def _scripts(text: str) -> Iterator[str]:
    """Yield the JSON-LD of a web page. One pattern for it all would try each start with each end."""
    for script in SCRIPT.split(text)[1:]:
        attributes, _bracket, body = script.partition(">")
        if "application/ld+json" in attributes.lower():
            yield SCRIPT_END.split(body, maxsplit=1)[0]


def _read_json(text: str) -> list[Recipe]:
    try:
        value = json.loads(text)
        return list(_recipes(value, MAX_DEPTH))
    except (ValueError, RecursionError):
        return []


def _recipes(value: Any, depth: int) -> Iterator[Recipe]:
    """Yield the recipes in JSON: an object, a list of them, or a graph."""
    if isinstance(value, list) and depth:
        for each in value:
            yield from _recipes(each, depth - 1)
    elif isinstance(value, dict) and depth:
        ingredients = _ingredients(value)
        name = _line(value.get("name"))
        if name and ingredients:
            yield Recipe(name[:MAX_DISH_LENGTH], _course(value), ingredients[:MAX_INGREDIENTS])
        else:
            yield from _recipes([value.get("@graph"), value.get("mainEntity"), value.get("recipes")], depth - 1)


def _ingredients(recipe: dict[str, Any]) -> list[str]:
    listed = recipe.get("recipeIngredient") or recipe.get("ingredients") or []
    steps = recipe.get("steps")
    if not listed and isinstance(steps, list):
        # Tandoor has them in the steps.
        listed = [each for step in steps if isinstance(step, dict) for each in step.get("ingredients") or []]
    if isinstance(listed, str):
        listed = listed.splitlines()
    return [line for line in map(_ingredient, listed if isinstance(listed, list) else []) if line]


def _ingredient(value: Any) -> str:
    """Return the words of an ingredient: a text, or an object with a food and a note."""
    if not isinstance(value, dict):
        return _line(value)
    food = value.get("food")
    named = food.get("name") if isinstance(food, dict) else food
    parts = [_line(part) for part in (named, value.get("note")) if part]
    return " ".join(parts) or _line(value.get("display") or value.get("originalText") or value.get("name"))


def _line(value: Any) -> str:
    return clean_line(unescape(value)) or "" if isinstance(value, str) else ""


def _course(recipe: dict[str, Any]) -> Course | None:
    said = [recipe.get(key) for key in ("recipeCategory", "keywords", "tags")]
    flat = [each for value in said for each in (value if isinstance(value, list) else [value])]
    return _course_of(" ".join(_line(each.get("name") if isinstance(each, dict) else each) for each in flat))


def _course_of(text: str) -> Course | None:
    spread = unicodedata.normalize("NFKD", text.casefold())
    words = re.findall(r"\w+", "".join(c for c in spread if not unicodedata.combining(c)))
    singular = {word.removesuffix("s").removeprefix("ال") for word in words} | set(words)
    return next((course for course, known in COURSES.items() if singular & set(known)), None)


def _read_cooklang(text: str) -> Iterator[Recipe]:
    front = FRONT.match(text)
    body = text[front.end() :] if front else text
    said = {key.lower(): value.strip(" \"'") for key, value in METADATA.findall(front[1] if front else body)}
    found = [_line(match[1] or match[3]) for match in INGREDIENT.finditer(METADATA.sub("", body))]
    ingredients = list(dict.fromkeys(name for name in found if name))
    name = _line(said.get("title", ""))
    if ingredients and (name or "{" in body):
        course = _course_of(f"{said.get('course', '')} {said.get('category', '')}")
        yield Recipe(name[:MAX_DISH_LENGTH], course, ingredients[:MAX_INGREDIENTS])
