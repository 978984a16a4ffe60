"""Plots: series on two axes."""

import datetime as dt
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from operator import le
from typing import Any

from flask_babel import gettext as _

from app.charts import texts
from app.charts.drawing.canvas import BROAD, COLOURS, LINE, MAX_DOTS, MAX_MARKS, NARROW, Canvas, Drawing, said, short
from app.charts.drawing.scales import Scale, is_of, numeric, seconds, spaced, temporal
from app.charts.model import Axis, Mark, Multiples, Plot, Point, Samples, Series, Value

CURVES = {Mark.LINE, Mark.SPLINE, Mark.STEP, Mark.AREA}
STACKED = {Mark.BAR, Mark.AREA}
# The part of a band that bars fill.
FILLED = 0.72
# Categories of bars that lie.
MAX_FLIPPED = 200
# Fewer points of a line are seen as dots.
SEEN_DOTS = 31
# Points of a line that tell their values where there are too many for dots.
MAX_SAMPLES = 24
# A small chart among many.
SMALL = 150


@dataclass
class Prepared:
    """A series as numbers: places along x, tops and bottoms along y."""

    number: int
    series: Series
    xs: Sequence[float]
    ys: Sequence[float | None]
    lows: Sequence[float | None] | None = None

    @property
    def mark(self) -> Mark:
        return self.series.mark

    def sorted(self) -> "Prepared":
        """Return the series from start to end."""
        if all(map(le, self.xs, self.xs[1:])):
            return self
        order = sorted(range(len(self.xs)), key=self.xs.__getitem__)
        lows = self.lows and [self.lows[n] for n in order]
        points = [self.series.points[n] for n in order]
        return Prepared(
            self.number,
            replace(self.series, points=points),
            [self.xs[n] for n in order],
            [self.ys[n] for n in order],
            lows,
        )


@dataclass
class Across:
    """The axis along which series go: bands of categories, or numbers, or time. `step` is the part that a bar may fill."""

    place: Callable[[float], float]
    labels: list[tuple[float, str]]
    text: Callable[[Value], str]
    step: float = 0.0
    is_banded: bool = False
    prepared: list[Prepared] = field(default_factory=list)


def draw(plot: Plot, canvas: Canvas) -> Drawing:
    """Draw a plot."""
    note = _note(plot)
    plot = replace(plot, series=plot.series[:COLOURS])
    across = _across(plot)
    if plot.is_flipped:
        return replace(_flipped(plot, across, canvas), note=note or _note_of_rows(across))
    top = 10 + (LINE if plot.y.title else 0)
    bottom = canvas.height - 24 - (LINE if plot.x.title else 0)
    scale = _upright(plot, across, canvas.height)
    margin = max([texts.width(label) for _value, label in scale.ticks], default=0) + 10
    y = _downwards(scale, top, bottom)
    body = [
        _grid(canvas, scale, y),
        _names(plot, canvas, margin),
        '<svg class="pane" width="100%" height="100%" overflow="visible">',
        _below(canvas, across, bottom),
        *_marks(plot, across, canvas, scale, y),
        "</svg>",
    ]
    return Drawing("".join(body), canvas.height, margin, kind="plot", note=note)


def _note(plot: Plot) -> str:
    if len(plot.series) <= COLOURS:
        return ""
    return str(_("The chart shows the first %(num)d series. The table has all of them.", num=COLOURS))


def _note_of_rows(across: Across) -> str:
    if len(across.labels) <= MAX_FLIPPED:
        return ""
    return str(_("The chart shows the first %(num)d bars. The table has all of them.", num=MAX_FLIPPED))


# -- numbers


def _columns(series: Series) -> tuple[Sequence[Value], Sequence[Any]]:
    if isinstance(series.points, Samples):
        return series.points.xs, series.points.ys
    return [point.x for point in series.points], [point.y for point in series.points]


