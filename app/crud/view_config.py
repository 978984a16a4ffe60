"""What a view declares, checked at the start: a view that would show English for ever, or too much, does not start."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.baseviews import BaseView as StockBaseView
from flask_babel import lazy_gettext

from app.crud.datamodel import SQLAInterface
from app.crud.forms import FormConverter
from app.crud.list_arguments import MAX_PAGE_SIZE
from config import ConfigurationError

PAGES = ("list", "show", "add", "edit")


@dataclass(frozen=True)
class Labels:
    """Shows a value by its label."""

    values: Mapping[Any, object]

    def __call__(self, value: Any) -> str:
        """Return the label of `value`; a value without one is shown as it is, nothing as a dash."""
        return str(self.values.get(value, value if value is not None else "\N{EM DASH}"))

    def translated(self) -> "Labels":
        """Return the labels in the reader's language, for many values at once."""
        return Labels({value: str(label) for value, label in self.values.items()})


class ViewConfigMixin:
    """The attributes of a generated view, beside Flask-AppBuilder's.

    Required: `base_order`, the title and the columns of each page that is routed, and a label for every column.
    Nothing is searched that `search_columns` does not name.
    """

    datamodel: SQLAInterface
    base_order: tuple[str, str] | None = None
    # {"host": ("username", ["username", "email"])}: the natural key that is typed, and what is searched for it.
    autocomplete_columns: Mapping[str, tuple[str, Sequence[str]]] = {}
    # {"status": {"draft": lazy_gettext("Draft")}}: the values of a column and their labels.
    choices_columns: Mapping[str, Mapping[Any, object]] = {}
    # {"starts_at": "timezone"}: the column with the zone in which a moment is typed.
    timezone_columns: Mapping[str, str] = {}
    # Relations that properties among the columns, or actions, read: loaded along with the rows.
    load_columns: Sequence[str] = ()
    # {"ck_dinner_party_seats": lazy_gettext("...")}: what to say when a constraint refuses.
    constraint_messages: Mapping[str, object] = {}

    # What a list without rows says instead of "There is nothing here yet."
    empty_message: object = None

    add_row_message = lazy_gettext("Saved.")
    edit_row_message = lazy_gettext("Saved.")
    delete_row_message = lazy_gettext("Deleted.")

    def is_routed(self: Any, name: str) -> bool:
        """Whether this view has a page or action of that name."""
        if self.include_route_methods is not None and name not in self.include_route_methods:
            return False
        if name in self.exclude_route_methods:
            return False
        # The instance's list is computed from the routes; the class's, if there is one, limits them.
        declared = type(self).base_permissions
        return declared is None or f"can_{name}" in declared

    def _init_titles(self: Any) -> None:
        for page in PAGES:
            if self.is_routed(page) and not getattr(self, f"{page}_title"):
                _fail_config(self, f"{page}_title")
        self.title = self.list_title

    def _init_properties(self: Any) -> None:
        """Take what the class declares; never change the class's own dictionaries and lists."""
        if not self.base_order:
            _fail_config(self, "base_order")
        self.label_columns = dict(self.label_columns or {})
        self.validators_columns = dict(self.validators_columns or {})
        searched = list(self.search_columns or ())
        self._require_columns()
        super()._init_properties()  # type: ignore[misc]
        self.search_columns = searched
        self._filters = self.datamodel.get_filters(searched, None)
        self._filters.limit_to_equality(self.choices_columns)
        self.page_size = min(self.page_size, MAX_PAGE_SIZE)
        self.formatters_columns = {
            **{column: Labels(values) for column, values in self.choices_columns.items()},
            **self.formatters_columns,
        }
        self._check_columns()

    def _require_columns(self: Any) -> None:
        for page in PAGES:
            declared = getattr(self, f"{page}_columns") or getattr(self, f"{page}_fieldsets", None)
            if not declared and self.is_routed(page):
                _fail_config(self, f"{page}_columns")
            if not declared:
                # An unused page must not show everything either, should somebody route it one day.
                setattr(self, f"{page}_columns", [self.datamodel.get_pk_name()])

    def _check_columns(self: Any) -> None:
        shown = [column for page in PAGES if self.is_routed(page) for column in getattr(self, f"{page}_columns")]
        for column in dict.fromkeys((*shown, *self.search_columns)):
            require_label(self, column)
        for column in (self.base_order[0], *self.order_columns):
            self.datamodel.order_by(column)

    def _gen_labels_columns(self, list_columns: Sequence[str]) -> None:
        """Make no labels up: one that is derived from a name is never translated."""

    def _init_forms(self: Any) -> None:
        converter = FormConverter(
            self.datamodel,
            labels=self.label_columns,
            descriptions=self.description_columns,
            validators=self.validators_columns,
            choices=self.choices_columns,
            remote=self.autocomplete_columns,
            zones=self.timezone_columns,
            options_endpoint=f"{self.endpoint or type(self).__name__}.options",
        )
        if not self.add_form and self.is_routed("add"):
            self.add_form = converter.form(self.add_columns, self.add_form_extra_fields)
        if not self.edit_form and self.is_routed("edit"):
            version = self.datamodel.version_column
            self.edit_form = converter.form(self.edit_columns, self.edit_form_extra_fields, version=version)


def require_label(view: Any, column: str) -> None:
    """Refuse to start with a column that has no label."""
    if not view.label_columns.get(column):
        _fail_config(view, f"label_columns[{column!r}]")


def _fail_config(view: StockBaseView, what: str) -> None:
    msg = f"{type(view).__name__} must declare {what}"
    raise ConfigurationError(msg)
