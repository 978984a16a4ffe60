"""Pages on which hosts check guests in."""

from typing import Any

from flask import abort, make_response, render_template
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.crud.actions import flash_and_redirect
from app.errors import DomainError
from app.http import PERMISSIONS_POLICY, page_number
from app.parties import live, queries, secret_links
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.check_in import service as check_in_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps import guest_list, guest_list_texts
from app.parties.rsvps.guest_list_views import search_text
from app.parties.texts import Flash


class CheckInView(BasePartyView):
    """Check-in of guests."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/door")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> BaseResponse:
        """List the expected guests and who has arrived. A ticket code in the search finds its guest."""
        party = self.get_hosted(slug)
        context = _list_of(party)
        response = make_response(self.render_template("parties/check_in.html", version=_version(party), **context))
        # The page scans tickets where the browser can.
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY.replace("camera=()", "camera=(self)")
        return response

    @expose("/<slug>/door-list")
    @has_access
    @permission_name("host")
    def live(self, slug: str) -> BaseResponse:
        """Return the list, if it has changed."""
        party = self.get_hosted(slug)
        return live.respond(_version(party), lambda: render_template("parties/_check_in_list.html", **_list_of(party)))

    @expose("/<slug>/door/<code>")
    @login_or_invitation_required
    @permission_name("rsvp")
    def scanned(self, slug: str, code: str) -> BaseResponse:
        """Show a host the guest of a scanned ticket, with a button to check them in. Guests see what a ticket is for."""
        # A visitor with a ticket may know of the party, whatever its visibility.
        party, guest = self.get_party_and_respondent(slug)
        rsvp, error = _find_by_code(party, code)
        if not self.is_host(party):
            return self._guest_page(party, rsvp, queries.rsvp_of(party, guest) if guest else None)
        page = self.render_template(
            "parties/check_in_ticket.html",
            party=party,
            rsvp=rsvp,
            code=code,
            error=error,
            closed=_closed_text(party),
        )
        return make_response(page, 404 if error else 200)

    @expose("/<slug>/door/<code>", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect("CheckInView.show", "slug")
    def check_in(self, slug: str, code: str) -> Flash:
        """Check a guest in."""
        party = self.get_hosted(slug)
        return guest_list_texts.checked_in(check_in_service.check_in(party, code))

    @expose("/<slug>/door/<code>/undo", methods=["POST"])
    @has_access
    @permission_name("host")
    @flash_and_redirect("CheckInView.show", "slug")
    def check_out(self, slug: str, code: str) -> Flash:
        """Undo a check-in."""
        party = self.get_hosted(slug)
        rsvp = check_in_service.check_out(party, code)
        return _("%(name)s is no longer checked in.", name=str(rsvp)), "info"

    # -- inside

    def _guest_page(self, party: DinnerParty, rsvp: Rsvp | None, own: Rsvp | None) -> BaseResponse:
        if rsvp is None:
            abort(404)
        if current_user.is_authenticated and (own is None or own.id != rsvp.id):
            abort(403)
        return make_response(self.render_template("parties/check_in_visitor.html", party=party, own=own))


def _list_of(party: DinnerParty) -> dict[str, Any]:
    """Return what the page of check-in shows, as the URL asks for it."""
    text, only, error = search_text(), None, None
    if secret_links.is_code(text.rpartition("/")[2]):
        only, error = _find_by_code(party, text.rpartition("/")[2])
    return {
        "party": party,
        "guests": guest_list.check_in_list(party, page_number(), text=text, only=only),
        "text": text,
        "error": error,
        "closed": _closed_text(party),
        "ticket_code": secret_links.ticket_code,
    }


def _version(party: DinnerParty) -> str:
    return live.version_of(queries.guest_state(party), _closed_text(party))


def _find_by_code(party: DinnerParty, code: str) -> tuple[Rsvp | None, str | None]:
    """Return the RSVP whose ticket has `code`, or the text that says why there is none."""
    try:
        rsvp = check_in_service.find_by_code(party, code)
    except DomainError as error:
        return None, str(error)
    return (rsvp, None) if rsvp.is_seated else (None, str(check_in_service.NOT_VALID))


def _closed_text(party: DinnerParty) -> str | None:
    try:
        check_in_service.ensure_open(party)
    except DomainError as error:
        return str(error)
    return None
