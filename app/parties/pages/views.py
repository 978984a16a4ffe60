"""Pages of hosts and guests."""

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_limiter.util import get_remote_address
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.crud.fields import show_at_field
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.http import page_number
from app.parties import access, location, queries, rules
from app.parties.access import AnswerableParty, PartyVisit, login_or_invitation_required
from app.parties.calendar import ics
from app.parties.calendar.views import download
from app.parties.check_in import tickets
from app.parties.enums import QUEUED, SEATED, RsvpStatus
from app.parties.hosting.views import HostingView
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.link_views import join_form
from app.parties.menu import service as menu_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.respondent import Respondent
from app.parties.rsvps import offers
from app.parties.rsvps import service as rsvp_service
from app.parties.rsvps import texts as rsvp_texts
from app.parties.rsvps.forms import CLAIM, STAY, OfferForm, RsvpByIdForm, RsvpForm
from app.parties.rsvps.types import PartialAvailability, RsvpRequest
from app.parties.waiting_list import history_texts
from app.parties.waiting_list import queries as waiting_list_queries


class LandingView(BaseView):
    """The first page: the next public parties."""

    route_base = ""
    default_view = "index"

    @expose("/")
    def index(self) -> str:
        """Show the next parties that everybody may join."""
        return str(self.render_template("parties/landing.html", parties=queries.next_public_parties()))


