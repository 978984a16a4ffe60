"""The generated pages of menus."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.crud.csv import CsvExport
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.food import ALLERGENS, DISH_DIETS
from app.parties.admin_base import PARTY_KEY
from app.parties.enums import Course
from app.parties.menu import service as menu_service
from app.parties.menu.forms import CheckboxesField
from app.parties.menu.models import MenuItem

CONTAINS, SUITS = lazy_gettext("Contains"), lazy_gettext("Suits")


def checkboxes() -> dict[str, Any]:
    return {
        "allergens": CheckboxesField(CONTAINS, choices=list(ALLERGENS.items())),
        "diets": CheckboxesField(SUITS, choices=list(DISH_DIETS.items())),
    }


class MenuItemModelView(CsvExport, ModelView):
    """Dishes on menus. The first main course is the party's main dish."""

    datamodel = SQLAInterface(MenuItem)
    route_base = "/menuitems"
    restorable = True
    base_permissions = ["can_list", "can_show", "can_add", "can_edit", "can_delete", "can_csv"]
    base_order = ("id", "desc")
    list_title = lazy_gettext("Menus")
    show_title = lazy_gettext("Dish")
    add_title = lazy_gettext("Add a dish")
    edit_title = lazy_gettext("Edit dish")
    empty_message = lazy_gettext("No menus have been written yet.")
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
    # A dish cannot move to another party.
    edit_columns = ["course", "name", "allergens", "diets"]
    search_columns = ["party", "course", "name"]
    order_columns = ["course", "name"]
    csv_columns = list_columns
    choices_columns = {"course": Course.labels()}
    autocomplete_columns = {"party": PARTY_KEY}
    add_form_extra_fields = checkboxes()
    edit_form_extra_fields = checkboxes()

    def pre_add(self, item: MenuItem) -> None:
        """Add the dish at the end of the menu."""
        menu_service.add_dish(item)

    def pre_update(self, item: MenuItem) -> None:
        """Update the main dish of the party."""
        menu_service.update_main_dish(item.party)

    def pre_delete(self, item: MenuItem) -> None:
        """Update the main dish of the party from the remaining dishes."""
        menu_service.update_main_dish(item.party, without=item)

    def post_restore(self, item: MenuItem) -> None:
        """Update the main dish of the party."""
        menu_service.update_main_dish(item.party)

    def added_message(self, item: MenuItem) -> str:
        """Return the flash after a dish was added."""
        return str(_("“%(dish)s” was added to the menu.", dish=item.name))
