"""Pages of the menu, and of what guests do not eat."""

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.crud.form_rows import OPEN, ROW_BUTTON, rearrange
from app.database import transaction
from app.errors import DomainError
from app.food import find_allergens
from app.http import parse_int
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.enums import Course
from app.parties.menu import recipes
from app.parties.menu import service as menu_service
from app.parties.menu import texts as menu_texts
from app.parties.menu.forms import MenuForm, PeopleForm
from app.parties.menu.recipes import Recipe
from app.parties.menu.service import POSSIBLE, DishInput, PersonInput
from app.parties.models import MAX_DISHES, DinnerParty, Rsvp
from app.parties.optimistic_lock import StaleFormError

# A row that the host adds.
BLANK = {"name": "", "course": Course.MAIN}
# The value of the button that reads a recipe.
RECIPE = "recipe"


class MenuView(BasePartyView):
    """The menu of a party, and what its guests do not eat."""

    route_base = "/parties"
    default_view = "menu"

    @expose("/<slug>/menu", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def menu(self, slug: str) -> BaseResponse:
        """Show and change the menu."""
        party = self.get_hosted(slug)
        if request.method != "POST":
            menu = menu_service.menu(party)
            form = MenuForm(data={"dishes": self._rows(party), "seen": menu_service.menu_fingerprint(menu)})
            asked = menu_texts.questions(menu, menu_service.dietary_profiles(party))
            return self._form_page("parties/menu.html", form, party, status=200, stored=None, questions=asked)
        command = request.form.get(ROW_BUTTON, "")
        if command:
            form = MenuForm(rearrange(request.form, "dishes", command, blank=BLANK, most=MAX_DISHES))
            flash(str(flashes.NOTHING_SAVED), "info")
            opened = parse_int(command.removeprefix(OPEN))
            return self._form_page("parties/menu.html", form, party, status=200, stored=None, opened=opened)
        form = MenuForm()
        if request.form.get("action") == RECIPE:
            return self._take_recipes(form, party)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._form_page("parties/menu.html", form, party, status=422, stored=None)
        dishes = [
            DishInput(row["course"], row["name"], row["allergens"], row["diets"])
            for row in form.dishes.data
            if row["name"]
        ]
        try:
            with transaction():
                menu_service.change_menu(party, dishes, expected=form.seen.data or "")
        except StaleFormError as error:
            flash(str(error), error.category)
            stored = menu_service.menu(self.get_hosted(slug))
            _set_fingerprint(form, menu_service.menu_fingerprint(stored))
            return self._form_page("parties/menu.html", form, party, status=409, stored=stored)
        flash(*menu_texts.menu_saved(menu_service.menu(party), menu_service.dietary_profiles(party)))
        return redirect(url_for("KitchenView.show", slug=slug), 303)

    def _take_recipes(self, form: MenuForm, party: DinnerParty) -> BaseResponse:
        """Fill rows of the form with the dishes of the pasted recipes. Nothing is stored: a host decides what is true."""
        found = recipes.read(form.recipe.data or "")
        free = sum(not row.form.name.data for row in form.dishes) + MAX_DISHES - len(form.dishes)
        refusal = menu_texts.NO_RECIPE if not found else menu_texts.TOO_MANY_DISHES if len(found) > free else None
        if refusal is not None:
            show_at_field(form, DomainError(refusal, field="recipe"))
            flash(str(refusal), "danger")
            return self._form_page("parties/menu.html", form, party, status=422, stored=None)
        for recipe in found:
            _fill_row(form, recipe)
        form.recipe.data = ""
        flash(*menu_texts.recipe_taken())
        return self._form_page("parties/menu.html", form, party, status=200, stored=None, recipes=found)

    @expose("/<slug>/people", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def people(self, slug: str) -> BaseResponse:
        """Show and change the people of the guest's RSVP, and what they do not eat."""
        party, _guest, rsvp = self.get_answerable(slug)
        if rsvp is None or rsvp.status not in POSSIBLE:
            flash(str(menu_service.ANSWER_FIRST), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        context: dict[str, Any] = {"rsvp": rsvp, "menu": menu_service.menu(party), "stored": None}
        if request.method != "POST":
            form = PeopleForm(
                data={
                    "people": _known_people(rsvp),
                    "seen": menu_service.people_fingerprint(menu_service.people(rsvp)),
                }
            )
            return self._form_page("parties/rsvp_people.html", form, party, status=200, **context)
        form = PeopleForm()
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._form_page("parties/rsvp_people.html", form, party, status=422, **context)
        people = [PersonInput(row["name"], row["diets"], row["allergens"], row["note"]) for row in form.people.data]
        try:
            with transaction():
                found = menu_service.change_people(rsvp, people, expected=form.seen.data or "")
        except StaleFormError as error:
            flash(str(error), error.category)
            stored = menu_service.people(rsvp)
            _set_fingerprint(form, menu_service.people_fingerprint(stored))
            return self._form_page("parties/rsvp_people.html", form, party, status=409, **{**context, "stored": stored})
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*menu_texts.conflict_notice(found))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    @staticmethod
    def _rows(party: DinnerParty) -> list[dict[str, object]]:
        """Return the rows of the form: the menu, or a first dish."""
        rows: list[dict[str, object]] = [
            {"name": dish.name, "course": dish.course, "allergens": dish.allergens, "diets": dish.diets}
            for dish in menu_service.menu(party)
        ]
        return rows or [{"name": party.main_dish, "course": Course.MAIN}]

    def _form_page(
        self, template: str, form: MenuForm | PeopleForm, party: DinnerParty, *, status: int, **context: object
    ) -> BaseResponse:
        return make_response(self.render_template(template, form=form, party=party, **context), status)


def _fill_row(form: MenuForm, recipe: Recipe) -> None:
    """Put a recipe into the first row without a name, or into a new one."""
    row = next((row for row in form.dishes if not row.form.name.data), None) or form.dishes.append_entry()
    row.form.name.data = recipe.name
    row.form.course.data = recipe.course or Course.MAIN
    row.form.allergens.data = find_allergens(recipe.ingredients)


def _set_fingerprint(form: MenuForm | PeopleForm, fingerprint: str) -> None:
    """Let the form replace what is stored now: the page shows it beside the form."""
    form.seen.raw_data = None
    form.seen.data = fingerprint


def _known_people(rsvp: Rsvp) -> list[dict[str, object]]:
    """Return one row for each seat of an RSVP, filled as far as the people are known."""
    known: list[dict[str, object]] = [
        {"name": person.name, "diets": person.diets, "allergens": person.allergens, "note": person.note}
        for person in menu_service.people(rsvp)
    ]
    if not known and rsvp.member is None:
        known = [{"name": rsvp.name}]
    elif not known and rsvp.member is not None:
        profile = menu_service.profile_diet(rsvp.member)
        known = [{"name": profile.name, "diets": profile.diets, "allergens": profile.allergens, "note": ""}]
    return [*known, *({} for _seat in range(rsvp.party_size))][: rsvp.party_size]
