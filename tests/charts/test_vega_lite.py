"""A closed subset of Vega-Lite: what it means, and what is refused."""

import datetime as dt
from typing import Any

import pytest

from app.charts import model
from app.charts.model import Column, Kind, Mark, Table
from app.charts.reading import read
from tests.charts.samples import MONTH, ROWS, SUM, VEGA, X, Y

COUNT = {"aggregate": "count"}
SEATS = {"field": "seats", "type": "quantitative"}


def draw(specification: dict[str, Any], payload: object = ROWS) -> model.Chart:
    return read("Vega", "vega-lite", payload, specification, "A title")


def plot(specification: dict[str, Any], payload: object = ROWS) -> model.Plot:
    chart = draw(specification, payload)
    assert isinstance(chart, model.Plot), chart
    return chart


def bars(payload: object = ROWS, transform: object = None, **encoding: object) -> list[tuple[object, object]]:
    specification = {"mark": "bar", "transform": transform, "encoding": {"x": X, "y": SUM, **encoding}}
    series = plot(specification, payload).series
    return [(point.x, point.y) for each in series for point in each.points]


def reason(specification: dict[str, Any]) -> str:
    chart = draw(specification)
    assert isinstance(chart, model.Refusal), chart
    return str(chart.reason)


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ("count", (3, 2)),
        ("sum", (13, 7)),
        ("mean", (13 / 3, 3.5)),
        ("median", (4, 3.5)),
        ("min", (3, 2)),
        ("max", (6, 5)),
        ("distinct", (3, 2)),
    ],
)
def test_values_are_aggregated(aggregate: str, expected: tuple[float, float]) -> None:
    assert bars(y={**Y, "aggregate": aggregate}) == [("Lugo", expected[0]), ("Vigo", expected[1])]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("descending", ["Vigo", "Lugo"]),
        ("y", ["Vigo", "Lugo"]),
        ("-y", ["Lugo", "Vigo"]),
        (["Vigo"], ["Vigo", "Lugo"]),
        ({"field": "seats", "op": "sum"}, ["Vigo", "Lugo"]),
        ({"encoding": "y", "order": "descending"}, ["Lugo", "Vigo"]),
        (None, ["Lugo", "Vigo"]),
    ],
)
def test_categories_are_sorted(sort: object, expected: list[str]) -> None:
    assert [x for x, _y in bars(x={**X, "sort": sort})] == expected


@pytest.mark.parametrize(
    ("predicate", "count"),
    [
        ({"field": "town", "equal": "Lugo"}, 3),
        ({"field": "parties", "gt": 4}, 2),
        ({"field": "parties", "gte": 4}, 3),
        ({"field": "parties", "lt": "4"}, 2),
        ({"field": "parties", "range": [3, 5]}, 3),
        ({"field": "parties", "range": [None, 3]}, 2),
        ({"field": "town", "oneOf": ["Vigo", "Lugo"]}, 5),
        ({"field": "town", "in": ["Vigo"]}, 2),
        ({"field": "missing", "valid": True}, 0),
        ({"field": "month", "timeUnit": "month", "equal": 2}, 2),
        ({"field": "month", "timeUnit": "year", "equal": 2026}, 5),
        ({"field": "month", "gte": {"year": 2026, "month": 2}}, 3),
        ({"not": {"field": "town", "equal": "Lugo"}}, 2),
        ({"and": [{"field": "town", "equal": "Lugo"}, {"field": "parties", "gt": 3}]}, 2),
        ({"or": [{"field": "town", "equal": "Vigo"}, {"field": "parties", "gt": 5}]}, 3),
        ("datum.parties > 3 && datum.town == 'Lugo'", 2),
        ("datum['town'] !== \"Lugo\"", 2),
    ],
)
def test_rows_are_filtered(predicate: object, count: int) -> None:
    specification = {"mark": "text", "transform": [{"filter": predicate}], "encoding": {"text": COUNT}}
    chart = draw(specification)
    shown = chart.numbers[0].value if isinstance(chart, model.Numbers) and chart.numbers else 0
    assert shown == count


BESIDE = {"data": {"values": [{"town": "Lima", "a": 1, "b": 300}, {"town": "Cádiz", "a": 2, "b": 500}]}}
TOWNS = {"field": "town", "type": "nominal"}


