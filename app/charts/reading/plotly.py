"""The common traces of Plotly. What it draws in space, on maps or around a point is refused by its name."""

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence

from flask_babel import gettext as _

from app.charts.limits import MAX_COLUMNS, MAX_MULTIPLES, MAX_ROWS
from app.charts.model import Axis, Chart, HeatMap, Mark, Multiples, Number, Numbers, Plot, Rows
from app.charts.reading import heat_maps, plots, values
from app.charts.reading.notes import CannotDrawError, Notes, no_numbers, nothing, unknown
from app.charts.reading.plots import Draft
from app.charts.reading.tables import table

Json = Mapping[str, object]
PLOTTED = {"scatter", "scattergl", "bar"}
STEPS = {"hv", "vh", "hvh", "vhv"}


def draw(payload: object, title: str, notes: Notes) -> Chart:
    """Return the chart of `{"data": [traces], "layout": {...}}`, or of the traces alone."""
    body = values.mapping(payload)
    traces = [each for each in values.sequence(body.get("data", payload)) if isinstance(each, Mapping)]
    if not traces:
        raise nothing()
    kinds = [_kind(trace) for trace in traces]
    for kind in kinds:
        if kind not in PLOTTED and kind not in OTHERS:
            raise unknown(kind)
    layout = values.mapping(body.get("layout"))
    main = next((kind for kind in kinds if kind not in PLOTTED), None)
    if main is None:
        return _plots(traces, layout, notes)
    same = [trace for trace, kind in zip(traces, kinds, strict=True) if kind == main]
    if len(same) < len(traces):
        notes.say(_("What is drawn over “%(name)s” is left out.", name=main))
    return OTHERS[main](same, layout, title, notes)


def _kind(trace: Json) -> str:
    kind = values.text(trace.get("type")) or "scatter"
    if kind in {"scatter", "area"} and "r" in trace:
        # Around a point: "r" and "t" stand for x and y.
        return "polar"
    return "surface" if kind == "scatter" and "z" in trace else kind


# -- series on axes


def _plots(traces: Sequence[Json], layout: Json, notes: Notes) -> Chart:
    """Return one plot, or one for each pair of axes."""
    by_axes: dict[tuple[str, str], list[Json]] = {}
    for trace in traces:
        by_axes.setdefault((_axis_name(trace, "x"), _axis_name(trace, "y")), []).append(trace)
    drawn: list[tuple[str, Plot]] = []
    for (x, y), each in itertools.islice(by_axes.items(), MAX_MULTIPLES):
        try:
            plot = _plot(each, values.mapping(layout.get(x)), values.mapping(layout.get(y)), layout, notes)
        except CannotDrawError as error:
            notes.say(str(error))
        else:
            drawn.append((values.text(each[0].get("name")) or str(len(drawn) + 1), plot))
    if not drawn:
        raise no_numbers()
    return drawn[0][1] if len(drawn) == 1 else Multiples(drawn)


def _axis_name(trace: Json, side: str) -> str:
    name = values.text(trace.get(f"{side}axis"), 20) or side
    # "x", "x1" and "x2" are "xaxis", "xaxis" and "xaxis2" in the layout.
    place = name.removeprefix(side)
    return f"{side}axis{'' if place == '1' else place}"


def _plot(traces: Sequence[Json], x: Json, y: Json, layout: Json, notes: Notes) -> Plot:
    is_flipped = any(_is_flipped(trace) for trace in traces)
    if is_flipped:
        x, y = y, x
    is_stacked = values.text(layout.get("barmode")) in {"stack", "relative"} or any(
        "stackgroup" in trace for trace in traces
    )
    is_share = values.text(layout.get("barnorm")) in {"percent", "fraction"}
    return plots.plot(
        [_draft(trace, place, is_flipped=is_flipped) for place, trace in enumerate(traces, start=1)],
        notes,
        Plot([], _axis(x), _axis(y), is_stacked=is_stacked, is_share=is_share, is_flipped=is_flipped),
        in_order=True,
    )


def _is_flipped(trace: Json) -> bool:
    """Whether numbers go to the right and categories down."""
    if trace.get("orientation") == "h":
        return True
    xs, ys = values.sequence(trace.get("x")), values.sequence(trace.get("y"))
    return _has_numbers(xs) and len(ys) > 0 and not _has_numbers(ys)


