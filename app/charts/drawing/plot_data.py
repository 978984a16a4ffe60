"""The series of a plot as numbers: where each point is on both axes, what lies on what, and where the axes end."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from operator import le, sub
from typing import Any

from app.charts import texts
from app.charts.drawing.scales import Scale, is_of, numeric, seconds, temporal
from app.charts.ends import ends
from app.charts.model import Axis, Mark, Multiples, Plot, Samples, Series, Value

CURVES = {Mark.LINE, Mark.SPLINE, Mark.STEP, Mark.AREA}
STACKED = {Mark.BAR, Mark.AREA}
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
    prepared: list[Prepared] = field(default_factory=list)
    is_banded: bool = False


def _columns(series: Series) -> tuple[Sequence[Value], Sequence[Any]]:
    if isinstance(series.points, Samples):
        return series.points.xs, series.points.ys
    return [point.x for point in series.points], [point.y for point in series.points]


def _finite(values: Sequence[Any]) -> Sequence[float | None]:
    """Return numbers that can be drawn, and None for others."""
    known = ends(values)
    if known is not None and known[0] >= -1e100 and known[1] <= 1e100:
        return values
    return [texts.as_float(value) for value in values]


def across_of(plot: Plot) -> Across:
    read = [(number, series, *_columns(series)) for number, series in enumerate(plot.series)]
    kinds = {kind for _n, _s, xs, _ys in read for kind in _kinds(xs)} - {type(None)}
    if is_of(kinds, int, float) and not plot.is_flipped:
        return _of_numbers(plot, read, _as_numbers, is_days=None)
    if is_of(kinds, dt.date) and not plot.is_flipped:
        return _of_numbers(plot, read, _as_seconds, is_days=not any(issubclass(kind, dt.datetime) for kind in kinds))
    places: dict[Value, int] = {}
    prepared = []
    for number, series, xs, ys in read:
        indices = [float(places.setdefault(x, len(places))) for x in xs]
        prepared.append(Prepared(number, series, indices, _finite(ys)))
    count = max(len(places), 1)
    labels = [((index + 0.5) / count, texts.shown(key, plot.x.unit)) for key, index in places.items()]
    across = Across(lambda index: (index + 0.5) / count, labels, texts.shown, 1 / count, prepared, is_banded=True)
    across.text = lambda value: texts.shown(value, plot.x.unit)
    return across


def _kinds(xs: Sequence[Value]) -> set[type]:
    return {float} if ends(xs) is not None else set(map(type, xs))


def _as_numbers(values: Sequence[Value]) -> Sequence[float | None]:
    return _finite(values)


def _as_seconds(values: Sequence[Value]) -> Sequence[float | None]:
    if set(map(type, values)) == {dt.datetime}:
        # As `seconds` does, without a call for each of thousands.
        return [(value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp() for value in values]  # type: ignore[union-attr,call-arg]
    return [seconds(value) if isinstance(value, dt.date) else None for value in values]


def _of_numbers(plot: Plot, read: Sequence[Any], convert: Callable[..., Any], *, is_days: bool | None) -> Across:
    """Return an axis of numbers, or of time: `is_days` tells whether of days or of moments."""
    prepared = []
    for number, series, xs, ys in read:
        places, values, kept = convert(xs), _finite(ys), series
        if ends(places) is None and None in places:
            known = [index for index, place in enumerate(places) if place is not None]
            places, values = [places[index] for index in known], [values[index] for index in known]
            kept = replace(series, points=[series.points[index] for index in known])
        prepared.append(Prepared(number, kept, places, values))
    reaches = [ends(each.xs) or (min(each.xs), max(each.xs)) for each in prepared if each.xs]
    low = min((lowest for lowest, _highest in reaches), default=0.0)
    high = max((highest for _lowest, highest in reaches), default=1.0)
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
        prepared,
    )


def _gap(prepared: Sequence[Prepared], span: float) -> float:
    """Return the least distance between two bars."""
    known = sorted({x for each in prepared for x in each.xs})
    return min(map(sub, known[1:], known), default=span or 1.0)


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
    lows: list[float] = []
    highs: list[float] = []
    has_ground = False
    for each in across.prepared:
        whole = ends(each.ys)
        if whole is not None and not axis.is_logarithmic:
            ys: Sequence[float] = whole
        else:
            ys = [y for y in each.ys if y is not None and (y > 0 or not axis.is_logarithmic)]
        own = _own_lows(each) if not is_stacked and each.mark in STACKED else None
        grounds = [low for low in own or each.lows or () if low is not None]
        has_ground = has_ground or (each.mark in STACKED and not own)
        if ys:
            lows.append(min([*ys, *grounds]))
            highs.append(max([*ys, *grounds]))
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


def upright(plot: Plot, across: Across, height: int) -> Scale:
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


def fitted(multiples: Multiples) -> Multiples:
    """Give all charts the axes that hold each of them, if they share them."""
    if not multiples.charts or not multiples.is_shared:
        return multiples
    plots = [plot for _title, plot in multiples.charts]
    scales = [upright(plot, across_of(plot), SMALL) for plot in plots]
    low, high = min(each.low for each in scales), max(each.high for each in scales)
    xs = [[x for each in across_of(plot).prepared for x in each.xs] for plot in plots]
    known = [x for each in xs for x in each]
    is_banded = any(across_of(plot).is_banded for plot in plots)

    def fit(plot: Plot) -> Plot:
        y = replace(plot.y, lowest=low, highest=high)
        x = plot.x if is_banded or not known else replace(plot.x, lowest=min(known), highest=max(known))
        return replace(plot, x=x, y=y)

    return Multiples([(title, fit(plot)) for title, plot in multiples.charts])
