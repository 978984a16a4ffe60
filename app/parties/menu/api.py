"""The API of the menu, the kitchen sheet, and what guests do not eat."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.database import transaction
from app.errors import DomainError
from app.parties.api_base import FINGERPRINT_FIELD, NOT_THE_HOST, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.menu import dietary_conflicts
from app.parties.menu import schemas as menu_schemas
from app.parties.menu import service as menu_service
from app.parties.menu import texts as menu_texts
from app.parties.menu.service import POSSIBLE, DishInput, PersonInput
from app.parties.models import DinnerParty, Rsvp

SAVED, DIETARY_CONFLICT = "saved", "dietary_conflict"
PEOPLE = {"type": "array", "items": menu_schemas.Person}
MENU = {"type": "array", "items": menu_schemas.Dish}


class MenuApi(PartyApiBase):
    """The menu of a party, and its kitchen sheet."""

    @expose("/<slug>/menu")
    @endpoint("host", gives=MENU, more=FINGERPRINT_FIELD, refusals=NOT_THE_HOST)
    def show_menu(self, slug: str) -> Response:
        """Show the menu. Guests read it with the party."""
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
        """Replace the menu. The first main course becomes the party's main dish."""
        party = self.get_hosted(slug)
        dishes = [DishInput(**dish) for dish in sent["dishes"]]
        with transaction():
            menu_service.change_menu(
                party, dishes, expected=sent.get("seen") or menu_service.menu_fingerprint(menu_service.menu(party))
            )
        flash = menu_texts.menu_saved(menu_service.menu(party), menu_service.dietary_profiles(party))
        return self.respond(200, DIETARY_CONFLICT if flash[1] == "warning" else SAVED, flash, **self._menu(party))

    @expose("/<slug>/kitchen")
    @endpoint("host", gives=menu_schemas.Kitchen, refusals=NOT_THE_HOST)
    def kitchen(self, slug: str) -> Response:
        """Show the kitchen sheet. It contains no names."""
        party = self.get_hosted(slug)
        menu, profiles = menu_service.menu(party), menu_service.dietary_profiles(party)
        shown = {
            "people": len(profiles),
            "dishes": [
                {
                    "name": dish.name,
                    "course": dish.course,
                    "cannot": dietary_conflicts.count_conflicts(dish, profiles),
                    "not_said": dietary_conflicts.count_open(dish, profiles),
                }
                for dish in menu
            ],
            "left_out": dietary_conflicts.guests_without_option(menu, profiles),
            "diets": _count(key for profile in profiles for key in profile.diets),
            "allergens": _count(key for profile in profiles for key in profile.allergens),
            "notes": [profile.note for profile in profiles if profile.note],
        }
        return self.response(200, result=menu_schemas.Kitchen().dump(shown))

    @staticmethod
    def _menu(party: DinnerParty) -> dict[str, Any]:
        menu = menu_service.menu(party)
        return {"result": menu_schemas.Dish(many=True).dump(menu), "seen": menu_service.menu_fingerprint(menu)}


class PeopleApi(PartyApiBase):
    """The people who come with an RSVP, and what they do not eat."""

    @expose("/<slug>/people")
    @endpoint("rsvp", gives=PEOPLE, more=FINGERPRINT_FIELD, refusals={**PARTY_NOT_FOUND, 409: "Not answered yet"})
    def people(self, slug: str) -> Response:
        """List the people who come with one's RSVP, as far as they were entered."""
        return self.response(200, **self._people(self._get_rsvp(slug)))

    @expose("/<slug>/people", methods=["PUT"])
    @endpoint(
        "rsvp",
        takes=menu_schemas.PeopleInput,
        gives=PEOPLE,
        more=FINGERPRINT_FIELD,
        codes=(SAVED, DIETARY_CONFLICT),
        refusals={**PARTY_NOT_FOUND, 409: "Not answered yet, or changed in the meantime"},
    )
    def tell_people(self, slug: str, sent: dict[str, Any]) -> Response:
        """Replace the people who come, and what they do not eat. Only the hosts of the party can read it."""
        rsvp = self._get_rsvp(slug)
        people = [PersonInput(**{"name": "", **person}) for person in sent["people"]]
        with transaction():
            expected = sent.get("seen") or menu_service.people_fingerprint(menu_service.people(rsvp))
            found = menu_service.change_people(rsvp, people, expected=expected)
        return self.respond(
            200, DIETARY_CONFLICT if found else SAVED, menu_texts.conflict_notice(found), **self._people(rsvp)
        )

    def _get_rsvp(self, slug: str) -> Rsvp:
        """Return the RSVP of a guest who comes, or may come. Raises DomainError if there is none."""
        rsvp = self.get_answerable(slug).rsvp
        if rsvp is None or rsvp.status not in POSSIBLE:
            raise DomainError(menu_service.ANSWER_FIRST, "warning")
        return rsvp

    @staticmethod
    def _people(rsvp: Rsvp) -> dict[str, Any]:
        people = menu_service.people(rsvp)
        return {"result": menu_schemas.Person(many=True).dump(people), "seen": menu_service.people_fingerprint(people)}


def _count(keys: Iterable[str]) -> dict[str, int]:
    return dict(Counter(keys))
