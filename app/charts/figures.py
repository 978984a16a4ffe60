"""What the template of a figure shows of a chart."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from flask_babel import gettext as _
from markupsafe import Markup

from app.charts import markdown, memo, texts, values
from app.charts.drawing import Drawing, drawn, is_drawn, wrapped
from app.charts.drawing.canvas import COLOURS, HEIGHT, Canvas
from app.charts.drawing.grids import steps
from app.charts.drawing.parts import shares
from app.charts.drawing.plot_data import SMALL, fitted
from app.charts.model import (
    Branch,
    Chart,
    Column,
    HeatMap,
    Image,
    Kind,
    Multiples,
    Numbers,
    Parts,
    Plot,
    Prose,
    Table,
    Tree,
    Value,
    Words,
)
from app.i18n import selectors

# Rows of the table beside a chart, and of a chart that is a table.
# Of what is longer, a few show what is in the file.
MAX_ROWS, FEW_ROWS, MAX_TABLE = 100, 20, 500
MAX_WORDS, MAX_BRANCHES, MAX_DEPTH = 200, 400, 12
IMAGE_DATA = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+")


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
        canvas = Canvas(is_rtl=self.is_rtl, height=self.height)
        return memo.once(self.chart, canvas, lambda: drawn(self.chart, canvas))

    @property
    def svg(self) -> Markup:
        return wrapped(self.drawing, is_rtl=self.is_rtl, label=self.title, described_by=f"{self.name}-description")

    @cached_property
    def description(self) -> str:
        return memo.once(self.chart, "description", lambda: values.description(self.chart))

    @property
    def notes(self) -> list[str]:
        """What is not shown, in sentences."""
        is_cut = is_drawn(self.chart) and not self.is_empty and self.drawing.note
        return [*([self.drawing.note] if is_cut else []), *map(texts.clean, self.chart.notes)]

    @property
    def legend(self) -> list[tuple[int, str, str]]:
        """The colours: their numbers, what they stand for, and a value."""
        return legend(self.chart)

    @cached_property
    def table(self) -> Table | None:
        """The values, if the chart does not show them as text."""
        if not values.has_values(self.chart) or self.is_empty:
            return None
        table = memo.once(self.chart, "table", lambda: values.table(self.chart, MAX_ROWS))
        return replace(table, rows=table.rows[:FEW_ROWS]) if table.is_cut else table

    @cached_property
    def rows(self) -> Table:
        """The rows of a table."""
        return memo.once(self.chart, "rows", lambda: values.table(self.chart, MAX_TABLE))

    # -- what is no SVG

    @property
    def words(self) -> list[tuple[str, int, str]]:
        """Words with their size, from 1 to 6, and their weight."""
        words = self.chart.words[:MAX_WORDS] if isinstance(self.chart, Words) else []
        most = max((weight for _word, weight in words), default=0) or 1
        return [
            (texts.clean(word), 1 + round(5 * max(weight, 0) / most), texts.number(weight)) for word, weight in words
        ]

    @property
    def branches(self) -> Branch | None:
        """The tree, as deep and as wide as a page can hold."""
        return _pruned(self.chart.root, [MAX_BRANCHES], 0) if isinstance(self.chart, Tree) else None

    @property
    def image(self) -> str:
        """The source of an image, if it is of this site or in the chart itself."""
        source = self.chart.source if isinstance(self.chart, Image) else ""
        is_data = IMAGE_DATA.fullmatch(source) is not None
        return source if is_data or (source.startswith("/") and texts.safe_url(source)) else ""

    @property
    def prose(self) -> Markup:
        return markdown.html(self.chart.markdown) if isinstance(self.chart, Prose) else Markup("")

    @property
    def multiples(self) -> list[tuple[str, Markup]]:
        """The small charts, all with the same axes."""
        if not isinstance(self.chart, Multiples):
            return []
        canvas = Canvas(is_rtl=self.is_rtl, height=SMALL)
        return [
            (texts.clean(title), wrapped(drawn(plot, canvas), is_rtl=self.is_rtl, label=texts.clean(title)))
            for title, plot in fitted(self.chart).charts
        ]

    @property
    def ramp(self) -> tuple[str, str] | None:
        """The least and the greatest value of a heat map."""
        if not isinstance(self.chart, HeatMap):
            return None
        levels = steps(self.chart)
        return texts.number(levels[0][0], self.chart.unit), texts.number(levels[-1][1], self.chart.unit)


def _pruned(branch: Branch, left: list[int], depth: int) -> Branch:
    """Return a branch without what is too deep, or beyond the number of branches that are left."""
    left[0] -= 1
    inner = branch.children if depth < MAX_DEPTH else []
    return Branch(branch.title, branch.value, [_pruned(child, left, depth + 1) for child in inner if left[0] > 0])


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
