"""The page on which links to a dashboard are created and revoked, and the page behind such a link."""

from typing import Any

from flask import Response, abort, flash, make_response, request
from flask_appbuilder import expose, permission_name
from flask_appbuilder.utils.limit import Limit
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.views import BaseView
from app.dashboards import texts
from app.dashboards.configuration import arrangement
from app.dashboards.data.modules import show_all
from app.dashboards.data.reader import reading_as
from app.dashboards.enums import Action, Layout
from app.dashboards.links import service as links
from app.dashboards.links.forms import LinkForm
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import Dashboard
from app.dashboards.texts import Flash
from app.dashboards.view_base import BaseDashboardView, current_member
from app.database import transaction
from app.error_pages import render_error
from app.errors import DomainError
from app.http import as_secret, parse_int, public_url


class DashboardLinkView(BaseDashboardView):
    """Links to a dashboard, for those who may share it."""

    default_view = "links"
    class_permission_name = "DashboardView"

    @expose("/<slug>/links", methods=["GET", "POST"])
    @permission_name("share")
    def links(self, slug: str) -> BaseResponse:
        """Show the links. POST creates one, and shows it this once."""
        dashboard, form = self.get(slug, Action.SHARE), LinkForm()
        if not form.is_submitted():
            return self._page(dashboard, form)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(dashboard, form, status=422)
        try:
            with transaction():
                _link, token = links.create(dashboard, current_member(), int(form.days.data))
        except DomainError as error:
            flash(str(error), error.category)
            return self._page(dashboard, form, status=422)
        flash(*texts.link_created())
        return self._page(dashboard, form, url=public_url("SharedDashboardView.show", token=token))

    @expose("/<slug>/links/revoke", methods=["POST"])
    @permission_name("share")
    def revoke(self, slug: str) -> BaseResponse:
        """Revoke a link."""
        return self.act(lambda: self._revoke(slug), "DashboardLinkView.links", slug=slug)

    def _revoke(self, slug: str) -> Flash:
        dashboard = self.get(slug, Action.SHARE)
        if links.revoke(dashboard, parse_int(request.form.get("link")) or 0):
            return texts.link_revoked()
        return _("This link is no longer there."), "warning"

    def _page(self, dashboard: Dashboard, form: LinkForm, url: str = "", status: int = 200) -> BaseResponse:
        page = self.render_template(
            "dashboards/links.html", dashboard=dashboard, form=form, links=links.of_dashboard(dashboard), url=url
        )
        return as_secret(make_response(page, status))


class SharedDashboardView(BaseView):
    """The page behind a link. It needs no account, and shows what the creator of the link may see."""

    route_base = "/dashboards/shared"
    default_view = "show"
    # Strangers must not keep the database busy.
    limits = [Limit("120 per minute", key_func=get_remote_address)]

    @expose("/<token>", methods=["GET"])
    def show(self, token: str) -> BaseResponse:
        """Show the dashboard."""
        link, configuration = _found(token)
        with reading_as(link.creator):
            shown = show_all(link.dashboard, {}, lambda _module: {}, configuration["modules"])
        layout = configuration["layout"]
        page = self.render_template("dashboards/shared.html", link=link, shown=shown, layout=layout, token=token)
        return as_secret(make_response(page))

    @expose("/<token>/layout.css", methods=["GET"])
    def layout(self, token: str) -> BaseResponse:
        """Send where the modules are."""
        _link, configuration = _found(token)
        is_freeform = configuration["layout"] == Layout.FREEFORM
        rules = arrangement.stylesheet(configuration["modules"], is_freeform=is_freeform)
        return as_secret(Response(rules, content_type="text/css; charset=utf-8"))


def _found(token: str) -> tuple[DashboardLink, dict[str, Any]]:
    """Return a link that is valid, and what it shows."""
    link = links.find(token)
    configuration = links.configuration(link) if link is not None else None
    if link is None or configuration is None:
        abort(as_secret(render_error(NotFound(), _("This link is not valid any more."))))
    return link, configuration