def _has_numbers(found: Iterable[object]) -> bool:
    return any(values.number(value) is not None for value in found)


def _draft(trace: Json, place: int, *, is_flipped: bool) -> Draft:
    xs, ys = values.sequence(trace.get("x")), values.sequence(trace.get("y"))
    if is_flipped:
        xs, ys = ys, xs
    marker = values.mapping(trace.get("marker"))
    return Draft(
        values.text(trace.get("name")) or str(place),
        xs or range(len(ys)),
        ys,
        _mark(trace, len(ys)),
        sizes=values.sequence(marker.get("size")),
        labels=values.sequence(trace.get("text")),
    )


def _mark(trace: Json, count: int) -> Mark:
    if trace.get("type") == "bar":
        return Mark.BAR
    if values.text(trace.get("fill")) in {"tozeroy", "tonexty"} or "stackgroup" in trace:
        return Mark.AREA
    mode = trace.get("mode")
    if isinstance(mode, str) and "lines" not in mode and mode != "none":
        return Mark.POINT
    shape = values.mapping(trace.get("line")).get("shape")
    if isinstance(shape, str) and shape in STEPS:
        return Mark.STEP
    return Mark.SPLINE if shape == "spline" and count > 2 else Mark.LINE


def _axis(json: Json) -> Axis:
    title = json.get("title")
    ends = [values.number(end) for end in values.sequence(json.get("range"))]
    is_logarithmic = json.get("type") == "log"
    if len(ends) != 2 or is_logarithmic or None in ends:
        # The ends of a logarithmic axis are powers.
        ends = [None, None]
    return Axis(
        values.text(title.get("text") if isinstance(title, Mapping) else title),
        lowest=ends[0],
        highest=ends[1],
        is_logarithmic=is_logarithmic,
    )


# -- other traces


def _pie(traces: Sequence[Json], _layout: Json, _title: str, notes: Notes) -> Chart:
    trace = _only(traces, notes)
    labels, sizes = values.sequence(trace.get("labels")), values.sequence(trace.get("values"))
    if not sizes:
        sizes = [1] * len(labels)
    pairs = zip(labels or list(map(str, range(len(sizes)))), sizes, strict=False)
    return plots.parts(pairs, notes, is_hollow=bool(values.number(trace.get("hole"))))


def _only(traces: Sequence[Json], notes: Notes) -> Json:
    if len(traces) > 1:
        notes.say(_("The first of %(count)s charts in one place is drawn.", count=str(len(traces))))
    return traces[0]


def _histogram(traces: Sequence[Json], layout: Json, _title: str, notes: Notes) -> Chart:
    groups = []
    for place, trace in enumerate(traces, start=1):
        found = values.sequence(trace.get("x")) or values.sequence(trace.get("y"))
        groups.append((values.text(trace.get("name")) or str(place), found[:MAX_ROWS]))
    if not any(_has_numbers(found) for _name, found in groups):
        return _counted(groups, notes)
    most = values.number(traces[0].get("nbinsx", traces[0].get("nbinsy"))) or 20
    return plots.histogram(groups, notes, most=int(most), x=_axis(values.mapping(layout.get("xaxis"))))


def _counted(groups: Sequence[tuple[str, Sequence[object]]], notes: Notes) -> Chart:
    """Return how often each text is there."""
    drafts = []
    for name, found in groups:
        counts: dict[str, int] = {}
        for value in found:
            counts[values.text(value)] = counts.get(values.text(value), 0) + 1
        drafts.append(Draft(name, list(counts), list(counts.values()), Mark.BAR))
    return plots.plot(drafts, notes)


def _boxes(traces: Sequence[Json], layout: Json, _title: str, notes: Notes) -> Chart:
    groups: dict[str, list[object]] = {}
    is_flipped = any(trace.get("orientation") == "h" for trace in traces)
    for place, trace in enumerate(traces, start=1):
        name = values.text(trace.get("name")) or str(place)
        found, heads = (values.sequence(trace.get(side)) for side in ("xy" if is_flipped else "yx"))
        if not found:
            found, heads = heads, found
        for value, head in itertools.islice(itertools.zip_longest(found, heads), MAX_ROWS):
            label = f"{name} · {values.text(head)}" if values.text(head) else name
            groups.setdefault(label, []).append(value)
    return plots.boxes(groups.items(), notes, _axis(values.mapping(layout.get("xaxis" if is_flipped else "yaxis"))))


