"""Add, edit and delete: the hooks run in the transaction, the input is kept after errors, and one flash is shown."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import abort, request, url_for
from flask_appbuilder import ModelView as StockModelView
from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.crud import deletions, flashes, history, object_pages, references, row_versions
from app.crud.db_errors import ConflictError, ConstraintError, translate_db_errors
from app.crud.fields import ASSIST, ChecklistField, show_at_field
from app.crud.list_arguments import filter_arguments
from app.crud.view_config import ViewConfigMixin
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.i18n import formats

OK, CONFLICT, UNPROCESSABLE = 200, 409, 422
DELETED_MEANWHILE = lazy_gettext(
    "Someone else has deleted this in the meantime. What you entered is still here so that you can copy it."
)

SaveResult = tuple[dict[str, Any] | None, int]


class EditMixin(ViewConfigMixin):
    """The generated add, edit and delete.

    Flask-AppBuilder's flash the text of any exception, and lose what was typed.

    Hooks are Flask-AppBuilder's. `pre_add`, `pre_update` and `pre_delete` run in the transaction: what they store
    (e-mails, too) is committed with the row or not at all. `post_*` run after the commit. Each may raise DomainError.
    """

    # ListMixin has these.
    _find: Callable[..., Any]
    _with_related: Callable[..., dict[str, Any]]

    # -- messages: each method returns a text, or a text and its category

    def added_message(self, item: Any) -> flashes.Message:  # noqa: ARG002
        """Return what is flashed after `item` was added."""
        return self.add_row_message

    def updated_message(self, item: Any) -> flashes.Message:  # noqa: ARG002
        """Return what is flashed after `item` was changed."""
        return self.edit_row_message

    def deleted_message(self, item: Any) -> flashes.Message:  # noqa: ARG002
        """Return what is flashed after `item` was deleted."""
        return self.delete_row_message

    # -- add

    # Flask-AppBuilder's loses what was typed when a hook refuses, and runs hooks after the commit.
    def _add(self) -> SaveResult:
        form = self.add_form.refresh()
        if request.method != "POST":
            self._prefill_from_url(form)
            form.next.data = self.back_url()
            return self._get_add_widget(form=form), OK
        if self._assist(form):
            return self._get_add_widget(form=form), OK
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._get_add_widget(form=form), UNPROCESSABLE
        self.process_form(form, True)  # noqa: FBT003 - Flask-AppBuilder's signature
        item = self.datamodel.obj()
        if self._store(form, item, self.pre_add, self.post_add, self.added_message, history.ADDED) is None:
            return None, OK
        return self._get_add_widget(form=form), UNPROCESSABLE

    def _assist(self, form: Any) -> bool:
        """Help with a field whose button was pressed, and flash how. What was typed stays, and nothing is saved."""
        if ASSIST not in request.form:
            return False
        assist = getattr(form._fields.get(request.form[ASSIST]), "assist", None)
        flashes.flash_message(*(assist() if assist else (flashes.CORRECT_THE_FIELDS, "danger")))
        return True

    def _prefill_from_url(self, form: Any) -> None:
        """Preselect the row that a link from a related list names: `_flt_0_party=5` or its natural key."""
        for argument in filter(None, filter_arguments(request.args)):
            field = form._fields.get(argument.column)
            if field is None or argument.column not in self.named_relations:
                continue
            key, allowed = self.named_relations[argument.column][0], self.allowed("add", argument.column)
            row = self.datamodel.find_related(argument.column, argument.value, key, allowed)
            field.process_data([row] if isinstance(field, ChecklistField) and row else row)

    # -- edit

    # The same, and the last of two people wins.
    def _edit(self, pk: str) -> SaveResult:
        if request.method == "POST" and ASSIST not in request.form:
            return self._save(pk)
        item = self._find(pk, self.edit_columns)
        form = self._edit_form_of(item)
        if not self._assist(form):
            self.prefill_form(form, form._id)  # noqa: SLF001 - Flask-AppBuilder's name
            self._set_version(form, item)
            form.next.data = self.back_url()
        return self._edit_page(form, item, OK)

    def _save(self, pk: str) -> SaveResult:
        """Store the form in the row, which is locked: it cannot change between the comparison and the writing."""
        try:
            with translate_db_errors():
                item = self.datamodel.get_locked(pk, self._base_filters, [*self.edit_columns, *self.load_columns])
        except DomainError as busy:
            db.session.rollback()
            flashes.flash_message(busy, busy.category)
            return self._edit_page(self.edit_form.refresh(), self._load_stored(pk), UNPROCESSABLE)
        if item is None:
            return self._deleted_meanwhile(pk)
        form = self._edit_form_of(item)
        if not form.validate():
            flashes.flash_message(flashes.CORRECT_THE_FIELDS, "danger")
            return self._edit_page(form, item, UNPROCESSABLE)
        changed = self._changed_meanwhile(form, item)
        if changed:
            return self._conflict(form, item, changed)
        self.process_form(form, False)  # noqa: FBT003
        refused = self._store(form, item, self.pre_update, self.post_update, self.updated_message)
        if refused is None:
            return None, OK
        status = CONFLICT if isinstance(refused, ConflictError) else UNPROCESSABLE
        return self._edit_page(form, self._load_stored(pk), status)

    def _edit_form_of(self, item: Any) -> Any:
        form = self.edit_form.refresh(obj=item)
        form._id = self.datamodel.get_pk_value(item)  # noqa: SLF001 - Flask-AppBuilder's name
        return form

    def _edit_page(self, form: Any, item: Any, status: int) -> SaveResult:
        widgets = self._get_edit_widget(form=form)
        if item is not None:
            widgets["object"] = object_pages.head(self, item, "edit")
            widgets = self._with_related(item, widgets)
        return widgets, status

    def _load_stored(self, pk: str) -> Any | None:
        """Return the row as it is stored now, or None if it was deleted."""
        return self.datamodel.get(pk, self._base_filters, [*self.edit_columns, *self.load_columns])

    def _versioned_columns(self, form: Any) -> list[str]:
        return [column for column in self.datamodel.stored(self.edit_columns) if column in form]

    def _set_version(self, form: Any, item: Any) -> None:
        # A form that a view declares itself may have none.
        if row_versions.FIELD in form:
            form[row_versions.FIELD].data = row_versions.version_shown(
                form.as_stored(item), self._versioned_columns(form)
            )

    def _changed_meanwhile(self, form: Any, item: Any) -> dict[str, str]:
        """Return the columns that somebody else has changed since the form was opened, with their digests of then."""
        sent = form[row_versions.FIELD].data if row_versions.FIELD in form else None
        if not sent:
            return {}
        columns = self._versioned_columns(form)
        return row_versions.changed(sent, row_versions.version_shown(form.as_stored(item), columns), columns)

    def _conflict(self, form: Any, item: Any, changed: dict[str, str]) -> SaveResult:
        """Show the form again with what others have changed. Saving it again keeps the work of both.

        A field that only others have changed shows their value; beside one that both have changed stands theirs.
        """
        flashes.flash_message(ConflictError(), "warning")
        now = form.as_stored(item)
        for name, before in changed.items():
            field, stored = form[name], getattr(item, name)
            own = row_versions.digest_shown(field)
            if own == row_versions.digest_shown(now[name]):
                continue
            if own == before:
                # Some fields would show what was sent.
                field.raw_data = None
                field.process_data(stored)
                note = _("Changed in the meantime. The new value is shown.")
            else:
                shown = str(self.formatters_columns.get(name, formats.value)(stored))
                note = _("Saved in the meantime: %(value)s", value=shown)
            field.errors = [*field.errors, note]
        self._set_version(form, item)
        return self._edit_page(form, item, CONFLICT)

    def _deleted_meanwhile(self, pk: str) -> SaveResult:
        """Show the form of a deleted row again, so that what was typed is not lost."""
        if self.datamodel.parse_pk(pk) is None or row_versions.FIELD not in request.form:
            abort(404)
        flashes.flash_message(DELETED_MEANWHILE, "danger")
        return self._edit_page(self.edit_form.refresh(), None, CONFLICT)

    # -- storing

    def _store(  # noqa: PLR0913, PLR0917 - what differs between the three ways to store a form
        self,
        form: Any,
        item: Any,
        before: Callable[[Any], None],
        after: Callable[[Any], None],
        message: Callable[[Any], flashes.Message],
        kind: str = history.CHANGED,
    ) -> DomainError | None:
        """Store `item` with the values of `form` and run the hooks; return the error, if any. Leaves exactly one flash."""
        pending = flashes.pending_messages()
        columns = self.datamodel.stored(form._fields)
        stored = {} if kind == history.ADDED else history.values(form.as_stored(item), columns)
        try:
            with translate_db_errors(), transaction() as session:
                # A query in a hook must not flush an incomplete row.
                with session.no_autoflush:
                    form.populate_obj(item)
                    session.add(item)
                    before(item)
                self.datamodel.edit(item, commit=False)
                self._write(kind, item, stored, history.values(form.as_stored(item), columns))
        except DomainError as error:
            self._show_error(form, error)
            return error
        self._after(after, item, pending, message)
        return None

    def _write(self, kind: str, item: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Write what has changed to the journal."""
        old, new = history.changes(before, after)
        if new or kind != history.CHANGED:
            history.journal().write(history.Change(kind, self.subject, item, self.item_name(item), old, new))

    def _show_error(self, form: Any, error: DomainError) -> None:
        """Flash the error, and show it at its field."""
        text = error.message
        names = [error.field] if error.field else []
        if isinstance(error, ConstraintError):
            text = self.constraint_messages.get(error.constraint, text)
            names = [*names, *error.columns]
        name = next((name for name in names if name in form), None)
        if name:
            show_at_field(form, DomainError(text), name)
        flashes.flash_message(text, error.category)

    def _after(
        self,
        hook: Callable[[Any], None],
        item: Any,
        pending: int,
        message: Callable[[Any], flashes.Message],
    ) -> None:
        """Run the hook after the commit, and flash the result."""
        try:
            hook(item)
        except DomainError as error:
            db.session.rollback()
            flashes.flash_default(pending, (error.message, error.category))
        else:
            flashes.flash_default(pending, message(item))

    # -- delete

    # Flask-AppBuilder's shows the statement of the database, with its values, when a row is in use.
    def _delete(self, item: Any) -> None:
        pending = flashes.pending_messages()
        try:
            with references.explained([item]), translate_db_errors(deleting=True), transaction():
                self.datamodel.lock(item)
                companions = deletions.of(item) if self.is_restorable(item) else None
                name, key = self.item_name(item), self.datamodel.get_keys([item])[0]
                self.pre_delete(item)
                self._write(history.DELETED, item, {}, {})
                self.datamodel.delete(item, commit=False)
                token = deletions.keep(str(self.endpoint), key, name, companions) if companions is not None else None
        except DomainError as error:
            flashes.flash_message(error.message, error.category)
        else:
            self._after(self.post_delete, item, pending, lambda row: self._restorable_message(row, token))

    def is_restorable(self, item: Any) -> bool:  # noqa: ARG002
        """Whether a deleted row may be restored for some seconds: where no hook has done more than deleting it.

        A view with hooks declares `restorable`. Nothing is restored after e-mails were written, whatever this says.
        """
        own = type(self)
        if own.restorable is not None:
            return own.restorable
        return own.pre_delete is StockModelView.pre_delete and own.post_delete is StockModelView.post_delete

    def post_restore(self, item: Any) -> None:
        """Do what belongs to the restoration of a row, in its transaction."""

    def _restorable_message(self, item: Any, token: str | None) -> flashes.Message:
        message = self.deleted_message(item)
        if token is None or not self.has_endpoint("restore"):
            return message
        text, category = message if isinstance(message, tuple) else (message, "info")
        return flashes.with_undo(text, url_for(f"{self.endpoint}.restore", token=token)), category

    def _restore(self, token: str) -> Any:
        """Bring back a row that was deleted a moment ago, and return it."""
        with translate_db_errors(), transaction() as session:
            kept = deletions.restore(str(self.endpoint), token)
            item = self.datamodel.get(kept.key)
            if item is None:
                raise DomainError(deletions.TAKEN, "warning")
            self.post_restore(item)
            self._write(history.RESTORED, item, {}, {})
            session.flush()
        flashes.flash_message(_("“%(name)s” was restored.", name=kept.name), "info")
        return item

    def consequences(self, item: Any) -> list[str]:  # noqa: ARG002
        """Return sentences about what follows when a row is deleted, beside what is deleted with it."""
        return []

    def deleted_with(self, item: Any) -> list[str]:
        """Return what is deleted with a row: the titles of lists, and how many of each."""
        counts = deletions.of(item).counts()
        places = references.places({table: count for table, count in counts.items() if table.primary_key})
        return [place.text for place in places if place.title]

    def delete_rows(self, items: list[Any]) -> None:
        """Delete rows with their hooks, in the transaction of an action: all of them or none."""
        for item in items:
            self.datamodel.lock(item)
            self.pre_delete(item)
            self._write(history.DELETED, item, {}, {})
            self.datamodel.delete(item, commit=False)

    # -- undo

    def _undo(self, pk: str, number: int | None) -> None:
        """Undo the last change of a row, entry `number` of the journal, as if its form had been sent with the old values."""
        item = self.datamodel.get_locked(pk, self._base_filters, [*self.edit_columns, *self.load_columns])
        if item is None:
            abort(404)
        last = self.last_change(item)
        shown = self.edit_form(formdata=None, obj=item)
        if last is None or last.id != number:
            raise DomainError(history.CHANGED_AGAIN, "warning")
        history.undo(shown, last)
        form = self.edit_form(formdata=history.as_sent(shown), obj=item)
        form._id = self.datamodel.get_pk_value(item)  # noqa: SLF001 - Flask-AppBuilder's name
        if not form.validate():
            reason = next(str(error) for errors in form.errors.values() for error in errors)
            raise DomainError(_("This change cannot be undone: %(reason)s", reason=reason), "danger")
        self.process_form(form, False)  # noqa: FBT003
        self._store(form, item, self.pre_update, self.post_update, self.undone_message, history.UNDONE)

    def undone_message(self, item: Any) -> flashes.Message:
        """Return what is flashed after the last change of `item` was undone."""
        return _("The last change of “%(name)s” was undone.", name=self.item_name(item))

    def last_change(self, item: Any) -> history.Entry | None:
        """Return the last entry of the journal about columns of a row."""
        entries = history.journal().read(self.subject, self.datamodel.get_pk_value(item), 0, history.ENTRIES_PER_PAGE)
        return next((entry for entry in entries if entry.before or entry.after), None)
