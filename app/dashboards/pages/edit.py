"""The pages on which dashboards are created, edited by form or as JSON, imported and arranged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes
from app.crud.fields import show_at_field
from app.dashboards import queries, service, texts
from app.dashboards.configuration import arrangement, differences
from app.dashboards.configuration import checking as configuration
from app.dashboards.configuration.checking import ConfigurationProblemsError
from app.dashboards.configuration.json_text import Problem
from app.dashboards.data import uploads
from app.dashboards.enums import Action, Layout
from app.dashboards.models import Dashboard
from app.dashboards.pages.forms import (
    DashboardForm,
    TextForm,
    UploadForm,
    configuration_of,
    form_data,
    rearranged,
)
from app.dashboards.pages.views import render_dashboard
from app.dashboards.rules import MAX_CONFIGURATION_BYTES
from app.dashboards.service import Place
from app.dashboards.view_base import BaseDashboardView, current_member
from app.database import transaction
from app.errors import DomainError
from app.http import parse_int
from app.named_queries import QUERIES
from app.parties.optimistic_lock import StaleFormError

SAVE, DETAILS = "save", ("name", "category", "description")
CONFLICTS = (StaleFormError, StaleDataError)
MAX_EXCERPT = 160
MAX_NOTED = 5


@dataclass(frozen=True)
class Conflict:
    """What somebody else has saved, and how the submitted text differs from it."""

    stored: str
    lines: list[tuple[str, str]]


@dataclass(frozen=True)
class ShownProblem:
    """A problem with the line of the text that it is about."""

    message: str
    path: str
    line: int
    column: int
    text: str = ""


class DashboardEditView(BaseDashboardView):
    """Pages on which dashboards are created and changed."""

    default_view = "new"
    # A configuration may be longer than other forms.
    upload_methods = frozenset({"new", "edit", "new_json", "json", "upload"})

    # -- by form

    @expose("/new", methods=["GET", "POST"])
    @permission_name("create")
    def new(self) -> BaseResponse:
        """Create a dashboard."""
        self.require(Action.CREATE)
        stored = configuration.empty()
        if request.method != "POST":
            return self._form_page(DashboardForm(formdata=None), stored, 200)
        if request.form.get("action", SAVE) != SAVE:
            return self._rearranged(stored)
        form = self._submitted(stored)
        if not form.validate():
            return self._invalid(form, stored)
        try:
            with transaction():
                dashboard = service.create(
                    current_member(),
                    form.name.data or "",
                    configuration_of(form, stored),
                    category=form.category.data or "",
                    description=form.description.data or "",
                )
                self._make_global(dashboard, form)
        except DomainError as error:
            return self._refused(form, stored, error)
        flash(*texts.created(dashboard))
        return redirect(url_for("DashboardView.show", slug=dashboard.slug), 303)

    @expose("/<slug>/edit", methods=["GET", "POST"])
    @permission_name("update")
    def edit(self, slug: str) -> BaseResponse:
        """Edit a dashboard."""
        dashboard = self.get(slug, Action.UPDATE)
        if request.method != "POST":
            form = DashboardForm(formdata=None, data=form_data(dashboard))
            return self._form_page(form, dashboard.configuration, 200, dashboard)
        stored = _opened(dashboard)
        if request.form.get("action", SAVE) != SAVE:
            return self._rearranged(stored, dashboard)
        form = self._submitted(stored, dashboard)
        if not form.validate():
            return self._invalid(form, stored, dashboard)
        changed = configuration_of(form, stored)
        try:
            with transaction():
                service.update(
                    dashboard,
                    parse_int(form.version.data) or 0,
                    current_member(),
                    name=form.name.data,
                    category=form.category.data or "",
                    description=form.description.data or "",
                    configuration=changed,
                )
                self._make_global(dashboard, form)
        except CONFLICTS:
            return self._form_conflict(form, slug, changed)
        except DomainError as error:
            return self._refused(form, stored, error, self.get(slug, Action.UPDATE))
        flash(*texts.changed(dashboard))
        return redirect(url_for("DashboardView.show", slug=slug), 303)

    def _submitted(
        self, stored: Mapping[str, Any], dashboard: Dashboard | None = None, sent: Any = None
    ) -> DashboardForm:
        form = DashboardForm(**({} if sent is None else {"formdata": sent}))
        self._offer(form, stored, dashboard)
        return form

    def _offer(self, form: DashboardForm, stored: Mapping[str, Any], dashboard: Dashboard | None) -> None:
        """Set the choices of a form, and leave out what the reader may not do."""
        offered = [
            (query.name, str(query.title))
            for query in QUERIES.values()
            if query.permission is None or self.appbuilder.sm.has_access(*query.permission)
        ]
        files = [(upload.key, upload.name) for upload in uploads.of(dashboard)] if dashboard else []
        known = {each["id"]: each for each in stored["modules"]}
        form.offer(sorted(offered, key=lambda pair: pair[1]), known, files)
        may_show_all = self.may(Action.MAKE_GLOBAL, dashboard) if dashboard else self.has_permission(Action.MAKE_GLOBAL)
        if not may_show_all and "is_global" in form:
            del form.is_global

    @staticmethod
    def _make_global(dashboard: Dashboard, form: DashboardForm) -> None:
        if "is_global" in form and form.is_global.data != bool(dashboard.is_global):
            service.make_global(dashboard, is_global=form.is_global.data)

    def _rearranged(self, stored: Mapping[str, Any], dashboard: Dashboard | None = None) -> BaseResponse:
        """Show the form after a module was added, moved or removed in it. Nothing is saved."""
        sent, focus = rearranged(request.form, request.form["action"])
        form = self._submitted(stored, dashboard, sent)
        flash(_("This is not saved yet. Save to keep it."), "info")
        return self._form_page(form, stored, 200, dashboard, focus=focus)

    def _invalid(
        self, form: DashboardForm, stored: Mapping[str, Any], dashboard: Dashboard | None = None
    ) -> BaseResponse:
        flash(str(flashes.CORRECT_THE_FIELDS), "danger")
        return self._form_page(form, stored, 422, dashboard)

    def _refused(
        self, form: DashboardForm, stored: Mapping[str, Any], error: DomainError, dashboard: Dashboard | None = None
    ) -> BaseResponse:
        found = problems(error, configuration.dump(configuration_of(form, stored)))
        if not found:
            show_at_field(form, error)
        flash(str(error), error.category)
        return self._form_page(form, stored, 422, dashboard, problems=found)

    def _form_conflict(self, form: DashboardForm, slug: str, changed: Mapping[str, Any]) -> BaseResponse:
        dashboard = self._again(slug)
        typed = {name: form[name].data or "" for name in DETAILS}
        conflict = _conflict(dashboard, as_text(dashboard, configuration=changed, **typed))
        _reopen(form, dashboard)
        flash(str(StaleFormError()), "warning")
        return self._form_page(form, dashboard.configuration, 409, dashboard, conflict=conflict)

    def _form_page(
        self,
        form: DashboardForm,
        stored: Mapping[str, Any],
        status: int,
        dashboard: Dashboard | None = None,
        **context: Any,
    ) -> BaseResponse:
        self._offer(form, stored, dashboard)
        names = queries.categories(current_member(), with_all=self.is_staff())
        page = self.render_template("dashboards/form.html", form=form, dashboard=dashboard, categories=names, **context)
        return make_response(page, status)

    # -- as JSON

    @expose("/new/json", methods=["GET", "POST"])
    @permission_name("create")
    def new_json(self) -> BaseResponse:
        """Create a dashboard from JSON."""
        self.require(Action.CREATE)
        form = TextForm()
        if request.method != "POST":
            form.text.data = configuration.dump({"name": _("New dashboard"), **configuration.empty()})
            return self._editor(form, 200)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._editor(form, 422)
        try:
            beside, changed = configuration.split(configuration.parse(form.text.data or ""))
            with transaction():
                dashboard = service.create(
                    current_member(), beside.get("name", ""), changed, **_details(beside, "category", "description")
                )
        except DomainError as error:
            return self._text_refused(form, error)
        flash(*texts.created(dashboard))
        return redirect(url_for("DashboardView.show", slug=dashboard.slug), 303)

    @expose("/<slug>/json", methods=["GET", "POST"])
    @permission_name("update")
    def json(self, slug: str) -> BaseResponse:
        """Edit the configuration as JSON."""
        dashboard = self.get(slug, Action.UPDATE)
        form = TextForm()
        if request.method != "POST":
            form.text.data, form.version.data = as_text(dashboard), str(dashboard.version)
            return self._editor(form, 200, dashboard)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._editor(form, 422, dashboard)
        try:
            beside, changed = configuration.split(configuration.parse(form.text.data or ""))
            expected, details = parse_int(form.version.data) or 0, _details(beside, *DETAILS)
            with transaction():
                service.update(dashboard, expected, current_member(), configuration=changed, **details)
        except CONFLICTS:
            return self._text_conflict(form, slug)
        except DomainError as error:
            return self._text_refused(form, error, self._again(slug))
        flash(*texts.changed(dashboard))
        return redirect(url_for("DashboardView.show", slug=slug), 303)

    def _text_conflict(self, form: TextForm, slug: str) -> BaseResponse:
        dashboard = self._again(slug)
        conflict = _conflict(dashboard, form.text.data or "")
        _reopen(form, dashboard)
        flash(str(StaleFormError()), "warning")
        return self._editor(form, 409, dashboard, conflict=conflict)

    def _text_refused(self, form: TextForm, error: DomainError, dashboard: Dashboard | None = None) -> BaseResponse:
        found = problems(error, form.text.data or "")
        if not found:
            show_at_field(form, error)
        flash(str(error), error.category)
        return self._editor(form, 422, dashboard, problems=found)

    def _editor(self, form: TextForm, status: int, dashboard: Dashboard | None = None, **context: Any) -> BaseResponse:
        page = self.render_template("dashboards/editor.html", form=form, dashboard=dashboard, **context)
        return make_response(page, status)

    # -- from a file

    @expose("/import", methods=["GET", "POST"])
    @permission_name("create")
    def upload(self) -> BaseResponse:
        """Create a dashboard from a file: one of this site, or of flask_jsondash."""
        self.require(Action.CREATE)
        form = UploadForm()
        if not form.is_submitted():
            return self._upload_page(form, 200)
        if not form.validate():
            flash(str(flashes.CORRECT_THE_FIELDS), "danger")
            return self._upload_page(form, 422)
        content = form.file.data.read(MAX_CONFIGURATION_BYTES + 1)
        try:
            with transaction():
                imported = service.import_text(content, current_member())
        except DomainError as error:
            found = problems(error, content.decode(errors="replace"))
            if not found:
                form.file.errors = [*form.file.errors, str(error)]
            flash(str(error), error.category)
            return self._upload_page(form, 422, problems=found)
        flash(*_imported(imported))
        return redirect(url_for("DashboardView.show", slug=imported.dashboard.slug), 303)

    def _upload_page(self, form: UploadForm, status: int, **context: Any) -> BaseResponse:
        return make_response(self.render_template("dashboards/upload.html", form=form, **context), status)

    # -- places and sizes

    @expose("/<slug>/arrange", methods=["GET", "POST"])
    @permission_name("update")
    def arrange(self, slug: str) -> BaseResponse:
        """Show the dashboard with buttons that move its modules. POST does one step and saves it."""
        dashboard = self.get(slug, Action.UPDATE)
        if request.method != "POST":
            return make_response(render_dashboard(self, dashboard, is_arranged=True))
        action, _sign, key = request.form.get("action", "").partition(":")
        message: texts.Flash
        try:
            module = next(each for each in dashboard.modules if each["id"] == key)
            modules = _moved(dashboard, action, key)
        except (StopIteration, KeyError):
            # Somebody else has removed it.
            message = _("This module is no longer there. Nothing was moved."), "warning"
        else:
            message = self._arrange(dashboard, module, modules)
        flash(*message)
        return redirect(url_for("DashboardEditView.arrange", slug=slug, _anchor=f"module-{key}"), 303)

    @staticmethod
    def _arrange(dashboard: Dashboard, moved: arrangement.Module, modules: list[arrangement.Module]) -> texts.Flash:
        places = [_place(each) for each in modules]
        is_same = _placed(modules) == _placed(dashboard.modules)
        is_freeform = dashboard.layout == Layout.FREEFORM
        try:
            with transaction():
                if not is_same:
                    service.arrange(dashboard, parse_int(request.form.get("version")) or 0, current_member(), places)
        except CONFLICTS:
            return _("The dashboard has changed in the meantime. This is how it is now; nothing was moved."), "warning"
        except DomainError as error:
            return str(error), error.category
        if is_same:
            return _("“%(title)s” cannot go further.", title=texts.title_of(moved)), "info"
        return _told(moved["id"], modules, is_freeform=is_freeform), "info"

    def _again(self, slug: str) -> Dashboard:
        """Return the dashboard as it is stored now."""
        return self.get(slug, Action.UPDATE)


def problems(error: DomainError, text: str) -> list[ShownProblem]:
    """Return the problems of a configuration, each with its line; none if the error is about something else."""
    if not isinstance(error, ConfigurationProblemsError):
        return []
    lines = text.splitlines()
    return [_shown(each, lines) for each in error.problems]


def _shown(problem: Problem, lines: list[str]) -> ShownProblem:
    text = lines[problem.line - 1].strip()[:MAX_EXCERPT] if 0 < problem.line <= len(lines) else ""
    return ShownProblem(problem.message, problem.path, problem.line, problem.column, text)


def as_text(dashboard: Dashboard, **changes: object) -> str:
    """Return a dashboard as the editor has it."""
    details = {name: changes.get(name, getattr(dashboard, name)) for name in DETAILS}
    return configuration.dump({**details, **changes.get("configuration", dashboard.configuration)})  # type: ignore[dict-item]


def _details(beside: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: beside[name] for name in names if name in beside}


def _opened(dashboard: Dashboard) -> dict[str, Any]:
    """Return the configuration that the submitted form was opened with, if it is kept: the form does not have all of it."""
    number = parse_int(request.form.get("version")) or 0
    if number == dashboard.version:
        return dashboard.configuration
    version = queries.version(dashboard, number)
    return version.configuration if version else dashboard.configuration


def _reopen(form: Any, dashboard: Dashboard) -> None:
    """Let the form save over the version that is stored now."""
    form.version.raw_data = None
    form.version.process_data(str(dashboard.version))


def _conflict(dashboard: Dashboard, own: str) -> Conflict:
    stored = as_text(dashboard)
    return Conflict(stored, differences.lines(stored, own.replace("\r\n", "\n")))


def _moved(dashboard: Dashboard, action: str, key: str) -> list[arrangement.Module]:
    """Return the modules after what a button or the mouse has asked for. Raises KeyError."""
    modules, is_freeform = dashboard.modules, dashboard.layout == Layout.FREEFORM
    if action in arrangement.STEPS:
        return arrangement.step(modules, key, action, is_freeform=is_freeform)
    if action in arrangement.SIZES:
        return arrangement.grow(modules, key, action, is_freeform=is_freeform)
    if action == "resize":
        size = {name: _number(name) for name in ("width", "height")}
        return arrangement.resize(modules, key, **size, is_freeform=is_freeform)
    if action == "place" and is_freeform:
        return arrangement.place(modules, key, _number("x"), _number("y"))
    if action in arrangement.DROPS and not is_freeform:
        return arrangement.put(modules, key, action, request.form.get("target", ""))
    raise KeyError(action)


def _place(module: arrangement.Module) -> Place:
    chosen: dict[str, Any] = {name: module.get(name) for name in Place.__dataclass_fields__}
    return Place(**chosen)


def _number(name: str) -> int:
    number = parse_int(request.form.get(name), arrangement.MAX_PLACE, clamp=True)
    if number is None:
        raise KeyError(name)
    return number


def _placed(modules: list[arrangement.Module]) -> dict[str, tuple[object, ...]]:
    names = ("row", "order", "width", "height", "x", "y")
    return {each["id"]: tuple(each.get(name) for name in names) for each in modules}


def _told(key: str, modules: list[arrangement.Module], *, is_freeform: bool) -> str:
    """Return where a module is now, for those who do not see it."""
    grid = arrangement.rows(modules)
    row, place = arrangement.find(grid, key)
    module = grid[row][place]
    title = texts.title_of(module)
    if is_freeform:
        return _(
            "“%(title)s” is %(x)s pixels from the start and %(y)s from the top, %(width)s of 12 columns wide and "
            "%(height)s pixels tall.",
            title=title,
            **{name: module.get(name, 0) for name in ("x", "y", "width", "height")},
        )
    return _(
        "“%(title)s” is number %(place)s of %(all)s in row %(row)s, %(width)s of 12 columns wide and %(height)s "
        "pixels tall.",
        title=title,
        **{name: module[name] for name in ("width", "height")},
        place=place + 1,
        all=len(grid[row]),
        row=row + 1,
    )


def _imported(imported: service.Imported) -> texts.Flash:
    if not imported.notes:
        return _("The dashboard “%(name)s” was imported.", name=imported.dashboard.name), "info"
    # A flash is kept in a cookie, which has an end. Each module says in its place why it is not drawn.
    notes = " ".join(imported.notes[:MAX_NOTED]) + (" …" if len(imported.notes) > MAX_NOTED else "")
    return _("The dashboard “%(name)s” was imported. %(notes)s", name=imported.dashboard.name, notes=notes), "warning"
