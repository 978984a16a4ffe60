"""Descriptions of charts that others wrote are drawn, or refused in a sentence."""

import copy
import dataclasses
import datetime as dt
import math
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.charts import model
from app.charts.limits import MAX_BRANCHES, MAX_NODES, MAX_POINTS, MAX_SERIES
from app.charts.reading import read, read_or_raise
from app.charts.reading.notes import CannotDrawError
from tests.charts.samples import CALLS, DAYS, MENU, ROWS, SAMPLES, SERIES, VEGA, Sample

HOSTILE = [
    None,
    True,
    -1,
    10**400,
    -1e308,
    math.nan,
    math.inf,
    "",
    "x" * 5000,
    "\x00\ud800\uffff",
    "javascript:alert(1)",
    "<script>alert(1)</script>",
    "1985-22-23",
    "0001-01-01T00:00+14:00",
    "9999-12-31T23:59-14:00",
    "1_000",
    "NaN",
    [],
    {},
    [[[[]]]],
    {"data": {"data": {"data": []}}},
    [None] * 20,
    dt.date.max,
    "descending",
    "month",
    "sum",
]


def drawn(sample: Sample) -> model.Chart:
    return read(sample.family, sample.kind, sample.payload, None, "A title")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.family}-{sample.kind}-{sample.name}")
def test_each_family_and_type_is_drawn_or_refused(sample: Sample) -> None:
    assert type(drawn(sample)).__name__ == sample.drawn


def leaves(chart: object) -> list[object]:
    """Return all values of a chart."""
    waiting, found = [chart], []
    while waiting:
        each = waiting.pop()
        if dataclasses.is_dataclass(each):
            waiting += [getattr(each, field.name) for field in dataclasses.fields(each)]
        elif isinstance(each, list | tuple):
            waiting += each
        else:
            found.append(each)
    return found


def assert_drawable(chart: model.Chart) -> None:
    for leaf in leaves(chart):
        assert not isinstance(leaf, int | float) or abs(leaf) <= 1e16
        assert not isinstance(leaf, str) or not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in leaf)
    if isinstance(chart, model.Plot):
        assert len(chart.series) <= MAX_SERIES
        kinds = {
            float if isinstance(point.x, int) else type(point.x) for series in chart.series for point in series.points
        }
        assert len(kinds) <= 1


def places(payload: object) -> list[tuple[object, object]]:
    """Return all containers inside, each with a key or a place of it."""
    waiting, found = [payload], []
    while waiting:
        each = waiting.pop()
        inner = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
        for key, value in inner:
            found.append((each, key))
            waiting.append(value)
    return found


@settings(max_examples=4000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_no_broken_data_raises(sample: Sample, chance: random.Random) -> None:
    payload = copy.deepcopy(sample.payload)
    for _step in range(chance.randint(1, 4)):
        found = places(payload)
        if found:
            container, key = chance.choice(found)
            container[key] = copy.deepcopy(chance.choice(HOSTILE))
    try:
        chart = read_or_raise(sample.family, sample.kind, payload, None, "A title")
    except CannotDrawError as error:
        assert str(error)
    else:
        assert_drawable(chart)