@pytest.mark.parametrize(
    ("specification", "titles"),
    [
        (
            {"hconcat": [
                {"title": "First", "mark": "bar", "encoding": {"x": TOWNS, "y": {"field": "a", "type": "quantitative"}}},
                {"vconcat": [
                    {"title": {"text": "Second"}, "mark": "point", "transform": [{"filter": "datum.a > 1"}],
                     "encoding": {"x": TOWNS, "y": {"field": "b", "type": "quantitative"}}},
                ]},
            ], "transform": [{"filter": "datum.b > 100"}]},
            {"First": [1, 2], "Second": [500]},
        ),
        (
            {"repeat": ["a", "b"],
             "spec": {"mark": "bar", "encoding": {"x": TOWNS, "y": {"field": {"repeat": "repeat"}, "type": "quantitative"}}}},
            {"a": [1, 2], "b": [300, 500]},
        ),
        (
            {"repeat": {"row": ["a"], "column": ["a", "b"]},
             "spec": {"mark": "point", "encoding": {"x": {"field": {"repeat": "column"}, "type": "quantitative"},
                                                    "y": {"field": {"repeat": "row"}, "type": "quantitative"}}}},
            {"a": [1, 2], "a · b": [1, 2]},
        ),
    ],
)  # fmt: skip
def test_views_stand_beside_each_other_on_axes_of_their_own(specification, titles) -> None:
    chart = draw({**BESIDE, **specification})
    assert isinstance(chart, model.Multiples)
    assert not chart.is_shared
    shown = {
        title: sorted(point.y for point in plot.series[0].points if point.y is not None) for title, plot in chart.charts
    }
    assert shown == titles


def test_so_many_views_as_can_be_seen_are_drawn() -> None:
    view = {"mark": "bar", "encoding": {"x": TOWNS, "y": {"field": "a", "type": "quantitative"}}}
    inner = {"repeat": ["a"] * 200, "spec": {"repeat": ["b"] * 200, "spec": {"repeat": ["c"] * 200, "spec": view}}}
    chart = draw({**BESIDE, **inner})
    assert isinstance(chart, model.Multiples)
    assert (len(chart.charts), len(chart.notes)) == (24, 1)
    pies = [{"mark": "arc", "encoding": {"theta": {"field": "a"}, "color": {"field": "town"}}}] * 2
    assert reason({**BESIDE, "concat": pies}) == "Only charts with axes are drawn beside each other."


@pytest.mark.parametrize(
    "written", ["datum.a > datum.b", "while(true){}", "datum.town == 'x' || true", "now()", "a" * 999]
)
def test_expressions_are_refused(written: str) -> None:
    text = reason({"mark": "bar", "transform": [{"filter": written}], "encoding": {"x": X, "y": Y}})
    assert text.startswith(f"The expression “{written[:80]}” is not run")


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ({"data": {"url": "http://169.254.169.254/"}}, "url"),
        ({"transform": [{"calculate": "1"}]}, "calculate"),
        ({"transform": [{"calculate": "now()", "as": "b"}]}, "now"),
        ({"transform": [{"calculate": "__import__('os')", "as": "b"}]}, "__import__"),
        ({"transform": {"calculate": [{"field": "a", "expr": "1"}]}}, "expr"),
        ({"transform": [{"lookup": "a"}]}, "lookup"),
        ({"params": [{"name": "p", "expr": "1"}]}, "expr"),
        ({"params": [{"name": "p", "value": {"signal": "x"}}]}, "signal"),
        ({"encoding": {"x": X, "y": Y, "href": {"field": "town"}}}, "href"),
        ({"mark": "image"}, "image"),
        ({"mark": "geoshape"}, "geoshape"),
        ({"mark": {"type": "bar", "href": "javascript:alert(1)"}}, "href"),
        ({"$schema": "https://vega.github.io/schema/vega/v5.json"}, "Vega"),
        ({"hconcat": []}, "hconcat"),
        ({"repeat": [], "spec": {"mark": "bar"}}, "repeat"),
        ({"repeat": {"layer": ["a"]}, "spec": {"mark": "bar"}}, "layer"),
        ({"repeat": ["a"] * 99, "spec": {"repeat": ["a"] * 99, "spec": {"vconcat": []}}}, "vconcat"),
        ({"repeat": ["a"]}, "repeat"),
        ({"encoding": {"x": X, "y": {"aggregate": {"argmax": "a"}, "field": "b"}}}, "argmax"),
        ({"encoding": {"x": X, "y": {"aggregate": "product", "field": "parties"}}}, "product"),
        ({"encoding": {"x": {"field": "month", "timeUnit": "millennium"}, "y": Y}}, "millennium"),
    ],
)
def test_what_loads_or_runs_something_is_refused_by_its_name(extra: dict[str, Any], named: str) -> None:
    assert f"“{named}”" in reason({**VEGA["bar"], **extra})


