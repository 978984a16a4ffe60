"""The bases of all views: pages, forms, and the generated list, show, add, edit and delete of a model."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from flask import Response, abort, current_app, flash, jsonify, make_response, redirect, request, url_for
from flask_appbuilder import BaseView as StockBaseView
from flask_appbuilder import ModelView as StockModelView
from flask_appbuilder import expose, has_access
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.hooks import before_request, get_before_request_hooks, wrap_route_handler_with_hooks
from flask_appbuilder.models.sqla.filters import FilterEqual
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user
from werkzeug.wrappers import Response as BaseResponse

from app.crud import cascades, deletions, files, flashes, object_pages, options, references
from app.crud import history as row_history
from app.crud.actions import Question
from app.crud.db_errors import GoneError, translate_db_errors
from app.crud.fab_attributes import refuse
from app.crud.field_edit import FieldEdit
from app.crud.list_arguments import filter_arguments
from app.crud.list_mixin import ListMixin
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.http import allow_uploads, own_path, page_number, parse_int, safe_next
from app.i18n import formats

SEE_OTHER = 303
CONFIRMED = "confirmed"
NOTHING_YET = lazy_gettext("Nothing has changed yet. Read what will happen, and confirm it.")


def ask_to_log_in() -> BaseResponse:
    """Redirect to the login page, which leads back."""
    answer: BaseResponse = current_app.extensions["appbuilder"].sm.lm.unauthorized()
    return answer


class BaseView(StockBaseView):
    """A view that stores no history in the cookie. The URL to return to is in the form or in the Referer header."""

    # {"can_host": lazy_gettext("Host dinner parties")}: the labels of permissions where roles are edited.
    permission_labels: Mapping[str, object] = {}
    # The methods to which forms with files are sent.
    upload_methods: frozenset[str] = frozenset()

    @before_request
    def _ask_to_log_in(self) -> BaseResponse | None:
        """Redirect visitors to the login page instead of denying access."""
        method = self.method()
        if current_user.is_authenticated or not hasattr(method, "_permission_name"):
            return None
        permission = PERMISSION_PREFIX + self.get_method_permission(method.__name__)
        if self.appbuilder.sm.has_access(permission, self.class_permission_name):
            return None
        return ask_to_log_in()

    def _register_urls(self) -> None:
        """Add the routes. Flask-AppBuilder makes a function for each URL of a method, and Flask refuses the second one."""
        hooks = get_before_request_hooks(self)
        for name in dir(self):
            method = getattr(self, name)
            included = self.include_route_methods is None or name in self.include_route_methods
            if not included or name in self.exclude_route_methods or not hasattr(method, "_urls"):
                continue
            handler = wrap_route_handler_with_hooks(name, method, hooks)
            for url, methods in method._urls:  # noqa: SLF001 - Flask-AppBuilder's name
                self.blueprint.add_url_rule(url, name, handler, methods=methods)
            if name in self.upload_methods:
                allow_uploads(f"{self.blueprint.name}.{name}")

    def method(self) -> Any:
        """Return the method that handles this request."""
        return getattr(self, (request.endpoint or "").rpartition(".")[2], None)

    def update_redirect(self) -> None:
        """Do nothing: Flask-AppBuilder's history of five full URLs can make the cookie too large for browsers."""

    def get_redirect(self) -> str:
        """Return where to go after a form; Flask-AppBuilder's asks its history."""
        return self.back_url()

    def back_url(self) -> str:
        """Return the URL to go back to: `next` of the form, or the Referer, if they are pages of this site."""
        asked = safe_next(request.values.get("next"), "")
        if asked and self._may_return_to(_path(asked), asked=True):
            return asked
        left = safe_next(request.referrer, "")
        if left and self._may_return_to(_path(left), asked=False):
            return left
        return self._home()

    def _may_return_to(self, path: str, *, asked: bool) -> bool:
        return asked and path != request.path

    def _home(self) -> str:
        return str(self.appbuilder.get_url_for_index)


def _for_seconds() -> str:
    return ngettext(
        "You can undo this for %(num)d second.", "You can undo this for %(num)d seconds.", deletions.UNDO_SECONDS
    )


def _path(url: str) -> str:
    """Return the path of a URL of this site, as routes have it."""
    return urlsplit(url).path.removeprefix(request.script_root)


# What needs a fresh login where another endpoint does.
SAME_AS = {"undo": "edit", "restore": "delete"}