class PartyView(HostingView):
    """Parties as guests and hosts see them."""

    route_base = "/parties"
    default_view = "list"
    limits = [
        Limit(
            access.RSVPS_PER_MINUTE,
            key_func=lambda: str(current_user.get_id() or get_remote_address()),
            methods=["POST"],
        )
    ]

    # -- looking

    @expose("/")
    @has_access
    @permission_name("read")
    def list(self) -> str:
        """Show the coming public parties."""
        page = queries.public_page(page_number())
        return str(self.render_template("parties/list.html", page=page, form=RsvpByIdForm()))

    @expose("/<slug>")
    @has_access
    @permission_name("read")
    def show(self, slug: str) -> str:
        """Show one party, and to a member their answer to it."""
        return self._party_page(self.get_visible(slug))

    def _party_page(
        self,
        visit: PartyVisit | AnswerableParty,
        form: RsvpForm | None = None,
        partly: PartialAvailability | None = None,
    ) -> str:
        party, guest, rsvp = visit
        is_owner = current_user.is_authenticated and party.host_id == current_user.id
        offer = waiting_list_queries.pending_offer(rsvp) if rsvp and rsvp.status == RsvpStatus.OFFERED else None
        return str(
            self.render_template(
                "parties/party.html",
                party=party,
                guest=guest,
                join=join_form(party) if guest is None else None,
                rsvp=rsvp,
                place_told=location.visible_location(party, with_address=self.shows_address(party, rsvp)),
                ticket=tickets.shown(party, rsvp),
                menu=menu_service.menu(party),
                potluck=potluck_service.slots_and_own_claims(party, rsvp),
                # What is stored may be older than the end of the offer: then it is void.
                offer=offer if offer and offer.is_open else None,
                place=waiting_list_queries.position(rsvp)
                if rsvp and rsvp.status in QUEUED and not (offer and offer.is_open)
                else None,
                waiting_count=waiting_list_queries.waiting_count(party.id),
                form=_with_hints(
                    form or _answer_form(guest, rsvp), guest.most(party, rsvp) if guest else party.max_party
                ),
                partly=partly,
                is_host=is_owner,
                may_edit=is_owner or self.is_staff() or self.is_host(party),
                hosts=self.is_host(party),
                may_cancel=is_owner or self.is_staff(),
                late=rules.closed_reason(party.status, party.answers_until, clock.now()) is rules.ClosedReason.LATE,
            )
        )

    @expose("/<slug>/dinner.ics")
    @has_access
    @permission_name("read")
    def download(self, slug: str) -> BaseResponse:
        """Return the party for a calendar."""
        party, _guest, rsvp = self.get_visible(slug)
        return download(ics.published([(party, self.shows_address(party, rsvp))]), f"{party.slug}.ics")

    @expose("/<slug>/waiting-list")
    @login_or_invitation_required
    @permission_name("rsvp")
    def waiting_list(self, slug: str) -> str:
        """Show what happened in line and why: to those who stand in it, and with names to the host."""
        party, _guest, rsvp = self.get_answerable(slug)
        named = self.is_host(party) or self.is_staff()
        waits = rsvp is not None and rsvp.status in QUEUED
        if not (named or waits):
            abort(403)
        pending = waiting_list_queries.pending_offers(party)
        offers = [offer for offer in pending if offer.is_open]
        # Offers that ran out hold nothing any more, though the next change of the party will say so.
        free = party.seats_free + sum(offer.seats for offer in pending if not offer.is_open)
        return str(
            self.render_template(
                "parties/waiting_list.html",
                party=party,
                rsvp=rsvp,
                named=named,
                line=history_texts.queue_texts(party, free),
                guests=waiting_list_queries.waiting_rsvps(party.id) if named else [],
                offers=offers,
                own_offer=next((offer for offer in offers if rsvp and offer.rsvp_id == rsvp.id), None),
                steps=history_texts.history(waiting_list_queries.events(party), own=rsvp, named=named),
                free=free,
            )
        )

    # -- answering

    @expose("/<slug>/rsvp", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def rsvp(self, slug: str) -> BaseResponse:
        """Answer yes, no or maybe, for a group; whoever comes here otherwise is led to the party."""
        if request.method != "POST":
            return redirect(url_for("PartyView.show", slug=slug), 303)
        visit = self.get_answerable(slug)
        form = RsvpForm()
        if form.validate():
            return self._answer(visit, _wish(form), form)
        choose, correct = _("Please choose one of the answers."), _("Please correct the fields that are marked.")
        flash(choose if form.answer.errors else correct, "danger")
        return make_response(self._party_page(visit, form), 422)

    @expose("/rsvp", methods=["POST"])
    @has_access
    @permission_name("rsvp")
    def rsvp_by_id(self) -> BaseResponse:
        """Say yes to the party with the number that was typed."""
        party = queries.public_party_by_id(RsvpByIdForm().party_id.data or "")
        if party is None:
            flash(_("Please enter a valid Party ID to RSVP!"), "danger")
            return redirect(url_for("PartyView.list"), 303)
        return self._answer(self.get_answerable(party.slug), RsvpRequest(RsvpStatus.YES))

    @expose("/<slug>/offer", methods=["GET", "POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def offer(self, slug: str) -> BaseResponse:
        """Show the seats that are offered; POST takes them, or gives them back."""
        party, guest, rsvp = self.get_answerable(slug)
        if request.method == "POST":
            self._decide(party, guest)
            return redirect(url_for("PartyView.show", slug=slug), 303)
        offer = waiting_list_queries.latest_offer(rsvp) if rsvp else None
        return make_response(
            self.render_template("parties/offer.html", party=party, rsvp=rsvp, offer=offer, form=OfferForm())
        )

    @staticmethod
    def _decide(party: DinnerParty, guest: Respondent) -> None:
        form = OfferForm()
        if not form.validate():
            flash(_("Please choose one of the answers."), "danger")
            return
        decision = form.decision.data
        try:
            with transaction():
                if decision == CLAIM:
                    said = rsvp_texts.claimed(offers.claim(party, guest))
                else:
                    said = rsvp_texts.declined(offers.decline(party, guest, stay=decision == STAY))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*said)

    @expose("/<slug>/withdraw", methods=["POST"])
    @login_or_invitation_required
    @permission_name("rsvp")
    def withdraw(self, slug: str) -> BaseResponse:
        """Give up a seat or a place in line."""
        party, guest, _answer = self.get_answerable(slug)
        try:
            with transaction():
                rsvp_service.withdraw(party, guest)
            flash(_("Your seats have been released."), "info")
        except DomainError as error:
            flash(str(error), error.category)
        return redirect(url_for("PartyView.show", slug=slug), 303)

    def _answer(self, visit: AnswerableParty, wish: RsvpRequest, form: RsvpForm | None = None) -> BaseResponse:
        party = visit.party
        try:
            outcome = run_with_retry(lambda: rsvp_service.rsvp(party, visit.guest, wish))
        except DomainError as error:
            flash(str(error), error.category)
            if form is None or not error.field:
                return redirect(url_for("PartyView.show", slug=party.slug), 303)
            show_at_field(form, error)
            return self._answer_page(visit, form)
        if isinstance(outcome, PartialAvailability):
            flash(*rsvp_texts.partially_available(outcome))
            return self._answer_page(visit, form, outcome)
        flash(*rsvp_texts.answered(party, outcome))
        return redirect(url_for("PartyView.show", slug=party.slug), 303)

    def _answer_page(
        self, visit: AnswerableParty, form: RsvpForm | None, partly: PartialAvailability | None = None
    ) -> BaseResponse:
        """Show the form as it was typed, beside the party as it is now."""
        db.session.refresh(visit.party)
        now = visit._replace(rsvp=queries.rsvp_of(visit.party, visit.guest))
        return make_response(self._party_page(now, form, partly), 422)


class MemberView(BaseView):
    """A member's own page: hosting, attending, waiting. Others see the public part."""

    route_base = "/user"
    default_view = "show"
    permission_labels = {"can_read": lazy_gettext("See the pages of members")}

    @expose("/<username>")
    @has_access
    @permission_name("read")
    def show(self, username: str) -> str:
        """Show the page of one member."""
        profile = queries.member_by_username(username)
        if profile is None:
            abort(404)
        is_own = profile.id == current_user.id
        theirs = queries.rsvps_by(profile) if is_own else []
        offers = waiting_list_queries.open_offers(rsvp for rsvp in theirs if rsvp.status == RsvpStatus.OFFERED)
        return str(
            self.render_template(
                "parties/member.html",
                profile=profile,
                is_own=is_own,
                hosting=queries.hosted_by(profile, public_only=not is_own),
                attending=[rsvp for rsvp in theirs if rsvp.status in SEATED],
                invited=invitation_queries.parties_inviting(profile) if is_own else [],
                offered=[rsvp for rsvp in theirs if rsvp.id in offers],
                waiting=[rsvp for rsvp in theirs if rsvp.status in QUEUED and rsvp.id not in offers],
            )
        )


def _answer_form(guest: Respondent | None, rsvp: Rsvp | None) -> RsvpForm:
    """Return the form of an answer with what was answered before, or with what the invitation says."""
    name = guest.name if guest else ""
    if rsvp is None:
        return RsvpForm(formdata=None, party_size=1, name=name)
    least = rsvp.min_party if rsvp.min_party != rsvp.party_size else None
    return RsvpForm(formdata=None, party_size=rsvp.party_size, min_party=least, note=rsvp.note, name=rsvp.name or name)


def _with_hints(form: RsvpForm, most: int) -> RsvpForm:
    form.party_size.description = ngettext(
        "Including you. One answer can cover at most %(num)d person.",
        "Including you. One answer can cover at most %(num)d people.",
        most,
    )
    return form


def _wish(form: RsvpForm) -> RsvpRequest:
    """Return what a form asks for; whoever chose to come with fewer asks for so many."""
    size, least, fewer = form.party_size.data, form.min_party.data, form.come_with.data
    if fewer:
        size, least = fewer, min(least, fewer) if least else None
    return RsvpRequest(form.answer.data, size, least, form.note.data, wait=form.wait.data, name=form.name.data)