def _finite(values: Sequence[Any]) -> Sequence[float | None]:
    """Return numbers that can be drawn, and None for others."""
    try:
        if math.isfinite(sum(values)) and max(values, default=0) <= 1e100 and min(values, default=0) >= -1e100:
            return values
    except (TypeError, OverflowError):
        pass
    return [texts.as_float(value) for value in values]


def _across(plot: Plot) -> Across:
    read = [(number, series, *_columns(series)) for number, series in enumerate(plot.series)]
    kinds = {kind for _n, _s, xs, _ys in read for kind in set(map(type, xs))} - {type(None)}
    if is_of(kinds, int, float) and not plot.is_flipped:
        return _of_numbers(plot, read, _as_numbers, None)
    if is_of(kinds, dt.date) and not plot.is_flipped:
        return _of_numbers(plot, read, _as_seconds, not any(issubclass(kind, dt.datetime) for kind in kinds))
    places: dict[Value, int] = {}
    prepared = []
    for number, series, xs, ys in read:
        indices = [float(places.setdefault(x, len(places))) for x in xs]
        prepared.append(Prepared(number, series, indices, _finite(ys)))
    count = max(len(places), 1)
    labels = [((index + 0.5) / count, texts.shown(key, plot.x.unit)) for key, index in places.items()]
    across = Across(lambda index: (index + 0.5) / count, labels, texts.shown, 1 / count, True, prepared)
    across.text = lambda value: texts.shown(value, plot.x.unit)
    return across


def _as_numbers(values: Sequence[Value]) -> Sequence[float | None]:
    return _finite(values)


def _as_seconds(values: Sequence[Value]) -> Sequence[float | None]:
    return [seconds(value) if isinstance(value, dt.date) else None for value in values]


def _of_numbers(plot: Plot, read: Sequence[Any], convert: Callable[..., Any], is_days: bool | None) -> Across:
    """Return an axis of numbers, or of time: `is_days` tells whether of days or of moments."""
    prepared = []
    for number, series, xs, ys in read:
        places, values, kept = convert(xs), _finite(ys), series
        if None in places:
            known = [index for index, place in enumerate(places) if place is not None]
            places, values = [places[index] for index in known], [values[index] for index in known]
            kept = replace(series, points=[series.points[index] for index in known])
        prepared.append(Prepared(number, kept, places, values))
    low = min((min(each.xs) for each in prepared if each.xs), default=0.0)
    high = max((max(each.xs) for each in prepared if each.xs), default=1.0)
    gap = _gap(prepared, high - low) if any(each.mark in {Mark.BAR, Mark.TICK} for each in prepared) else 0.0
    low, high = low - gap / 2, high + gap / 2
    if is_days is None:
        is_nice = not gap and all(each.mark is Mark.POINT for each in prepared)
        scale = numeric(low, high, plot.x, count=8, is_nice=is_nice)
    else:
        low = plot.x.lowest if plot.x.lowest is not None else low
        high = plot.x.highest if plot.x.highest is not None else high
        scale = temporal(low, high, is_days=is_days)
    span = scale.high - scale.low
    return Across(
        scale,
        [(scale(value), label) for value, label in scale.ticks],
        lambda value: texts.shown(value, plot.x.unit),
        gap / span if span else 1.0,
        False,
        prepared,
    )


def _gap(prepared: Sequence[Prepared], span: float) -> float:
    """Return the least distance between two bars."""
    known = sorted({x for each in prepared for x in each.xs})
    return min((after - before for before, after in pairwise(known)), default=span or 1.0)


def _stack(plot: Plot, across: Across) -> None:
    """Put the series on each other, as parts of a hundred if they are shares."""
    totals: dict[float, float] = {}
    stacked = [each for each in across.prepared if each.mark in STACKED]
    if plot.is_share:
        for each in stacked:
            for x, y in zip(each.xs, each.ys, strict=True):
                totals[x] = totals.get(x, 0.0) + abs(y or 0.0)
    grounds: tuple[dict[float, float], dict[float, float]] = ({}, {})
    for each in stacked:
        lows, tops = [], []
        for x, y in zip(each.xs, each.ys, strict=True):
            value = (100 * (y or 0.0) / totals[x] if totals[x] else 0.0) if plot.is_share else (y or 0.0)
            ground = grounds[value < 0]
            lows.append(ground.get(x, 0.0))
            tops.append(lows[-1] + value)
            ground[x] = tops[-1]
        each.lows, each.ys = lows, tops


