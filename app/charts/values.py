"""The values of a chart: as a table, as a CSV file, and in a sentence."""

from collections import Counter
from collections.abc import Iterator
from functools import singledispatch
from itertools import islice

from flask_babel import gettext as _
from flask_babel import pgettext

from app.charts import texts
from app.charts.ends import ends
from app.charts.model import (
    Boxes,
    Branch,
    Chart,
    Column,
    Gauge,
    Graph,
    HeatMap,
    Image,
    Kind,
    Multiples,
    Numbers,
    Parts,
    Plot,
    Prose,
    Refusal,
    Rows,
    Samples,
    Series,
    Sparkline,
    Table,
    Timeline,
    Tree,
    Value,
    Words,
)
from app.i18n import cells

Found = Iterator[tuple[float, str]]


def csv(chart: Chart) -> str:
    """Return all values as a CSV file."""
    whole = table(chart)
    header = [cells.text(_heading(column)) for column in whole.columns]
    return cells.lines([header, *([cells.plain(value) for value in row] for row in whole.rows)])


def _heading(column: Column) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title


def table(chart: Chart, most: int | None = None) -> Table:
    """Return the values as rows, at most so many."""
    columns, rows = _table(chart)
    found = list(islice(rows, None if most is None else most + 1))
    is_cut = (most is not None and len(found) > most) or (isinstance(chart, Rows) and chart.table.is_cut)
    return Table(columns, found[:most], is_cut=is_cut)


def _text(name: str, title: str) -> Column:
    return Column(name, title, Kind.TEXT)


Columns = tuple[Column, ...]
Lines = Iterator[tuple[Value, ...]]


@singledispatch
def _table(chart: Chart) -> tuple[Columns, Lines]:
    """Return the columns and the rows of a chart without values: its text."""
    shown = getattr(chart, "reason", "") or getattr(chart, "markdown", "") or getattr(chart, "text", "")
    return (_text("text", _("Text")),), iter([(str(shown),)])


@_table.register
def _plot(chart: Plot) -> tuple[Columns, Lines]:
    titles = [series.title or chart.y.title or pgettext("count", "Number") for series in chart.series]
    columns = (
        _text("x", chart.x.title or _("Group")),
        *(Column(str(n), title, unit=chart.y.unit) for n, title in enumerate(titles)),
    )
    if len(chart.series) == 1:
        return columns, iter(_points(chart.series[0]))
    return columns, _joined(chart.series)


def _points(series: Series) -> Iterator[tuple[Value, Value]]:
    if isinstance(series.points, Samples):
        return zip(series.points.xs, series.points.ys, strict=False)
    return ((point.x if point.x is not None else point.label or None, point.y) for point in series.points)


def _joined(series: list[Series]) -> Lines:
    """Yield a row for each x; an x that a series has twice has two."""
    rows: dict[tuple[Value, int], list[Value]] = {}
    for number, each in enumerate(series):
        seen: Counter[Value] = Counter()
        for x, y in _points(each):
            rows.setdefault((x, seen[x]), [None] * len(series))[number] = y
            seen[x] += 1
    return ((x, *values) for (x, _n), values in rows.items())


@_table.register
def _parts(chart: Parts) -> tuple[Columns, Lines]:
    whole = sum(value for _title, value in chart.parts if value and value > 0)
    columns = (
        _text("part", _("Part")),
        Column("value", pgettext("count", "Number"), unit=chart.unit),
        Column("share", pgettext("part of a whole", "Share"), unit="%"),
    )
    rows = ((title, value, round(100 * value / whole, 1) if whole and value else None) for title, value in chart.parts)
    return columns, rows


@_table.register
def _gauge(chart: Gauge) -> tuple[Columns, Lines]:
    columns = [Column(name, title, unit=chart.unit) for name, title in _ends()]
    return tuple(columns), iter([(chart.lowest, chart.value, chart.highest)])


def _ends() -> list[tuple[str, str]]:
    return [("lowest", _("Lowest")), ("value", pgettext("count", "Number")), ("highest", _("Highest"))]


@_table.register
def _numbers(chart: Numbers) -> tuple[Columns, Lines]:
    columns = _text("title", _("Title")), Column("value", pgettext("count", "Number")), _text("unit", _("Unit"))
    return columns, ((each.title, each.value, each.unit) for each in chart.numbers)


@_table.register
def _sparkline(chart: Sparkline) -> tuple[Columns, Lines]:
    return (Column("number", _("No.")), Column("value", pgettext("count", "Number"))), iter(
        list(enumerate(chart.values, 1))
    )


@_table.register
def _heat_map(chart: HeatMap) -> tuple[Columns, Lines]:
    columns = (
        _text("row", chart.y.title or _("Group")),
        *(Column(str(n), title, unit=chart.unit) for n, title in enumerate(chart.columns)),
    )
    return columns, ((row, *values) for row, values in zip(chart.rows, chart.values, strict=False))


@_table.register
def _boxes(chart: Boxes) -> tuple[Columns, Lines]:
    titles = _("Lowest"), _("First quartile"), _("Median"), _("Third quartile"), _("Highest")
    columns = _text("group", _("Group")), *(Column(str(n), title, unit=chart.y.unit) for n, title in enumerate(titles))
    rows = ((b.label, b.lowest, b.first_quartile, b.median, b.third_quartile, b.highest) for b in chart.boxes)
    return columns, rows


@_table.register
def _graph(chart: Graph) -> tuple[Columns, Lines]:
    titles = {node.key: node.title or node.key for node in chart.nodes}
    columns = _text("from", _("From node")), _text("to", _("To node")), _text("title", _("Title"))
    linked = {key for edge in chart.edges for key in (edge.start, edge.end)}
    rows = [(titles.get(e.start, e.start), titles.get(e.end, e.end), e.title) for e in chart.edges]
    return columns, iter([*rows, *((titles[node.key], "", "") for node in chart.nodes if node.key not in linked)])


