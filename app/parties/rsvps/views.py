"""Pages on which guests answer, withdraw, and decide about seats that are offered to them."""

from collections.abc import Callable
from typing import ClassVar

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.auth_type import may_register
from app.accounts.registration import wishes as registration_wishes
from app.crud.actions import flash_and_redirect
from app.crud.fields import show_at_field
from app.database import run_with_retry
from app.errors import DomainError
from app.extensions import db
from app.http import parse_int
from app.parties import queries
from app.parties.access import POST_LIMIT, AnswerableParty, BasePartyView, PartyVisit, login_or_invitation_required
from app.parties.enums import RsvpStatus
from app.parties.rsvps import offers, wishes
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps import texts as rsvp_texts
from app.parties.rsvps.forms import CLAIM, STAY, OfferForm, RsvpByIdForm, RsvpForm
from app.parties.rsvps.types import PartialAvailability, RsvpRequest
from app.parties.texts import Flash
from app.parties.waiting_list import queries as waiting_list_queries


class AnsweringView(BasePartyView):
    """A view with pages on which guests answer."""

    # Renders the party's page around a rejected form. That page shows more subjects than this one: the site map sets it.
    render_party_page: ClassVar[Callable[..., str]]

    def answer(self, visit: AnswerableParty, asked: RsvpRequest, form: RsvpForm | None = None) -> BaseResponse:
        """Record an RSVP, and lead to the party. A refused `form` is shown again."""
        party, guest, rsvp = visit
        try:
            result = run_with_retry(
                lambda: rsvp_service.record(party, guest, rsvp, asked),
                again=lambda: rsvp_service.rsvp(party, guest, asked),
            )
        except DomainError as error:
            flash(str(error), error.category)
            if form is not None and error.field:
                show_at_field(form, error)
                return self._rejected(visit, form)
        else:
            if isinstance(result, PartialAvailability):
                flash(*rsvp_texts.partially_available(result))
                return self._rejected(visit, form, result)
            flash(*rsvp_texts.answered(party, result))
        return redirect(url_for("PartyView.show", slug=party.slug), 303)

    def _rejected(
        self, visit: AnswerableParty, form: RsvpForm | None, partial: PartialAvailability | None = None
    ) -> BaseResponse:
        """Show the form as the guest filled it in, beside the party as it is now."""
        db.session.refresh(visit.party)
        now = visit._replace(rsvp=queries.rsvp_of(visit.party, visit.guest))
        return make_response(self.render_party_page(now, form, partial), 422)

    def refuse_form(self, visit: PartyVisit | AnswerableParty, form: RsvpForm) -> BaseResponse:
        """Show a form that is not valid again, with one flash."""
        choose, correct = _("Please choose one of the answers."), _("Please correct the fields that are marked.")
        flash(choose if form.answer.errors else correct, "danger")
        return make_response(self.render_party_page(visit, form), 422)


class RsvpView(AnsweringView):
    """A guest's RSVP to one party."""

    route_base = "/parties"
    default_view = "rsvp"
    limits = [POST_LIMIT]

    @expose("/<slug>/rsvp", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def rsvp(self, slug: str) -> BaseResponse:
        """Record the answer yes, no or maybe. A GET, as after a login, leads to the party."""
        if request.method != "POST":
            return redirect(url_for("PartyView.show", slug=slug), 303)
        visit = self.get_answerable(slug)
        form = RsvpForm()
        if form.validate():
            return self.answer(visit, read_request(form), form)
        return self.refuse_form(visit, form)

    @expose("/rsvp", methods=["POST"])
    @has_access
    @permission_name("rsvp")
    def rsvp_by_id(self) -> BaseResponse:
        """Answer yes to the public party with the ID that the member typed."""
        party = queries.public_party_by_id(RsvpByIdForm().party_id.data or "")
        if party is None:
            flash(_("Please enter a valid Party ID to RSVP!"), "danger")
            return redirect(url_for("PartyView.list"), 303)
        return self.answer(self.get_answerable(party.slug), RsvpRequest(RsvpStatus.YES))

    @expose("/<slug>/wish")
    @login_or_invitation_required
    @permission_name("rsvp")
    def wish(self, slug: str) -> BaseResponse:
        """Remember how many seats a visitor wants, and lead on to register or to log in."""
        party = self.get_visible(slug).party
        wish = wishes.wish_for(party, parse_int(request.args.get("seats", "")) or 1)
        page = url_for("PartyView.show", slug=slug, seats=wish["seats"])
        if current_user.is_authenticated:
            return redirect(page, 303)
        registration_wishes.remember(wish)
        if request.args.get("by") == "login" or not may_register():
            return redirect(url_for("LoginView.login", next=page), 303)
        return redirect(url_for("RegistrationView.form"), 303)

    @expose("/<slug>/offer", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    @flash_and_redirect("PartyView.show", "slug")
    def offer(self, slug: str) -> BaseResponse | Flash:
        """Show the guest's seat offer; POST accepts or declines it."""
        party, guest, rsvp = self.get_answerable(slug)
        form = OfferForm()
        if request.method != "POST":
            offer = waiting_list_queries.latest_offer(rsvp) if rsvp else None
            return make_response(
                self.render_template("parties/offer.html", party=party, rsvp=rsvp, offer=offer, form=form)
            )
        if not form.validate():
            return _("Please choose one of the answers."), "danger"
        decision = form.decision.data
        if decision == CLAIM:
            return rsvp_texts.claimed(offers.claim(party, guest))
        return rsvp_texts.declined(offers.decline(party, guest, stay=decision == STAY))

    @expose("/<slug>/withdraw", methods=["POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    @flash_and_redirect("PartyView.show", "slug")
    def withdraw(self, slug: str) -> Flash:
        """Withdraw the guest's RSVP: give up seats, a position on the waiting list, or a maybe."""
        party, guest, _rsvp = self.get_answerable(slug)
        return rsvp_texts.withdrawn(rsvp_service.withdraw(party, guest))


def read_request(form: RsvpForm) -> RsvpRequest:
    """Return what a valid form asks for. The button "Come with 2" replaces the party size."""
    size, minimum, fewer = form.party_size.data, form.min_party.data, form.come_with.data
    if fewer:
        size, minimum = fewer, min(minimum, fewer) if minimum else None
    return RsvpRequest(
        form.answer.data,
        size,
        minimum,
        form.note.data,
        wait=form.wait.data,
        name=form.name.data,
        shows_name=form.shows_name.data,
    )
