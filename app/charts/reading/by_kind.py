"""Charts of a table by the kinds of its columns, without a specification."""

from collections import Counter
from collections.abc import Callable, Sequence

from flask_babel import gettext as _

from app.charts.limits import MAX_MULTIPLES, MAX_NUMBERS
from app.charts.model import (
    Axis,
    Box,
    Boxes,
    Chart,
    Column,
    Event,
    HeatMap,
    Kind,
    Mark,
    Multiples,
    Number,
    Numbers,
    Plot,
    Rows,
    Sparkline,
    Table,
    TreeShape,
    Value,
)
from app.charts.reading import basic, graphs, heat_maps, plots, sparklines, timelines, trees, values, words
from app.charts.reading.notes import CannotDrawError, Notes, no_numbers, unknown
from app.charts.reading.plots import Draft
from app.charts.reading.tables import column, places, table

# What jsondash's families call our kinds.
SAME = {
    "timeseries": "line",
    "numbergroup": "numbers",
    "datatable": "table",
    "treemap": "tree_map",
    "tree-map": "tree_map",
    "circlepack": "tree_map",
    "flamegraph": "flame",
    "wordcloud": "words",
    "dendrogram": "tree",
    "radial-dendrogram": "tree",
    "voronoi": "scatter",
    "markdown": "text",
    "boxplot": "box",
    "heat_map": "heatmap",
    "point": "scatter",
    "sparklines-line": "sparkline",
    "sparklines-bar": "sparkline",
    "sparklines-tristate": "sparkline",
    "sparklines-discrete": "sparkline",
}
MARKS = {
    "line": Mark.LINE,
    "spline": Mark.SPLINE,
    "step": Mark.STEP,
    "area": Mark.AREA,
    "area-spline": Mark.AREA,
    "bar": Mark.BAR,
    "stacked": Mark.BAR,
    "scatter": Mark.POINT,
    "tick": Mark.TICK,
}
# Names of columns that hold a box plot which the database has computed.
FIVE_NUMBERS = ("lowest", "first_quartile", "median", "third_quartile", "highest")


