"""The page on which the owner chooses co-hosts, and the button that copies a party."""

from collections.abc import Sequence

from flask import Response, abort, flash, jsonify, make_response, redirect, request, url_for
from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.parties import queries, texts
from app.parties.access import BasePartyView, current_member
from app.parties.hosting import service as hosting_service
from app.parties.hosting import texts as hosting_texts
from app.parties.hosting.forms import CoHostForm
from app.parties.models import DinnerParty
from app.parties.queries import KnownMember

# Fewer letters match too many people.
MIN_SEARCH = 2


class CoHostView(BasePartyView):
    """The hosts of a party."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/hosts", methods=["GET", "POST"])
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> BaseResponse:
        """Show the hosts. POST adds a co-host."""
        party = self.get_editable(slug)
        form = CoHostForm()
        if not form.is_submitted():
            return self._page(party, form, 200)
        self.get_owned(slug)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(party, form, 422)
        try:
            found = hosting_service.find_co_host(current_member(), form.username.data)
            if isinstance(found, list):
                flash(_("Choose whom you mean. Nobody was added yet."), "info")
                return self._page(party, form, 200, found)
            member = run_with_retry(lambda: hosting_service.add_co_host(party, found.username))
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(party, form, 422)
        flash(*hosting_texts.co_host_added(member))
        return redirect(url_for("CoHostView.show", slug=slug), 303)

    @expose("/<slug>/hosts/people")
    @has_access
    @permission_name("host")
    def people(self, slug: str) -> Response:
        """Return whom the host may mean by the text typed so far: members who have answered to one of their parties."""
        self.get_owned(slug)
        text = request.args.get("q", "").strip()
        found = queries.known_members(current_member(), text) if len(text) >= MIN_SEARCH else []
        return jsonify(
            [{"value": each.member.username, "label": f"{each.member.display_name} ({each.email})"} for each in found]
        )

    @expose("/<slug>/hosts/<username>/remove", methods=["POST"])
    @has_access
    @permission_name("host")
    def remove(self, slug: str, username: str) -> BaseResponse:
        """Remove a co-host. Co-hosts can also leave by themselves."""
        leaves = username == current_user.username
        party = self.get_editable(slug) if leaves else self.get_owned(slug)
        member = queries.member_by_username(username)
        if member is None:
            abort(404)
        try:
            with transaction():
                hosting_service.remove_co_host(party, member)
        except DomainError as error:
            flash(str(error), error.category)
        else:
            flash(*hosting_texts.co_host_removed(member))
        return redirect(url_for("PartyView.show" if leaves else "CoHostView.show", slug=slug), 303)

    @expose("/<slug>/copy", methods=["POST"])
    @has_access
    @permission_name("host")
    def copy(self, slug: str) -> BaseResponse:
        """Create a draft like this party."""
        party = self.get_editable(slug)
        try:
            with transaction():
                draft = hosting_service.copy_party(party, current_member())
        except IntegrityError:
            flash(*texts.changed_meanwhile())
            return redirect(url_for("OverviewView.show", slug=slug), 303)
        flash(*hosting_texts.copied())
        return redirect(url_for("HostingView.edit", slug=draft.slug), 303)

    def _page(
        self, party: DinnerParty, form: CoHostForm, status: int, found: Sequence[KnownMember] = ()
    ) -> BaseResponse:
        owns = party.host_id == current_user.id or self.is_staff()
        page = self.render_template("parties/co_hosts.html", party=party, form=form, owns=owns, found=found)
        return make_response(page, status)