@_table.register
def _tree(chart: Tree) -> tuple[Columns, Lines]:
    columns = (
        Column("level", _("Level")),
        _text("title", _("Title")),
        Column("value", pgettext("count", "Number"), unit=chart.unit),
    )
    return columns, ((level, branch.title, branch.value) for level, branch in branches(chart.root))


def branches(root: Branch) -> Iterator[tuple[int, Branch]]:
    """Yield each branch with its depth, in the order of an indented list."""
    waiting = [(0, root)]
    while waiting:
        level, branch = waiting.pop()
        yield level, branch
        waiting += [(level + 1, child) for child in reversed(branch.children)]


@_table.register
def _timeline(chart: Timeline) -> tuple[Columns, Lines]:
    columns = (
        *(Column("start", _("Start"), Kind.MOMENT), Column("end", _("End"), Kind.MOMENT)),
        *(_text("title", _("Title")), _text("text", _("Text"))),
    )
    return columns, ((event.start, event.end, event.title, event.text) for event in chart.events)


@_table.register
def _words(chart: Words) -> tuple[Columns, Lines]:
    return (_text("word", _("Word")), Column("weight", pgettext("count", "Number"))), iter(chart.words)


@_table.register
def _rows(chart: Rows) -> tuple[Columns, Lines]:
    return chart.table.columns, iter(chart.table.rows)


@_table.register
def _multiples(chart: Multiples) -> tuple[Columns, Lines]:
    first = chart.charts[0][1] if chart.charts else Plot([])
    columns = (
        *(_text("chart", _("Chart")), _text("series", _("Data series")), _text("x", first.x.title or _("Group"))),
        Column("y", first.y.title or pgettext("count", "Number"), unit=first.y.unit),
    )
    rows = (
        (title, series.title, x, y)
        for title, plot in chart.charts
        for series in plot.series
        for x, y in _points(series)
    )
    return columns, rows


# -- in a sentence


def is_empty(chart: Chart) -> bool:
    """Return whether there is nothing to draw."""
    if isinstance(chart, Plot):
        return not any(len(series.points) for series in chart.series)
    if isinstance(chart, Multiples):
        return all(is_empty(plot) for _title, plot in chart.charts)
    if isinstance(chart, Parts):
        return not any(value and value > 0 for _title, value in chart.parts)
    if isinstance(chart, Rows):
        return not chart.table.rows
    holds = {
        Numbers: "numbers",
        Sparkline: "values",
        HeatMap: "values",
        Boxes: "boxes",
        Graph: "nodes",
        Timeline: "events",
    }
    name = holds.get(type(chart)) or ("words" if isinstance(chart, Words) else "")
    return bool(name) and not getattr(chart, name)


def has_values(chart: Chart) -> bool:
    """Return whether the chart is a picture, whose values somebody may want to read."""
    return not isinstance(chart, Rows | Image | Prose | Refusal | Numbers | Timeline)


def description(chart: Chart) -> str:
    """Return the chart in a sentence, for those who do not see it."""
    if isinstance(chart, Gauge):
        return str(
            _(
                "%(value)s, between %(lowest)s and %(highest)s.",
                value=texts.number(texts.as_float(chart.value), chart.unit),
                lowest=texts.number(chart.lowest, chart.unit),
                highest=texts.number(chart.highest, chart.unit),
            )
        )
    known = list(_known(chart))
    if not known:
        return str(_("There is nothing here yet.")) if is_empty(chart) else ""
    unit = chart.y.unit if isinstance(chart, Plot | Boxes) else str(getattr(chart, "unit", ""))
    lowest, highest = min(known), max(known)
    return str(
        _(
            "The lowest value is %(lowest)s (%(where_lowest)s), the highest is %(highest)s (%(where_highest)s).",
            lowest=texts.number(lowest[0], unit),
            where_lowest=lowest[1],
            highest=texts.number(highest[0], unit),
            where_highest=highest[1],
        )
    )


@singledispatch
def _known(_chart: Chart) -> Found:
    """Yield values with where they are; for long series, the lowest and the highest one."""
    return iter(())


@_known.register
def _known_plot(chart: Plot) -> Found:
    for series in chart.series:
        ys = series.points.ys if isinstance(series.points, Samples) else [point.y for point in series.points]
        found = ends(ys)
        if found is None:
            known = [value for value in map(texts.as_float, ys) if value is not None]
            if not known:
                continue
            found = min(known), max(known)
        for value in found:
            if value in ys and texts.as_float(value) is not None:
                point = series.points[ys.index(value)]
                yield float(value), texts.isolated(texts.clean(point.label) or texts.shown(point.x, chart.x.unit))


@_known.register
def _known_parts(chart: Parts) -> Found:
    return ((float(value), texts.isolated(texts.clean(title))) for title, value in chart.parts if value and value > 0)


@_known.register
def _known_heat_map(chart: HeatMap) -> Found:
    for row, values in zip(chart.rows, chart.values, strict=False):
        for column, value in zip(chart.columns, values, strict=False):
            known = texts.as_float(value)
            if known is not None:
                yield known, f"{texts.isolated(texts.clean(column))}, {texts.isolated(texts.clean(row))}"


@_known.register
def _known_boxes(chart: Boxes) -> Found:
    for box in chart.boxes:
        yield box.lowest, texts.isolated(texts.clean(box.label))
        yield box.highest, texts.isolated(texts.clean(box.label))


@_known.register
def _known_words(chart: Words) -> Found:
    return ((float(weight), texts.isolated(texts.clean(word))) for word, weight in chart.words)
