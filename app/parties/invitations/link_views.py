"""Pages behind personal links and share links, and the request for a personal link."""

import secrets
from typing import Any

from flask import abort, flash, make_response, redirect, request, url_for
from flask_appbuilder import BaseView as StockBaseView
from flask_appbuilder import expose
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import rate_limits
from app.crud import flashes
from app.crud.views import BaseView
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import csrf
from app.http import as_secret, home_url, is_cross_site_request
from app.i18n.selectors import current_locale, known_timezone
from app.outbox import texts as outbox_texts
from app.outbox.service import delivers
from app.parties import link_session, queries, secret_links
from app.parties.access import AnswerableParty
from app.parties.enums import PartyStatus
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations import service as invitation_service
from app.parties.invitations.forms import JoinForm, SeatsByEmailForm
from app.parties.models import DinnerParty
from app.parties.respondent import Respondent
from app.parties.rsvps.forms import LinkRsvpForm
from app.parties.rsvps.service import CLOSED_ERRORS
from app.parties.rsvps.views import AnsweringView, read_request
from app.parties.rules import ClosedReason


def redirect_invalid_link() -> BaseResponse:
    """Flash that a link is not valid, without the reason."""
    flash(_("This invitation is not valid any more."), "danger")
    return redirect(home_url(), 303)


class InvitationView(BaseView):
    """The page behind personal links. It needs no account, and GET changes nothing."""

    route_base = "/invitations"
    default_view = "open"

    @expose("/<token>")
    def open(self, token: str) -> BaseResponse:
        """Remember the link in the session, and redirect to the party."""
        invitation = invitation_queries.by_token(token)
        if invitation is None or invitation.revoked_at:
            return as_secret(redirect_invalid_link())
        link_session.remember(invitation)
        # Seats that were asked for with the link are filled in.
        page = url_for("PartyView.show", slug=invitation.party.slug, seats=request.args.get("seats"))
        return as_secret(redirect(page, 303))


class JoinView(AnsweringView):
    """The page behind the share link."""

    route_base = "/parties"
    default_view = "link"
    limits = [rate_limits.per_address("JoinView.answer_at_once", rate_limits.HOUSEHOLD)]

    @expose("/<slug>/join/<token>")
    def link(self, slug: str, token: str) -> BaseResponse:
        """Remember the link in the session, and redirect to the party."""
        party = queries.party_by_slug(slug)
        if party is None or not secret_links.is_share_token(party, token):
            return as_secret(redirect_invalid_link())
        if party.status == PartyStatus.DRAFT and not self.is_host(party):
            flash(str(CLOSED_ERRORS[ClosedReason.DRAFT]), "danger")
            return as_secret(redirect(home_url(), 303))
        link_session.remember_share_link(party)
        return as_secret(redirect(url_for("PartyView.show", slug=slug), 303))

    @expose("/<slug>/join/answer", methods=["POST"])
    def answer_at_once(self, slug: str) -> BaseResponse:
        """Record the answer of a visitor with the share link, and give them their personal link on the page."""
        party = queries.party_by_slug(slug)
        if party is None or not link_session.has_share_link(party) or delivers():
            return redirect_invalid_link()
        form, visit = LinkRsvpForm(), self.get_visible(slug)
        if not form.validate():
            return self.refuse_form(visit, form)
        if visit.guest is not None:
            return self.answer(AnswerableParty(party, visit.guest, visit.rsvp), read_request(form), form)
        name, once = form.name.data, form.once.data or secrets.token_urlsafe()
        try:
            invitation = run_with_retry(lambda: invitation_service.admit(party, name, once, current_locale()))
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("PartyView.show", slug=slug), 303)
        link_session.remember(invitation)
        guest = Respondent(None, invitation, locale=current_locale(), timezone=known_timezone())
        return self.answer(AnswerableParty(party, guest, None), read_request(form), form)

    @expose("/<slug>/opened", methods=["POST"])
    def opened(self, slug: str) -> BaseResponse:
        """Store that the invited guest has seen the page of the party. Its script sends this in the background."""
        _party, respondent, rsvp = self.get_visible(slug)
        if respondent is not None and respondent.invitation is not None:
            invitation = respondent.invitation
            with transaction():
                invitation_service.record_opened(invitation, rsvp)
        return make_response("", 204)


class LinkRequestView(StockBaseView):
    """Requests for a personal link. A view of its own, because Flask-WTF exempts views from CSRF by name."""

    route_base = JoinView.route_base
    default_view = "ask"
    limits = [rate_limits.per_address("LinkRequestView.ask", rate_limits.HOUSEHOLD)]

    @expose("/<slug>/join", methods=["POST"])
    def ask(self, slug: str) -> BaseResponse:
        """Send a personal link to a visitor with the share link. The response does not tell whether an e-mail was sent.

        Instead of a CSRF token, the Origin of the request is checked.
        """
        if is_cross_site_request():
            abort(403)
        party = queries.party_by_slug(slug)
        form = join_form(party, formdata=request.form) if party else None
        if party is None or not isinstance(form, JoinForm):
            return redirect_invalid_link()
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._again(party, form, 422)
        if "comment" in form and form.comment.data:
            form.comment.data = ""
            flash(_("One more step: please confirm that you are a person."), "warning")
            return self._again(party, form, 200)
        size = form.party_size.data if "party_size" in form else None
        try:
            run_with_retry(lambda: invitation_service.request_personal_link(party, form.entry, current_locale(), size))
        except DomainError as error:
            flash(str(error), error.category)
        else:
            email = form.email.data
            text = (
                _("If we can send e-mail to %(email)s, a personal link is on its way.", email=email)
                if size is None
                else _("Almost done: confirm your seats with the link that we send to %(email)s.", email=email)
            )
            flash(*outbox_texts.sent(text))
        return redirect(url_for("PartyView.show", slug=slug), 303)

    def _again(self, party: DinnerParty, form: JoinForm, status: int) -> BaseResponse:
        return make_response(self.render_template("parties/personal_link_request.html", party=party, join=form), status)


def join_form(party: DinnerParty, **options: Any) -> JoinForm | LinkRsvpForm | None:
    """Return the form of a visitor who has opened the share link: it asks for a personal link, or answers at once.

    Everybody may ask for seats of a public party by e-mail, if its hosts allow it and the site sends e-mail.
    """
    if link_session.has_share_link(party) and not delivers():
        return LinkRsvpForm(formdata=None, party_size=1)
    options = options or {"formdata": None}
    if link_session.has_share_link(party):
        return JoinForm(**options)
    may_ask = party.answers_by_email and party.is_open and party.is_listed
    return SeatsByEmailForm(**options) if may_ask and delivers() else None


csrf.exempt(f"{__name__}.ask")
