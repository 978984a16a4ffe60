"""One field of the rows that were chosen in a list, or of one row in its cell: the edit form with that field alone."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import abort, make_response, redirect, request, session, url_for
from flask_appbuilder import expose, has_access
from flask_appbuilder.security.decorators import permission_name
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from app.crud import flashes, row_versions
from app.crud.db_errors import ConflictError, GoneError
from app.crud.edit_mixin import EditMixin
from app.crud.list_arguments import MAX_PAGE_SIZE
from app.errors import DomainError
from app.extensions import db

ONE_MORE_STEP = lazy_gettext("One more step: choose the new value.")
# A form that was shown sends the version of each row under this name and its key.
VERSION = "version-"


class FieldEdit(EditMixin):
    """Adds the page of one field to a generated view that declares `bulk_columns` or `inline_columns`.

    Each row is stored as by the edit form: locked, compared with what was shown, with the hooks of the view, in a
    transaction of its own. So a row that cannot be changed leaves the others changed, and the flash counts both.
    """

    bulk_columns: Sequence[str] = ()
    inline_columns: Sequence[str] = ()
    _field_forms: dict[str, Any]
    render_template: Callable[..., str]

    # Flask-AppBuilder's has no form for one field alone.
    def _init_forms(self) -> None:
        super()._init_forms()
        extra = self.edit_form_extra_fields or {}
        self._field_forms = {
            column: self._converter("edit").form([column], {name: extra[name] for name in extra if name == column})
            for column in dict.fromkeys((*self.bulk_columns, *self.inline_columns))
        }

    @expose("/set/<column>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def set_field(self, column: str) -> BaseResponse:
        """Ask for the new value of a column in the rows that are named, and store it."""
        if column not in self._field_forms:
            abort(404)
        keys = list(dict.fromkeys(request.values.getlist("rowid")))[:MAX_PAGE_SIZE]
        rows = self.datamodel.get_many(keys, self._base_filters, [column, *self.load_columns])
        if not keys and request.method == "POST":
            flashes.flash_message(_("Select at least one row."), "warning")
            return redirect(self.back_url(), 303)
        if not rows and request.method == "POST":
            flashes.flash_message(GoneError(), GoneError().category)
            return redirect(self.back_url(), 303)
        if not rows:
            abort(404)
        sent = [name for name in request.form if name.startswith(VERSION)]
        if request.method == "POST" and sent:
            return self._save_field(column, rows)
        if request.method == "POST":
            flashes.flash_message(ONE_MORE_STEP, "info")
        only = rows[0] if len(rows) == 1 else None
        return self._field_page(column, rows, self._field_forms[column](formdata=None, obj=only), 200)

    def _field_page(self, column: str, rows: Sequence[Any], form: Any, status: int) -> BaseResponse:
        versions = {
            str(key): row_versions.version_shown(self._field_form_of(column, row), [column])
            for key, row in zip(self.datamodel.get_keys(rows), rows, strict=True)
        }
        label = self.label_columns[column]
        page = self.render_template(
            "appbuilder/general/field.html",
            title=_("%(field)s of “%(item)s”", field=label, item=rows[0])
            if len(rows) == 1
            else ngettext("%(field)s of %(num)d row", "%(field)s of %(num)d rows", len(rows), field=label),
            form=form,
            column=column,
            rows=rows,
            versions=versions,
            action=url_for(f"{self.endpoint}.set_field", column=column),
            back=self.back_url(),
        )
        return make_response(page, status)

    def _field_form_of(self, column: str, row: Any) -> Any:
        return self._field_forms[column](formdata=None, obj=row)

    def _save_field(self, column: str, rows: Sequence[Any]) -> BaseResponse:
        form = self._field_forms[column](self._sent())
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._field_page(column, rows, form, 422)
        refused: list[DomainError] = []
        for key in self.datamodel.get_keys(rows):
            error = self._save_one(column, key)
            if error is not None:
                refused.append(error)
        flashes.flash_message(*_told(len(rows) - len(refused), refused))
        return redirect(self.back_url(), 303)

    @staticmethod
    def _sent() -> "MultiDict[str, str]":
        return MultiDict([(name, value) for name, value in request.form.items(multi=True) if name != "rowid"])

    def _save_one(self, column: str, key: Any) -> DomainError | None:
        """Store the field in one row; return why it was not stored. Its flash is left to the caller, who counts."""
        item = self.datamodel.get_locked(key, self._base_filters, [column, *self.load_columns])
        if item is None:
            db.session.rollback()
            return GoneError()
        shown = request.form.get(f"{VERSION}{key}", "")
        if row_versions.changed(
            shown, row_versions.version_shown(self._field_form_of(column, item), [column]), [column]
        ):
            db.session.rollback()
            return ConflictError()
        form = self._field_forms[column](self._sent(), obj=item)
        form.validate()
        self.process_form(form, False)  # noqa: FBT003 - Flask-AppBuilder's signature
        before = list(session.get("_flashes", ()))
        refused = self._store(form, item, self.pre_update, self.post_update, self.updated_message)
        session["_flashes"] = before
        return refused


def _told(count: int, refused: Sequence[DomainError]) -> tuple[str, Any]:
    """Return one flash for all rows: how many were changed, and why others were not."""
    changed = ngettext("%(num)d row changed.", "%(num)d rows changed.", count)
    if not refused:
        return changed, "info"
    kept = ngettext("%(num)d row was not changed: %(reason)s", "%(num)d rows were not changed: %(reason)s", len(refused), reason=refused[0].message)  # fmt: skip
    return (f"{changed} {kept}" if count else kept), "warning"
