"""The kitchen sheet: the menu, how many people cannot eat what, and what guests bring."""

from collections import Counter
from collections.abc import Iterable, Mapping

from flask_appbuilder import expose, has_access, permission_name

from app.food import ALLERGENS, DIETS
from app.parties.access import BasePartyView
from app.parties.enums import Course
from app.parties.menu import dietary_conflicts
from app.parties.menu import service as menu_service
from app.parties.menu import texts as menu_texts
from app.parties.potluck import service as potluck_service


class KitchenView(BasePartyView):
    """The kitchen sheet of a party."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/kitchen")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """Show the kitchen sheet. It contains no names, because it may hang on a wall."""
        party = self.get_hosted(slug)
        menu, profiles = menu_service.menu(party), menu_service.dietary_profiles(party)
        return str(
            self.render_template(
                "parties/kitchen.html",
                party=party,
                potluck=potluck_service.slots(party, with_claims=True),
                menu=[
                    (
                        dish,
                        dietary_conflicts.count_conflicts(dish, profiles),
                        dietary_conflicts.count_open(dish, profiles),
                    )
                    for dish in menu
                ],
                questions=menu_texts.questions(menu, profiles),
                without_option=dietary_conflicts.guests_without_option(menu, profiles),
                diets=_count(DIETS, (key for profile in profiles for key in profile.diets)),
                allergens=_count(ALLERGENS, (key for profile in profiles for key in profile.allergens)),
                notes=[profile.note for profile in profiles if profile.note],
                courses=Course.labels(),
                diet_names=DIETS,
                allergen_names=ALLERGENS,
                people_count=len(profiles),
            )
        )


def _count(names: Mapping[str, object], keys: Iterable[str]) -> list[tuple[object, int]]:
    """Return the name of each key with how often it occurs, the most frequent first."""
    found = Counter(keys)
    counts = [(name, found[key]) for key, name in names.items() if key in found]
    return sorted(counts, key=lambda pair: -pair[1])
