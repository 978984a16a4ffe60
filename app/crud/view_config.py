"""The attributes that a generated view declares. They are checked when the site starts, which fails if one is missing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import current_app
from flask_appbuilder import CompactCRUDMixin as StockCompactCRUDMixin
from flask_appbuilder.baseviews import BaseView as StockBaseView
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_babel import lazy_gettext

from app.crud import files, object_pages, quick_filters
from app.crud.datamodel import SQLAInterface
from app.crud.filters import OwnFilters
from app.crud.forms import FormConverter
from app.crud.list_arguments import MAX_PAGE_SIZE
from app.crud.sidebar import Waiting
from config import ConfigurationError

PAGES = ("list", "show", "add", "edit")
# Flask-AppBuilder's attributes with the filters of the related rows that can be chosen on a page.
ALLOWED = {
    "list": "search_form_query_rel_fields",
    "add": "add_form_query_rel_fields",
    "edit": "edit_form_query_rel_fields",
}
FILTER_PARTS = 3


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


class ViewConfigMixin(OwnFilters):
    """The attributes of a generated view, beside Flask-AppBuilder's.

    Required: `base_order`, the title and the columns of each page that is routed, and a label for every column.
    Nothing is searched that `search_columns` does not name.
    """

    datamodel: SQLAInterface
    # Flask-AppBuilder's attributes and methods that the mixins use: its classes have no types.
    appbuilder: Any
    endpoint: str | None
    route_base: str
    base_permissions: Any
    class_permission_name: str
    get_method_permission: Callable[[str], str]
    method_permission_name: Mapping[str, str] | None
    include_route_methods: Collection[str] | None
    exclude_route_methods: Collection[str]
    list_title: object
    base_order: tuple[str, str]
    label_columns: dict[str, Any]
    description_columns: Mapping[str, object]
    validators_columns: dict[str, Any]
    formatters_columns: Mapping[str, Callable[[Any], object]]
    list_columns: Sequence[str]
    add_columns: Sequence[str]
    edit_columns: Sequence[str]
    show_columns: Sequence[str]
    search_columns: Sequence[str]
    order_columns: Sequence[str]
    page_size: int
    add_form: Any
    edit_form: Any
    add_form_extra_fields: Any
    edit_form_extra_fields: Any
    list_widget: Any
    actions: Any
    _base_filters: Any
    _related_views: Sequence[Any]
    _get_add_widget: Callable[..., dict[str, Any]]
    _get_edit_widget: Callable[..., dict[str, Any]]
    prefill_form: Callable[..., Any]
    process_form: Callable[..., Any]
    pre_add: Callable[..., Any]
    post_add: Callable[..., Any]
    pre_update: Callable[..., Any]
    post_update: Callable[..., Any]
    pre_delete: Callable[..., Any]
    post_delete: Callable[..., Any]
    back_url: Callable[..., str]

    # {"host": ("username", ["username", "email"])}: the natural key that is typed, and the columns searched for suggestions.
    autocomplete_columns: Mapping[str, tuple[str, Sequence[str]]] = {}
    # The same for relations that can only be filtered by it: forms show them as checkboxes.
    autocomplete_filters: Mapping[str, tuple[str, Sequence[str]]] = {}
    # {"DinnerPartyModelView": "host"}: lists that the show page links to, and the column in which they have this row.
    linked_lists: Mapping[str, str] = {}
    linked_title: object = None
    # {"status": {"draft": lazy_gettext("Draft")}}: the values of a column and their labels.
    choices_columns: Mapping[str, Mapping[Any, object]] = {}
    # {"starts_at": "timezone"}: the column with the zone in which a moment is typed.
    timezone_columns: Mapping[str, str] = {}
    # Relations that are loaded with the rows, because properties or actions read them.
    load_columns: Sequence[str] = ()
    # {"ck_dinner_party_seats": lazy_gettext("...")}: the error message of a constraint.
    constraint_messages: Mapping[str, object] = {}

    # The column that leads to the page of a row; otherwise it is the first text.
    name_column: str = ""
    # Columns that say how it stands with a row: shown beside its name. The default is `status` or `state`.
    state_columns: Sequence[str] | None = None
    # {"status": {"draft": "warning"}}: how the badge of a value looks: good, warning or danger.
    state_tones: Mapping[str, Mapping[Any, str]] = {}
    # Names of actions. The first that applies is the main button on the page of a row; the default is to edit.
    primary_actions: Sequence[str] = ()
    # The columns with a filter beside the search box; otherwise those with few values, and moments.
    quick_filters: Sequence[str] | None = None
    # Columns that a reader can show beside those that are listed, searched or ordered.
    more_columns: Sequence[str] = ()
    # Whether administrators find the rows by name from everywhere.
    is_found_by_name = False
    # The moment by which the list can be shown as a month; otherwise that of its order, or the first that it lists.
    calendar_column: str | None = None
    _calendar_column: str = ""
    _quick_columns: Sequence[str] = ()
    _offered_columns: Sequence[str] = ()
    # The rows that wait for whoever uses the view: the sidebar counts them.
    waiting: Waiting | None = None

    # What the audit log calls the rows (a value of AuditSubject); the default is the name of the table.
    audit_subject: str = ""
    # Whether a deleted row can be restored for some seconds, where hooks do more than deleting it.
    restorable: bool | None = None

    # The text of an empty list; the default is "There is nothing here yet."
    empty_message: object = None

    # Flask-AppBuilder's speak of rows.
    add_row_message = lazy_gettext("Saved.")
    edit_row_message = lazy_gettext("Saved.")
    delete_row_message = lazy_gettext("Deleted.")

    @property
    def subject(self) -> str:
        """What the audit log calls the rows."""
        return self.audit_subject or str(self.datamodel.obj.__table__.name)[:40]

    def item_name(self, item: Any) -> str:
        """Return how a row is called on its page."""
        return object_pages.default_name(self, item)

    def public_url(self, item: Any) -> str | None:  # noqa: ARG002
        """Return the URL of the page that others than administrators have of a row, or None."""
        return None

    @property
    def named_relations(self) -> dict[str, tuple[str, Sequence[str]]]:
        """The relations whose rows are named by a natural key."""
        return {**self.autocomplete_columns, **self.autocomplete_filters}

    def is_routed(self, name: str) -> bool:
        """Whether this view has a page or action of that name."""
        if self.include_route_methods is not None and name not in self.include_route_methods:
            return False
        if name in self.exclude_route_methods:
            return False
        method = getattr(self, name, None)
        permission = (self.method_permission_name or {}).get(name) or getattr(method, "_permission_name", None)
        # The instance's list is computed from the routes. The class's list, if declared, limits what asks for permission.
        declared = type(self).base_permissions
        return method is not None and (
            declared is None or permission is None or PERMISSION_PREFIX + permission in declared
        )

    def has_endpoint(self, name: str) -> bool:
        """Whether this view has a URL of that name: an action of a view may be called like one of our pages."""
        return self.is_routed(name) and f"{self.endpoint}.{name}" in current_app.view_functions

    def allowed(self, page: str, column: str) -> Sequence[Any]:
        """Return the filters of the related rows that can be chosen for `column` on `page`."""
        return (getattr(self, ALLOWED[page]) or {}).get(column, ())

    def may(self, page: str) -> bool:
        """Whether the member may open the page `list`, `show`, `add`, `edit`, `delete` or `chart`."""
        permission = PERMISSION_PREFIX + self.get_method_permission(page)
        allowed = self.appbuilder.sm.has_access(permission, self.class_permission_name)
        return self.is_routed(page) and permission in self.base_permissions and bool(allowed)

    # Flask-AppBuilder's are English: "List Model".
    def _init_titles(self) -> None:
        for page in PAGES:
            if self.is_routed(page) and not getattr(self, f"{page}_title"):
                fail_config(self, f"{page}_title")
        self.title = self.list_title

    def _init_properties(self) -> None:
        """Copy and check what the class declares. Flask-AppBuilder's changes the dictionaries and lists of the class."""
        if isinstance(self, StockCompactCRUDMixin):
            msg = f"{type(self).__name__} must use app.crud.CompactCRUDMixin"
            raise ConfigurationError(msg)
        datamodel: object = self.datamodel
        if not isinstance(datamodel, SQLAInterface):
            fail_config(self, "a datamodel that is an app.crud.SQLAInterface")
        if not getattr(self, "base_order", None):
            fail_config(self, "base_order")
        self.label_columns = dict(self.label_columns or {})
        self.validators_columns = dict(self.validators_columns or {})
        searched = list(self.search_columns or ())
        self._require_columns()
        super()._init_properties()  # type: ignore[misc]
        self._init_choices()
        self._init_search(searched)
        self.page_size = min(self.page_size, MAX_PAGE_SIZE)
        self.formatters_columns = {
            **{
                column: partial(files.link, f"{self.endpoint or type(self).__name__}.download", is_image=is_image)
                for column, is_image in files.file_columns(self.datamodel.obj).items()
            },
            **{column: self._labels(column) for column in self.choices_columns},
            **self.formatters_columns,
        }
        self._check_columns()
        self._check_allowed()

    def _init_search(self, searched: list[str]) -> None:
        """Offer the filters of the declared columns, instead of those of all columns."""
        self.search_columns = searched
        self._filters = self.datamodel.get_filters(searched, None)
        self._filters.limit_to_equality(self.choices_columns)
        if self.quick_filters is None:
            filters = self._possible_filters.get_search_filters()
            self._quick_columns = quick_filters.offered(filters, dict(self.choices_columns), self.datamodel.is_boolean)
        else:
            self._quick_columns = self.quick_filters
        listed = getattr(self, "list_columns", None)
        offered = (*listed, *self.more_columns, *self.search_columns, *self.order_columns) if listed else ()
        self._calendar_column = self._find_calendar_column(listed or ())
        self._offered_columns = [column for column in dict.fromkeys(offered) if self.label_columns.get(column)]

    def _find_calendar_column(self, listed: Sequence[str]) -> str:
        if self.calendar_column is not None:
            return self.calendar_column
        columns = [column for column in (self.base_order[0], *listed) if column in self.label_columns]
        return next((column for column in columns if listed and self.datamodel.is_datetime(column)), "")

    def _require_columns(self) -> None:
        for page in PAGES:
            declared = getattr(self, f"{page}_columns") or getattr(self, f"{page}_fieldsets", None)
            if not declared and self.is_routed(page):
                fail_config(self, f"{page}_columns")
            if not declared:
                # Otherwise Flask-AppBuilder would use all columns.
                setattr(self, f"{page}_columns", [self.datamodel.obj.__mapper__.primary_key[0].key])

    def _init_choices(self) -> None:
        """Name the members of enumerations; a column without choices has all of them."""
        columns = {*self.add_columns, *self.edit_columns, *self.search_columns, *self.choices_columns}
        known = {}
        for column in filter(self.datamodel.is_enum, columns):
            enum = self.datamodel.enum_of(column) or ()
            every = {each.name: str(each.value) for each in enum} or {
                text: text for text in self.datamodel.list_columns[column].type.enums
            }
            declared = self.choices_columns.get(column, every)
            known[column] = {getattr(value, "name", value): label for value, label in declared.items()}
        self.choices_columns = {**self.choices_columns, **known}

    def _labels(self, column: str) -> "Labels":
        """Return the labels of a column; lists show the values of an enumeration's members, forms have their names."""
        labels = dict(self.choices_columns[column])
        for member in self.datamodel.enum_of(column) or ():
            if member.name in labels:
                labels |= dict.fromkeys((member, member.value), labels[member.name])
        return Labels(labels)

    def _check_columns(self) -> None:
        shown = [column for page in PAGES if self.is_routed(page) for column in getattr(self, f"{page}_columns")]
        for column in dict.fromkeys((*shown, *self.search_columns)):
            require_label(self, column)
        for column in (self.base_order[0], *self.order_columns):
            self.datamodel.order_by(column)

    def _check_allowed(self) -> None:
        for attribute in ALLOWED.values():
            for column, filters in (getattr(self, attribute) or {}).items():
                if not self.datamodel.is_relation(column) or any(len(each) != FILTER_PARTS for each in filters):
                    fail_config(self, f"{attribute} as {{relation: [[column, filter, value]]}}")

    def _gen_labels_columns(self, list_columns: Sequence[str]) -> None:
        """Generate no labels: Flask-AppBuilder's could not be translated."""

    # Flask-AppBuilder's fields list all related rows, share their validators, and drop the time of a moment.
    def _init_forms(self) -> None:
        if not self.add_form and self.is_routed("add"):
            self.add_form = self._converter("add").form(self.add_columns, self.add_form_extra_fields)
        elif self.add_form:
            self.add_form = self._converter("add").complete(self.add_form, self.add_columns)
        if not self.edit_form and self.is_routed("edit"):
            self.edit_form = self._converter("edit").form(self.edit_columns, self.edit_form_extra_fields)
        elif self.edit_form:
            self.edit_form = self._converter("edit").complete(self.edit_form, self.edit_columns)

    def _converter(self, page: str) -> FormConverter:
        return FormConverter(
            self.datamodel,
            labels=self.label_columns,
            descriptions=self.description_columns,
            validators=self.validators_columns,
            choices=self.choices_columns,
            remote=self.autocomplete_columns,
            zones=self.timezone_columns,
            allowed=getattr(self, ALLOWED[page]) or {},
            page=page,
            options_endpoint=f"{self.endpoint or type(self).__name__}.options" if self.is_routed("options") else "",
            download_endpoint=f"{self.endpoint or type(self).__name__}.download" if self.is_routed("show") else "",
        )


def require_label(view: Any, column: str) -> None:
    """Raise ConfigurationError if a column has no label."""
    if not view.label_columns.get(column):
        fail_config(view, f"label_columns[{column!r}]")


def fail_config(view: StockBaseView, what: str) -> None:
    """Raise ConfigurationError: the view must declare `what`."""
    msg = f"{type(view).__name__} must declare {what}"
    raise ConfigurationError(msg)
