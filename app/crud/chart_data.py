"""What the chart views of Flask-AppBuilder declare and find, as charts."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import gettext as _
from flask_babel import pgettext

from app.charts import texts
from app.charts.model import Axis, Chart, Column, Kind, Mark, Parts, Plot, Point, Series, Table, Value
from app.i18n import formats

# Flask-AppBuilder's chart types, and how a series of them is drawn.
CHART_TYPES = ("AreaChart", "BarChart", "ColumnChart", "LineChart", "PieChart")
MARKS = {"AreaChart": Mark.AREA, "LineChart": Mark.LINE}
MAX_ROWS = 200


def init_app(app: Flask) -> None:
    """Add the filter `chart_of` to the templates."""
    app.jinja_env.filters["chart_of"] = chart_of


def chart_of(data: Any, chart_type: str = "") -> tuple[Chart, bool]:
    """Return the chart of a table, or of what Flask-AppBuilder makes for Google's charts: pairs, or columns and rows.

    Also whether there is more than is shown.
    """
    table = data if isinstance(data, Table) else _from_google(data) if isinstance(data, dict) else _from_pairs(data)
    rows = table.rows[:MAX_ROWS]
    is_cut = table.is_cut or len(table.rows) > MAX_ROWS
    if chart_type == "PieChart":
        return Parts([(str(row[0]), as_number(row[1]) or 0.0) for row in rows]), is_cut
    mark = MARKS.get(chart_type, Mark.BAR)
    series = [
        Series(column.title, [Point(row[0], as_number(row[number])) for row in rows], mark)
        for number, column in enumerate(table.columns[1:], 1)
    ]
    return Plot(series, x=Axis(table.columns[0].title), is_flipped=chart_type == "BarChart"), is_cut


def table_of(heading: object, series: Iterable[object], rows: Sequence[tuple[str, Sequence[Value]]]) -> Table:
    """Return a table of groups and their numbers."""
    columns = [
        Column("group", str(heading), Kind.TEXT),
        *(Column(str(n), str(title)) for n, title in enumerate(series)),
    ]
    return Table(tuple(columns), [(label, *values) for label, values in rows])


def _from_google(data: dict[str, Any]) -> Table:
    headings = [str(column["label"]) for column in data["cols"]]
    rows = [[cell["v"] for cell in row["c"]] for row in data["rows"]]
    return table_of(headings[0], headings[1:], [(str(row[0]), row[1:]) for row in rows])


def _from_pairs(data: Iterable[Sequence[Any]]) -> Table:
    return table_of(
        _("Group"), [pgettext("count", "Number")], [(formats.value(label), [value]) for label, value in data]
    )


def as_number(value: object) -> float | None:
    """Return a value as a number, or None for what cannot be drawn."""
    return texts.as_float(value) if isinstance(value, int | float | Decimal | str) else None
