"""The chart views of Flask-AppBuilder: grouped by the database where it can, drawn on the server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any

from babel import dates
from flask import abort, flash, redirect, request, url_for
from flask_appbuilder import DirectByChartView as StockDirectByChartView
from flask_appbuilder import GroupByChartView as StockGroupByChartView
from flask_appbuilder import expose, has_access, permission_name
from flask_appbuilder.baseviews import BaseModelView
from flask_appbuilder.charts.views import BaseChartView as StockBaseChartView
from flask_appbuilder.charts.widgets import ChartWidget
from flask_appbuilder.models.group import aggregate_avg, aggregate_count, aggregate_sum
from flask_babel import get_locale, pgettext
from flask_babel import gettext as _
from sqlalchemy import extract, func
from werkzeug.utils import secure_filename
from werkzeug.wrappers import Response as BaseResponse

from app.charts import downloads
from app.charts.model import Table
from app.crud.chart_data import CHART_TYPES, MAX_ROWS, as_number, chart_of, table_of
from app.crud.fab_attributes import refuse
from app.crud.filters import Filters
from app.crud.list_mixin import ListMixin
from app.crud.view_config import Labels, fail_config, require_label
from app.crud.views import BaseView
from app.i18n import formats

# Rows that are read where the database cannot group them. One more group than can be shown tells that there are more.
MAX_READ = 10_000
MAX_GROUPS = MAX_ROWS + 1
SQL_AGGREGATES: dict[Any, Callable[[Any], Any]] = {
    aggregate_count: lambda _column: func.count(),
    aggregate_sum: func.sum,
    aggregate_avg: func.avg,
}


@dataclass(frozen=True)
class Choice:
    """One chart of a view: `key` stands in its URL."""

    key: str
    label: object
    figures: Callable[[Filters], Table]


class ChartPages(ListMixin, BaseView, StockBaseChartView):
    """The base: a page with one of several charts of the same rows, and the filters of a list.

    Required: `chart_title`, and a label of each column. Nothing is searched that `search_columns` does not name.
    """

    chart_template = "appbuilder/general/charts/chart.html"
    part_page = "chart"
    chart_widget = ChartWidget
    # What a list has beside its filters.
    base_order = ("", "asc")
    order_columns: Sequence[str] = ()
    page_size = 1
    formatters_columns: Mapping[str, Callable[[Any], object]] = {}

    def choices(self) -> list[Choice]:
        """Return the charts; the first one is shown at first."""
        raise NotImplementedError

    # -- configuration

    # Flask-AppBuilder's makes labels that cannot be translated, and lets all columns be searched where none are declared.
    def _init_properties(self) -> None:
        refuse(self, GroupByChartView if isinstance(self, GroupByChartView) else ChartPages)
        if self.chart_type not in CHART_TYPES:
            fail_config(self, f"a chart_type among {', '.join(CHART_TYPES)}")
        self.label_columns = dict(self.label_columns or {})
        searched = list(self.search_columns or ())
        BaseModelView._init_properties(self)  # noqa: SLF001 - the list's would ask for its columns
        self._init_search(searched)
        for column in (*searched, *self._charted()):
            require_label(self, column)

    def _init_forms(self) -> None:
        """Make no form: Flask-AppBuilder's would load all rows of related tables."""

    # Flask-AppBuilder's "Chart" could not be translated.
    def _init_titles(self) -> None:
        if self.chart_title == StockBaseChartView.chart_title:
            fail_config(self, "chart_title")
        self.title = self.chart_title

    def _charted(self) -> list[str]:
        """Return the columns whose labels are shown."""
        return []

    # -- the page

    @expose("/chart/<group_by>")
    @expose("/chart/")
    @has_access
    def chart(self, group_by: str = "") -> str:
        """Show a chart. Flask-AppBuilder's reads all rows, and draws with a script of another host."""
        return self._chart_page(group_by)

    @expose(f"/file/<path:key>.<{downloads.ANY}:kind>")
    @has_access
    @permission_name("chart")
    def file(self, key: str, kind: str) -> BaseResponse:
        """Send a chart as a drawing, a picture, or its figures, with the filters of the page."""
        chosen = self._chosen(key)
        self._apply_arguments()
        chart, _is_cut = chart_of(self._figures_of(chosen, self._filters), self.chart_type)
        name = secure_filename(str(chosen.label)) or "chart"
        try:
            return downloads.response(chart, str(chosen.label), name, kind)
        except downloads.NoPictureError:
            flash(_("No picture could be made. Take the SVG file instead."), "warning")
            return redirect(f"{self._url(key)}?{request.query_string.decode()}", 303)

    def _chosen(self, key: str) -> Choice:
        choices = self.choices()
        chosen = next((choice for choice in choices if choice.key == key), choices[0] if not key else None)
        if chosen is None:
            abort(404)
        return chosen

    def _chart_page(self, key: str) -> str:
        choices, chosen = self.choices(), self._chosen(key)
        arguments, applied = self._apply_arguments()
        chart = self._chart(chosen, self._filters, self._files(chosen))
        widgets = {"search": self._search(applied, arguments), "chart": chart}
        links = [(self._url(choice.key), choice.label, choice.key == chosen.key) for choice in choices]
        return str(
            self.render_template(
                self.chart_template,
                title=self.chart_title,
                group_by_label=self.group_by_label,
                links=links,
                widgets=widgets,
            )
        )

    def _url(self, key: str) -> str:
        return url_for(f"{self.endpoint}.chart", group_by=key)

    def part(self, filters: Filters | None = None) -> Any:
        """Return the widget of the first chart for another page, of only those rows that `filters` leave."""
        return self._chart(self.choices()[0], filters or self.datamodel.get_filters())

    def _chart(self, choice: Choice, filters: Filters, urls: Mapping[str, str] | None = None) -> Any:
        return self.chart_widget(
            chart_title=choice.label,
            chart_type=self.chart_type,
            value_columns=self._figures_of(choice, filters),
            modelview_name=type(self).__name__,
            urls=urls,
        )

    def _figures_of(self, choice: Choice, filters: Filters) -> Table:
        return choice.figures(filters.get_joined_filters(self._base_filters))

    def _files(self, choice: Choice) -> dict[str, str]:
        """Return the files of a chart, with the filters of this page."""
        asked: dict[str, Any] = request.args.to_dict(flat=False)
        return downloads.urls(
            lambda kind: url_for(f"{self.endpoint}.file", **{**asked, "key": choice.key, "kind": kind})
        )

    # -- figures

    def _text(self, column: str, value: Any, formatter: Callable[[Any], object] | None = None) -> str:
        """Return the label of a group."""
        if formatter is None and column in self.choices_columns:
            formatter = Labels(self.choices_columns[column])
        return str((formatter or formats.value)(value))

    def _is_stored(self, column: str) -> bool:
        return column in self.datamodel.obj.__mapper__.column_attrs

    def _rows(self, filters: Filters, columns: Sequence[str], most: int) -> list[Any]:
        order = next((column for column in columns[:1] if self.datamodel.is_ordered(column)), "")
        return self.datamodel.page(filters, (order, "asc"), size=most, columns=columns).rows

    def _counted(self, column: str, filters: Filters) -> Table:
        """Return how many rows have each value of `column`."""
        rows = self.datamodel.grouped([getattr(self.datamodel.obj, column)], [func.count()], filters, MAX_GROUPS)
        return table_of(
            self.label_columns[column],
            [pgettext("count", "Number")],
            [(self._text(column, value), [count]) for value, count in rows],
        )


