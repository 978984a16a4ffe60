"""Series on axes, from lists of values that may be of any kind and length."""

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.charts.limits import MAX_BINS, MAX_BOXES, MAX_CATEGORIES, MAX_OUTLIERS, MAX_PARTS, MAX_ROWS, MAX_SERIES
from app.charts.model import Axis, Box, Boxes, Mark, Parts, Plot, Point, Series, Value
from app.charts.reading import values
from app.charts.reading.notes import Notes, no_numbers

# Their points are joined, so they have to follow each other.
JOINED = {Mark.LINE, Mark.SPLINE, Mark.STEP, Mark.AREA}


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
    *,
    x: Axis = Axis(),
    y: Axis = Axis(),
    is_stacked: bool = False,
    is_share: bool = False,
    is_flipped: bool = False,
    in_order: bool = False,
) -> Plot:
    """Return series on axes. `in_order` joins points as they come, not by their x."""
    kept = notes.first_series(drafts, MAX_SERIES)
    shown = [_series(draft, xs, notes) for draft, xs in zip(kept, _same_axis(kept, notes), strict=True)]
    if not any(point.y is not None for series in shown for point in series.points):
        raise no_numbers()
    if y.is_logarithmic:
        shown = [_positive(series, notes) for series in shown]
    if not in_order:
        shown = [_sorted(series) for series in shown]
    if is_stacked and len(shown) == 1:
        is_stacked = is_share
    return Plot(
        _aligned(shown, notes), x, y, is_stacked=is_stacked or is_share, is_share=is_share, is_flipped=is_flipped
    )


def _same_axis(drafts: Sequence[Draft], notes: Notes) -> list[list[Value]]:
    """Return the x of each series, all of one kind."""
    xs = [list(notes.first(draft.xs, MAX_ROWS)) for draft in drafts]
    every = [value for each in xs for value in each]
    moments = [values.moment(value) for value in every]
    # As in 1985-22-23: some dates of a file may be none.
    readable = sum(1 for value in moments if value is not None)
    known = sum(1 for value in every if value is not None)
    if 0 < readable < known and readable * 2 >= known and all(isinstance(value, str) for value in every):
        notes.say(_("Some dates cannot be read and are left out, such as “%(date)s”.", date=_first_bad(every)))
        every = [value if moment is not None else None for value, moment in zip(every, moments, strict=True)]
    alike = iter(values.alike(every))
    return [list(itertools.islice(alike, len(each))) for each in xs]


def _first_bad(every: Iterable[object]) -> str:
    return next(values.text(value, 40) for value in every if values.moment(value) is None)


def _series(draft: Draft, xs: Sequence[Value], notes: Notes) -> Series:
    ys = notes.first(draft.ys, MAX_ROWS)
    largest = max((values.number(size) or 0 for size in draft.sizes[:MAX_ROWS]), default=0)
    points = [
        Point(
            x,
            values.number(y),
            low=values.number(low),
            size=_part(size, largest),
            label=values.text(label),
            url=values.link(url),
        )
        for x, y, low, size, label, url in itertools.islice(
            itertools.zip_longest(xs, ys, draft.lows, draft.sizes, draft.labels, draft.urls), max(len(xs), len(ys))
        )
        if x is not None
    ]
    return Series(values.text(draft.title), points, draft.mark)


def _part(size: object, largest: float) -> float | None:
    known = values.number(size)
    return None if known is None or largest <= 0 else max(known, 0) / largest


def _positive(series: Series, notes: Notes) -> Series:
    kept = [point for point in series.points if point.y is None or point.y > 0]
    if len(kept) < len(series.points):
        notes.say(_("A logarithmic axis has no zero and nothing below; such values are left out."))
    return Series(series.title, kept, series.mark)


def _sorted(series: Series) -> Series:
    if series.mark not in JOINED or any(isinstance(point.x, str) for point in series.points):
        return series
    # All x are of one kind, so they can be compared.
    return Series(series.title, sorted(series.points, key=lambda point: point.x), series.mark)  # type: ignore[arg-type, return-value]


def _aligned(shown: Sequence[Series], notes: Notes) -> list[Series]:
    """Return the series with a point for each category, in one order, if x is by category."""
    categories = list(dict.fromkeys(point.x for series in shown for point in series.points))
    if not any(isinstance(category, str) for category in categories):
        return list(shown)
    kept = set(notes.first(categories, MAX_CATEGORIES))
    cut = [Series(series.title, [point for point in series.points if point.x in kept], series.mark) for series in shown]
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


def boxes(groups: Iterable[tuple[str, Sequence[object]]], notes: Notes, y: Axis = Axis()) -> Boxes:
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
    if width <= 0 or not math.isfinite(width):
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(width))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= width * (1 - 1e-9))


def bin_start(value: float, size: float) -> float:
    """Return where the bin of a value begins."""
    # Without the noise of a division, as in 0.30000000000000004.
    return round(math.floor(value / size + 1e-9) * size, 12)


def bin_label(start: float, size: float) -> str:
    """Return a bin as a category."""
    return f"{values.text(start)}–{values.text(round(start + size, 12))}"


def histogram(
    groups: Sequence[tuple[str, Sequence[object]]], notes: Notes, *, most: int = 20, x: Axis = Axis()
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
    return plot(drafts, notes, x=x, y=Axis(_("Number")))
