"""Recipes that a host pastes into the menu, and the allergens that they propose."""

import json
import time

import pytest

from app.food import ALLERGENS, INGREDIENTS, find_allergens
from app.parties.enums import Course
from app.parties.menu import recipes
from app.parties.menu.models import MenuItem
from app.parties.menu.recipes import Recipe

INGREDIENT_LINES = ["200 g wheat flour", "2 eggs", "1 tbsp butter"]
JSON_LD = {"@type": "Recipe", "name": "Cr&ecirc;pes", "recipeCategory": "Dessert", "recipeIngredient": INGREDIENT_LINES}


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        (json.dumps(JSON_LD), Recipe("Crêpes", Course.DESSERT, INGREDIENT_LINES)),
        (
            f'<html><script type="application/ld+json">{json.dumps({"@graph": [{"@type": "WebSite"}, JSON_LD]})}</script>',
            Recipe("Crêpes", Course.DESSERT, INGREDIENT_LINES),
        ),
        (
            json.dumps(
                {
                    "name": "Tarta",
                    "recipeCategory": [{"name": "Plato principal"}],
                    "recipeIngredient": [
                        {"food": {"name": "harina"}, "note": "de trigo"},
                        {"food": None, "display": "sal"},
                    ],
                }
            ),
            Recipe("Tarta", Course.MAIN, ["harina de trigo", "sal"]),
        ),
        (
            json.dumps(
                {"name": "Soup", "steps": [{"ingredients": [{"food": {"name": "celery"}}]}, {"ingredients": []}]}
            ),
            Recipe("Soup", None, ["celery"]),
        ),
        (
            "---\ntitle: Hummus\ncourse: starter\n---\nMix @chickpeas{400%g} with @tahini, @&sal and @olive oil{}.",
            Recipe("Hummus", Course.STARTER, ["chickpeas", "tahini", "sal", "olive oil"]),
        ),
        (">> title: مقلوبة\nاطبخ @أرز{1%كغ} مع @لوز{}.", Recipe("مقلوبة", None, ["أرز", "لوز"])),
    ],
)
def test_recipes_are_read_as_programs_write_them(text, recipe):
    assert recipes.read(text) == [recipe]


@pytest.mark.parametrize("text", ["<script ", "<script application/ld+json>", "@a{", "\n---", "title "])
def test_a_text_of_any_shape_is_read_in_a_moment(text):
    before = time.process_time()
    recipes.read((text * recipes.MAX_CHARACTERS)[: recipes.MAX_CHARACTERS])
    assert time.process_time() - before < 20


@pytest.mark.parametrize(
    "text", ["", "Soup for four", "{", "[" * 100_000, '{"name": "x"}', "mail me @ home", "x" * 300_000, "null"]
)
def test_what_is_no_recipe_is_none(text):
    assert recipes.read(text) == []


@pytest.mark.parametrize(
    ("ingredients", "allergens"),
    [
        (["200 g wheat flour", "2 eggs", "butter"], ["gluten", "eggs", "milk"]),
        (
            ["gambas", "Huevos camperos", "queso", "nueces", "vino blanco"],
            ["crustaceans", "eggs", "milk", "nuts", "sulphites"],
        ),
        (["الدقيق", "بيض", "طحينة", "زيت", "واللوز"], ["gluten", "eggs", "nuts", "sesame"]),
        (["coconut milk", "rice flour", "nutmeg", "eggplant", "butternut squash", "buckwheat"], []),
        (["leche de coco", "harina de arroz", "nuez moscada", "pan sin gluten"], []),
        (["حليب جوز الهند", "دقيق الأرز", "جوزة الطيب"], []),
        (["almond milk", "peanut butter", "leche de soja"], ["peanuts", "soy", "nuts"]),
        (
            ["anchovies", "mussels", "celeriac", "Dijon mustard", "tofu"],
            ["fish", "soy", "celery", "mustard", "molluscs"],
        ),
    ],
)
def test_allergens_are_found_by_words(ingredients, allergens):
    assert find_allergens(ingredients) == allergens


def test_each_allergen_has_words():
    assert set(INGREDIENTS) == set(ALLERGENS)
    for allergen, names in INGREDIENTS.items():
        assert all(find_allergens([name]) for name in names.split(";")), allergen


# -- page


def test_a_recipe_fills_a_row_of_the_menu_and_stores_nothing(host, party, records):
    path = f"/parties/{party.slug}/menu"
    form = host.get(path).form("/menu")
    form.fields["recipe"] = json.dumps(JSON_LD)
    form.fields["dishes-0-name"] = "Stew"
    page = host.submit(form, button=("action", "recipe"))
    assert page.status == 200
    assert page.flashes == [
        ("info", "Nothing has been saved yet. Check the allergens: they were guessed from the ingredients.")
    ]
    assert records.count(MenuItem) == 0
    form = page.form("/menu")
    assert (form.fields["dishes-0-name"], form.fields["dishes-1-name"]) == ("Stew", "Crêpes")
    assert form.fields["dishes-1-course"] == "dessert"
    assert form.fields.getlist("dishes-1-allergens") == ["gluten", "eggs", "milk"]
    assert "200 g wheat flour" in page.text
    form.fields.setlist("dishes-1-allergens", ["gluten"])
    host.submit(form)
    stored = {item.name: item.allergens for item in records.all(MenuItem)}
    assert stored == {"Stew": [], "Crêpes": ["gluten"]}


def test_what_is_no_recipe_is_refused_at_its_field_and_kept(host, party, records):
    form = host.get(f"/parties/{party.slug}/menu").form("/menu")
    form.fields["recipe"] = "just soup"
    page = host.submit(form, button=("action", "recipe"))
    told = "No recipe was found in this text. Paste JSON-LD, Cooklang, or the JSON of Mealie or Tandoor."
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert f'id="recipe-error">{told}' in page.text
    assert page.form("/menu").fields["recipe"] == "just soup"
    assert records.count(MenuItem) == 0