def _range(across: Across, axis: Axis, *, is_stacked: bool) -> tuple[float, float]:
    """Return the lowest and the highest value, with the zero where bars and areas begin, or near it."""
    lows, highs, has_ground = [], [], False
    for each in across.prepared:
        ys = each.ys if None not in each.ys else [y for y in each.ys if y is not None]
        if axis.is_logarithmic:
            ys = [y for y in ys if y and y > 0]
        own = _own_lows(each) if not is_stacked and each.mark in STACKED else None
        grounds = [low for low in own or each.lows or () if low is not None]
        has_ground = has_ground or (each.mark in STACKED and not own)
        if ys:
            lows.append(min(min(ys), min(grounds, default=math.inf)))  # type: ignore[type-var]
            highs.append(max(max(ys), max(grounds, default=-math.inf)))  # type: ignore[type-var]
    low, high = min(lows, default=0.0), max(highs, default=1.0)
    if axis.is_logarithmic:
        return low, high
    if has_ground or (0 < low < 0.5 * high) or (0 > high > 0.5 * low):
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high


def _own_lows(each: Prepared) -> list[float | None] | None:
    """Return where the bars of a series begin, if it says so."""
    if isinstance(each.series.points, Samples):
        return None
    lows = [point.low for point in each.series.points]
    return lows if any(low is not None for low in lows) else None


