"""The door: hosts check their guests in."""

from collections.abc import Callable

from flask import abort, flash, make_response, redirect, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.database import run_with_retry
from app.errors import DomainError
from app.http import page_number
from app.parties import queries, secret_links
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.check_in import service as check_in_service
from app.parties.enums import SEATED, RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps import guest_list, guest_list_texts
from app.parties.rsvps.guest_list_views import typed
from app.parties.texts import Flash


class CheckInView(BasePartyView):
    """Who is here: for hosts with a phone in one hand."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/door")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """List who comes and who is here; a code in the search finds the guest whose ticket it is on."""
        party = self.get_hosted(slug)
        text, only, wrong = typed("q"), None, None
        if secret_links.rsvp_id_of_code(text.rpartition("/")[2]) is not None:
            only, wrong = _on_ticket(party, text.rpartition("/")[2])
        return str(
            self.render_template(
                "parties/door.html",
                party=party,
                hall=guest_list.check_in_list(party, page_number(), text=text, only=only),
                text=text,
                wrong=wrong,
                closed=_why_closed(party),
                door_code=secret_links.ticket_code,
                here=RsvpStatus.CHECKED_IN,
            )
        )

    @expose("/<slug>/door/<code>")
    @login_or_invitation_required
    @permission_name("rsvp")
    def scanned(self, slug: str, code: str) -> BaseResponse:
        """Show a host whose ticket was scanned, with a button. A guest who scans their own reads what it is for."""
        # Whoever has a ticket may know of the party.
        party, guest = self.get_party_and_respondent(slug)
        rsvp, wrong = _on_ticket(party, code)
        if not self.is_host(party):
            return self._shown_to_guests(party, rsvp, queries.rsvp_of(party, guest) if guest else None)
        page = self.render_template(
            "parties/door_ticket.html",
            party=party,
            rsvp=rsvp,
            code=code,
            wrong=wrong,
            closed=_why_closed(party),
            here=RsvpStatus.CHECKED_IN,
        )
        return make_response(page, 404 if wrong else 200)

    @expose("/<slug>/door/<code>", methods=["POST"])
    @has_access
    @permission_name("host")
    def check_in(self, slug: str, code: str) -> BaseResponse:
        """Check a guest in."""
        party = self.get_hosted(slug)
        return self._do(slug, lambda: guest_list_texts.checked_in(check_in_service.check_in(party, code)))

    @expose("/<slug>/door/<code>/undo", methods=["POST"])
    @has_access
    @permission_name("host")
    def check_out(self, slug: str, code: str) -> BaseResponse:
        """Take a check-in back."""
        party = self.get_hosted(slug)

        def act() -> Flash:
            rsvp = check_in_service.check_out(party, code)
            return _("%(name)s is no longer checked in.", name=str(rsvp)), "info"

        return self._do(slug, act)

    # -- inside

    def _shown_to_guests(self, party: DinnerParty, rsvp: Rsvp | None, own: Rsvp | None) -> BaseResponse:
        if rsvp is None:
            abort(404)
        if current_user.is_authenticated and (own is None or own.id != rsvp.id):
            abort(403)
        return make_response(self.render_template("parties/door_guest.html", party=party, own=own))

    @staticmethod
    def _do(slug: str, act: Callable[[], Flash]) -> BaseResponse:
        try:
            said = run_with_retry(act)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*said)
        return redirect(url_for("CheckInView.show", slug=slug), 303)


def _on_ticket(party: DinnerParty, code: str) -> tuple[Rsvp | None, str | None]:
    """Return whose ticket has a code, or what is wrong with it."""
    try:
        rsvp = check_in_service.find_by_code(party, code)
    except DomainError as error:
        return None, str(error)
    return (rsvp, None) if rsvp.status in SEATED else (None, str(check_in_service.NOT_VALID))


def _why_closed(party: DinnerParty) -> str | None:
    try:
        check_in_service.ensure_open(party)
    except DomainError as error:
        return str(error)
    return None
