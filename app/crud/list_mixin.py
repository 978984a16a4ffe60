"""The list and the show page. Their URL arguments are validated, and filters belong to one request."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask import abort, current_app, flash, render_template, request, url_for
from flask_appbuilder.models.filters import Filters as StockFilters
from flask_appbuilder.widgets import RenderTemplateWidget
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.crud import calendar_layout, large_tables, list_arguments, object_pages, quick_filters
from app.crud.filters import FilterRelated, OfMoments
from app.crud.list_arguments import MAX_ROWS_BEFORE, Beside, FilterArgument, ListArguments, ListOptions
from app.crud.row_pages import MAX_COUNTED_FOR_PEOPLE
from app.crud.view_config import Labels, ViewConfigMixin
from app.http import own_path
from app.i18n import formats
from app.i18n.selectors import current_locale


class CalendarWidget(RenderTemplateWidget):
    """The rows of a month."""

    template = "appbuilder/general/widgets/list_calendar.html"


# The fields of filters that a process has rendered: of each view and language.
FILTER_FIELDS, MOST_FILTER_FIELDS = "filter_fields", 512
# How many values the second line of a row has, beside its state in the first one.
SECOND_LINE = 2


class SearchWidget(RenderTemplateWidget):
    """The search box, the active and the available filters. It loads no rows of related tables."""

    template = "appbuilder/general/widgets/search.html"


class ListMixin(ViewConfigMixin):
    """The generated list, show page and related lists."""

    search_widget = SearchWidget
    # Who may open this page may see it as a part of another one.
    part_page = "list"
    # Flask-AppBuilder's.
    _get_view_widget: Callable[..., Any]

    # -- filters

    def _list_arguments(self) -> ListArguments:
        """Parse the arguments of the URL."""
        return list_arguments.parse(
            request.args,
            type(self).__name__,
            ListOptions(
                base_order=self.base_order,
                order_columns=self.offered_orders(),
                page_size=self.page_size,
                operators=self._possible_filters.offered(),
                searches=bool(self._possible_filters.text_columns()),
                columns=self._offered_columns,
                has_calendar=bool(self._calendar_column),
            ),
        )

    def offered_orders(self) -> Sequence[str]:
        """Return the columns by which the list can be ordered: in a large table, those with an index."""
        if not large_tables.is_large(self.datamodel.obj):
            return self.order_columns
        orders = large_tables.indexed(self.datamodel.obj.__table__).orders
        return [column for column in self.order_columns if column in orders]

    def _set_filters(self, arguments: ListArguments) -> list[FilterArgument]:
        """Set the filters and the search of this request; return the valid filters."""
        filters = self._filters
        filters.clear_filters()
        if arguments.search:
            filters.add_search(arguments.search)
        applied = []
        for argument in arguments.filters:
            try:
                value = self._filter_value(argument)
            except (ValueError, OverflowError):
                continue
            filters.add_filter_index(argument.column, argument.operator, value)
            applied.append(argument)
        return applied

    def _apply_arguments(self) -> tuple[ListArguments, list[FilterArgument]]:
        """Parse the arguments of the URL and set its filters; return both. A flash says that some are invalid."""
        arguments = self._list_arguments()
        applied = self._set_filters(arguments)
        if arguments.ignored or len(applied) < len(arguments.filters):
            flash(self._told_of_ignored(), "warning")
        return arguments, applied

    def _told_of_ignored(self) -> str:
        if large_tables.is_large(self.datamodel.obj):
            return _(
                "Some options in the web address are not valid, or not possible with so many rows, and were ignored."
            )
        return _("Some options in the web address are not valid and were ignored.")

    def _filter_value(self, argument: FilterArgument) -> Any:
        column, text = argument.column, argument.value
        choices = self._choices(column)
        if choices:
            # Without JavaScript the label is typed.
            named = {str(label).casefold(): value for value, label in choices} | {
                value: value for value, _label in choices
            }
            text = named.get(text) or named.get(text.casefold()) or ""
            if not text:
                raise ValueError(argument.value)
        if isinstance(self._possible_filters.get_search_filters()[column][argument.operator], OfMoments):
            return self.datamodel.parse_period(column, text)
        key = self.named_relations[column][0] if column in self.named_relations else None
        return self.datamodel.parse_value(column, text, key, self.allowed("list", column))

    # -- the list

    # Flask-AppBuilder's trusts the URL: any column orders, any number of rows is shown, and a malformed one is a 500.
    def _list(self, **kwargs: Any) -> dict[str, Any]:
        arguments, applied = self._apply_arguments()
        if arguments.month:
            return {"list": self._calendar(arguments.month, applied), "search": self._search(applied, arguments)}
        widgets = self._get_list_widget(
            filters=self._filters,
            order_column=arguments.order[0],
            order_direction=arguments.order[1],
            page=arguments.page,
            page_size=arguments.page_size,
            beside=arguments.beside,
            columns=arguments.columns,
            calendar_url=self._month_url(calendar_layout.this_month(), applied) if self._calendar_column else None,
            **kwargs,
        )
        widgets["search"] = self._search(applied, arguments)
        return dict(widgets)

    # Flask-AppBuilder's loads related rows one by one.
    def _get_list_widget(  # noqa: PLR0913, PLR0917 - Flask-AppBuilder's signature
        self,
        filters: StockFilters,
        actions: Any = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        widgets: dict[str, Any] | None = None,
        columns: Sequence[str] = (),
        beside: Beside | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        columns = columns or self.list_columns
        order = (order_column, order_direction) if order_column else self.base_order
        found = self.datamodel.page(
            filters.get_joined_filters(self._base_filters),
            order,
            number=page or 0,
            size=page_size or self.page_size,
            columns=(*columns, *self.load_columns),
            beside=beside,
            most=MAX_COUNTED_FOR_PEOPLE,
        )
        ends = (found.number + 1) * found.size > MAX_ROWS_BEFORE
        widgets = widgets or {}
        widgets["list"] = self.list_widget(
            label_columns=self.label_columns,
            include_columns=columns,
            value_columns=list(self.datamodel.get_values(found.rows, columns)),
            name_column=self._name_column(columns),
            tones=self._tones(columns),
            minor_columns=self._minor_columns(columns),
            order_columns=self.offered_orders(),
            formatters_columns=self._formatters(),
            page=found.number,
            page_size=found.size,
            count=found.count,
            count_is_capped=found.is_capped,
            has_next=found.has_next and (not ends or self.datamodel.has_row_order(order[0])),
            order=order,
            pks=self.datamodel.get_keys(found.rows),
            rows=found.rows,
            actions=actions or self.actions,
            filters=filters,
            modelview_name=type(self).__name__,
            empty_message=self.empty_message,
            **self._field_edit(),
            **kwargs,
        )
        return widgets

    def _calendar(self, text: str, applied: list[FilterArgument]) -> CalendarWidget:
        """Return the rows of a month. Those of other months are not read."""
        month, column = calendar_layout.parse(text), self._calendar_column
        following = calendar_layout.other(month, 1)
        period = self.datamodel.parse_period(column, f"{month}{list_arguments.UNTIL}{following - timedelta(days=1)}")
        self._filters.add_within(column, period)
        shown = dict.fromkeys((*self.list_columns, column))
        found = self.datamodel.page(
            self._filters.get_joined_filters(self._base_filters),
            (column, "asc"),
            size=calendar_layout.MAX_ROWS,
            columns=(*shown, *self.load_columns),
        )
        name, formatters = self._name_column(self.list_columns), self._formatters()
        tones, has_page = self._tones(self.list_columns), self.may("show")

        def entry(row: Any) -> calendar_layout.Entry:
            (values,) = self.datamodel.get_values([row], list(shown))
            state, tone_of = next(iter(tones.items()), (None, {}))
            when = values[column]
            return calendar_layout.Entry(
                str(formatters.get(name, formats.value)(values[name])),
                formats.time(when) if isinstance(when, datetime) else "",
                url_for(f"{self.endpoint}.show", pk=self.datamodel.get_keys([row])[0]) if has_page else None,
                tone_of.get(values[state], "") if state else "",
            )

        return CalendarWidget(
            days=calendar_layout.days(month, found.rows, lambda row: getattr(row, column), entry),
            weekdays=calendar_layout.weekdays(),
            month_name=calendar_layout.name_of(month),
            is_capped=found.has_next,
            previous_url=self._month_url(calendar_layout.other(month, -1), applied),
            next_url=self._month_url(following, applied),
            today_url=self._month_url(calendar_layout.this_month(), applied),
            list_url=self._month_url(None, applied),
        )

    def _month_url(self, month: date | None, applied: list[FilterArgument]) -> str:
        """Return the URL of this list as the calendar of a month, or as a list."""
        view = type(self).__name__
        changes = {f"_month_{view}": f"{month:%Y-%m}" if month else None, f"page_{view}": None}
        return list_arguments.build_url(own_path(), request.args, applied, **changes)

    def _field_edit(self) -> dict[str, Any]:
        """Return the columns that the list can set in the chosen rows, with their labels, and those in their cells."""
        bulk, inline = getattr(self, "bulk_columns", ()), getattr(self, "inline_columns", ())
        if not (bulk or inline) or not self.may("edit"):
            return {"bulk_columns": [], "inline_columns": []}
        return {"bulk_columns": [(name, self.label_columns[name]) for name in bulk], "inline_columns": inline}

    def part(self, filters: StockFilters | None = None) -> Any:
        """Return the widget of the list for another page, with only those rows that `filters` leave."""
        arguments = self._list_arguments()
        return self._get_view_widget(
            filters=filters or self.datamodel.get_filters(),
            order_column=arguments.order[0],
            order_direction=arguments.order[1],
            page=arguments.page,
            page_size=arguments.page_size,
            beside=arguments.beside,
        )

    def _formatters(self) -> dict[str, Callable[[Any], object]]:
        """Return the formatters of the columns. Labels are translated once for a page, not for each row."""
        related = dict.fromkeys(filter(self.datamodel.is_relation, self.list_columns), object_pages.names)
        shown = {
            column: shown.translated() if isinstance(shown, Labels) else shown
            for column, shown in self.formatters_columns.items()
        }
        return {**related, **shown}

    def _name_column(self, columns: Sequence[str]) -> str:
        """Return the column that leads to the page of a row: the declared one, or the first text."""
        if self.name_column in columns:
            return self.name_column
        texts = (
            column
            for column in columns
            if column not in self.choices_columns
            and (self.datamodel.is_string(column) or self.datamodel.is_text(column))
        )
        return next(texts, columns[0])

    def _minor_columns(self, columns: Sequence[str]) -> list[str]:
        """Return the columns that the two lines of a row have no place for: keys, and what comes late."""
        keys = [column for column in columns if self.datamodel.is_pk(column)]
        beside = {self._name_column(columns), *keys, *list(self._tones(columns))[:1]}
        return [*keys, *[column for column in columns if column not in beside][SECOND_LINE:]]

    def _tones(self, columns: Sequence[str]) -> dict[str, Mapping[Any, str]]:
        """Return the columns whose values are drawn as badges, with the tone of each value; the first is the state."""
        name = self._name_column(columns)
        labelled = [
            column for column in columns if column != name and isinstance(self.formatters_columns.get(column), Labels)
        ]
        return {
            column: self.state_tones.get(column, {})
            for column in sorted(labelled, key=lambda column: column not in self.state_tones)
        }

    def found(self, text: str, most: int) -> list[tuple[Any, Any]]:
        """Return the keys and rows that the search box finds for `text`, at most `most`."""
        filters = self._possible_filters.fresh()
        if not filters.text_columns():
            return []
        filters.add_search(text)
        keys = self.datamodel.keys(filters.get_joined_filters(self._base_filters), self.base_order, most)
        rows = {self.datamodel.get_pk_value(row): row for row in self.datamodel.get_many(keys)}
        return [(shown, rows[key]) for key in keys if key in rows for shown in self.datamodel.get_keys([rows[key]])]

    # -- the search

    def _search(self, applied: list[FilterArgument], arguments: ListArguments) -> SearchWidget:
        search, page = arguments.search, f"page_{type(self).__name__}"
        offered = self._possible_filters.offered()
        quick = [
            (column, str(self.label_columns[column]), None if self._is_moment(column) else self._choices(column))
            for column in self._quick_columns
            if 0 in offered.get(column, ())
        ]
        beside = {(column, 0) for column in self._quick_columns}
        return self.search_widget(
            route_base=self.route_base,
            modelview_name=type(self).__name__,
            label_columns=self.label_columns,
            search_filters={
                column: [flt.name for index, flt in enumerate(filters) if index in offered.get(column, ())]
                for column, filters in self._possible_filters.get_search_filters().items()
            },
            active_filters=[self._active(argument, applied) for argument in applied],
            quick_filters=list(quick_filters.shown(quick, applied, page)),
            # Those that no quick filter shows.
            other_filters=[
                self._active(each, applied) for each in applied if (each.column, each.operator) not in beside
            ],
            columns=[(column, self.label_columns[column]) for column in self._offered_columns],
            columns_shown=arguments.columns or tuple(getattr(self, "list_columns", ())),
            filter_fields=self._filter_fields(offered),
            search_columns=[self.label_columns[column] for column in self._possible_filters.text_columns()],
            search=search,
            max_search_length=list_arguments.MAX_SEARCH_LENGTH,
            clear_url=list_arguments.build_url(own_path(), request.args, applied, **{"q": None, page: None}),
        )

    def _active(self, argument: FilterArgument, applied: list[FilterArgument]) -> dict[str, Any]:
        """Return an active filter for display, with the URL that removes it."""
        rest = [other for other in applied if other is not argument]
        choices = dict(self._choices(argument.column))
        page = f"page_{type(self).__name__}"
        return {
            "column": argument.column,
            "label": self.label_columns[argument.column],
            "operator": self._possible_filters.get_search_filters()[argument.column][argument.operator].name,
            "value": quick_filters.value_shown(argument.value, choices),
            "argument": argument.pair,
            "remove_url": list_arguments.build_url(own_path(), request.args, rest, **{page: None}),
        }

    def _filter_fields(self, offered: Mapping[str, Collection[int]]) -> Markup:
        """Return the fields of a filter, rendered once: they are the same for all readers of a language."""
        known: dict[object, Markup] = current_app.extensions.setdefault(FILTER_FIELDS, {})
        # A table that has become large offers less.
        operators = tuple((column, *sorted(positions)) for column, positions in offered.items())
        key = self.endpoint, current_locale(), request.script_root, operators
        fields = known.get(key)
        if fields is None:
            if len(known) >= MOST_FILTER_FIELDS:
                known.clear()
            available = [self._available(column, positions) for column, positions in offered.items()]
            html = render_template("appbuilder/general/widgets/_filter_fields.html", available_filters=available)
            # Templates of HTML escape what is put into them.
            fields = known[key] = Markup(html if available else "")  # noqa: S704
        return fields

    def _available(self, column: str, positions: Collection[int]) -> dict[str, Any]:
        """Return the filters of `column`; `kind` is the type of the input for their value."""
        has_suggestions = column in self.named_relations and self.is_routed("options")
        filters = self._possible_filters.get_search_filters()[column]
        return {
            "column": column,
            "label": self.label_columns[column],
            "operators": [(index, flt.name) for index, flt in enumerate(filters) if index in positions],
            "of_days": {index for index, flt in enumerate(filters) if getattr(flt, "is_of_days", False)},
            "kind": self._kind(column),
            "choices": self._choices(column),
            "options_url": url_for(f"{self.endpoint}.options", column=column, page="list") if has_suggestions else None,
        }

    def _is_moment(self, column: str) -> bool:
        return isinstance(self._possible_filters.get_search_filters()[column][0], OfMoments)

    def _choices(self, column: str) -> list[tuple[str, str]]:
        if self.datamodel.is_boolean(column):
            return [("1", _("Yes")), ("0", _("No"))]
        return [(str(value), str(label)) for value, label in self.choices_columns.get(column, {}).items()]

    def _kind(self, column: str) -> str:
        if column in self.choices_columns or self.datamodel.is_boolean(column):
            return "select"
        kinds = (("is_integer", "number"), ("is_date", "date"), ("is_datetime", "datetime-local"))
        return next((kind for marker, kind in kinds if getattr(self.datamodel, marker)(column)), "text")

    # -- the show page

    def _find(self, pk: str, columns: Iterable[str] = ()) -> Any:
        """Return the row with a key; responds 404 if there is none or the view hides it."""
        item = self.datamodel.get(pk, self._base_filters, [*columns, *self.load_columns])
        if item is None:
            abort(404)
        return item

    # Flask-AppBuilder's shows related lists to members who may not open them.
    def _show(self, pk: str) -> dict[str, Any]:
        item = self._find(pk, self.show_columns)
        return self._with_related(item, self._get_show_widget(pk, item))

    # Flask-AppBuilder's shows related rows as text.
    def _get_show_widget(self, pk: Any, item: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        widgets: dict[str, Any] = super()._get_show_widget(pk, item, *args, **kwargs)  # type: ignore[misc]
        relations = dict.fromkeys(filter(self.datamodel.is_relation, self.show_columns), object_pages.linked)
        widgets["show"].template_args["formatters_columns"] = {
            **self._formatters(),
            **relations,
            **self.formatters_columns,
        }
        widgets["object"] = object_pages.head(self, item)
        return widgets

    def _with_related(self, item: Any, widgets: dict[str, Any]) -> dict[str, Any]:
        """Add the lists of rows that belong to `item`; None if the member may not see one."""
        widgets["related_views"] = [
            self._related(item, view) if view.may(view.part_page) else None for view in self._related_views
        ]
        widgets["linked_lists"] = list(self._linked_lists(item))
        widgets["linked_title"] = self.linked_title
        return widgets

    def _linked_lists(self, item: Any) -> Iterator[tuple[object, str]]:
        """Yield title and URL of the lists with rows of `item` that the member may open."""
        views = {view.endpoint: view for view in self.appbuilder.baseviews}
        for name, column in self.linked_lists.items():
            view = views[name]
            if view.may("list"):
                key = view.named_relations[column][0]
                address = list_arguments.build_url(
                    url_for(f"{name}.list"), MultiDict(), [FilterArgument(column, 0, str(getattr(item, key)))]
                )
                yield view.list_title, address

    def _related(self, item: Any, view: Any) -> Any:
        relation = view.datamodel.get_related_fk(self.datamodel.obj)
        filters = view.datamodel.get_filters()
        filters.add_filter_related_view(relation, FilterRelated, self.datamodel.get_pk_value(item))
        return view.part(filters)
