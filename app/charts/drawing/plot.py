"""Plots: series on two axes."""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from flask_babel import gettext as _

from app.charts import texts
from app.charts.drawing.canvas import (
    BROAD,
    COLOURS,
    LINE,
    MAX_DOTS,
    MAX_MARKS,
    NARROW,
    Canvas,
    Drawing,
    labels_below,
    said,
    short,
    snapped,
)
from app.charts.drawing.plot_data import CURVES, Across, Prepared, across_of, upright
from app.charts.drawing.scales import Scale, spaced
from app.charts.ends import ends
from app.charts.model import Mark, Plot, Point

# The part of a band that bars fill.
FILLED = 0.72
# Categories of bars that lie.
MAX_FLIPPED = 200
# A line of more points has no dots.
SEEN_DOTS = 16
# Points of a line that tell their values where there are too many for all to do so.
MAX_SAMPLES = 16
# Columns of a line of thousands of points.
THINNED = 400
# More than a canvas has in a row.
MAX_CELLS = 100_000


@dataclass(frozen=True)
class Stage:
    """A plot with its axes: where its values are on the canvas."""

    plot: Plot
    across: Across
    canvas: Canvas
    scale: Scale
    top: float
    bottom: float

    def y(self, value: float) -> float:
        return self.bottom - (self.bottom - self.top) * self.scale(value)

    @property
    def zero(self) -> float:
        """Where bars and areas begin."""
        return 0.0 if not self.scale.is_logarithmic and self.scale.low <= 0 <= self.scale.high else self.scale.low

    @property
    def is_straight(self) -> bool:
        """Whether places grow evenly with the values, and no value is beyond the ends."""
        axes = self.plot.x, self.plot.y
        ends = [end for axis in axes for end in (axis.lowest, axis.highest) if end is not None]
        return not ends and not any(axis.is_logarithmic for axis in axes)

    @property
    def is_stacked(self) -> bool:
        return self.plot.is_stacked or self.plot.is_share

    def tell(self, each: Prepared, n: int) -> str:
        """Say the value of a point."""
        point: Point = each.series.points[n]
        unit = self.plot.y.unit
        value = texts.number(texts.as_float(point.y), unit)
        low = texts.as_float(point.low) if point.low is not None else None
        if low is not None:
            value = f"{texts.number(low, unit)} – {value}"
        series = texts.clean(each.series.title) if len(self.plot.series) > 1 else ""
        return said([series, texts.clean(point.label) or self.across.text(point.x)], value)


def draw(plot: Plot, canvas: Canvas) -> Drawing:
    """Draw a plot."""
    note = _note(plot)
    plot = replace(plot, series=plot.series[:COLOURS])
    across = across_of(plot)
    if plot.is_flipped:
        return replace(_flipped(plot, across, canvas), note=note or _note_of_rows(across))
    top = 10 + (LINE if plot.y.title else 0)
    bottom = canvas.height - 24 - (LINE if plot.x.title else 0)
    stage = Stage(plot, across, canvas, upright(plot, across, canvas.height), top, bottom)
    margin = snapped(max([texts.width(label) for _value, label in stage.scale.ticks], default=0) + 10)
    body = [
        _grid(stage),
        _names(plot, canvas, margin),
        '<svg class="frame" width="100%" height="100%" overflow="visible">',
        '<svg class="pane" width="100%" height="100%" overflow="visible">',
        labels_below(canvas, across.labels, bottom, is_banded=across.is_banded),
        *_marks(stage),
        "</svg></svg>",
    ]
    return Drawing("".join(body), canvas.height, margin, kind="plot", note=note)


def _note(plot: Plot) -> str:
    if len(plot.series) <= COLOURS:
        return ""
    return str(_("The chart shows the first %(number)s series. The table has all of them.", number=COLOURS))


def _note_of_rows(across: Across) -> str:
    if len(across.labels) <= MAX_FLIPPED:
        return ""
    return str(_("The chart shows the first %(number)s bars. The table has all of them.", number=MAX_FLIPPED))


# -- what stands around


