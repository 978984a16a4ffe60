"""What the template of a figure shows of a chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flask_babel import gettext as _
from markupsafe import Markup

from app.charts import texts, values
from app.charts.drawing import Drawing, drawn, is_drawn, wrapped
from app.charts.drawing.canvas import COLOURS, HEIGHT, Canvas
from app.charts.drawing.round import shares
from app.charts.model import Chart, Column, Kind, Multiples, Numbers, Parts, Plot, Table, Value
from app.i18n import selectors

# Rows of the table beside a chart, and of a chart that is a table.
MAX_ROWS, MAX_TABLE = 50, 500


@dataclass(frozen=True)
class Figure:
    """A chart as the template needs it."""

    chart: Chart
    title: str
    name: str
    is_rtl: bool
    height: int

    @cached_property
    def kind(self) -> str:
        """The name of the macro that draws what is not SVG."""
        return "svg" if is_drawn(self.chart) else type(self.chart).__name__.lower()

    @cached_property
    def is_empty(self) -> bool:
        return values.is_empty(self.chart)

    @cached_property
    def drawing(self) -> Drawing:
        return drawn(self.chart, Canvas(is_rtl=self.is_rtl, height=self.height))

    @property
    def svg(self) -> Markup:
        return wrapped(self.drawing, is_rtl=self.is_rtl, label=self.title, described_by=f"{self.name}-description")

    @cached_property
    def description(self) -> str:
        return values.description(self.chart)

    @property
    def note(self) -> str:
        """What is not shown, in a sentence."""
        if is_drawn(self.chart) and not self.is_empty and self.drawing.note:
            return self.drawing.note
        return ""

    @property
    def legend(self) -> list[tuple[int, str, str]]:
        """The colours: their numbers, what they stand for, and a value."""
        return legend(self.chart)

    @cached_property
    def table(self) -> Table | None:
        """The values, if the chart does not show them as text."""
        return values.table(self.chart, MAX_ROWS) if values.has_values(self.chart) and not self.is_empty else None

    @cached_property
    def rows(self) -> Table:
        """The rows of a table."""
        return values.table(self.chart, MAX_TABLE)


def legend(chart: Chart) -> list[tuple[int, str, str]]:
    if isinstance(chart, Parts):
        known = shares(chart)
        return [(n, title, texts.number(value, chart.unit)) for n, (title, value) in enumerate(known)]
    plot = chart.charts[0][1] if isinstance(chart, Multiples) and chart.charts else chart
    if isinstance(plot, Plot) and len(plot.series) > 1:
        return [(n, texts.clean(series.title), "") for n, series in enumerate(plot.series[:COLOURS])]
    return []


def figure_of(chart: Chart, title: object, name: str, height: int | None = None) -> Figure:
    """Return what is shown of a chart."""
    return Figure(chart, texts.clean(title), name, selectors.current_locale_info().dir == "rtl", height or HEIGHT)


def shown(value: Value, column: Column | None = None) -> str:
    """Format a value of a table."""
    return texts.shown(value, column.unit if column is not None else "")


def sort_key(value: Value) -> str:
    """Return what a script sorts a value by: a number, or a moment; nothing for texts."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    return "" if value is None or isinstance(value, str) else value.isoformat()


def is_number(column: Column) -> bool:
    return column.kind is Kind.NUMBER


def change(numbers: Numbers) -> Sequence[tuple[str, str]]:
    """Return for each number how it has changed, and whether it grew."""
    return [_changed(each.change) for each in numbers.numbers]


def _changed(part: float | None) -> tuple[str, str]:
    known = texts.as_float(part)
    if known is None:
        return "", ""
    text = texts.part(abs(known))
    if known > 0:
        return "up", str(_("%(part)s more than before", part=text))
    return ("down", str(_("%(part)s less than before", part=text))) if known < 0 else ("same", str(_("As before")))
