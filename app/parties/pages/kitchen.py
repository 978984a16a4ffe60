"""The kitchen sheet: the menu, who cannot eat what, and what guests bring."""

from collections.abc import Iterable, Mapping

from flask_appbuilder import expose, has_access, permission_name

from app.food import ALLERGENS, DIETS
from app.parties.access import BasePartyView
from app.parties.enums import Course
from app.parties.menu import dietary_conflicts
from app.parties.menu import service as menu_service
from app.parties.potluck import service as potluck_service


class KitchenView(BasePartyView):
    """The kitchen sheet of a party."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/kitchen")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """Show what the kitchen must know, without a name: it may hang on a wall."""
        party = self.get_hosted(slug)
        menu, eaters = menu_service.menu(party), menu_service.dietary_profiles(party)
        return str(
            self.render_template(
                "parties/kitchen.html",
                party=party,
                potluck=potluck_service.slots(party, with_claims=True),
                menu=[(dish, dietary_conflicts.count_conflicts(dish, eaters)) for dish in menu],
                left_out=dietary_conflicts.guests_without_option(menu, eaters),
                diets=_tally(DIETS, (key for eater in eaters for key in eater.diets)),
                allergens=_tally(ALLERGENS, (key for eater in eaters for key in eater.allergens)),
                notes=[eater.note for eater in eaters if eater.note],
                courses=Course.labels(),
                diet_names=DIETS,
                allergen_names=ALLERGENS,
                told=len(eaters),
            )
        )


def _tally(names: Mapping[str, object], keys: Iterable[str]) -> list[tuple[object, int]]:
    """Return how often each of `keys` stands there, by its name, the most frequent first."""
    listed = list(keys)
    counts = [(name, listed.count(key)) for key, name in names.items() if key in listed]
    return sorted(counts, key=lambda pair: -pair[1])
