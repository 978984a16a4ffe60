"""The API of the menu and the kitchen sheet."""

from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.database import transaction
from app.parties.api_base import FINGERPRINT_FIELD, NOT_THE_HOST, PartyApiBase, endpoint
from app.parties.menu import dietary_conflicts
from app.parties.menu import schemas as menu_schemas
from app.parties.menu import service as menu_service
from app.parties.menu import texts as menu_texts
from app.parties.menu.service import DishInput
from app.parties.models import DinnerParty

SAVED, DIETARY_CONFLICT = "saved", "dietary_conflict"
MENU = {"type": "array", "items": menu_schemas.Dish}


class MenuApi(PartyApiBase):
    """The menu of a party, and what the kitchen must know."""

    @expose("/<slug>/menu")
    @endpoint("host", gives=MENU, more=FINGERPRINT_FIELD, refusals=NOT_THE_HOST)
    def show_menu(self, slug: str) -> Response:
        """Show what is on the table. Guests read it with the party."""
        return self.response(200, **self._menu(self.get_hosted(slug)))

    @expose("/<slug>/menu", methods=["PUT"])
    @endpoint(
        "host",
        takes=menu_schemas.MenuInput,
        gives=MENU,
        more=FINGERPRINT_FIELD,
        codes=(SAVED, DIETARY_CONFLICT),
        refusals={**NOT_THE_HOST, 409: "Changed meanwhile"},
    )
    def menu(self, slug: str, sent: dict[str, Any]) -> Response:
        """Say what is on the table. The first main course is the party's main dish."""
        party = self.get_hosted(slug)
        dishes = [DishInput(**dish) for dish in sent["dishes"]]
        with transaction():
            menu_service.change_menu(
                party, dishes, seen=sent.get("seen") or menu_service.menu_fingerprint(menu_service.menu(party))
            )
        said = menu_texts.planned_courses(menu_service.menu(party), menu_service.dietary_profiles(party))
        return self.respond(200, DIETARY_CONFLICT if said[1] == "warning" else SAVED, said, **self._menu(party))

    @expose("/<slug>/kitchen")
    @endpoint("host", gives=menu_schemas.Kitchen, refusals=NOT_THE_HOST)
    def kitchen(self, slug: str) -> Response:
        """Show what the kitchen must know. Nobody's name is in it."""
        party = self.get_hosted(slug)
        menu, eaters = menu_service.menu(party), menu_service.dietary_profiles(party)
        shown = {
            "people": len(eaters),
            "dishes": [
                {"name": dish.name, "course": dish.course, "cannot": dietary_conflicts.count_conflicts(dish, eaters)}
                for dish in menu
            ],
            "left_out": dietary_conflicts.guests_without_option(menu, eaters),
            "diets": _tally(key for eater in eaters for key in eater.diets),
            "allergens": _tally(key for eater in eaters for key in eater.allergens),
            "notes": [eater.note for eater in eaters if eater.note],
        }
        return self.response(200, result=menu_schemas.Kitchen().dump(shown))

    @staticmethod
    def _menu(party: DinnerParty) -> dict[str, Any]:
        menu = menu_service.menu(party)
        return {"result": menu_schemas.Dish(many=True).dump(menu), "seen": menu_service.menu_fingerprint(menu)}


def _tally(keys: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    return counts