class GroupByChartView(ChartPages, StockGroupByChartView):
    """Charts of groups of rows, as `definitions` says: each needs a label.

    Counts, sums and averages of columns are computed by the database. Other functions get at most 10,000 rows.
    """

    chart_template = ChartPages.chart_template
    chart_widget = ChartWidget

    def __init__(self, **kwargs: Any) -> None:
        # Not Flask-AppBuilder's: it overwrites labels with names of columns.
        StockBaseChartView.__init__(self, **kwargs)

    # Flask-AppBuilder's fails when somebody opens the page.
    def _init_properties(self) -> None:
        if not self.definitions or not all(each.get("label") for each in self.definitions):
            fail_config(self, "definitions, each with a label")
        self._check_series()
        super()._init_properties()

    def _check_series(self) -> None:
        if any(len(each) != 2 for definition in self.definitions for each in definition["series"]):
            fail_config(self, "the series of a definition as pairs of a function and a column")

    def choices(self) -> list[Choice]:
        return [
            Choice(str(index), definition["label"], partial(self._figures, definition))
            for index, definition in enumerate(self.definitions)
        ]

    def _charted(self) -> list[str]:
        return [
            column
            for definition in self.definitions
            for column in (definition["group"], *(each[1] for each in self._measured(definition)))
        ]

    def _measured(self, definition: Mapping[str, Any]) -> list[tuple[Any, str]]:
        return [each for each in definition["series"] if each[0] is not aggregate_count]

    def _figures(self, definition: Mapping[str, Any], filters: Filters) -> Table:
        group, series = definition["group"], definition["series"]
        in_database = all(make in SQL_AGGREGATES for make, _column in series)
        columns = [group, *(column for _make, column in self._measured(definition))]
        if in_database and all(self._is_stored(column) for column in columns):
            rows = self._grouped(group, series, filters)
        else:
            rows = self._aggregated(group, series, filters)
        return table_of(
            self.label_columns[group],
            [self._series_label(make, column) for make, column in series],
            [(self._text(group, key, definition.get("formatter")), list(map(as_number, row))) for key, row in rows],
        )

    def _grouped(self, group: str, series: Sequence[Any], filters: Filters) -> list[tuple[Any, Sequence[Any]]]:
        model = self.datamodel.obj
        measures = [SQL_AGGREGATES[make](getattr(model, column, None)) for make, column in series]
        rows = self.datamodel.grouped([getattr(model, group)], measures, filters, MAX_GROUPS)
        return [(row[0], row[1:]) for row in rows]

    def _aggregated(self, group: str, series: Sequence[Any], filters: Filters) -> list[tuple[Any, Sequence[Any]]]:
        read = self.ProcessClass([group], series, {}).attrgetter(group)
        rows = self._rows(filters, [group], MAX_READ)
        keyed = sorted(((str(read(row) or ""), row) for row in rows), key=lambda pair: pair[0])
        groups = [[row for _key, row in pairs] for _key, pairs in groupby(keyed, key=lambda pair: pair[0])]
        return [(read(items[0]), [make(items, column) for make, column in series]) for items in groups]

    def _series_label(self, make: Any, column: str) -> str:
        if make is aggregate_count:
            return str(pgettext("count", "Number"))
        label = str(self.label_columns[column])
        if make is aggregate_sum:
            return str(_("Sum: %(column)s", column=label))
        if make is aggregate_avg:
            return str(_("Average: %(column)s", column=label))
        return f"{getattr(make, '_label', make.__name__)} {label}"


