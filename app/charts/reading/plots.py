"""Series on axes, from lists of values that may be of any kind and length."""

import dataclasses
import itertools
import math
import operator
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _
from flask_babel import pgettext

from app.charts import memo
from app.charts.ends import ends
from app.charts.limits import (
    MAX_BINS,
    MAX_BOXES,
    MAX_CATEGORIES,
    MAX_OUTLIERS,
    MAX_PARTS,
    MAX_POINTS,
    MAX_ROWS,
    MAX_SERIES,
)
from app.charts.model import Axis, Box, Boxes, Kind, Mark, Parts, Plot, Point, Samples, Series, Value
from app.charts.reading import values
from app.charts.reading.notes import Notes, no_numbers

# Their points are joined, so they have to follow each other.
JOINED = {Mark.LINE, Mark.SPLINE, Mark.STEP, Mark.AREA}

SMALLEST_BIN = 1e-12

NOTHING = Plot([])


@dataclass
class Draft:
    """A series before its values are checked. Its lists may have different lengths."""

    title: str
    xs: Sequence[object]
    ys: Sequence[object]
    mark: Mark = Mark.LINE
    lows: Sequence[object] = field(default_factory=list)
    sizes: Sequence[object] = field(default_factory=list)
    labels: Sequence[object] = field(default_factory=list)
    urls: Sequence[object] = field(default_factory=list)


def plot(
    drafts: Sequence[Draft],
    notes: Notes,
    shape: Plot = NOTHING,
    *,
    in_order: bool = False,
    categories: Sequence[str] = (),
) -> Plot:
    """Return series on the axes of `shape`.

    `in_order` joins points as they come, not by their x; `categories` are x in their order.
    """
    is_stacked = shape.is_stacked or shape.is_share
    kept = _with_rest(drafts, notes) if is_stacked else notes.first_series(drafts, MAX_SERIES)
    xs = _same_axis(kept, notes, are_texts=bool(categories))
    most = _most_points(kept, is_stacked=is_stacked)
    shown = [_series(draft, each, notes, most, in_order=in_order) for draft, each in zip(kept, xs, strict=True)]
    if not any(map(_has_values, shown)):
        raise no_numbers()
    if shape.x.is_logarithmic or shape.y.is_logarithmic:
        shown = [_positive(series, shape.x, shape.y, notes) for series in shown]
    return dataclasses.replace(
        shape,
        series=_aligned(shown, categories, notes),
        is_stacked=shape.is_share or (is_stacked and len(shown) > 1),
    )


def _with_rest(drafts: Sequence[Draft], notes: Notes) -> Sequence[Draft]:
    """Return what is stacked with its whole height: series beyond the limit become one."""
    if len(drafts) <= MAX_SERIES:
        return drafts
    rest = drafts[MAX_SERIES - 1 :]
    notes.say(_("The last %(count)s series are drawn as one.", count=str(len(rest))))
    sums: dict[Value, float] = {}
    for draft in rest:
        for x, y in zip(values.alike(draft.xs[:MAX_ROWS]), values.numbers(draft.ys[:MAX_ROWS]), strict=False):
            sums[x] = sums.get(x, 0) + (y or 0)
    return [*drafts[: MAX_SERIES - 1], Draft(_("Other"), list(sums), list(sums.values()), rest[0].mark)]


def _same_axis(drafts: Sequence[Draft], notes: Notes, *, are_texts: bool) -> list[Sequence[Value]]:
    """Return the x of each series, all of one kind."""
    xs = [_first(draft.xs, notes) for draft in drafts]
    if len(xs) == 1 and values.are_plain(xs[0]) and not are_texts:
        return xs  # type: ignore[return-value]
    if are_texts:
        return [values.column(each, Kind.TEXT) for each in xs]
    every = [value for each in xs for value in each]
    if str in set(map(type, every)):
        every = _without_bad_dates(every, notes)
    alike = iter(values.alike(every))
    return [list(itertools.islice(alike, len(each))) for each in xs]


def _without_bad_dates(every: list[object], notes: Notes) -> list[object]:
    """Return values without those that are no dates among dates, as is 1985-22-23."""
    moments = values.remembered(values.moment, every)
    readable = sum(1 for value in moments if value is not None)
    known = [value for value in every if value is not None]
    if readable == len(known) or readable * 2 < len(known):
        return every
    bad = next(value for value, moment in zip(every, moments, strict=True) if moment is None and value is not None)
    notes.say(_("Some dates cannot be read and are left out, such as “%(date)s”.", date=values.text(bad, 40)))
    return list(moments)


def _first(found: Sequence[object], notes: Notes) -> Sequence[object]:
    """Return the first values; the list itself, which other charts share, if those are all."""
    return found if len(found) <= MAX_ROWS else notes.first(found, MAX_ROWS)