def _grid(stage: Stage) -> str:
    canvas, lines = stage.canvas, []
    for value, label in stage.scale.ticks:
        y = stage.y(value)
        lines.append(canvas.line(0, 1, y, y, "grid") if value != stage.zero else "")
        lines.append(canvas.text(0, y + 4, label, "end", dx=-8))
    zero = stage.y(stage.zero)
    return "".join([*lines, canvas.line(0, 1, zero, zero, "zero")])


def _names(plot: Plot, canvas: Canvas, margin: float) -> str:
    """Return the titles of the axes."""
    x, y = (texts.shortened(texts.clean(axis.title), NARROW) for axis in (plot.x, plot.y))
    name_of_y = canvas.text(0, 11, y, "start", dx=-margin, classes="name") if y else ""
    name_of_x = canvas.text(1, canvas.height - 4, x, "end", classes="name") if x else ""
    return name_of_y + name_of_x


# -- marks


def _marks(stage: Stage) -> Iterator[str]:
    yield from _bars(stage, [each for each in stage.across.prepared if each.mark is Mark.BAR])
    curves = [each.sorted() for each in stage.across.prepared if each.mark in CURVES and each.xs]
    yield stage.canvas.stretched("".join(_curve(stage, each) for each in curves))
    dots = [each for each in stage.across.prepared if each.mark not in CURVES and each.mark is not Mark.BAR]
    if sum(len(each.xs) for each in dots) > MAX_MARKS:
        yield stage.canvas.stretched("".join(_cloud(stage, each) for each in dots))
    else:
        for each in dots:
            yield from _dots(stage, each)
    for each in curves:
        yield from _values(stage, each, MAX_MARKS // len(curves))


Span = tuple[int, float, float, float, float]


def _bars(stage: Stage, bars: Sequence[Prepared]) -> Iterator[str]:
    """Yield rectangles: series beside each other, or on each other."""
    step = stage.across.step
    width = step * (FILLED if stage.across.is_banded or step < 0.5 else 0.5)
    beside = 1 if stage.is_stacked else max(len(bars), 1)
    is_path = sum(len(each.xs) for each in bars) > MAX_MARKS
    paths = []
    for index, each in enumerate(bars):
        start = -width / 2 + (0 if stage.is_stacked else index * width / beside)
        spans = _spans(stage, each, start, width / beside)
        if is_path and len(each.xs) > stage.canvas.columns and not each.lows:
            paths.append(f'<path class="f{each.number}" d="{_outline(stage, each.sorted())}"/>')
            continue
        if is_path:
            paths.append(f'<path class="f{each.number}" d="{_blocks(spans, stage.canvas)}"/>')
            continue
        for n, left, right, upper, lower in spans:
            height, url = max(lower - upper, 1), each.series.points[n].url
            yield stage.canvas.rect(left, right, upper, height, f"f{each.number} bar", stage.tell(each, n), url)
    yield stage.canvas.stretched("".join(paths))


def _spans(stage: Stage, each: Prepared, start: float, width: float) -> Iterator[Span]:
    """Yield for each bar its index, its ends along x and along y."""
    lows = each.lows or [None] * len(each.xs)
    for n, (x, value, low) in enumerate(zip(each.xs, each.ys, lows, strict=True)):
        if value is not None:
            place = stage.across.place(x) + start
            a, b = stage.y(value), stage.y(stage.zero if low is None else low)
            yield n, place, place + width, min(a, b), max(a, b)


def _blocks(spans: Iterator[Span], canvas: Canvas) -> str:
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


def _dots(stage: Stage, each: Prepared) -> Iterator[str]:
    half = stage.across.step * FILLED / 2 if stage.across.step else 0.01
    for n, (x, value) in enumerate(zip(each.xs, each.ys, strict=True)):
        if value is None:
            continue
        place, y, point, title = stage.across.place(x), stage.y(value), each.series.points[n], stage.tell(each, n)
        if each.mark is Mark.TICK:
            yield stage.canvas.rect(place - half, place + half, y - 1.5, 3, f"f{each.number}", title, point.url)
        else:
            radius = 4 if point.size is None else 3 + 15 * math.sqrt(min(max(point.size, 0), 1))
            yield stage.canvas.dot(place, y, radius, f"f{each.number} bubble", title, point.url)


def _cloud(stage: Stage, each: Prepared) -> str:
    """Return the path of very many dots, one for each place that can be told from its neighbours."""
    wide, high = max(stage.canvas.columns // 200, 1), 3
    xs, ys = _known(each)
    if not xs:
        return ""
    columns = _straight(xs, lambda x: stage.canvas.column(stage.across.place(x)) / wide, is_straight=stage.is_straight)
    downwards = _straight(ys, lambda y: stage.y(y) / high, is_straight=stage.is_straight)
    # The number of a cell, row by row: thousands of pairs would take longer to compare.
    cells = {row * MAX_CELLS + column for column, row in zip(map(int, columns), map(int, downwards), strict=True)}
    rows: dict[int, list[int]] = {}
    for cell in sorted(cells):
        rows.setdefault(cell // MAX_CELLS, []).append(cell % MAX_CELLS)
    path = []
    for row, among in rows.items():
        path.append(f"M{among[0] * wide} {row * high}h0")
        path += [f"m{(after - before) * wide} 0h0" for before, after in pairwise(among)]
    return f'<path class="s{each.number} cloud" d="{"".join(path)}"/>'


def _straight(values: Sequence[float], place: Callable[[float], float], *, is_straight: bool) -> list[float]:
    """Return where values are. Thousands of calls take long, and most scales are straight lines: then two are enough."""
    if not values:
        return []
    low, high = ends(values) or (min(values), max(values))
    if not is_straight or low == high:
        return [place(value) for value in values]
    rise = (place(high) - place(low)) / (high - low)
    begin = place(low) - rise * low
    return [begin + rise * value for value in values]


# -- curves


def _curve(stage: Stage, each: Prepared) -> str:
    """Return the path of a line, and of the area below it."""
    line, area = _thinned(stage, each) if len(each.xs) > stage.canvas.columns and not each.lows else _whole(stage, each)
    below = f'<path class="f{each.number} area" d="{area}"/>' if each.mark is Mark.AREA else ""
    return f'{below}<path class="s{each.number} line" d="{line}"/>'


def _whole(stage: Stage, each: Prepared) -> tuple[str, str]:
    """Return the paths of a line and its area through all points, or as many as there are columns."""
    every = max(1, len(each.xs) // stage.canvas.columns)
    ys, lows = each.ys[::every], (each.lows or [None] * len(each.xs))[::every]
    columns = _straight(
        each.xs[::every], lambda x: stage.canvas.column(stage.across.place(x)), is_straight=stage.is_straight
    )
    tops = iter(_straight([y for y in ys if y is not None], stage.y, is_straight=stage.is_straight))
    runs: list[list[tuple[float, float, float]]] = [[]]
    ground = stage.y(stage.zero)
    for column, value, low in zip(columns, ys, lows, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((column, next(tops), ground if low is None else stage.y(low)))
    lines, areas = [], []
    for run in filter(None, runs):
        upper = _through([(x, a) for x, a, _b in run], each.mark)
        # A single point is seen as the round end of a line without length.
        lines.append(f"M{upper}" + ("h0" if len(run) == 1 else ""))
        if each.mark is Mark.AREA:
            lower = _ground(run) if each.lows is None else _through([(x, b) for x, _a, b in reversed(run)], Mark.LINE)
            areas.append(f"M{upper}L{lower}Z")
    return "".join(lines), "".join(areas)


def _ground(run: Sequence[tuple[float, float, float]]) -> str:
    """Return the lower side of an area that stands on the axis."""
    (first, _top, ground), (last, *_rest) = run[0], run[-1]
    return f"{short(last)} {short(ground)}H{short(first)}"


def _through(points: Sequence[tuple[float, float]], mark: Mark) -> str:
    if len(points) > MAX_DOTS and mark is not Mark.STEP and not (mark is Mark.SPLINE and len(points) <= MAX_MARKS):
        return _brief(points)
    if mark is Mark.SPLINE and 2 < len(points) <= MAX_MARKS:
        return _smooth(points)
    written = [f"{short(x)} {short(y)}" for x, y in points]
    if mark is Mark.STEP:
        return written[0] + "".join(f"H{short(x)}V{short(y)}" for x, y in points[1:])
    return "L".join(written)


def _brief(points: Sequence[tuple[float, float]]) -> str:
    """Return a line of many points as steps from one to the next, which are shorter than places.

    Where it is jagged, nobody sees parts of pixels, and it goes without them.
    """
    is_jagged = sum(abs(b[1] - a[1]) for a, b in pairwise(points)) > 4 * len(points)
    scale = 1 if is_jagged else 10
    places = [(round(x), round(y * scale)) for x, y in points]
    path = [f"{places[0][0]} {short(places[0][1] / scale)}"]
    for (x, y), (next_x, next_y) in pairwise(places):
        down = next_y - y
        shown = str(down) if is_jagged else short(down / scale)
        path.append(f"l{next_x - x}{'' if down < 0 else ' '}{shown}")
    return "".join(path)


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
        turns = (a[0] + third, a[1] + m * third, b[0] - third, b[1] - n * third, *b)
        path.append("C" + " ".join(map(short, turns)))
    return "".join(path)


def _thinned(stage: Stage, each: Prepared) -> tuple[str, str]:
    """Return the paths of a line of thousands of points, and of the area below it."""
    spans = _columns(stage, each)
    if not spans:
        return "", ""
    line = _zigzag(spans)
    return line, f"{line}V{short(stage.y(stage.zero))}H{spans[0][0]}Z"


def _outline(stage: Stage, each: Prepared) -> str:
    """Return the path of thousands of bars."""
    spans, zero = _columns(stage, each), stage.y(stage.zero)
    width = max(stage.canvas.columns // max(len(spans), 1), 1)
    return "".join(
        f"M{start} {max(lower, zero):.0f}V{min(upper, zero):.0f}h{width}V{max(lower, zero):.0f}z"
        for start, upper, lower in spans
    )


def _columns(stage: Stage, each: Prepared) -> list[tuple[int, float, float]]:
    """Return the columns of a series of thousands of points: where each is, and its highest and its lowest value."""
    xs, ys = _known(each)
    if not xs:
        return []
    low, count, begin = xs[0], min(stage.canvas.columns, THINNED), 0
    width = (xs[-1] - low) / count
    middles: list[float] = []
    reaches: list[tuple[float, float]] = []
    for column in range(count):
        end = len(xs) if column == count - 1 else bisect_left(xs, low + width * (column + 1), begin)
        if end > begin:
            part = ys[begin:end]
            reaches.append((max(part), min(part)))
            middles.append(low + width * (column + 0.5))
            begin = end
    starts = _straight(middles, lambda x: stage.canvas.column(stage.across.place(x)), is_straight=stage.is_straight)
    places = _straight([end for pair in reaches for end in pair], stage.y, is_straight=stage.is_straight)
    # The higher value is higher up, so its place is less.
    return list(zip(map(round, starts), places[::2], places[1::2], strict=True))


def _known(each: Prepared) -> tuple[Sequence[float], Sequence[float]]:
    """Return the points of a series that have a value."""
    xs, ys = each.xs, each.ys
    if ends(ys) is None and None in ys:
        known = [index for index, value in enumerate(ys) if value is not None]
        xs, ys = [xs[index] for index in known], [ys[index] for index in known]
    return xs, ys  # type: ignore[return-value]


def _zigzag(spans: Sequence[tuple[int, float, float]]) -> str:
    """Return a path up and down through columns. Where it is jagged, nobody sees parts of pixels, and it goes without them."""
    is_jagged = sum(lower - upper for _start, upper, lower in spans) > 4 * len(spans)
    digits, (before, at, _lower) = 0 if is_jagged else 1, spans[0]
    path: list[str] = []
    for start, upper, lower in spans:
        first, last = (upper, lower) if abs(at - upper) < abs(at - lower) else (lower, upper)
        move = f"h{start - before}V{first:.{digits}f}" if is_jagged else f"L{start} {first:.1f}"
        path.append(move if path else f"M{start} {first:.1f}")
        if last != first:
            path.append(f"V{last:.{digits}f}")
        at, before = last, start
    return "".join(path)


def _values(stage: Stage, each: Prepared, most: int) -> Iterator[str]:
    """Yield the points of a line that tell their values, seen as dots if they are few."""
    count = len(each.xs)
    if count <= min(MAX_DOTS, max(most, 12)):
        chosen: Sequence[int] = range(count)
    else:
        # Of many lines fewer each.
        samples = min(MAX_SAMPLES, max(most // 8, 4))
        chosen = [round(n * (count - 1) / (samples - 1)) for n in range(samples)]
    classes, radius = ("dot", 3.2) if count <= SEEN_DOTS else ("hit", 7)
    for n in chosen:
        value = each.ys[n]
        if value is not None:
            place, url = stage.across.place(each.xs[n]), each.series.points[n].url
            yield stage.canvas.dot(place, stage.y(value), radius, f"f{each.number} {classes}", stage.tell(each, n), url)


# -- bars that lie


def _flipped(plot: Plot, across: Across, canvas: Canvas) -> Drawing:
    """Draw categories downwards, each with its label above its bars, so that labels have the whole width."""
    stage = Stage(plot, across, canvas, upright(plot, across, 5 * 48), 0, 0)
    labels = across.labels[:MAX_FLIPPED]
    beside = 1 if stage.is_stacked else max(len(across.prepared), 1)
    thickness = 14 if beside == 1 else 9
    row = LINE + beside * thickness + 10
    top = LINE if plot.x.title else 0
    bottom = top + row * len(labels) + 2
    height = bottom + 22 + (LINE if plot.y.title else 0)
    body = [_names_flipped(plot, canvas, height), _grid_flipped(stage, top, bottom)]
    for index, (_place, label) in enumerate(labels):
        shown = texts.shortened(label, NARROW - 50)
        body.append(canvas.text(0, top + index * row + 13, shown, "start", classes="label"))
    for number, each in enumerate(across.prepared):
        offset = top + LINE + (0 if stage.is_stacked else number * thickness)
        body += _lying(stage, each, len(labels), row, offset, thickness)
    if len(across.prepared) == 1:
        body += _values_beside(stage, across.prepared[0], len(labels), row, top)
    return Drawing("".join(body), height, 0, kind="flipped")


def _lying(stage: Stage, each: Prepared, count: int, row: float, offset: float, thickness: float) -> Iterator[str]:  # noqa: PLR0913, PLR0917 - where they are
    for n, (x, value) in enumerate(zip(each.xs, each.ys, strict=True)):
        if value is None or x >= count:
            continue
        low = each.lows[n] if each.lows else None
        start, end = stage.scale(stage.zero if low is None else low), stage.scale(value)
        url = each.series.points[n].url
        yield stage.canvas.rect(
            start, end, offset + x * row, thickness - 1, f"f{each.number} bar", stage.tell(each, n), url
        )


def _values_beside(stage: Stage, each: Prepared, count: int, row: float, top: float) -> Iterator[str]:
    """Yield the values of a single series, at the end of each line."""
    for n, x in enumerate(each.xs):
        if x < count and each.ys[n] is not None:
            value = texts.number(texts.as_float(each.series.points[n].y), stage.plot.y.unit)
            yield stage.canvas.text(1, top + x * row + 13, value, "end", classes="label")


def _grid_flipped(stage: Stage, top: float, bottom: float) -> str:
    labels = [(stage.scale(value), label) for value, label in stage.scale.ticks]
    is_narrow = spaced(labels, NARROW)
    is_broad = spaced(labels, BROAD)
    body = []
    for n, (place, label) in enumerate(labels):
        anchor = "start" if place < 0.02 else "end" if place > 0.98 else "middle"
        kind = "zero" if stage.scale.ticks[n][0] == stage.zero else "grid"
        body.append(stage.canvas.line(place, place, top, bottom, kind))
        if is_broad[n]:
            body.append(stage.canvas.text(place, bottom + 16, label, anchor, classes="" if is_narrow[n] else "wide"))
    return "".join(body)


def _names_flipped(plot: Plot, canvas: Canvas, height: float) -> str:
    x, y = (texts.shortened(texts.clean(axis.title), NARROW) for axis in (plot.x, plot.y))
    name_of_x = canvas.text(0, 11, x, "start", classes="name") if x else ""
    name_of_y = canvas.text(1, height - 4, y, "end", classes="name") if y else ""
    return name_of_x + name_of_y