class DirectByChartView(GroupByChartView, StockDirectByChartView):
    """Charts of the rows themselves: the series are columns or methods of the model."""

    ProcessClass = StockDirectByChartView.ProcessClass

    def _check_series(self) -> None:
        """Accept names of columns."""

    def _charted(self) -> list[str]:
        return [column for each in self.definitions for column in (each["group"], *each["series"])]

    def _figures(self, definition: Mapping[str, Any], filters: Filters) -> Table:
        group, series = definition["group"], definition["series"]
        process = self.ProcessClass([group], series, {})
        read = {column: process.attrgetter(column) for column in (group, *series)}
        rows = self._rows(filters, [group, *series], MAX_GROUPS)
        return table_of(
            self.label_columns[group],
            [self.label_columns[column] for column in series],
            [
                (
                    self._text(group, read[group](row), definition.get("formatter")),
                    [as_number(read[column](row)) for column in series],
                )
                for row in rows
            ],
        )


class ChartView(ChartPages):
    """How many rows have each value of one of the `group_by_columns`."""

    group_by_columns: Sequence[str] = ()

    def choices(self) -> list[Choice]:
        return [
            Choice(column, self.label_columns[column], partial(self._counted, column))
            for column in self.group_by_columns
        ]

    def _charted(self) -> list[str]:
        if not self.group_by_columns:
            fail_config(self, "group_by_columns")
        return list(self.group_by_columns)


class TimeChartView(ChartView):
    """How many rows fall into each month or year (UTC) of one of the `group_by_columns`."""

    chart_type = "ColumnChart"

    @expose("/chart/<group_by>/<period>")
    @expose("/chart/")
    @has_access
    def chart(self, group_by: str = "", period: str = "month") -> str:
        """Show a chart. Flask-AppBuilder's reads all rows, and draws with a script of another host."""
        return self._chart_page(f"{group_by}/{period}" if group_by else "")

    def choices(self) -> list[Choice]:
        return [
            choice
            for column in self.group_by_columns
            for choice in (
                Choice(
                    f"{column}/month",
                    _("%(column)s, by month", column=str(self.label_columns[column])),
                    partial(self._per_period, column, ("year", "month")),
                ),
                Choice(
                    f"{column}/year",
                    _("%(column)s, by year", column=str(self.label_columns[column])),
                    partial(self._per_period, column, ("year",)),
                ),
            )
        ]

    def _url(self, key: str) -> str:
        group_by, _slash, period = key.partition("/")
        return url_for(f"{self.endpoint}.chart", group_by=group_by, period=period)

    def _per_period(self, column: str, parts: tuple[str, ...], filters: Filters) -> Table:
        moment = getattr(self.datamodel.obj, column)
        rows = self.datamodel.grouped([extract(part, moment) for part in parts], [func.count()], filters, MAX_GROUPS)
        skeleton = "yMMM" if "month" in parts else "y"
        labelled = [
            (dates.format_skeleton(skeleton, date(*map(int, (*row[:-1], 1, 1)[:3])), locale=get_locale()), [row[-1]])
            for row in rows
            if row[0] is not None
        ]
        return table_of(self.label_columns[column], [pgettext("count", "Number")], labelled)


class DirectChartView(ChartPages):
    """Columns of the rows themselves: {"label": ("column of the axis", "column", ...)}."""

    chart_type = "ColumnChart"
    direct_columns: Mapping[str, Sequence[str]] = {}

    def choices(self) -> list[Choice]:
        return [Choice(label, label, partial(self._direct, columns)) for label, columns in self.direct_columns.items()]

    def _charted(self) -> list[str]:
        if not self.direct_columns:
            fail_config(self, "direct_columns")
        return [column for columns in self.direct_columns.values() for column in columns]

    def _direct(self, columns: Sequence[str], filters: Filters) -> Table:
        group, *series = columns
        return table_of(
            self.label_columns[group],
            [self.label_columns[column] for column in series],
            [
                (self._text(group, getattr(row, group)), [as_number(getattr(row, column)) for column in series])
                for row in self._rows(filters, columns, MAX_GROUPS)
            ],
        )