class ReauthenticationRequired:
    """A view with endpoints that need a fresh login. `fresh` holds the names of their methods."""

    fresh: ClassVar[frozenset[str]] = frozenset()

    @before_request
    def _require_fresh_login(self) -> BaseResponse | None:
        name = (request.endpoint or "").rpartition(".")[2]
        if (
            SAME_AS.get(name, name) not in self.fresh
            or not current_user.is_authenticated
            or appbuilder_of().sm.is_fresh()
        ):
            return None
        response: BaseResponse = appbuilder_of().sm.lm.needs_refresh()
        return response


class ModelView(ListMixin, FieldEdit, BaseView, StockModelView):
    """The generated pages of a model. See ViewConfigMixin for what a view declares."""

    # Flask-AppBuilder's has a download without files, with a permission of its own that nobody needs.
    def _init_properties(self) -> None:
        refuse(self, ModelView)
        super()._init_properties()
        extra = {**self.add_form_extra_fields, **self.edit_form_extra_fields}
        has_files = bool(files.file_columns(self.datamodel.obj))
        if has_files:
            self.upload_methods = frozenset({"add", "edit"})
        has_route = {
            "download": has_files,
            "set_field": bool(self.bulk_columns or self.inline_columns),
            "restore": self.is_routed("delete"),
            "history": self.is_routed("show") and row_history.is_kept(self.datamodel.obj),
            "undo": self.is_routed("edit") and row_history.is_kept(self.datamodel.obj),
            "column_choices": any(map(cascades.is_loaded, extra.values())),
        }
        unneeded = {name for name, is_needed in has_route.items() if not is_needed}
        self.exclude_route_methods = {*self.exclude_route_methods, *unneeded}

    # -- files

    @expose("/download/<string:filename>")
    @has_access
    @permission_name("show")
    def download(self, filename: str) -> Response:
        """Send the file of a row that the member may see: Flask-AppBuilder's sends any. An image is shown, others are stored."""
        stored, is_image = self._named_file(filename)
        if stored is None:
            abort(404)
        return files.send(stored, is_image=is_image, thumbnail="thumbnail" in request.args)

    def _named_file(self, filename: str) -> tuple[files.StoredFile | None, bool]:
        """Return the file that a row of this view names so, and whether it is an image."""
        for column, is_image in files.file_columns(self.datamodel.obj).items():
            stored = files.StoredFile.parse(filename, is_image=is_image)
            if stored is None or not stored.is_kept():
                continue
            named = self._base_filters.copy().add_filter(column, FilterEqual, filename)
            if self.datamodel.page(named, self.base_order, size=1).rows:
                return stored, is_image
        return None, False

    # -- add and edit

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self) -> BaseResponse:
        """Show an empty form, or add the row. Flask-AppBuilder's loses what was typed when a hook refuses."""
        widgets, status = self._add()
        if widgets is None:
            return self.post_add_redirect()
        return self._form_page(self.add_template, self.add_title, widgets, status)

    @expose("/edit/<pk>", methods=["GET", "POST"])
    @has_access
    def edit(self, pk: str) -> BaseResponse:
        """Show the form of a row, or save it. As above; Flask-AppBuilder's also overwrites what others have saved."""
        widgets, status = self._edit(pk)
        if widgets is None:
            return self.post_edit_redirect()
        return self._form_page(self.edit_template, self.edit_title, widgets, status, pk=pk)

    def _form_page(
        self, template: str, title: object, widgets: dict[str, Any], status: int, **context: Any
    ) -> BaseResponse:
        page = self.render_template(
            template, title=title, widgets=widgets, related_views=self._related_views, back=self.back_url(), **context
        )
        return make_response(page, status)

    # -- delete

    @expose("/delete/<pk>", methods=["GET", "POST"])
    @has_access
    def delete(self, pk: str) -> BaseResponse:
        """Ask for confirmation; POST deletes the row. Flask-AppBuilder's deletes on GET where CSRF protection is off."""
        item = self.datamodel.get(pk, self._base_filters, [*self.load_columns])
        if item is None and (request.method != "POST" or self.datamodel.parse_pk(pk) is None):
            abort(404)
        if item is None:
            return self._gone()
        if request.method == "POST":
            self._delete(item)
            return self.post_delete_redirect()
        back = self.back_url()
        gone, can_undo = self.deleted_with(item), self.is_restorable(item) and deletions.of(item).is_complete
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=_("Delete “%(item)s”?", item=self.item_name(item)),
            consequences=[
                *self.consequences(item),
                *([_("Deleted with it: %(places)s.", places=formats.value(gone))] if gone else []),
            ],
            message=_for_seconds() if can_undo else _("This cannot be undone."),
            action=own_path(),
            back=back,
            button=_("Delete"),
            fields=[("next", back)],
        )
        return make_response(page)

    @expose("/restore/<token>", methods=["POST"])
    @has_access
    @permission_name("delete")
    def restore(self, token: str) -> BaseResponse:
        """Bring back a row that was deleted a moment ago."""
        try:
            item = self._restore(token)
        except DomainError as refused:
            flashes.flash_message(refused.message, refused.category)
            return redirect(self._home(), SEE_OTHER)
        if self.may("show"):
            return redirect(url_for(f"{self.endpoint}.show", pk=self.datamodel.get_keys([item])[0]), SEE_OTHER)
        return redirect(self._home(), SEE_OTHER)

    def _gone(self) -> BaseResponse:
        """Flash that the row is already deleted."""
        gone = GoneError()
        flash(str(gone), gone.category)
        return redirect(self.back_url(), SEE_OTHER)

    # -- history

    @expose("/history/<pk>")
    @has_access
    @permission_name("show")
    def history(self, pk: str) -> str:
        """Show what happened to a row, to those who may read the audit log."""
        item = self._find(pk, [*self.show_columns, *self.edit_columns])
        if not self.may_read_history():
            abort(403)
        number, size = page_number(), row_history.ENTRIES_PER_PAGE
        entries = row_history.journal().read(
            self.subject, self.datamodel.get_pk_value(item), (number - 1) * size, size + 1
        )
        return str(
            self.render_template(
                "appbuilder/general/model/history.html",
                title=_("History"),
                page=object_pages.head(self, item, "history"),
                entries=[(entry, list(self._told(entry))) for entry in entries[:size]],
                undoable=self._undoable(item),
                undo_url=url_for(f"{self.endpoint}.undo", pk=pk) if self.has_endpoint("undo") else None,
                number=number,
                more=len(entries) > size,
            )
        )

    def may_read_history(self) -> bool:
        """Whether the reader may see what happened to the rows that they see."""
        return self.has_endpoint("history") and row_history.journal().may_read()

    def _told(self, entry: row_history.Entry) -> Iterator[tuple[str, str, str]]:
        """Yield each column of an entry with its old and new value, as lists show them."""
        for name in dict.fromkeys([*entry.before, *entry.after]):
            label = self.label_columns.get(name) or row_history.journal().label(name)
            yield str(label), self._shown(name, entry.before.get(name)), self._shown(name, entry.after.get(name))

    def _shown(self, name: str, value: Any) -> str:
        if row_history.SECRET.search(name):
            return formats.NOTHING
        if name in self.named_relations and isinstance(value, str):
            key = self.named_relations[name][0]
            row = self.datamodel.find_related(name, value, key) if value else None
            return object_pages.row_name(row) if row is not None else value
        if name in self.choices_columns and not isinstance(value, list):
            return str(self._labels(name)(value))
        if isinstance(value, str) and name in self.datamodel.list_columns:
            if self.datamodel.is_datetime(name):
                value = datetime.fromisoformat(value)
            elif self.datamodel.is_date(name):
                value = date.fromisoformat(value)
        text = formats.value(value)
        return text if len(text) <= row_history.MAX_SHOWN else f"{text[: row_history.MAX_SHOWN]}…"

    def _undoable(self, item: Any) -> int | None:
        """Return the entry of the journal that the reader can undo, if there is one."""
        last = self.last_change(item) if self.has_endpoint("undo") and self.may("edit") else None
        if last is None or row_history.why_not(self.edit_form(formdata=None, obj=item), last) is not None:
            return None
        return last.id

    @expose("/undo/<pk>", methods=["POST"])
    @has_access
    @permission_name("edit")
    def undo(self, pk: str) -> BaseResponse:
        """Undo the last change of a row, as its form could."""
        if not self.may_read_history():
            abort(403)
        try:
            self._undo(pk, parse_int(request.form.get("entry", "")))
        except DomainError as refused:
            db.session.rollback()
            flashes.flash_message(refused.message, refused.category)
        return redirect(url_for(f"{self.endpoint}.history", pk=pk), SEE_OTHER)

    # -- actions

    @expose("/action/<string:name>/<pk>", methods=["POST"])
    def action(self, name: str, pk: str) -> BaseResponse:
        """Run an action on one row. Flask-AppBuilder's also runs it on rows that `base_filters` hide."""
        return self._act(name, [pk], one=True)

    @expose("/action_post", methods=["POST"])
    def action_post(self) -> BaseResponse:
        """Run an action on the selected rows; as above."""
        return self._act(request.form.get("action", ""), request.form.getlist("rowid"), one=False)

    def _act(self, name: str, pks: list[str], *, one: bool) -> BaseResponse:
        action = self.actions.get(name)
        if action is None or not (action.single if one else action.multiple):
            abort(404)
        if not self.appbuilder.sm.has_access(self.get_action_permission_name(name), self.class_permission_name):
            if not current_user.is_authenticated:
                return ask_to_log_in()
            abort(403)
        if not pks:
            flash(_("Select at least one row."), "warning")
            return redirect(self.back_url(), SEE_OTHER)
        items = self.datamodel.get_many(pks, self._base_filters, self.load_columns)
        if not items and one:
            abort(404)
        if not items:
            return self._gone()
        asks = getattr(action.func, "asks", None)
        if asks is not None and CONFIRMED not in request.form:
            try:
                return self._ask(name, items, asks(items))
            except DomainError as refused:
                flashes.flash_message(refused.message, refused.category)
                return redirect(self.back_url(), SEE_OTHER)
        answer = self._run_action(action.func, items[0] if one else items)
        return answer or redirect(self.back_url(), SEE_OTHER)

    def _ask(self, name: str, items: list[Any], question: Question) -> BaseResponse:
        """Say what would follow from an action; the page submits the same rows again."""
        flashes.flash_message(NOTHING_YET, "info")
        back = self.back_url()
        rows = [("rowid", key) for key in self.datamodel.get_keys(items)]
        page = self.render_template(
            "appbuilder/general/confirm.html",
            title=question.title,
            items=[self.item_name(item) for item in items],
            consequences=question.consequences,
            message=_("This cannot be undone."),
            action=url_for(f"{self.endpoint}.action_post"),
            back=back,
            button=question.button,
            fields=[("action", name), *rows, (CONFIRMED, "yes"), ("next", back)],
        )
        return make_response(page)

    # -- suggestions for autocomplete fields

    @expose("/options/<column>")
    def options(self, column: str) -> Response:
        """Return up to 20 rows that `column` may refer to on `page`, as [{"value": key, "label": text}]."""
        if column not in self.named_relations:
            abort(404)
        # The pages on which a related row can be chosen.
        pages = {"add": self.add_columns, "edit": self.edit_columns, "list": self.search_columns}
        asked = request.args.get("page")
        page = next(
            (page for page in pages if asked in {None, page} and column in pages[page] and self.may(page)), None
        )
        if page is None:
            abort(403 if current_user.is_authenticated else 401)
        key, searched = self.named_relations[column]
        rows = self.datamodel.related_rows(column, self.allowed(page, column))
        model = self.datamodel.get_related_model(column)
        return jsonify(options.find(rows, model, key, searched, request.args.get("q", "")))

    @expose("/api/column/<any(add, edit):page>/<column>")
    def column_choices(self, page: str, column: str) -> Response:
        """Return the rows that a field may refer to, as [{"id": key, "text": text}].

        `_flt_0_party=5` leaves those whose `party` has the key 5: so the choices of a field depend on another one's.
        """
        if not cascades.is_loaded(getattr(getattr(self, f"{page}_form"), column, None)):
            abort(404)
        if not self.may(page):
            abort(403 if current_user.is_authenticated else 401)
        conditions = (getattr(self, f"{page}_form_query_rel_fields") or {}).get(column, [])
        model = self.datamodel.get_related_model(column)
        return jsonify(cascades.choices(model, conditions, list(filter_arguments(request.args))))

    # -- where to go

    def post_add_redirect(self) -> BaseResponse:
        """Return to where the form was opened. Flask-AppBuilder answers 302, after which a program may repeat the POST."""
        return redirect(self.back_url(), SEE_OTHER)

    def post_edit_redirect(self) -> BaseResponse:
        """Return to where the form was opened; as above."""
        return redirect(self.back_url(), SEE_OTHER)

    def post_delete_redirect(self) -> BaseResponse:
        """Return to where the row was deleted; as above."""
        return redirect(self.back_url(), SEE_OTHER)

    def _may_return_to(self, path: str, *, asked: bool) -> bool:
        if path == request.path:
            return False
        if path == self.route_base or path.startswith(f"{self.route_base}/"):
            shows = path.startswith(f"{self.route_base}/show/") and request.endpoint != f"{self.endpoint}.delete"
            return path == _path(self._home()) or shows
        return asked or "/show/" in path

    def _home(self) -> str:
        return url_for(f"{self.endpoint}.list") if self.is_routed("list") else super()._home()

    def _run_action(self, func: Any, items: Any) -> BaseResponse | None:
        """Run an action in one transaction, and flash the text that it returns."""
        before = flashes.pending_messages()
        answer: Any = None
        try:
            rows = items if isinstance(items, list) else [items]
            with references.explained(rows), translate_db_errors(), transaction():
                answer = func(items)
        except DomainError as error:
            flashes.flash_message(error.message, error.category)
            return None
        if isinstance(answer, BaseResponse):
            return answer
        flashes.flash_default(before, answer or (_("Done."), "info"))
        return None