def draw(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    """Return the chart of a table, or of JSON that can be read as one."""
    kind = SAME.get(kind, kind)
    if kind == "text":
        return basic.prose(payload)
    if kind == "image":
        return basic.image(payload, title)
    if not kind:
        found = table(payload, notes)
        return KINDS["table"](found, title, notes) if _is_list(found) else plot_of(found, _usual(found), notes)
    if kind in MARKS:
        return plot_of(table(payload, notes), kind, notes)
    if kind not in KINDS:
        raise unknown(kind)
    return KINDS[kind](table(payload, notes), title, notes)


def _is_list(found: Table) -> bool:
    """Whether a table is best shown as it is."""
    return not places(found, Kind.NUMBER) or len(places(found, Kind.TEXT)) > 2


def _usual(found: Table) -> str:
    """Return how a table is plotted if nobody says how."""
    return "line" if places(found, Kind.DATE, Kind.MOMENT) else "bar"


# -- what is plotted


def _axis(found: Column) -> Axis:
    return Axis(found.title, found.unit)


def _labels(found: Table, place: int | None) -> Sequence[object]:
    """Return the values of the column that names the rows, or their numbers."""
    return list(range(1, len(found.rows) + 1)) if place is None else column(found, place)


def _first_of(found: Table, *kinds: Kind) -> int | None:
    return next(iter(places(found, *kinds)), None)


def _numbers(found: Table) -> list[int]:
    numbers = places(found, Kind.NUMBER)
    if not numbers:
        raise no_numbers()
    return numbers


def _x_and_ys(found: Table, kind: str) -> tuple[int | None, list[int]]:
    """Return the column of x, and those of numbers."""
    numbers = _numbers(found)
    x = _first_of(found, Kind.DATE, Kind.MOMENT)
    if x is None and not (kind == "scatter" and len(numbers) > 1):
        x = _first_of(found, Kind.TEXT, Kind.BOOLEAN)
    if x is None and len(numbers) > 1 and kind in {"scatter", "line", "spline", "step", "area", "area-spline"}:
        return numbers[0], numbers[1:]
    return x, numbers


def plot_of(found: Table, kind: str, notes: Notes) -> Plot:
    """Return series: one for each column of numbers, or for each text in a second column of texts."""
    x, ys = _x_and_ys(found, kind)
    mark = MARKS[kind]
    groups = [place for place in places(found, Kind.TEXT) if place != x]
    if groups and x is not None and (kind != "scatter"):
        drafts = _by_group(found, x, groups[0], ys[0], mark)
    elif kind == "scatter" and groups and x is not None:
        drafts = [Draft(found.columns[y].title, column(found, x), column(found, y), mark) for y in ys[:1]]
        drafts[0].labels = column(found, groups[0])
        drafts[0].sizes = column(found, ys[1]) if len(ys) > 1 else []
    else:
        labels = _labels(found, x)
        drafts = [
            Draft(head.title, labels, column(found, y), mark, urls=found.links.get(head.name, ()))
            for y in ys
            for head in [found.columns[y]]
        ]
    units = {found.columns[y].unit for y in ys}
    return plots.plot(
        drafts,
        notes,
        Plot(
            [],
            Axis() if x is None else _axis(found.columns[x]),
            Axis(found.columns[ys[0]].title if len(ys) == 1 else "", units.pop() if len(units) == 1 else ""),
            is_stacked=kind == "stacked",
        ),
    )


def _by_group(found: Table, x: int, group: int, y: int, mark: Mark) -> list[Draft]:
    points: dict[str, list[tuple[Value, Value]]] = {}
    for at, name, value in zip(column(found, x), column(found, group), column(found, y), strict=True):
        points.setdefault(values.text(name), []).append((at, value))
    return [
        Draft(name, [at for at, _value in each], [value for _at, value in each], mark) for name, each in points.items()
    ]


def _multiples(found: Table, _title: str, notes: Notes) -> Chart:
    x, ys = _x_and_ys(found, "line")
    groups = [place for place in places(found, Kind.TEXT) if place != x]
    if groups and x is not None:
        drafts = _by_group(found, x, groups[0], ys[0], Mark.LINE)
        y = _axis(found.columns[ys[0]])
    else:
        drafts = [Draft(found.columns[y].title, _labels(found, x), column(found, y)) for y in ys]
        y = Axis()
    axis = Axis() if x is None else _axis(found.columns[x])
    kept = notes.first_series(drafts, MAX_MULTIPLES)
    return Multiples([(draft.title, plots.plot([draft], notes, Plot([], axis, y))) for draft in kept])


def _histogram(found: Table, _title: str, notes: Notes) -> Chart:
    numbers = _numbers(found)
    if places(found, Kind.TEXT, Kind.DATE, Kind.MOMENT):
        # The database has counted already.
        return plot_of(found, "bar", notes)
    groups = [(found.columns[place].title, column(found, place)) for place in numbers]
    return plots.histogram(groups, notes, x=_axis(found.columns[numbers[0]]) if len(numbers) == 1 else Axis())


def _boxes(found: Table, _title: str, notes: Notes) -> Chart:
    numbers = _numbers(found)
    label = _first_of(found, Kind.TEXT, Kind.DATE, Kind.MOMENT)
    names = {found.columns[place].name: place for place in numbers}
    if all(name in names for name in FIVE_NUMBERS):
        return _computed_boxes(found, label, [names[name] for name in FIVE_NUMBERS])
    if label is None:
        return plots.boxes([(found.columns[place].title, column(found, place)) for place in numbers], notes)
    groups: dict[str, list[object]] = {}
    for name, value in zip(column(found, label), column(found, numbers[0]), strict=True):
        groups.setdefault(values.text(name), []).append(value)
    return plots.boxes(groups.items(), notes, _axis(found.columns[numbers[0]]))


def _computed_boxes(found: Table, label: int | None, five: Sequence[int]) -> Chart:
    boxes = []
    for name, row in zip(_labels(found, label), found.rows, strict=True):
        known = [value for place in five if (value := values.number(row[place])) is not None]
        if len(known) == len(five):
            lowest, first, median, third, highest = sorted(known)
            boxes.append(Box(values.text(name), lowest, first, median, third, highest))
    if not boxes:
        raise no_numbers()
    return Boxes(boxes, Axis("", found.columns[five[0]].unit))


def _heat_map(found: Table, _title: str, notes: Notes) -> Chart:
    numbers = _numbers(found)
    heads = places(found, Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.BOOLEAN)
    if len(heads) >= 2:
        across, down = (found.columns[place] for place in heads[:2])
        value = found.columns[numbers[0]]
        cells = zip(column(found, heads[0]), column(found, heads[1]), column(found, numbers[0]), strict=True)
        return heat_maps.from_cells(cells, HeatMap([], [], [], _axis(across), _axis(down), value.unit), notes)
    names = [values.text(label) for label in _labels(found, heads[0] if heads else None)]
    grid = [[values.number(row[place]) for place in numbers] for row in found.rows]
    return heat_maps.bounded(HeatMap([found.columns[place].title for place in numbers], names, grid), notes)


# -- what is no plot


def _pairs(found: Table) -> tuple[list[tuple[object, object]], Column]:
    """Return names with numbers; of one row of numbers, each column by its title."""
    numbers = _numbers(found)
    label = _first_of(found, Kind.TEXT, Kind.DATE, Kind.MOMENT, Kind.BOOLEAN)
    if label is None and len(found.rows) == 1:
        return [(found.columns[place].title, found.rows[0][place]) for place in numbers], found.columns[numbers[0]]
    value = numbers[0]
    return list(zip(_labels(found, label), column(found, value), strict=True)), found.columns[value]


def _parts(found: Table, _title: str, notes: Notes, *, is_hollow: bool = False) -> Chart:
    pairs, value = _pairs(found)
    return plots.parts(pairs, notes, is_hollow=is_hollow, unit=value.unit)


def _donut(found: Table, title: str, notes: Notes) -> Chart:
    return _parts(found, title, notes, is_hollow=True)


def _gauge(found: Table, title: str, _notes: Notes) -> Chart:
    numbers = _numbers(found)
    value, *ends = (values.number(found.rows[0][place]) for place in numbers[:3])
    unit = found.columns[numbers[0]].unit
    if len(ends) == 2:
        lowest, highest = ends
    else:
        lowest, highest = 0.0, ends[0] if ends else None
    return basic.gauge(value, lowest, highest, unit, title)


def _number(found: Table, title: str, _notes: Notes) -> Chart:
    """Return the last number where there are dates, compared to the one before; else that of the first row."""
    place = _numbers(found)[0]
    head = found.columns[place]
    has_time = bool(places(found, Kind.DATE, Kind.MOMENT))
    known = [value for value in column(found, place) if value is not None]
    if not known:
        raise no_numbers()
    value = known[-1] if has_time else known[0]
    before = values.number(known[-2]) if has_time and len(known) > 1 else None
    now = values.number(value)
    change = None if not before or now is None else (now - before) / abs(before)
    return Numbers([Number(title or head.title, value, head.unit, change=change)])


def _number_group(found: Table, _title: str, notes: Notes) -> Chart:
    numbers = _numbers(found)
    if len(found.rows) == 1:
        heads = notes.first(numbers, MAX_NUMBERS)
        return Numbers(
            [Number(found.columns[place].title, found.rows[0][place], found.columns[place].unit) for place in heads]
        )
    pairs, value = _pairs(found)
    return Numbers(
        [
            Number(values.text(name), values.whole(number), value.unit)
            for name, number in notes.first(pairs, MAX_NUMBERS)
        ]
    )


def _sparkline(found: Table, _title: str, notes: Notes) -> Chart:
    chart: Sparkline = sparklines.line([values.number(value) for value in column(found, _numbers(found)[-1])], notes)
    return chart


def _rows(found: Table, _title: str, _notes: Notes) -> Chart:
    return Rows(found)


def _timeline(found: Table, _title: str, notes: Notes) -> Chart:
    dates = places(found, Kind.DATE, Kind.MOMENT)
    texts = places(found, Kind.TEXT)
    if not dates:
        raise CannotDrawError(_("A timeline needs dates, and its data has none."))
    events = []
    for row in found.rows:
        start = values.moment(row[dates[0]])
        if start is not None:
            said = [values.text(row[place]) for place in texts[:2]]
            end = values.moment(row[dates[1]]) if len(dates) > 1 else None
            events.append(Event(said[0] if said else "", start, end, said[1] if len(said) > 1 else ""))
    return timelines.timeline(events, notes)


def _graph(found: Table, _title: str, notes: Notes) -> Chart:
    texts = places(found, Kind.TEXT)
    if len(texts) < 2:
        raise graphs.no_graph()
    titles = [*texts[2:3], *places(found, Kind.NUMBER)[:1]][:1]
    edges = [
        (values.text(row[texts[0]]), values.text(row[texts[1]]), values.text(row[titles[0]]) if titles else "")
        for row in found.rows
        if row[texts[0]] and row[texts[1]]
    ]
    return graphs.graph({}, edges, notes)


def _tree(shape: TreeShape) -> Callable[[Table, str, Notes], Chart]:
    """Return a drawer of trees: columns of texts are the levels, or one text with a semicolon between them."""

    def drawn(found: Table, title: str, notes: Notes) -> Chart:
        texts, numbers = places(found, Kind.TEXT, Kind.BOOLEAN), places(found, Kind.NUMBER)
        if not texts:
            raise trees.no_tree()
        paths = [
            (
                [part for place in texts for part in values.text(row[place], 2000).split(";") if part],
                values.number(row[numbers[0]]) if numbers else 1,
            )
            for row in found.rows
        ]
        return trees.from_paths(paths, title, shape, notes, found.columns[numbers[0]].unit if numbers else "")

    return drawn


def _words(found: Table, _title: str, notes: Notes) -> Chart:
    texts, numbers = places(found, Kind.TEXT), places(found, Kind.NUMBER)
    if not texts:
        raise words.no_words()
    if not numbers:
        return words.cloud(Counter(values.text(value) for value in column(found, texts[0])).items(), notes)
    return words.cloud(zip(column(found, texts[0]), column(found, numbers[0]), strict=True), notes)


KINDS: dict[str, Callable[[Table, str, Notes], Chart]] = {
    "multiples": _multiples,
    "histogram": _histogram,
    "box": _boxes,
    "heatmap": _heat_map,
    "pie": _parts,
    "donut": _donut,
    "gauge": _gauge,
    "number": _number,
    "numbers": _number_group,
    "sparkline": _sparkline,
    "table": _rows,
    "timeline": _timeline,
    "graph": _graph,
    "tree_map": _tree(TreeShape.TREE_MAP),
    "flame": _tree(TreeShape.FLAME),
    "tree": _tree(TreeShape.INDENTED),
    "words": _words,
}
