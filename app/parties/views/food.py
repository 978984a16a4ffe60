"""What is on the table, what guests do not eat, and what the kitchen must know of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as BaseResponse

from app.crud import saying
from app.database import transaction
from app.errors import Category, DomainError
from app.food import ALLERGENS, DIETS
from app.i18n import formats
from app.parties import clashes
from app.parties.clashes import Clash, Count
from app.parties.forms.food import MenuForm, PeopleForm
from app.parties.models import COURSES, MAIN, MOST_DISHES, DinnerParty, MenuItem, Rsvp, RsvpPerson
from app.parties.service import food, potluck
from app.parties.service.conflicts import ChangedError
from app.parties.service.food import POSSIBLE, Dish, Person
from app.parties.views import flashes
from app.parties.views.access import TableView, for_guests
from app.parties.views.flashes import MOST_SENTENCES

SPARE_ROWS = 3


class FoodView(TableView):
    """The menu, the people, and the kitchen's sheet of a party."""

    route_base = "/parties"
    default_view = "menu"

    @expose("/<slug>/menu", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def menu(self, slug: str) -> BaseResponse:
        """Show and change what is on the table."""
        party = self.hosted(slug)
        if request.method != "POST":
            form = MenuForm(data={"dishes": self._rows(party), "seen": food.menu_mark(food.menu(party))})
            return self._form_page("parties/menu.html", form, party, status=200, theirs=None)
        form = MenuForm()
        if not form.validate():
            flash(str(saying.CORRECT_THE_FIELDS), "danger")
            return self._form_page("parties/menu.html", form, party, status=422, theirs=None)
        dishes = [
            Dish(row["course"], row["name"], row["allergens"], row["diets"]) for row in form.dishes.data if row["name"]
        ]
        try:
            with transaction():
                food.change_menu(party, dishes, seen=form.seen.data or "")
        except ChangedError as error:
            flash(str(error), error.category)
            theirs = food.menu(self.hosted(slug))
            _mark_again(form, food.menu_mark(theirs))
            return self._form_page("parties/menu.html", form, party, status=409, theirs=theirs)
        flash(*planned(food.menu(party), food.eaters(party)))
        return redirect(url_for("FoodView.kitchen", slug=slug), 303)

    @expose("/<slug>/people", methods=["GET", "POST"])
    @for_guests
    @permission_name("answer")
    def people(self, slug: str) -> BaseResponse:
        """Show and change who comes with one's answer, and what they do not eat."""
        party, _guest, answer = self.answering(slug)
        if answer is None or answer.status not in POSSIBLE:
            flash(str(food.ANSWER_FIRST), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        context: dict[str, Any] = {"answer": answer, "menu": food.menu(party), "theirs": None}
        if request.method != "POST":
            form = PeopleForm(data={"people": _known_people(answer), "seen": food.people_mark(food.people(answer))})
            return self._form_page("parties/people.html", form, party, status=200, **context)
        form = PeopleForm()
        if not form.validate():
            flash(str(saying.CORRECT_THE_FIELDS), "danger")
            return self._form_page("parties/people.html", form, party, status=422, **context)
        told = [Person(row["name"], row["diets"], row["allergens"], row["note"]) for row in form.people.data]
        try:
            with transaction():
                found = food.change_people(answer, told, seen=form.seen.data or "")
        except ChangedError as error:
            flash(str(error), error.category)
            theirs = food.people(answer)
            _mark_again(form, food.people_mark(theirs))
            return self._form_page("parties/people.html", form, party, status=409, **{**context, "theirs": theirs})
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*warned(found))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @expose("/<slug>/kitchen")
    @has_access
    @permission_name("host")
    def kitchen(self, slug: str) -> str:
        """Show what the kitchen must know, without a name: it may hang on a wall."""
        party = self.hosted(slug)
        menu, eaters = food.menu(party), food.eaters(party)
        return str(
            self.render_template(
                "parties/kitchen.html",
                party=party,
                potluck=potluck.dishes(party, with_claims=True),
                menu=[(dish, clashes.count(dish, eaters)) for dish in menu],
                left_out=clashes.left_out(menu, eaters),
                diets=_tally(DIETS, (key for eater in eaters for key in eater.diets)),
                allergens=_tally(ALLERGENS, (key for eater in eaters for key in eater.allergens)),
                notes=[eater.note for eater in eaters if eater.note],
                courses=COURSES,
                diet_names=DIETS,
                allergen_names=ALLERGENS,
                told=len(eaters),
            )
        )

    @staticmethod
    def _rows(party: DinnerParty) -> list[dict[str, object]]:
        """Return the menu as the form shows it, with some rows to fill in."""
        rows: list[dict[str, object]] = [
            {"name": dish.name, "course": dish.course, "allergens": dish.allergens, "diets": dish.diets}
            for dish in food.menu(party)
        ]
        if not rows and party.main_dish:
            rows.append({"name": party.main_dish, "course": MAIN})
        return [*rows, *({} for _number in range(SPARE_ROWS))][:MOST_DISHES]

    def _form_page(
        self, template: str, form: MenuForm | PeopleForm, party: DinnerParty, *, status: int, **context: object
    ) -> BaseResponse:
        return make_response(self.render_template(template, form=form, party=party, **context), status)


def _mark_again(form: MenuForm | PeopleForm, mark: str) -> None:
    """Let the form stand upon what was stored meanwhile, which its reader is shown now."""
    form.seen.raw_data = None
    form.seen.data = mark


def _known_people(answer: Rsvp) -> list[dict[str, object]]:
    """Return one row for each seat of an answer, as far as it is known who sits there."""
    known: list[dict[str, object]] = [
        {"name": person.name, "diets": person.diets, "allergens": person.allergens, "note": person.note}
        for person in food.people(answer)
    ]
    if not known and answer.member is None:
        known = [{"name": answer.name}]
    elif not known and answer.member is not None:
        usual = food.usual(answer.member)
        known = [{"name": usual.name, "diets": usual.diets, "allergens": usual.allergens, "note": ""}]
    return [*known, *({} for _seat in range(answer.party_size))][: answer.party_size]


def _tally(names: Mapping[str, object], keys: Iterable[str]) -> list[tuple[object, int]]:
    """Return how often each of `keys` stands there, by its name, the most frequent first."""
    listed = list(keys)
    counts = [(name, listed.count(key)) for key, name in names.items() if key in listed]
    return sorted(counts, key=lambda pair: -pair[1])


def planned(menu: list[MenuItem], eaters: list[RsvpPerson]) -> tuple[str, Category]:
    """Return what a host reads after the menu was stored."""
    counted = [(dish, clashes.count(dish, eaters)) for dish in menu]
    sentences = [_cannot_eat(dish, found) for dish, found in counted if found.people]
    if not sentences:
        return _("The menu is saved."), "info"
    return " ".join(sentences[:MOST_SENTENCES]), "warning"


def _cannot_eat(dish: MenuItem, found: Count) -> str:
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
            "“%(dish)s” does not suit everybody (%(diet)s); %(num)d guest cannot eat it.",
            "“%(dish)s” does not suit everybody (%(diet)s); %(num)d guests cannot eat it.",
            found.people,
            dish=dish.name,
            diet=formats.value([str(DIETS[key]) for key in found.diets]),
        )
    )


def warned(found: list[tuple[MenuItem, Clash]]) -> tuple[str, Category]:
    """Return what a guest reads after they told what they do not eat."""
    if not found:
        return _("Thank you. The kitchen knows now."), "info"
    return " ".join(flashes.heads_up(found)), "warning"