def _upright(plot: Plot, across: Across, height: int) -> Scale:
    """Return the axis of the values, and put the series on it."""
    axis = plot.y
    is_stacked = plot.is_stacked or plot.is_share
    if is_stacked:
        _stack(plot, across)
    low, high = _range(across, axis, is_stacked=is_stacked)
    if plot.is_share:
        axis = replace(axis, unit="%", is_logarithmic=False, highest=100.0, lowest=0.0 if low >= 0 else -100.0)
    if not is_stacked:
        for each in across.prepared:
            if each.mark in STACKED:
                each.lows = _own_lows(each)
    are_whole = all(float(y).is_integer() for each in across.prepared for y in each.ys[:50] if y is not None)
    count = max(2, min(6, height // 48))
    if are_whole and high - low < count:
        count = max(1, round(high - low))
    return numeric(low, high, axis, count=count)


def _downwards(scale: Scale, top: float, bottom: float) -> Callable[[float], float]:
    return lambda value: bottom - (bottom - top) * scale(value)


def fitted(multiples: Multiples) -> Multiples:
    """Give all charts the axes that hold each of them."""
    if not multiples.charts:
        return multiples
    plots = [plot for _title, plot in multiples.charts]
    scales = [_upright(plot, _across(plot), SMALL) for plot in plots]
    low, high = min(each.low for each in scales), max(each.high for each in scales)
    xs = [[x for each in _across(plot).prepared for x in each.xs] for plot in plots]
    known = [x for each in xs for x in each]
    is_banded = any(_across(plot).is_banded for plot in plots)

    def fit(plot: Plot) -> Plot:
        y = replace(plot.y, lowest=low, highest=high)
        x = plot.x if is_banded or not known else replace(plot.x, lowest=min(known), highest=max(known))
        return replace(plot, x=x, y=y)

    return Multiples([(title, fit(plot)) for title, plot in multiples.charts])


# -- what stands around


def _grid(canvas: Canvas, scale: Scale, y: Callable[[float], float]) -> str:
    ground = 0.0 if scale.low <= 0 <= scale.high and not scale.is_logarithmic else scale.low
    lines = [
        canvas.line(0, 1, y(value), y(value), "grid") + canvas.text(0, y(value) + 4, label, "end", dx=-8)
        for value, label in scale.ticks
        if value != ground
    ]
    label = next((label for value, label in scale.ticks if value == ground), "")
    zero = canvas.line(0, 1, y(ground), y(ground), "zero")
    return "".join([*lines, zero, canvas.text(0, y(ground) + 4, label, "end", dx=-8) if label else ""])


def _names(plot: Plot, canvas: Canvas, margin: float) -> str:
    """Return the titles of the axes."""
    x, y = (texts.shortened(texts.clean(axis.title), NARROW) for axis in (plot.x, plot.y))
    name_of_y = canvas.text(0, 11, y, "start", dx=-margin, classes="name") if y else ""
    name_of_x = canvas.text(1, canvas.height - 4, x, "end", classes="name") if x else ""
    return name_of_y + name_of_x


def _below(canvas: Canvas, across: Across, bottom: float) -> str:
    """Return the labels below a plot: as many as fit, and those that fit on narrow screens."""
    labels = across.labels
    if across.is_banded:
        room = max(56.0, min(150.0, NARROW / max(min(len(labels), 4), 1)))
        labels = [(place, texts.shortened(label, room)) for place, label in labels]
    is_broad = spaced(labels, BROAD)
    chosen = [label for label, is_shown in zip(labels, is_broad, strict=True) if is_shown]
    is_narrow = spaced(chosen, NARROW)
    written = []
    for (place, label), is_always in zip(chosen, is_narrow, strict=True):
        anchor = "middle"
        if not across.is_banded:
            anchor = "start" if place < 0.02 else "end" if place > 0.98 else "middle"
        written.append(canvas.text(place, bottom + 17, label, anchor, classes="" if is_always else "wide"))
    return "".join(written)


# -- marks


def _marks(plot: Plot, across: Across, canvas: Canvas, scale: Scale, y: Callable[[float], float]) -> Iterator[str]:
    ground = y(0.0 if not scale.is_logarithmic and scale.low <= 0 <= scale.high else scale.low)
    tell = _Tell(plot, across)
    bars = [each for each in across.prepared if each.mark is Mark.BAR]
    if bars:
        yield from _bars(plot, bars, across, canvas, y, ground, tell)
    curves = [each.sorted() for each in across.prepared if each.mark in CURVES and each.xs]
    paths = [_curve(each, across, canvas, scale, y, ground) for each in curves]
    yield canvas.stretched("".join(paths))
    dots = [each for each in across.prepared if each.mark not in CURVES and each.mark is not Mark.BAR]
    if sum(len(each.xs) for each in dots) > MAX_MARKS:
        yield canvas.stretched("".join(_cloud(each, across, canvas, y) for each in dots))
    else:
        for each in dots:
            yield from _dots(each, across, canvas, y, tell)
    for each in curves:
        yield from _values(each, across, canvas, y, tell, len(curves))


class _Tell:
    """Says the value of a point."""

    def __init__(self, plot: Plot, across: Across) -> None:
        self.unit = plot.y.unit
        self.text = across.text
        self.is_share = plot.is_share
        self.titles = [texts.clean(series.title) if len(plot.series) > 1 else "" for series in plot.series]

    def __call__(self, number: int, point: Point) -> str:
        value = texts.number(texts.as_float(point.y), self.unit)
        low = texts.as_float(point.low) if point.low is not None else None
        if low is not None:
            value = f"{texts.number(low, self.unit)} – {value}"
        return said([self.titles[number], texts.clean(point.label) or self.text(point.x)], value)


def _bars(plot, bars, across, canvas, y, ground, tell):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Yield rectangles: series beside each other, or on each other."""
    is_stacked = plot.is_stacked or plot.is_share
    width = across.step * (FILLED if across.is_banded or across.step < 0.5 else 0.5)
    beside = 1 if is_stacked else len(bars)
    single = sum(len(each.xs) for each in bars) <= MAX_MARKS
    paths = []
    for index, each in enumerate(bars):
        start = -width / 2 + (0 if is_stacked else index * width / beside)
        spans = _spans(each, across, y, ground, start, width / beside)
        if not single:
            paths.append(f'<path class="f{each.number}" d="{_blocks(spans, canvas)}"/>')
            continue
        for n, left, right, upper, lower in spans:
            point = each.series.points[n]
            yield canvas.rect(
                left, right, upper, max(lower - upper, 1), f"f{each.number} bar", tell(each.number, point), point.url
            )
    yield canvas.stretched("".join(paths))


def _spans(each, across, y, ground, start, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Yield for each bar its index, its ends along x and along y."""
    lows = each.lows or [None] * len(each.xs)
    for n, (x, value, low) in enumerate(zip(each.xs, each.ys, lows, strict=True)):
        if value is not None:
            place = across.place(x) + start
            a, b = y(value), ground if low is None else y(low)
            yield n, place, place + width, min(a, b), max(a, b)


def _blocks(spans, canvas: Canvas) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Return the path of many bars; of those in one column, the outline."""
    columns: dict[int, list[float]] = {}
    for _n, left, right, upper, lower in spans:
        a, b = sorted((canvas.column(left), canvas.column(right)))
        block = columns.setdefault(int(a), [max(round(b - a, 1), 0.5), upper, lower])
        block[1], block[2] = min(block[1], upper), max(block[2], lower)
    return "".join(
        f"M{column} {short(lower)}V{short(upper)}h{short(width)}V{short(lower)}z"
        for column, (width, upper, lower) in columns.items()
    )


def _dots(each, across, canvas, y, tell):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    half = across.step * FILLED / 2 if across.step else 0.01
    for point, x, value in zip(each.series.points, each.xs, each.ys, strict=True):
        if value is None:
            continue
        place, title = across.place(x), tell(each.number, point)
        if each.mark is Mark.TICK:
            yield canvas.rect(place - half, place + half, y(value) - 1.5, 3, f"f{each.number}", title, point.url)
        else:
            radius = 4 if point.size is None else 3 + 15 * math.sqrt(min(max(point.size, 0), 1))
            yield canvas.dot(place, y(value), radius, f"f{each.number} dot", title, point.url)


def _cloud(each: Prepared, across: Across, canvas: Canvas, y: Callable[[float], float]) -> str:
    """Return the path of very many dots, one for each place that can be told from its neighbours."""
    across_cell, down_cell = max(canvas.columns // 200, 1), 3
    cells = {
        (round(y(value)) // down_cell, int(canvas.column(across.place(x))) // across_cell)
        for x, value in zip(each.xs, each.ys, strict=True)
        if value is not None
    }
    rows: dict[int, list[int]] = {}
    for row, column in sorted(cells):
        rows.setdefault(row, []).append(column)
    path = []
    for row, columns in rows.items():
        path.append(f"M{columns[0] * across_cell} {row * down_cell}h0")
        path += [f"m{(after - before) * across_cell} 0h0" for before, after in pairwise(columns)]
    return f'<path class="s{each.number} cloud" d="{"".join(path)}"/>'


# -- curves


def _curve(each, across, canvas, scale, y, ground):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Return the path of a line, and of the area below it."""
    is_area = each.mark is Mark.AREA
    if len(each.xs) > canvas.columns and not each.lows:
        line, (first, last) = _thinned(each, across, canvas, y)
        lines = [(line, f"V{short(ground)}H{short(first)}Z")] if line else []
        path = "".join(each for each, _base in lines)
        fill = "".join(each + base for each, base in lines)
    else:
        path, fill = _whole(each, across, canvas, y, ground)
    drawn = f'<path class="s{each.number} line" d="{path}"/>'
    return (f'<path class="f{each.number} area" d="{fill}"/>' if is_area else "") + drawn


def _whole(each, across, canvas, y, ground):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the paths of a line and its area through all points, or as many as there are columns."""
    lows = each.lows or [None] * len(each.xs)
    every = max(1, len(each.xs) // canvas.columns)
    runs: list[list[tuple[float, float, float]]] = [[]]
    for x, value, low in list(zip(each.xs, each.ys, lows, strict=True))[::every]:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((canvas.column(across.place(x)), y(value), ground if low is None else y(low)))
    lines, fills = [], []
    for run in filter(None, runs):
        upper = _through([(x, a) for x, a, _b in run], each.mark)
        lower = _through([(x, b) for x, _a, b in reversed(run)], Mark.LINE)
        # A single point is seen as the round end of a line without length.
        lines.append(f"M{upper}" + ("h0" if len(run) == 1 else ""))
        fills.append(f"M{upper}L{lower}Z")
    return "".join(lines), "".join(fills)


def _through(points: Sequence[tuple[float, float]], mark: Mark) -> str:
    written = [f"{short(x)} {short(y)}" for x, y in points]
    if mark is Mark.STEP:
        return written[0] + "".join(f"H{short(x)}V{short(y)}" for x, y in points[1:])
    if mark is Mark.SPLINE and 2 < len(points) <= MAX_MARKS:
        return _smooth(points)
    return "L".join(written)


def _smooth(points: Sequence[tuple[float, float]]) -> str:
    """Return a cubic curve that never swings beyond its points (Fritsch and Carlson)."""
    slopes = [(b[1] - a[1]) / ((b[0] - a[0]) or 1e-9) for a, b in pairwise(points)]
    tangents = [slopes[0]]
    for before, after in pairwise(slopes):
        tangents.append(0.0 if before * after <= 0 else 2 * before * after / (before + after))
    tangents.append(slopes[-1])
    path = [f"{short(points[0][0])} {short(points[0][1])}"]
    for (a, b), (m, n) in zip(pairwise(points), pairwise(tangents), strict=True):
        third = (b[0] - a[0]) / 3
        path.append(
            f"C{short(a[0] + third)} {short(a[1] + m * third)} {short(b[0] - third)} {short(b[1] - n * third)}"
            f" {short(b[0])} {short(b[1])}"
        )
    return "".join(path)


def _thinned(
    each: Prepared, across: Across, canvas: Canvas, y: Callable[[float], float]
) -> tuple[str, tuple[float, float]]:
    """Return the path of a line of thousands of points: the lowest and the highest value of each column; and its ends."""
    xs, ys = each.xs, each.ys
    if None in ys:
        known = [index for index, value in enumerate(ys) if value is not None]
        xs, ys = [xs[index] for index in known], [ys[index] for index in known]
    if not xs:
        return "", (0.0, 0.0)
    low, high, count = xs[0], xs[-1], canvas.columns // 2
    width = (high - low) / count
    spans: list[tuple[float, float, float]] = []
    begin = 0
    for column in range(count):
        end = len(xs) if column == count - 1 else bisect_left(xs, low + width * (column + 1), begin)
        if end > begin:
            some = ys[begin:end]
            # The higher value is higher up, so its y is less.
            spans.append((low + width * (column + 0.5), y(max(some)), y(min(some))))  # type: ignore[type-var,arg-type]
            begin = end
    starts = [round(canvas.column(across.place(x))) for x, _upper, _lower in spans]
    return _zigzag(spans, starts), (starts[0], starts[-1])


def _zigzag(spans: list[tuple[float, float, float]], starts: list[int]) -> str:
    """Return a path up and down through columns. Where it is jagged, nobody sees parts of pixels, and it goes without them."""
    is_jagged = sum(lower - upper for _x, upper, lower in spans) > 4 * len(spans)
    digits, path, at, before = 0 if is_jagged else 1, [], spans[0][1], starts[0]
    for start, (_x, upper, lower) in zip(starts, spans, strict=True):
        first, last = (upper, lower) if abs(at - upper) < abs(at - lower) else (lower, upper)
        move = f"h{start - before}V{first:.{digits}f}" if is_jagged else f"L{start} {first:.1f}"
        path.append(move if path else f"M{start} {first:.1f}")
        if last != first:
            path.append(f"V{last:.{digits}f}")
        at, before = last, start
    return "".join(path)


def _values(each, across, canvas, y, tell, beside):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0913
    """Yield the points of a line that tell their values, seen as dots if they are few."""
    count = len(each.xs)
    most = min(MAX_DOTS, max(MAX_MARKS // beside, 12))
    chosen = range(count) if count <= most else [round(n * (count - 1) / (MAX_SAMPLES - 1)) for n in range(MAX_SAMPLES)]
    is_seen = count <= SEEN_DOTS
    for n in chosen:
        value = each.ys[n]
        if value is not None:
            point = each.series.points[n]
            classes = f"f{each.number} dot" if is_seen else f"f{each.number} hit"
            yield canvas.dot(
                across.place(each.xs[n]), y(value), 3.5 if is_seen else 8, classes, tell(each.number, point), point.url
            )


# -- bars that lie


def _flipped(plot: Plot, across: Across, canvas: Canvas) -> Drawing:
    """Draw categories downwards, each with its label above its bars, so that labels have the whole width."""
    scale = _upright(plot, across, 5 * 48)
    labels = across.labels[:MAX_FLIPPED]
    is_stacked = plot.is_stacked or plot.is_share
    beside = 1 if is_stacked else max(len(across.prepared), 1)
    thickness = 14 if beside == 1 else 9
    row = LINE + beside * thickness + 10
    top = LINE if plot.x.title else 0
    bottom = top + row * len(labels) + 2
    height = bottom + 22 + (LINE if plot.y.title else 0)
    tell = _Tell(plot, across)
    ground = scale(0.0 if not scale.is_logarithmic else scale.low)
    body = [_names_flipped(plot, canvas, height), _grid_flipped(canvas, scale, top, bottom)]
    for index, (_place, label) in enumerate(labels):
        body.append(
            canvas.text(0, top + index * row + 13, texts.shortened(label, NARROW - 50), "start", classes="label")
        )
    for number, each in enumerate(across.prepared):
        offset = 0 if is_stacked else number * thickness
        for n, (x, value) in enumerate(zip(each.xs, each.ys, strict=True)):
            if value is None or x >= len(labels):
                continue
            point, y = each.series.points[n], top + x * row + LINE + offset
            low = each.lows[n] if each.lows else None
            start, end = ground if low is None else scale(low), scale(value)
            body.append(
                canvas.rect(start, end, y, thickness - 1, f"f{each.number} bar", tell(each.number, point), point.url)
            )
            if len(across.prepared) == 1:
                body.append(
                    canvas.text(1, top + x * row + 13, texts.number(texts.as_float(point.y), plot.y.unit), "end")
                )
    return Drawing("".join(body), height, 0, kind="flipped")


def _grid_flipped(canvas: Canvas, scale: Scale, top: float, bottom: float) -> str:
    labels = [(scale(value), label) for value, label in scale.ticks]
    is_narrow = spaced(labels, NARROW)
    body = []
    for (place, label), is_always, (value, _label) in zip(labels, is_narrow, scale.ticks, strict=True):
        anchor = "start" if place < 0.02 else "end" if place > 0.98 else "middle"
        body.append(canvas.line(place, place, top, bottom, "grid" if value else "zero"))
        body.append(canvas.text(place, bottom + 16, label, anchor, classes="" if is_always else "wide"))
    return "".join(body)


def _names_flipped(plot: Plot, canvas: Canvas, height: float) -> str:
    x, y = (texts.shortened(texts.clean(axis.title), NARROW) for axis in (plot.x, plot.y))
    name_of_x = canvas.text(0, 11, x, "start", classes="name") if x else ""
    name_of_y = canvas.text(1, height - 4, y, "end", classes="name") if y else ""
    return name_of_x + name_of_y
