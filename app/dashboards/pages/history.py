"""The history of a dashboard, and with whom it is shared."""

from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.dashboards import queries, service, texts
from app.dashboards.access import NOT_FOUND, DashboardRefusedError
from app.dashboards.configuration import checking as configuration
from app.dashboards.configuration import differences
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard, DashboardVersion
from app.dashboards.pages.forms import MemberForm
from app.dashboards.view_base import BaseDashboardView, current_member
from app.database import transaction
from app.errors import DomainError
from app.http import parse_int
from app.parties.optimistic_lock import StaleFormError


class DashboardHistoryView(BaseDashboardView):
    """What a dashboard was before."""

    default_view = "history"

    @expose("/<slug>/history", methods=["GET"])
    @permission_name("read")
    def history(self, slug: str) -> str:
        """List the versions that are kept."""
        dashboard = self.get(slug, Action.READ)
        return self.render_template(
            "dashboards/history.html",
            dashboard=dashboard,
            versions=queries.versions(dashboard),
            may=self.permissions(dashboard),
        )

    @expose("/<slug>/history/<number>", methods=["GET"])
    @permission_name("read")
    def version(self, slug: str, number: str) -> str:
        """Show a version, and what it changed."""
        dashboard = self.get(slug, Action.READ)
        version = queries.version(dashboard, parse_int(number) or 0)
        if version is None:
            raise DashboardRefusedError(_("This version is no longer kept."), NOT_FOUND)
        before = queries.version_preceding(dashboard, version.number)
        text = configuration.dump(version.configuration)
        return self.render_template(
            "dashboards/version.html",
            dashboard=dashboard,
            version=version,
            before=before,
            changes=_changes(before, version) if before else [],
            lines=differences.lines(configuration.dump(before.configuration), text) if before else [],
            text=text,
            may=self.permissions(dashboard),
        )

    @expose("/<slug>/restore", methods=["POST"])
    @permission_name("update")
    def restore(self, slug: str) -> BaseResponse:
        """Make the dashboard what it was in a version."""
        return self._restored(slug, parse_int(request.form.get("number")) or 0)

    @expose("/<slug>/undo", methods=["POST"])
    @permission_name("update")
    def undo(self, slug: str) -> BaseResponse:
        """Take the last change back."""
        return self._restored(slug, None)

    def _restored(self, slug: str, number: int | None) -> BaseResponse:
        dashboard = self.get(slug, Action.UPDATE)
        expected = parse_int(request.form.get("version")) or 0
        try:
            with transaction():
                if number is None:
                    number = service.undo(dashboard, expected, current_member())
                else:
                    service.restore(dashboard, expected, current_member(), number)
        except (StaleFormError, StaleDataError):
            flash(_("The dashboard has changed in the meantime. Look at its history, then try again."), "warning")
            return redirect(url_for("DashboardHistoryView.history", slug=slug), 303)
        except DomainError as error:
            flash(str(error), error.category)
            return redirect(url_for("DashboardHistoryView.history", slug=slug), 303)
        flash(*texts.restored(number))
        return redirect(url_for("DashboardView.show", slug=slug), 303)


class DashboardMembersView(BaseDashboardView):
    """With whom a dashboard is shared."""

    default_view = "members"

    @expose("/<slug>/members", methods=["GET", "POST"])
    @permission_name("share")
    def members(self, slug: str) -> BaseResponse:
        """Show with whom the dashboard is shared. POST adds a member."""
        dashboard, form = self.get(slug, Action.SHARE), MemberForm()
        if not form.is_submitted():
            return self._page(dashboard, form, 200)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(dashboard, form, 422)
        try:
            with transaction():
                service.share(dashboard, {**_shared(dashboard), form.username.data or "": form.role.data})
        except DomainError as error:
            show_at_field(form, error, "username")
            flash(str(error), error.category)
            return self._page(self.get(slug, Action.SHARE), form, 422)
        flash(*texts.shared(dashboard))
        return redirect(url_for("DashboardMembersView.members", slug=slug), 303)

    @expose("/<slug>/members/remove", methods=["POST"])
    @permission_name("share")
    def remove(self, slug: str) -> BaseResponse:
        """Share the dashboard with a member no longer."""
        return self.act(lambda: self._remove(slug), "DashboardMembersView.members", slug=slug)

    def _remove(self, slug: str) -> texts.Flash:
        dashboard = self.get(slug, Action.SHARE)
        shared = _shared(dashboard)
        if shared.pop(request.form.get("username", ""), None) is None:
            return _("The dashboard was not shared with this member."), "warning"
        service.share(dashboard, shared)
        return texts.shared(dashboard)

    @expose("/<slug>/global", methods=["POST"])
    @permission_name("make_global")
    def make_global(self, slug: str) -> BaseResponse:
        """Show the dashboard to everybody, or no longer."""
        return self.act(lambda: self._make_global(slug), "DashboardMembersView.members", slug=slug)

    def _make_global(self, slug: str) -> texts.Flash:
        dashboard = self.get(slug, Action.MAKE_GLOBAL)
        service.make_global(dashboard, is_global=request.form.get("is_global") == "yes")
        return texts.made_global(dashboard)

    def _page(self, dashboard: Dashboard, form: MemberForm, status: int) -> BaseResponse:
        page = self.render_template(
            "dashboards/members.html", dashboard=dashboard, form=form, may=self.permissions(dashboard)
        )
        return make_response(page, status)


def _shared(dashboard: Dashboard) -> dict[str, Any]:
    return {shared.member.username: shared.role for shared in dashboard.members}


def _changes(before: DashboardVersion, after: DashboardVersion) -> list[str]:
    """Return in sentences what a version changed."""
    found = differences.sentences(before.configuration, after.configuration)
    for name, sentence in (
        ("name", _("It was called “%(text)s” before.", text=before.name)),
        ("category", _("Its category was “%(text)s” before.", text=before.category)),
        ("description", _("Its description was “%(text)s” before.", text=before.description)),
    ):
        if getattr(before, name) != getattr(after, name):
            found.append(sentence)
    return found or [_("Nothing that is seen was changed.")]
