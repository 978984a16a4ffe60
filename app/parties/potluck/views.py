"""What guests bring along: hosts ask for dishes, and those who come promise them."""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.http import parse_int
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.enums import SEATED
from app.parties.models import MAX_DISHES, DinnerParty, Rsvp
from app.parties.optimistic_lock import ConflictError
from app.parties.potluck import service as potluck_service
from app.parties.potluck.forms import GIVE_BACK, ClaimForm, DishesForm
from app.parties.potluck.models import DishClaim, DishSlot
from app.parties.potluck.service import ANSWER_FIRST, ClaimedError, RequestedDish

SPARE_ROWS = 3


class PotluckView(BasePartyView):
    """The dishes of a potluck."""

    route_base = "/parties"
    default_view = "dishes"

    # -- hosts ask

    @expose("/<slug>/dishes", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def dishes(self, slug: str) -> BaseResponse:
        """Show and change what guests are asked to bring, and show who brings it."""
        party = self.get_hosted(slug)
        if request.method != "POST":
            return self._dishes_page(_asking(potluck_service.slots(party, with_claims=True)), party, 200)
        form = DishesForm()
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._dishes_page(form, party, 422)
        try:
            with transaction():
                potluck_service.set_requested_dishes(party, _asked(form), seen=form.seen.data or "")
        except ConflictError as error:
            flash(str(error), error.category)
            return self._dishes_page(form, self.get_hosted(slug), 409)
        except ClaimedError as error:
            _show_at_row(form, error)
            flash(str(flashes.CORRECT_THE_FIELDS if error.number is not None else error), error.category)
            return self._dishes_page(form, self.get_hosted(slug), 422)
        flash(_("Saved. Your guests can now see the requested dishes."), "info")
        return redirect(url_for("PotluckView.dishes", slug=slug), 303)

    @expose("/<slug>/dishes/release", methods=["POST"])
    @has_access
    @permission_name("host")
    def release(self, slug: str) -> BaseResponse:
        """Free a guest of what they have promised."""
        party = self.get_hosted(slug)
        try:
            with transaction():
                freed = potluck_service.delete_slot(party, parse_int(request.form.get("claim")) or 0)
                name = str(freed.rsvp)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(_("%(name)s no longer needs to bring it and will be notified.", name=name), "info")
        return redirect(url_for("PotluckView.dishes", slug=slug), 303)

    def _dishes_page(self, form: DishesForm, party: DinnerParty, status: int) -> BaseResponse:
        """Show what is typed; where others have stored something else meanwhile, that too."""
        asked = potluck_service.slots(party, with_claims=True)
        if status == 409:
            form.seen.raw_data = None
            form.seen.data = potluck_service.fingerprint_of(asked)
        page = self.render_template(
            "parties/potluck_dishes.html", form=form, party=party, asked=asked, theirs=status == 409
        )
        return make_response(page, status)

    # -- guests promise

    @expose("/<slug>/bring", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def bring(self, slug: str) -> BaseResponse:
        """Show what is asked for to those who come; POST promises a dish, or takes a promise back."""
        party, _guest, rsvp = self.get_answerable(slug)
        if rsvp is None or rsvp.status not in SEATED:
            flash(str(ANSWER_FIRST), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        if request.method != "POST":
            return self._bring_page(party, rsvp)
        key = parse_int(request.form.get("slot")) or 0
        form = ClaimForm(key)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._bring_page(party, rsvp, key, form)
        try:
            said = run_with_retry(lambda: self._promise(party, rsvp, key, form))
        except DomainError as error:
            flash(str(error), error.category)
            if error.field is None:
                return redirect(url_for("PotluckView.bring", slug=slug), 303)
            show_at_field(form, error)
            return self._bring_page(party, rsvp, key, form)
        flash(said, "info")
        return redirect(url_for("PotluckView.bring", slug=slug), 303)

    @staticmethod
    def _promise(party: DinnerParty, rsvp: Rsvp, key: int, form: ClaimForm) -> str:
        if request.form.get("action") == GIVE_BACK:
            dropped = potluck_service.withdraw_claim(party, rsvp, key)
            return _("You are no longer bringing %(dish)s.", dish=str(dropped))
        promised = potluck_service.claim(party, rsvp, key, form.quantity.data, form.dish.data)
        return _("You are bringing %(dish)s.", dish=str(promised))

    def _bring_page(
        self, party: DinnerParty, rsvp: Rsvp, key: int | None = None, typed: ClaimForm | None = None
    ) -> BaseResponse:
        rows = [
            (slot, own, typed if typed is not None and slot.id == key else _bringing(slot, own))
            for slot, own in potluck_service.slots_and_own_claims(party, rsvp)
        ]
        page = self.render_template("parties/potluck_bring.html", party=party, rows=rows)
        return make_response(page, 200 if typed is None else 422)


def _asking(asked: list[DishSlot]) -> DishesForm:
    """Return the form with what is asked for, and some rows to fill in."""
    rows: list[dict[str, object]] = [
        {"key": slot.id, "name": slot.name, "course": slot.course, "wanted": slot.wanted} for slot in asked
    ]
    rows = [*rows, *({} for _number in range(SPARE_ROWS))][:MAX_DISHES]
    return DishesForm(data={"dishes": rows, "seen": potluck_service.fingerprint_of(asked)})


def _asked(form: DishesForm) -> list[RequestedDish]:
    """Return what was typed, the rows without a name too: what is missing is asked for no more."""
    return [
        RequestedDish(row["course"], row["name"] or "", row["wanted"], parse_int(row["key"]) or 0)
        for row in form.dishes.data
    ]


def _bringing(slot: DishSlot, own: DishClaim | None) -> ClaimForm:
    return ClaimForm(slot.id, formdata=None, quantity=own.quantity if own else 1, dish=own.dish if own else "")


def _show_at_row(form: DishesForm, error: ClaimedError) -> None:
    if error.number is None or error.field is None:
        show_at_field(form, error)
        return
    field = form.dishes[error.number].form[error.field]
    field.errors = [*field.errors, str(error)]