def test_too_deep_a_description_is_refused() -> None:
    deep: object = "bar"
    for _step in range(10_000):
        deep = {"type": deep}
    assert reason({"mark": deep}) == "The description of this chart is too large or too deep."


def test_times_are_rounded_or_repeated() -> None:
    rounded = plot({"mark": "line", "encoding": {"x": MONTH, "y": SUM}})
    assert [point.x for point in rounded.series[0].points] == [dt.date(2026, month, 1) for month in (1, 2, 3)]
    repeated = plot({"mark": "bar", "encoding": {"x": {**MONTH, "timeUnit": "month"}, "y": SUM}})
    assert [point.x for point in repeated.series[0].points] == ["Jan", "Feb", "Mar"]


def test_bars_stand_on_bins_in_their_order() -> None:
    chart = plot({"mark": "bar", "encoding": {"x": {**SEATS, "bin": {"step": 10}}, "y": COUNT}})
    assert [(point.x, point.y) for point in chart.series[0].points] == [
        ("10–20", 1),
        ("20–30", 2),
        ("30–40", 1),
        ("40–50", 1),
    ]


def test_numbers_to_the_right_flip_the_chart() -> None:
    chart = plot({"mark": "bar", "encoding": {"x": SUM, "y": X}})
    assert chart.is_flipped
    assert (chart.x.title, chart.y.title) == ("town", "parties")
    assert not plot(VEGA["bar"]).is_flipped


@pytest.mark.parametrize(
    ("mark", "y", "expected"),
    [
        ("bar", {}, (True, False)),
        ("area", {"stack": "normalize"}, (True, True)),
        ("bar", {"stack": None}, (False, False)),
        ("bar", {"aggregate": "mean"}, (False, False)),
        ("line", {}, (False, False)),
    ],
)
def test_sums_stand_on_each_other(mark: str, y: dict[str, Any], expected: tuple[bool, bool]) -> None:
    chart = plot({"mark": mark, "encoding": {"x": MONTH, "y": {**SUM, **y}, "color": X}})
    assert (chart.is_stacked, chart.is_share) == expected
    assert [series.title for series in chart.series] == ["Lugo", "Vigo"]


def test_2017_said_it_otherwise() -> None:
    config = {"mark": {"stacked": "normalize"}}
    old = {"mark": "bar", "transform": {"filter": "datum.parties > 2"}, "config": config}
    assert plot({**old, "encoding": {"x": MONTH, "y": SUM, "color": X}}).is_share


def test_places_of_bars_beside_each_other_are_no_stack() -> None:
    chart = plot({"mark": "bar", "encoding": {"x": MONTH, "y": SUM, "xOffset": X}})
    assert (len(chart.series), chart.is_stacked) == (2, False)


def test_scales_and_titles_become_axes() -> None:
    y = {**Y, "scale": {"type": "log", "domain": [1, 100]}, "axis": {"title": "Parties"}}
    axis = plot({"mark": "line", "encoding": {"x": MONTH, "y": y}}).y
    assert axis == model.Axis("Parties", "", 1, 100, is_logarithmic=True)


def test_a_query_gives_titles_and_units() -> None:
    columns = (Column("day", "Day", Kind.DATE), Column("wait", "Waiting time", unit="min"))
    table = Table(columns, [(dt.date(2026, 1, day), day) for day in (3, 1, 2)])
    chart = plot({"mark": "line", "encoding": {"x": {"field": "day"}, "y": {"field": "wait"}}}, table)
    assert (chart.x.title, chart.y.title, chart.y.unit) == ("Day", "Waiting time", "min")
    assert [point.y for point in chart.series[0].points] == [1, 2, 3]


def test_ordinal_numbers_are_categories() -> None:
    chart = plot({"mark": "bar", "encoding": {"x": {"field": "seats", "type": "ordinal"}, "y": SUM}})
    assert [point.x for point in chart.series[0].points] == ["18", "20", "24", "31", "40"]


def test_rows_become_fields() -> None:
    steps = [{"fold": ["parties", "seats"], "as": ["what", "many"]}]
    encoding = {"x": MONTH, "y": {"field": "many", "aggregate": "sum"}, "color": {"field": "what"}}
    chart = plot({"mark": "line", "transform": steps, "encoding": encoding})
    assert [series.title for series in chart.series] == ["parties", "seats"]


