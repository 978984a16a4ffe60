"""Diets, and the 14 allergens of EU Regulation 1169/2011, annex II."""

from flask_babel import lazy_gettext

DIETS = {
    "vegetarian": lazy_gettext("Vegetarian"),
    "vegan": lazy_gettext("Vegan"),
    "pescatarian": lazy_gettext("Fish, but no meat"),
    "halal": lazy_gettext("Halal"),
    "kosher": lazy_gettext("Kosher"),
    "no_pork": lazy_gettext("No pork"),
    "no_alcohol": lazy_gettext("No alcohol"),
}
# A dish for the diet on the left also suits the diets on the right.
IMPLIED = {
    "vegan": frozenset({"vegetarian", "pescatarian", "no_pork"}),
    "vegetarian": frozenset({"pescatarian", "no_pork"}),
    "pescatarian": frozenset({"no_pork"}),
    "halal": frozenset({"no_pork", "no_alcohol"}),
    "kosher": frozenset({"no_pork"}),
}
ALLERGENS = {
    "gluten": lazy_gettext("Cereals with gluten"),
    "crustaceans": lazy_gettext("Crustaceans"),
    "eggs": lazy_gettext("Eggs"),
    "fish": lazy_gettext("Fish"),
    "peanuts": lazy_gettext("Peanuts"),
    "soy": lazy_gettext("Soybeans"),
    "milk": lazy_gettext("Milk, with lactose"),
    "nuts": lazy_gettext("Nuts"),
    "celery": lazy_gettext("Celery"),
    "mustard": lazy_gettext("Mustard"),
    "sesame": lazy_gettext("Sesame"),
    "sulphites": lazy_gettext("Sulphites"),
    "lupin": lazy_gettext("Lupin"),
    "molluscs": lazy_gettext("Molluscs"),
}
