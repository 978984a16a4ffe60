"""Pages of the potluck: hosts request dishes, and guests claim them."""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.crud.form_rows import ROW_BUTTON, rearrange
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.http import parse_int
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.enums import Course
from app.parties.models import MAX_DISHES, DinnerParty, Rsvp
from app.parties.optimistic_lock import StaleFormError
from app.parties.potluck import service as potluck_service
from app.parties.potluck import texts as potluck_texts
from app.parties.potluck.forms import GIVE_BACK, ClaimForm, DishesForm
from app.parties.potluck.models import DishSlot
from app.parties.potluck.service import ANSWER_FIRST, ClaimedError, RequestedDish
from app.parties.texts import Flash

# A row that the host adds.
BLANK = {"key": "", "name": "", "course": Course.SIDE, "wanted": "1"}


class PotluckView(BasePartyView):
    """The dishes of a potluck."""

    route_base = "/parties"
    default_view = "dishes"

    # -- hosts

    @expose("/<slug>/dishes", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def dishes(self, slug: str) -> BaseResponse:
        """Show and change the requested dishes, and show who brings them."""
        party = self.get_hosted(slug)
        if request.method != "POST":
            return self._dishes_page(_form_of(potluck_service.slots(party, with_claims=True)), party, 200)
        if ROW_BUTTON in request.form:
            command = request.form[ROW_BUTTON]
            form = DishesForm(rearrange(request.form, "dishes", command, blank=BLANK, most=MAX_DISHES))
            flash(str(flashes.NOTHING_SAVED), "info")
            return self._dishes_page(form, party, 200)
        form = DishesForm()
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._dishes_page(form, party, 422)
        try:
            with transaction():
                potluck_service.set_requested_dishes(party, _requested_dishes(form), expected=form.seen.data or "")
        except StaleFormError as error:
            flash(str(error), error.category)
            return self._dishes_page(form, self.get_hosted(slug), 409)
        except ClaimedError as error:
            _show_at_row(form, error)
            flash(str(flashes.CORRECT_THE_FIELDS if error.row is not None else error), error.category)
            return self._dishes_page(form, self.get_hosted(slug), 422)
        flash(_("Saved. Your guests can now see the requested dishes."), "info")
        return redirect(url_for("PotluckView.dishes", slug=slug), 303)

    @expose("/<slug>/dishes/release", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect("PotluckView.dishes", "slug")
    def release(self, slug: str) -> Flash:
        """Release a guest from a dish they have claimed."""
        party = self.get_hosted(slug)
        released = potluck_service.release_claim(party, parse_int(request.form.get("claim")) or 0)
        return potluck_texts.released(released)

    def _dishes_page(self, form: DishesForm, party: DinnerParty, status: int) -> BaseResponse:
        """Show the form; after a conflict also what somebody else has saved."""
        slots = potluck_service.slots(party, with_claims=True)
        if status == 409:
            form.seen.raw_data = None
            form.seen.data = potluck_service.fingerprint_of(slots)
        page = self.render_template(
            "parties/potluck_dishes.html", form=form, party=party, slots=slots, is_conflict=status == 409
        )
        return make_response(page, status)

    # -- guests

    @expose("/<slug>/bring", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def bring(self, slug: str) -> BaseResponse:
        """Show the requested dishes to guests who come; POST claims one, or withdraws the claim."""
        party, _guest, rsvp = self.get_answerable(slug)
        if rsvp is None or not rsvp.is_seated:
            flash(str(ANSWER_FIRST), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        if request.method != "POST":
            return self._bring_page(party, rsvp)
        slot_id = parse_int(request.form.get("slot")) or 0
        form = ClaimForm(slot_id)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._bring_page(party, rsvp, slot_id, form)
        try:
            message = run_with_retry(lambda: self._claim(party, rsvp, slot_id, form))
        except DomainError as error:
            flash(str(error), error.category)
            if error.field is None:
                return redirect(url_for("PotluckView.bring", slug=slug), 303)
            show_at_field(form, error)
            return self._bring_page(party, rsvp, slot_id, form)
        flash(message, "info")
        return redirect(url_for("PotluckView.bring", slug=slug), 303)

    @staticmethod
    def _claim(party: DinnerParty, rsvp: Rsvp, slot_id: int, form: ClaimForm) -> str:
        if request.form.get("action") == GIVE_BACK:
            withdrawn = potluck_service.withdraw_claim(party, rsvp, slot_id)
            return _("You are no longer bringing %(dish)s.", dish=str(withdrawn))
        claim = potluck_service.claim(party, rsvp, slot_id, form.quantity.data, form.dish.data)
        return _("You are bringing %(dish)s.", dish=str(claim))

    def _bring_page(
        self, party: DinnerParty, rsvp: Rsvp, slot_id: int | None = None, submitted: ClaimForm | None = None
    ) -> BaseResponse:
        rows = []
        for slot, own in potluck_service.slots_and_own_claims(party, rsvp):
            form = ClaimForm(slot.id, formdata=None, quantity=own.quantity if own else 1, dish=own.dish if own else "")
            rows.append((slot, own, submitted if submitted is not None and slot.id == slot_id else form))
        page = self.render_template("parties/potluck_bring.html", party=party, rows=rows)
        return make_response(page, 200 if submitted is None else 422)


def _form_of(slots: list[DishSlot]) -> DishesForm:
    """Return the form with the requested dishes, or a first one."""
    rows: list[dict[str, object]] = [
        {"key": slot.id, "name": slot.name, "course": slot.course, "wanted": slot.wanted} for slot in slots
    ]
    return DishesForm(data={"dishes": rows or [{}], "seen": potluck_service.fingerprint_of(slots)})


def _requested_dishes(form: DishesForm) -> list[RequestedDish]:
    """Return the rows of the form, also those without a name."""
    return [
        RequestedDish(row["course"], row["name"] or "", row["wanted"], parse_int(row["key"]) or 0)
        for row in form.dishes.data
    ]


def _show_at_row(form: DishesForm, error: ClaimedError) -> None:
    if error.row is None or error.field is None:
        show_at_field(form, error)
        return
    field = form.dishes[error.row].form[error.field]
    field.errors = [*field.errors, str(error)]
