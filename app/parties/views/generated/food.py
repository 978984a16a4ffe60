"""The generated UI over what is on the table, and what guests bring."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.crud import ModelView, SQLAInterface
from app.crud.csv import CsvExport
from app.food import ALLERGENS, DIETS
from app.parties import models
from app.parties.forms.food import SeveralField
from app.parties.models import DishClaim, DishSlot, MenuItem
from app.parties.service import food, potluck
from app.parties.views.generated.common import PARTY_KEY

CONTAINS, SUITS = lazy_gettext("Contains"), lazy_gettext("Suits")


def _several() -> dict[str, Any]:
    return {
        "allergens": SeveralField(CONTAINS, choices=list(ALLERGENS.items())),
        "diets": SeveralField(SUITS, choices=list(DIETS.items())),
    }


class MenuItemModelView(CsvExport, ModelView):
    """What is on the tables. The first main course is the party's main dish."""

    datamodel = SQLAInterface(MenuItem)
    route_base = "/menuitems"
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete", "can_csv"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Menus")
    show_title = lazy_gettext("Dish")
    add_title = lazy_gettext("Add a dish")
    edit_title = lazy_gettext("Edit dish")
    empty_message = lazy_gettext("No host has written a menu yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "course": lazy_gettext("Course"),
        "name": lazy_gettext("Dish"),
        "allergens": CONTAINS,
        "diets": SUITS,
        "allergen_names": CONTAINS,
        "diet_names": SUITS,
    }
    list_columns = ["party", "course", "name", "allergen_names", "diet_names"]
    show_columns = list_columns
    add_columns = ["party", "course", "name", "allergens", "diets"]
    # A dish stays on the table that it was cooked for.
    edit_columns = ["course", "name", "allergens", "diets"]
    search_columns = ["party", "course", "name"]
    order_columns = ["course", "name"]
    csv_columns = list_columns
    choices_columns = {"course": models.COURSES}
    remote_columns = {"party": PARTY_KEY}
    add_form_extra_fields = _several()
    edit_form_extra_fields = _several()

    def pre_add(self, item: MenuItem) -> None:
        """Put it at the end of the menu."""
        food.add_dish(item)

    def pre_update(self, item: MenuItem) -> None:
        """Let the party have its main dish from it."""
        food.name_main_dish(item.party)

    def pre_delete(self, item: MenuItem) -> None:
        """Let the party have its main dish from what is left."""
        food.name_main_dish(item.party, without=item)

    def added_message(self, item: MenuItem) -> str:
        """Name what was added."""
        return str(_("“%(dish)s” is on the menu.", dish=item.name))


class DishClaimModelView(ModelView):
    """What guests bring. They change it themselves, and it goes when they do not come."""

    datamodel = SQLAInterface(DishClaim)
    route_base = "/dishclaims"
    base_permissions = ["can_list", "can_show"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Brought dishes")
    show_title = lazy_gettext("Brought dish")
    empty_message = lazy_gettext("Nobody brings anything yet.")
    label_columns = {
        "slot": lazy_gettext("Asked for"),
        "answer": lazy_gettext("Guest"),
        "quantity": lazy_gettext("How many"),
        "dish": lazy_gettext("What exactly"),
        "created_at": lazy_gettext("Since"),
    }
    list_columns = ["slot", "answer", "quantity", "dish", "created_at"]
    show_columns = list_columns
    search_columns = ["dish", "quantity", "created_at"]
    order_columns = ["quantity", "dish", "created_at"]


class DishSlotModelView(ModelView):
    """What hosts ask their guests to bring. How many are asked for can change; who brings them is up to the guests."""

    datamodel = SQLAInterface(DishSlot)
    route_base = "/dishslots"
    base_permissions = ["can_list", "can_show", "can_edit"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Asked-for dishes")
    show_title = lazy_gettext("Asked-for dish")
    edit_title = lazy_gettext("Edit asked-for dish")
    empty_message = lazy_gettext("No host asks for anything yet.")
    label_columns = {
        "party": lazy_gettext("Party"),
        "course": lazy_gettext("Course"),
        "name": lazy_gettext("Dish"),
        "wanted": lazy_gettext("How many"),
        "claimed": lazy_gettext("Taken on"),
    }
    list_columns = ["party", "course", "name", "wanted", "claimed"]
    show_columns = list_columns
    edit_columns = ["wanted"]
    search_columns = ["party", "course", "name", "wanted", "claimed"]
    order_columns = ["course", "name", "wanted", "claimed"]
    choices_columns = {"course": models.COURSES}
    remote_columns = {"party": PARTY_KEY}
    related_views = [DishClaimModelView]

    def pre_update(self, item: DishSlot) -> None:
        """Ask for no fewer than guests have promised."""
        potluck.refuse_fewer(item)
