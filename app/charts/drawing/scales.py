"""Axes: where a value is, from 0 to 1, and which values are written beside them."""

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.charts import texts
from app.charts.model import Axis, Value

DAY = 86_400
# Steps of an axis of time below a day, in seconds.
STEPS = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
MONTHS = (1, 3, 6)
EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Scale:
    """An axis of numbers; of time, they are seconds."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    is_logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Return where a value is. What is beyond an end is at that end."""
        if self.is_logarithmic:
            if value <= 0:
                return 0.0
            low, high = math.log10(self.low), math.log10(self.high)
            place = (math.log10(value) - low) / (high - low)
        else:
            place = (value - self.low) / (self.high - self.low)
        return min(max(place, 0.0), 1.0)


def numeric(low: float, high: float, axis: Axis, *, count: int = 5, is_nice: bool = True) -> Scale:
    """Return an axis over the numbers from `low` to `high`, or the ends that are fixed."""
    low = axis.lowest if axis.lowest is not None else low
    high = axis.highest if axis.highest is not None else high
    if axis.is_logarithmic:
        return _logarithmic(low, high, axis)
    if not low < high:
        low, high = (low, low + (abs(low) or 1)) if low == high else (high, low)
    step = nice_step((high - low) / count)
    if is_nice:
        low = low if axis.lowest is not None else math.floor(round(low / step, 6)) * step
        high = high if axis.highest is not None else math.ceil(round(high / step, 6)) * step
    first = math.ceil(round(low / step, 6))
    last = math.floor(round(high / step, 6))
    marks = [n * step for n in range(first, min(last, first + 20) + 1)]
    return Scale(low, high, [(mark, texts.tick(mark, step, axis.unit)) for mark in marks])


def nice_step(about: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not less than `about`."""
    power = 10.0 ** math.floor(math.log10(about))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= about * 0.999), 10 * power)


def _logarithmic(low: float, high: float, axis: Axis) -> Scale:
    high = high if high > 0 else 1.0
    low = low if 0 < low < high else high / 1000
    start, end = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    end = max(end, start + 1)
    every = max(1, math.ceil((end - start) / 6))
    marks = [10.0**power for power in range(start, end + 1, every)]
    if end - start == 1:
        marks = sorted({*marks, 2 * marks[0], 5 * marks[0]})
    return Scale(
        10.0**start, 10.0**end, [(mark, texts.tick(mark, mark / 10, axis.unit)) for mark in marks], is_logarithmic=True
    )


# -- time


def seconds(value: dt.date) -> float:
    """Return a moment, or the beginning of a day, as a number. Days have no zone: they are as if in UTC."""
    if isinstance(value, dt.datetime):
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp()
    return (value.toordinal() - EPOCH) * DAY


def temporal(low: float, high: float, *, is_days: bool, count: int = 6) -> Scale:
    """Return an axis of time with the beginnings of years, months, days or hours, in the reader's zone."""
    if not low < high:
        low, high = low - DAY / 2, high + DAY / 2
    zone = dt.UTC if is_days else texts.zone()
    return Scale(low, high, _moments(low, high, zone, count, is_days=is_days))


def _moments(low: float, high: float, zone: dt.tzinfo, count: int, *, is_days: bool) -> list[tuple[float, str]]:
    about = (high - low) / count
    try:
        first = dt.datetime.fromtimestamp(low, zone)
    except (ValueError, OverflowError, OSError):
        return []
    if about < DAY / 2 and not is_days:
        step = next((each for each in STEPS if each >= about), STEPS[-1])
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
        begin = midnight + math.ceil((low - midnight) / step) * step
        marks = [begin + n * step for n in range(int((high - begin) / step) + 1)]
        return [(mark, _of_day(dt.datetime.fromtimestamp(mark, zone))) for mark in marks]
    if about < 20 * DAY:
        return _days(first, high, max(1, math.ceil(about / DAY - 0.5)))
    months = about / (30.4 * DAY)
    step = next((each for each in MONTHS if each >= months * 0.8), 12 * max(1, round(nice_step(months / 12))))
    return _months(first, high, step)


def _of_day(moment: dt.datetime) -> str:
    is_midnight = not (moment.hour or moment.minute or moment.second)
    return texts.pattern("MMMd" if is_midnight else "time", moment.astimezone(texts.zone()))


def _days(first: dt.datetime, high: float, step: int) -> list[tuple[float, str]]:
    marks: list[tuple[float, str]] = []
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if day < first:
        day += dt.timedelta(days=1)
    while day.timestamp() <= high and len(marks) < 40:
        marks.append((day.timestamp(), texts.pattern("MMMd", day.date())))
        day += dt.timedelta(days=step)
    return marks


def _months(first: dt.datetime, high: float, step: int) -> list[tuple[float, str]]:
    marks: list[tuple[float, str]] = []
    month = first.year * 12 + first.month - 1
    month = -(-month // step) * step
    while month // 12 < dt.MAXYEAR and len(marks) < 40:
        day = dt.datetime(max(month // 12, 1), month % 12 + 1, 1, tzinfo=first.tzinfo)
        if day.timestamp() > high:
            break
        if day >= first:
            marks.append((day.timestamp(), texts.pattern("y" if step >= 12 else "yMMM", day.date())))
        month += step
    return marks


# -- what is written


def spaced(labels: Sequence[tuple[float, str]], pixels: float) -> list[bool]:
    """Return which labels are written on an axis of that many pixels, so that none touches the next one."""
    if len(labels) < 2:
        return [True] * len(labels)
    widest = max(texts.width(label) for _place, label in labels) + 14
    gap = min(abs(after - before) for (before, _a), (after, _b) in pairwise(labels)) * pixels
    every = max(1, math.ceil(widest / gap)) if gap else len(labels)
    return [not index % every for index in range(len(labels))]


def is_of(kinds: set[type], *wanted: type) -> bool:
    return bool(kinds) and all(issubclass(kind, wanted) and kind is not bool for kind in kinds)


Read = Callable[[Value], float | None]
