"""The page with the CSV files of a dashboard."""

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.dashboards import texts
from app.dashboards.data import uploads
from app.dashboards.enums import Action
from app.dashboards.models import Dashboard
from app.dashboards.pages.forms import CsvForm
from app.dashboards.rules import MAX_UPLOAD_BYTES
from app.dashboards.view_base import BaseDashboardView
from app.database import transaction
from app.errors import DomainError


class DashboardFilesView(BaseDashboardView):
    """Files with figures, which modules show."""

    default_view = "files"
    upload_methods = frozenset({"files"})

    @expose("/<slug>/files", methods=["GET", "POST"])
    @permission_name("update")
    def files(self, slug: str) -> BaseResponse:
        """Show the files of a dashboard. POST adds one."""
        dashboard, form = self.get(slug, Action.UPDATE), CsvForm()
        if not form.is_submitted():
            return self._page(dashboard, form, 200)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._page(dashboard, form, 422)
        content = form.file.data.read(MAX_UPLOAD_BYTES + 1)
        try:
            with transaction():
                stored = uploads.store(dashboard, form.file.data.filename or "", content)
        except DomainError as error:
            show_at_field(form, error)
            flash(str(error), error.category)
            return self._page(self.get(slug, Action.UPDATE), form, 422)
        flash(*texts.uploaded(stored.name))
        return redirect(url_for("DashboardFilesView.files", slug=slug), 303)

    @expose("/<slug>/files/delete", methods=["POST"])
    @permission_name("update")
    def delete(self, slug: str) -> BaseResponse:
        """Delete a file."""
        return self.act(lambda: self._delete(slug), "DashboardFilesView.files", slug=slug)

    def _delete(self, slug: str) -> texts.Flash:
        if uploads.delete(self.get(slug, Action.UPDATE), request.form.get("key", "")):
            return texts.upload_deleted()
        return _("This file is no longer there."), "warning"

    def _page(self, dashboard: Dashboard, form: CsvForm, status: int) -> BaseResponse:
        page = self.render_template(
            "dashboards/files.html", dashboard=dashboard, form=form, files=uploads.of(dashboard)
        )
        return make_response(page, status)
