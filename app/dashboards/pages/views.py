"""The pages on which dashboards are found, looked at, cloned, taken away and deleted."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.charts import downloads
from app.charts.model import Refusal
from app.crud.fields import clean_line
from app.dashboards import queries, service, texts
from app.dashboards.access import NOT_FOUND, DashboardRefusedError
from app.dashboards.configuration import arrangement
from app.dashboards.data.modules import ShownModule, show, show_all
from app.dashboards.enums import Action, Layout
from app.dashboards.models import Dashboard
from app.dashboards.view_base import BaseDashboardView, current_member
from app.dashboards.weekly import service as weekly
from app.database import transaction
from app.errors import DomainError
from app.http import page_number

MAX_SEARCH_LENGTH = 100
# The header with which dashboards.js asks for a module.
FRAGMENT = "X-Fragment"
MODULE = "/<slug>/modules/<module>"


class DashboardView(BaseDashboardView):
    """Dashboards, for all who may see them."""

    default_view = "list"

    @expose("/", methods=["GET"])
    @permission_name("read")
    def list(self) -> str | BaseResponse:
        """Show which dashboards there are; `first` leads to one that came with the site, as long as it is there."""
        self.require(Action.READ)
        first = queries.by_slug(request.args["first"]) if request.args.get("first") in texts.FIRST else None
        if first is not None and self.may(Action.READ, first):
            return redirect(url_for("DashboardView.show", slug=first.slug))
        member, with_all = current_member(), self.is_staff()
        words = (clean_line(request.args.get("q")) or "")[:MAX_SEARCH_LENGTH]
        category = clean_line(request.args.get("category")) or ""
        scope = queries.Scope.of(request.args.get("scope"))
        found = queries.page(
            member, page_number(), search=words, category=category or None, with_all=with_all, scope=scope
        )
        return self.render_template(
            "dashboards/list.html",
            page=found,
            words=words,
            category=category,
            scope=scope,
            categories=queries.categories(member, with_all=with_all),
            may=self.permissions(),
        )

    @expose("/<slug>", methods=["GET"])
    @permission_name("read")
    def show(self, slug: str) -> str:
        """Show a dashboard."""
        return render_dashboard(self, self.get(slug, Action.READ))

    @expose("/<slug>/layout.css", methods=["GET"])
    @permission_name("read")
    def layout(self, slug: str) -> BaseResponse:
        """Send where the modules are."""
        dashboard = self.get(slug, Action.READ)
        rules = arrangement.stylesheet(dashboard.modules, is_freeform=dashboard.layout == Layout.FREEFORM)
        return Response(rules, content_type="text/css; charset=utf-8")

    # -- one module

    @expose(MODULE, methods=["GET"])
    @permission_name("read")
    def module(self, slug: str, module: str) -> str:
        """Show a module alone; to the script of a dashboard send what it shows now, without the page and its flashes."""
        dashboard, shown = self._shown(slug, module)
        template = "module_body.html" if FRAGMENT in request.headers else "module.html"
        return self.render_template(f"dashboards/{template}", dashboard=dashboard, shown=shown)

    @expose(f"{MODULE}.<{downloads.ANY}:kind>", methods=["GET"])
    @permission_name("read")
    def file(self, slug: str, module: str, kind: str) -> BaseResponse:
        """Send the chart as a drawing, a picture, or its figures."""
        _dashboard, shown = self._shown(slug, module, is_drawn=True)
        try:
            return downloads.response(shown.chart, shown.module["title"], module, kind)
        except downloads.NoPictureError:
            raise DashboardRefusedError(_("No picture could be made. Take the SVG file instead."), NOT_FOUND) from None

    def _shown(self, slug: str, name: str, *, is_drawn: bool = False) -> tuple[Dashboard, ShownModule]:
        """Return a module, with the rights of the reader; with `is_drawn`, only one that shows something."""
        dashboard = self.get(slug, Action.READ)
        for place, module in enumerate(dashboard.modules):
            if module["id"] == name:
                shown = show(dashboard, module, request.args, partial(_urls, slug), place)
                if is_drawn and isinstance(shown.chart, Refusal):
                    raise DashboardRefusedError(shown.chart.reason, NOT_FOUND)
                return dashboard, shown
        raise DashboardRefusedError(_("This module is no longer there."), NOT_FOUND)

    # -- a dashboard as a whole

    @expose("/<slug>/dashboard.json", methods=["GET"])
    @permission_name("read")
    def download(self, slug: str) -> BaseResponse:
        """Send the dashboard as a file, which can be imported."""
        dashboard = self.get(slug, Action.READ)
        text = json.dumps(service.export(dashboard), ensure_ascii=False, indent=2) + "\n"
        return downloads.attachment(text, f"{slug}.json", "application/json")

    @expose("/<slug>/clone", methods=["POST"])
    @permission_name("clone")
    def clone(self, slug: str) -> BaseResponse:
        """Make a copy for the reader."""
        self.require(Action.CREATE)
        dashboard = self.get(slug, Action.CLONE)
        try:
            with transaction():
                copy = service.clone(dashboard, current_member())
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("DashboardView.show", slug=slug), 303)
        flash(*texts.cloned(copy))
        return redirect(url_for("DashboardView.show", slug=copy.slug), 303)

    @expose("/<slug>/delete", methods=["GET", "POST"])
    @permission_name("delete")
    def delete(self, slug: str) -> BaseResponse:
        """Ask whether the dashboard is to be deleted, and delete it."""
        if request.method == "POST":
            return self.act(lambda: self._delete(slug), "DashboardView.list")
        dashboard = self.get(slug, Action.DELETE)
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=_("Delete the dashboard?"),
            message=delete_question(dashboard),
            action=url_for("DashboardView.delete", slug=slug),
            back=url_for("DashboardView.show", slug=slug),
        )
        return make_response(page)

    def _delete(self, slug: str) -> texts.Flash:
        dashboard = self.get(slug, Action.DELETE)
        service.delete(dashboard)
        return texts.deleted(dashboard)


def render_dashboard(view: BaseDashboardView, dashboard: Dashboard, *, is_arranged: bool = False) -> str:
    """Return the page of a dashboard, to be seen or arranged."""
    may, slug, question = view.permissions(dashboard), dashboard.slug, delete_question(dashboard)
    shown = show_all(dashboard, request.args, partial(_urls, slug))
    return render_template(
        "dashboards/dashboard.html",
        appbuilder=view.appbuilder,
        dashboard=dashboard,
        shown=shown,
        may=may,
        is_arranged=is_arranged,
        delete_question=question,
        is_weekly=weekly.is_subscribed(dashboard, current_member()),
    )


def delete_question(dashboard: Dashboard) -> str:
    return _("“%(name)s” and its history will be deleted for everybody who sees it.", name=texts.name_of(dashboard))


def _urls(slug: str, module: Mapping[str, Any]) -> dict[str, str]:
    """Return the files of a module, with the inputs of this page."""
    asked = request.args.to_dict() if request.args else {}
    own: dict[str, Any] = {name: value for name, value in asked.items() if name.startswith(f"{module['id']}.")}
    place = {"slug": slug, "module": module["id"]}
    files = downloads.urls(lambda kind: url_for("DashboardView.file", **place, **own, kind=kind))
    return {**files, "module": url_for("DashboardView.module", **place, **own)}