def _grid(traces: Sequence[Json], layout: Json, _title: str, notes: Notes) -> Chart:
    trace = _only(traces, notes)
    x, y = (_axis(values.mapping(layout.get(name))) for name in ("xaxis", "yaxis"))
    z = values.sequence(trace.get("z"))
    xs, ys = values.sequence(trace.get("x")), values.sequence(trace.get("y"))
    if z and not any(isinstance(row, list) for row in z):
        return heat_maps.from_cells(zip(xs, ys, z, strict=False), HeatMap([], [], [], x, y), notes)
    grid = [[values.number(value) for value in values.sequence(row)] for row in z[:MAX_ROWS]]
    width = max((len(row) for row in grid), default=0)
    columns = _names(xs, width)
    # Plotly's first row is the lowest.
    rows = _names(ys, len(grid))
    return heat_maps.bounded(HeatMap(columns, rows[::-1], grid[::-1], x, y), notes)


def _names(found: Sequence[object], count: int) -> list[str]:
    names = [values.text(_short(value)) for value in found[:count]]
    return names + [str(place) for place in range(len(names), count)]


def _short(value: object) -> object:
    return float(f"{value:.3g}") if isinstance(value, float) and values.number(value) is not None else value


def _counted_grid(traces: Sequence[Json], layout: Json, _title: str, notes: Notes) -> Chart:
    """Return how many points are in each cell."""
    trace = _only(traces, notes)
    sides = [[values.number(value) for value in values.sequence(trace.get(side))[:MAX_ROWS]] for side in ("x", "y")]
    known = [(x, y) for x, y in zip(*sides, strict=False) if x is not None and y is not None]
    if not known:
        raise no_numbers()
    sizes = [plots.bin_size(min(side), max(side), 20) for side in zip(*known, strict=True)]
    counts: dict[tuple[float, float], int] = {}
    for x, y in known:
        cell = (plots.bin_start(x, sizes[0]), plots.bin_start(y, sizes[1]))
        counts[cell] = counts.get(cell, 0) + 1
    xs, ys = sorted({x for x, _y in counts}), sorted({y for _x, y in counts}, reverse=True)
    chart = HeatMap(
        [plots.bin_label(x, sizes[0]) for x in xs],
        [plots.bin_label(y, sizes[1]) for y in ys],
        [[counts.get((x, y)) for x in xs] for y in ys],
        _axis(values.mapping(layout.get("xaxis"))),
        _axis(values.mapping(layout.get("yaxis"))),
    )
    return heat_maps.bounded(chart, notes)


def _table(traces: Sequence[Json], _layout: Json, _title: str, notes: Notes) -> Chart:
    trace = _only(traces, notes)
    heads = values.sequence(values.mapping(trace.get("header")).get("values"))
    cells = values.sequence(values.mapping(trace.get("cells")).get("values"))
    found = table({str(place): each for place, each in enumerate(cells[:MAX_COLUMNS])}, notes)
    titles = [values.text(head[0] if isinstance(head, list) and head else head) for head in heads]
    named = (
        dataclasses.replace(column, title=title)
        for column, title in zip(found.columns, [*titles, *[""] * len(found.columns)], strict=False)
    )
    return Rows(dataclasses.replace(found, columns=tuple(named)))


def _indicator(traces: Sequence[Json], _layout: Json, title: str, _notes: Notes) -> Chart:
    numbers = []
    for trace in traces[:MAX_COLUMNS]:
        head = trace.get("title")
        name = values.text(head.get("text") if isinstance(head, Mapping) else head)
        value = values.number(trace.get("value"))
        before = values.number(values.mapping(trace.get("delta")).get("reference"))
        change = (value - before) / abs(before) if value is not None and before else None
        numbers.append(Number(name or title, values.whole(value), change=change))
    return Numbers(numbers)


OTHERS: dict[str, Callable[[Sequence[Json], Json, str, Notes], Chart]] = {
    "pie": _pie,
    "histogram": _histogram,
    "box": _boxes,
    "heatmap": _grid,
    "heatmapgl": _grid,
    "contour": _grid,
    "histogram2d": _counted_grid,
    "histogram2dcontour": _counted_grid,
    "table": _table,
    "indicator": _indicator,
}