def _most_points(drafts: Sequence[Draft], *, is_stacked: bool) -> int:
    """Return how many points a line of this chart may have."""
    # What lies on another line has a point wherever that one has.
    if is_stacked:
        return MAX_ROWS
    if len(drafts) == 1 or sum(len(draft.xs) for draft in drafts) <= 2 * MAX_POINTS:
        return MAX_POINTS
    return max(MAX_POINTS // len(drafts), MAX_POINTS // 5)


def _series(draft: Draft, xs: Sequence[Value], notes: Notes, most: int, *, in_order: bool) -> Series:
    ys = values.numbers(_first(draft.ys, notes))
    more = [draft.lows, draft.sizes, draft.labels, draft.urls]
    if any(more):
        points: Sequence[Point] = _rich_points(draft, xs, ys)
    else:
        if draft.mark in JOINED and not in_order:
            xs, ys = _joined(xs, ys, notes, most)
        points = _samples(xs, ys)
    if draft.mark in {Mark.POINT, Mark.TICK} and not (isinstance(points, Samples) and ends(points.ys)):
        points = [point for point in points if point.y is not None]
    return Series(values.text(draft.title), points, draft.mark)


def _samples(xs: Sequence[Value], ys: Sequence[float | None]) -> Samples:
    """Return the points that have a place, without an object for each."""
    if len(xs) != len(ys):
        xs, ys = xs[: len(ys)], ys[: len(xs)]
    if ends(xs) is None and None in xs:
        kept = [place for place, x in enumerate(xs) if x is not None]
        xs, ys = [xs[place] for place in kept], [ys[place] for place in kept]
    return Samples(xs, ys)


def _has_values(series: Series) -> bool:
    if isinstance(series.points, Samples):
        return any(y is not None for y in series.points.ys)
    return any(point.y is not None for point in series.points)


def _joined(
    xs: Sequence[Value], ys: Sequence[float | None], notes: Notes, most: int
) -> tuple[Sequence[Value], Sequence[float | None]]:
    """Return numbers, days or moments one after the other, and no more than can be seen."""
    if not xs or isinstance(xs[0], str):
        return xs, ys
    if not memo.once(xs, "is ordered", lambda: _is_ordered(xs)):
        # All x are of one kind, so they can be compared.
        pairs = sorted((pair for pair in zip(xs, ys, strict=False) if pair[0] is not None), key=operator.itemgetter(0))
        xs, ys = [x for x, _y in pairs], [y for _x, y in pairs]
    if len(xs) <= most or len(xs) != len(ys) or ends(ys) is None:
        return xs, ys
    notes.say(
        _(
            "Of %(count)s values, those that can be seen are drawn: the lowest and the highest of each part.",
            count=str(len(xs)),
        )
    )
    kept = _visible(ys, most)  # type: ignore[arg-type]
    return [xs[place] for place in kept], [ys[place] for place in kept]


def _is_ordered(xs: Sequence[Value]) -> bool:
    return (ends(xs) is not None or None not in xs) and all(map(operator.le, xs, xs[1:]))  # type: ignore[arg-type]


def _visible(ys: Sequence[float], most: int) -> list[int]:
    """Return the places of the lowest and the highest value of each part, and of both ends."""
    size = math.ceil(2 * len(ys) / most)
    kept = {0, len(ys) - 1}
    for start in range(0, len(ys), size):
        part = ys[start : start + size]
        kept.update((start + part.index(min(part)), start + part.index(max(part))))
    return sorted(kept)


def _rich_points(draft: Draft, xs: Sequence[Value], ys: Sequence[float | None]) -> list[Point]:
    sizes = values.numbers(draft.sizes[: len(xs)])
    largest = max((size for size in sizes if size is not None), default=0)
    lists = (values.numbers(draft.lows), sizes, values.remembered(values.text, draft.labels), draft.urls)
    return [
        Point(x, y, low, _part(size, largest), label or "", values.link(url))
        for x, y, low, size, label, url in zip(
            xs, ys, *(itertools.chain(each, itertools.repeat(None)) for each in lists), strict=False
        )
        if x is not None
    ]


def _part(size: float | None, largest: float) -> float | None:
    return None if size is None or largest <= 0 else max(size, 0) / largest


def _positive(series: Series, x: Axis, y: Axis, notes: Notes) -> Series:
    kept = [
        point
        for point in series.points
        if not (y.is_logarithmic and point.y is not None and point.y <= 0)
        and not (x.is_logarithmic and isinstance(point.x, int | float) and point.x <= 0)
    ]
    if len(kept) < len(series.points):
        notes.say(_("A logarithmic axis has no zero and nothing below; such values are left out."))
    return Series(series.title, kept, series.mark)


def _aligned(shown: Sequence[Series], wanted: Sequence[str], notes: Notes) -> list[Series]:
    """Return the series with a point for each category, in one order, if x is by category."""
    if not any(isinstance(series.points[0].x, str) for series in shown if series.points):
        return list(shown)
    found = dict.fromkeys(point.x for series in shown for point in series.points)
    first = dict.fromkeys(category for category in wanted if category in found)
    categories: list[Value] = [*first, *(category for category in found if category not in first)]
    kept = set(notes.first(categories, MAX_CATEGORIES))
    places = {category: place for place, category in enumerate(categories)}
    cut = []
    for series in shown:
        points = [point for point in series.points if point.x in kept]
        cut.append(Series(series.title, sorted(points, key=lambda point: places[point.x]), series.mark))
    if len(cut) == 1 or any(len({point.x for point in series.points}) < len(series.points) for series in cut):
        return cut
    aligned = []
    for series in cut:
        by_category = {point.x: point for point in series.points}
        points = [by_category.get(category, Point(category, None)) for category in categories if category in kept]
        aligned.append(Series(series.title, points, series.mark))
    return aligned


def parts(pairs: Iterable[tuple[object, object]], notes: Notes, *, is_hollow: bool = False, unit: str = "") -> Parts:
    """Return the parts of a whole. Those of one name are added; what is beyond the limit becomes one part."""
    sums: dict[str, float] = {}
    for name, value in pairs:
        known = values.number(value)
        if known is not None and known > 0:
            sums[values.text(name)] = sums.get(values.text(name), 0) + known
        elif known is not None and known < 0:
            notes.say(_("Parts below zero are left out."))
    if not sums:
        raise no_numbers()
    found = list(sums.items())
    if len(found) > MAX_PARTS:
        found.sort(key=lambda part: -part[1])
        rest = found[MAX_PARTS - 1 :]
        notes.say(_("The %(count)s smallest parts are drawn as one.", count=str(len(rest))))
        found = [*found[: MAX_PARTS - 1], (_("Other"), sum(value for _name, value in rest))]
    return Parts(found, is_hollow, unit)


def boxes(groups: Iterable[tuple[str, Sequence[object]]], notes: Notes, y: Axis = NOTHING.y) -> Boxes:
    """Return a box for each group of numbers."""
    found = [box for name, group in groups if (box := _box(name, group)) is not None]
    if not found:
        raise no_numbers()
    return Boxes(list(notes.first(found, MAX_BOXES)), y)


def _box(name: str, group: Sequence[object]) -> Box | None:
    known = sorted(value for each in group if (value := values.number(each)) is not None)
    if not known:
        return None
    if len(known) == 1:
        first = middle = third = known[0]
    else:
        first, middle, third = statistics.quantiles(known, n=4, method="inclusive")
    reach = 1.5 * (third - first)
    inside = [value for value in known if first - reach <= value <= third + reach]
    outside = [value for value in known if not first - reach <= value <= third + reach]
    if len(outside) > MAX_OUTLIERS:
        # The ends tell more than the middle.
        outside = outside[: MAX_OUTLIERS // 2] + outside[-MAX_OUTLIERS // 2 :]
    return Box(values.text(name), min(inside), first, middle, third, max(inside), outside)


def bin_size(lowest: float, highest: float, most: int = 10) -> float:
    """Return a round size of bins, so that there are at most about as many."""
    width = (highest - lowest) / max(min(most, MAX_BINS), 1)
    # Starts are rounded to as many digits: smaller bins would all be the same.
    if not SMALLEST_BIN <= width < math.inf:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * (1 - 1e-9))


def bin_start(value: float, size: float) -> float:
    """Return where the bin of a value begins."""
    # Without the noise of a division, as in 0.30000000000000004.
    return round(math.floor(value / size + 1e-9) * size, 12)


def bin_starts(found: Sequence[float], size: float) -> list[float]:
    """Return where the bins of many values begin."""
    floor = math.floor
    return values.remembered(lambda number: round(number * size, 12), [floor(value / size + 1e-9) for value in found])  # type: ignore[operator]


def bin_label(start: float, size: float) -> str:
    """Return a bin as a category."""
    return f"{values.text(start)}–{values.text(round(start + size, 12))}"


def histogram(
    groups: Sequence[tuple[str, Sequence[object]]], notes: Notes, *, most: int = 20, x: Axis = NOTHING.x
) -> Plot:
    """Return how many values of each group are in each bin."""
    known = [(name, [value for each in group if (value := values.number(each)) is not None]) for name, group in groups]
    every = [value for _name, group in known for value in group]
    if not every:
        raise no_numbers()
    size = bin_size(min(every), max(every), most)
    first, last = bin_start(min(every), size), bin_start(max(every), size)
    starts = [bin_start(first + place * size, size) for place in range(round((last - first) / size) + 1)]
    drafts = []
    for name, group in known:
        counts = dict.fromkeys(starts, 0)
        for value in group:
            start = bin_start(value, size)
            counts[start] = counts.get(start, 0) + 1
        drafts.append(Draft(name, [bin_label(start, size) for start in counts], list(counts.values()), Mark.BAR))
    return plot(drafts, notes, Plot([], x, Axis(pgettext("count", "Number"))))