def test_transforms_build_on_each_other() -> None:
    steps = [
        {"aggregate": [{"op": "sum", "field": "parties", "as": "all"}], "groupby": ["month"]},
        {"window": [{"op": "sum", "field": "all", "as": "so far"}], "sort": [{"field": "month"}]},
    ]
    encoding = {"x": {"field": "month"}, "y": {"field": "so far"}}
    chart = plot({"mark": "line", "transform": steps, "encoding": encoding})
    assert [point.y for point in chart.series[0].points] == [8, 14, 20]


def test_layers_share_their_axes() -> None:
    rule = {"mark": "rule", "encoding": {"y": {"datum": 10}, "x": None}}
    layers = [{"mark": "bar", "encoding": {"x": X}}, {"mark": "point", "encoding": {"x": X}}, {"mark": "text"}]
    chart = plot({"layer": [*layers, rule], "encoding": {"y": SUM}})
    assert [series.mark for series in chart.series] == [Mark.BAR, Mark.POINT, Mark.LINE]
    assert [(point.x, point.y) for point in chart.series[2].points] == [("Lugo", 10), ("Vigo", 10)]
    assert "“text” is left out." in chart.notes


def test_facets_are_small_charts() -> None:
    chart = draw({"facet": {"row": X}, "spec": {"mark": "line", "encoding": {"x": MONTH, "y": Y}}})
    assert isinstance(chart, model.Multiples)
    assert [title for title, _plot in chart.charts] == ["Lugo", "Vigo"]


def test_two_axes_of_categories_are_a_heat_map() -> None:
    encoding = {"x": {**MONTH, "timeUnit": "month"}, "y": X, "size": SUM}
    chart = draw({"mark": "circle", "encoding": encoding})
    assert isinstance(chart, model.HeatMap)
    assert (chart.columns, chart.rows) == (["Jan", "Feb", "Mar"], ["Lugo", "Vigo"])
    assert chart.values == [[3, 4, 6], [5, 2, None]]


def test_sizes_are_parts_of_the_largest() -> None:
    chart = plot(VEGA["point"])
    assert max(point.size or 0 for point in chart.series[0].points) == 1
    assert {point.label for point in chart.series[0].points} == {"Lugo", "Vigo"}


def test_ranges_have_two_ends() -> None:
    point = plot(VEGA["rule"]).series[0].points[0]
    assert (point.x, point.low, point.y) == ("Lugo", 3, 6)


def test_facets_and_series_of_times_are_in_their_order() -> None:
    later = [
        {"month": month, "town": "Lugo", "parties": 1} for month in ("2026-04-01", "2026-12-01", "2026-02-01T00:00Z")
    ]
    chart = draw({"mark": "bar", "encoding": {"x": X, "y": SUM, "row": MONTH}}, later)
    assert isinstance(chart, model.Multiples)
    assert [title for title, _plot in chart.charts] == ["2026-02-01", "2026-04-01", "2026-12-01"]


@pytest.mark.parametrize(
    "specification",
    [
        {"transform": [{"timeUnit": "month", "field": "day", "as": "day"}] * 2000},
        {"transform": [{"filter": {"or": [{"field": "seats", "equal": -1}] * 2000}}]},
        {"layer": [{"mark": "bar"}] * 2000},
    ],
    ids=["transforms", "predicates", "layers"],
)
def test_what_asks_too_much_of_many_rows_is_refused(specification: dict[str, Any]) -> None:
    rows = [{"day": "2030-01-01", "seats": 4}] * 1000
    wanted = {"mark": "bar", "encoding": {"x": SEATS, "y": COUNT}, **specification}
    chart = read("Vega", "", rows, wanted, "A title")
    assert chart == model.Refusal("The description of this chart asks too much of so many rows.")


@pytest.mark.parametrize("step", [1e-300, 5e-324])
def test_bins_smaller_than_the_digits_of_a_start_are_not_made(step: float) -> None:
    rows = [{"seats": value} for value in (1.0, 2.0, step)]
    encoding = {"x": {**SEATS, "bin": {"step": step}}, "y": COUNT}
    assert isinstance(read("Vega", "", rows, {"mark": "bar", "encoding": encoding}, "A title"), model.Plot)
    assert isinstance(read("Vega", "histogram", [0, step], None, "A title"), model.Plot)
