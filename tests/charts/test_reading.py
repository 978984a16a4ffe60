"""Descriptions of charts that others wrote are drawn, or refused in a sentence."""

import copy
import dataclasses
import datetime as dt
import math
import random
from pathlib import Path

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


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_no_broken_data_raises(sample: Sample, chance: random.Random) -> None:
    payload = copy.deepcopy(sample.payload)
    for _step in range(chance.randint(1, 4)):
        found = places(payload)
        if found:
            container, key = chance.choice(found)
            container[key] = copy.deepcopy(chance.choice(HOSTILE))
    assert_drawable(read_safely(sample.family, sample.kind, payload))


def nested(depth: int) -> object:
    payload: object = []
    for step in range(depth):
        payload = {"name": str(step), "children": [payload], "data": payload} if step % 2 else [payload]
    return payload


@pytest.mark.parametrize(("family", "kind"), sorted({sample.family: sample.kind for sample in SAMPLES}.items()))
def test_depth_does_no_harm(family: str, kind: str) -> None:
    assert_drawable(read_safely(family, kind, nested(10_000)))
    assert_drawable(read_safely(family, kind, {"data": {"columns": nested(3_000)}, "children": [nested(10_001)]}))


def read_safely(family: str, kind: str, payload: object) -> model.Chart:
    try:
        return read_or_raise(family, kind, payload, None, "")
    except CannotDrawError as error:
        return model.Refusal(str(error))


def plot(*arguments: object, specification: object = None) -> model.Plot:
    family, kind, payload = arguments
    chart = read(family, kind, payload, specification, "A title")
    assert isinstance(chart, model.Plot), chart
    return chart


def points(series: model.Series) -> list[tuple[object, object]]:
    return [(point.x, point.y) for point in series.points]


def test_series_of_different_lengths_keep_their_values() -> None:
    chart = plot("C3", "spline", SERIES)
    assert [len(series.points) for series in chart.series] == [4, 6, 3]
    assert {series.mark for series in chart.series} == {model.Mark.SPLINE}
    assert points(chart.series[2]) == [(0, 1), (1, None), (2, 2)]


def test_dates_are_dates_and_those_that_are_none_are_left_out_and_told() -> None:
    assert plot("C3", "timeseries", DAYS).series[0].points[0].x == dt.date(2026, 1, 3)
    chart = plot("C3", "timeseries", {"dates": ["1985-22-23", "1985-12-23", "1985-01-02"], "a": [1, 2, 3]})
    assert points(chart.series[0]) == [(dt.date(1985, 1, 2), 3), (dt.date(1985, 12, 23), 2)]
    assert chart.notes == ("Some dates cannot be read and are left out, such as “1985-22-23”.",)


def test_without_any_date_they_are_texts() -> None:
    chart = plot("C3", "timeseries", {"dates": ["1985-22-23", "1985-23-24"], "a": [1, 2]})
    assert points(chart.series[0]) == [("1985-22-23", 1), ("1985-23-24", 2)]


def test_the_configuration_of_c3_says_more_than_the_type() -> None:
    body = {"columns": [["a", 1, 2], ["b", 3, 4]], "type": "bar", "types": {"b": "step"}, "groups": [["a", "c"]]}
    chart = plot("C3", "line", {"data": body, "axis": {"y": {"label": "Guests"}, "rotated": True}})
    assert [series.mark for series in chart.series] == [model.Mark.BAR, model.Mark.STEP]
    assert (chart.y.title, chart.is_flipped, chart.is_stacked) == ("Guests", True, True)
    own = plot("C3", "scatter", {"data": {"xs": {"a": "ax"}, "columns": [["ax", 7, 8], ["a", 1, 2]]}})
    assert points(own.series[0]) == [(7, 1), (8, 2)]


def test_series_beyond_the_limit_are_told() -> None:
    chart = plot("C3", "line", {f"series {number}": [1, 2] for number in range(300)})
    assert len(chart.series) == MAX_SERIES
    assert chart.notes == ("There are 300 series; the first 12 are shown.",)


def test_what_is_stacked_keeps_its_height() -> None:
    columns = [[f"series {number}", 1, 2] for number in range(20)]
    groups = [[column[0] for column in columns]]
    chart = plot("C3", "bar", {"data": {"columns": columns, "groups": groups}})
    assert [sum(series.points[place].y for series in chart.series) for place in (0, 1)] == [20, 40]


def test_of_a_long_line_the_highest_and_the_lowest_values_stay() -> None:
    numbers = [math.sin(place) for place in range(10_000)]
    numbers[4_321], numbers[7_654] = 9, -9
    chart = plot("C3", "line", {"a": numbers})
    assert len(chart.series[0].points) <= MAX_POINTS + 2
    assert {(4_321, 9), (7_654, -9)} <= set(points(chart.series[0]))
    assert "Of 10000 values" in chart.notes[0]


def test_of_a_large_tree_the_upper_part_stays_with_the_sums_of_the_whole() -> None:
    deep: dict[str, object] = {"name": "leaf", "size": 5}
    for _step in range(5_000):
        deep = {"name": "branch", "children": [deep]}
    chart = read("D3", "treemap", deep, None, "")
    assert isinstance(chart, model.Tree)
    assert chart.root.value == 5
    wide = {"name": "root", "children": [{"name": "x", "size": 1}] * 5_000}
    cut = read("D3", "treemap", wide, None, "")
    assert isinstance(cut, model.Tree)
    assert (cut.root.value, len(cut.root.children)) == (5_000, MAX_BRANCHES - 1)
    assert cut.notes == ("The tree has 5001 parts; those further up are shown.",)


def test_a_part_of_a_flame_has_its_own_time_a_part_of_a_tree_map_has_not() -> None:
    flame, tree_map = read("FlameGraph", "flamegraph", CALLS, None, ""), read("D3", "treemap", MENU, None, "")
    assert isinstance(flame, model.Tree)
    assert isinstance(tree_map, model.Tree)
    assert (flame.root.value, flame.root.children[0].value) == (100, 60)
    assert [branch.value for branch in tree_map.root.children] == [42, 9]


@pytest.mark.parametrize(
    ("text", "nodes", "edges"),
    [
        ("graph { a -- b }", "a b", "a-b"),
        ('strict digraph "x y" { a -> b -> c; a -> a }', "a b c", "a-b b-c a-a"),
        ("digraph { a -> {b c} [label=x] }", "a b c", "a-b a-c"),
        ("digraph { subgraph s { a b } -> c; d }", "a b c d", "a-c b-c"),
        ("digraph { a:n -> b:port:sw // c\n /* d */ # e\n }", "a b", "a-b"),
        ("digraph { rankdir = LR; node [shape=box, label=no]; a", "a", ""),
        ('digraph { "a\\"b" + "c" -> -1.5 }', 'a"bc -1.5', 'a"bc--1.5'),
        ('digraph { a -> b "', "a b", "a-b"),
        ("digraph { a -> <<b>html</b>> }", "a html", "a-html"),
        ("digraph { a -> b } }}} ]] [[ -> ", "a b", "a-b"),
    ],
)
def test_dot_is_read(text: str, nodes: str, edges: str) -> None:
    chart = read("Graph", "graph", text, None, "")
    assert isinstance(chart, model.Graph)
    assert [node.key for node in chart.nodes] == nodes.split()
    assert [f"{edge.start}-{edge.end}" for edge in chart.edges] == edges.split()


def test_labels_of_dot_are_plain_text() -> None:
    chart = read("Graph", "graph", 'digraph { a [label="<b>A</b>\\nx"]; a -> b [label=knows] }', None, "")
    assert isinstance(chart, model.Graph)
    assert chart.nodes[0].title == "<b>A</b> x"
    assert chart.edges[0].title == "knows"


@pytest.mark.parametrize(
    "text", ['"\\' * 40_000, "{a" * 20_000 + "}" * 9_000, "a -> {" * 15_000, "<" * 90_000, "[a=" * 30_000]
)
def test_broken_dot_ends(text: str) -> None:
    chart = read_safely("Graph", "graph", f"digraph {{ {text}")
    assert isinstance(chart, model.Graph | model.Refusal)


def test_edges_of_groups_are_bounded() -> None:
    many = " ".join(f"n{number}" for number in range(5_000))
    chart = read("Graph", "graph", f"digraph {{ {{{many}}} -> {{{many}}} }}", None, "")
    assert isinstance(chart, model.Graph)
    assert len(chart.nodes) == MAX_NODES


def test_events_are_in_order_and_plain() -> None:
    sample = next(sample for sample in SAMPLES if sample.family == "Timeline")
    chart = drawn(sample)
    assert isinstance(chart, model.Timeline)
    assert [event.title for event in chart.events] == ["The first dinner", "The longest dinner"]
    assert chart.events[0].text == "Six people & a pot ."
    assert chart.events[1].start == dt.datetime(2026, 3, 4, 19, tzinfo=dt.UTC)


def test_numbers_keep_their_units_and_texts() -> None:
    sample = next(sample for sample in SAMPLES if sample.kind == "numbergroup")
    chart = drawn(sample)
    assert isinstance(chart, model.Numbers)
    assert [(number.value, number.unit) for number in chart.numbers] == [(1250, ""), (95, "minutes"), ("€ 1,240", "")]


@pytest.mark.parametrize("source", ["https://x.example/a.png", "//x.example/a.png", "/\\x.example", "data:text/html,x"])
def test_images_of_other_sites_are_refused(source: str) -> None:
    assert isinstance(read("Basic", "image", source, None, ""), model.Refusal)


def test_links_that_run_something_are_dropped() -> None:
    numbers = [
        {"title": "a", "data": 1, "url": url} for url in ("javascript:alert(1)", "https://a.example/", "/parties/")
    ]
    chart = read("Basic", "numbergroup", numbers, None, "")
    assert isinstance(chart, model.Numbers)
    assert [number.url for number in chart.numbers] == ["", "https://a.example/", "/parties/"]


def test_what_plotly_draws_elsewhere_is_refused_by_its_name() -> None:
    chart = read("PlotlyStandard", "plotly-any", {"data": [{"type": "scatter3d"}]}, None, "")
    assert chart == model.Refusal("“scatter3d” is not drawn here.")


def test_rows_of_a_heat_map_of_plotly_begin_below() -> None:
    payload = {"data": [{"type": "heatmap", "z": [[1, 2], [3, 4]], "y": ["low", "high"]}]}
    chart = read("Plotly", "plotly", payload, None, "")
    assert isinstance(chart, model.HeatMap)
    assert (chart.rows, chart.values) == (["high", "low"], [[3, 4], [1, 2]])


def test_options_of_a_table_name_its_columns() -> None:
    payload = {"columns": [{"data": "town", "title": "Where"}], "data": ROWS, "paging": False}
    chart = read("DataTable", "datatable", payload, None, "")
    assert isinstance(chart, model.Rows)
    assert [column.title for column in chart.table.columns] == ["month", "Where", "parties", "seats"]
    assert chart.table.columns[0].kind is model.Kind.DATE


def test_a_specification_with_its_data_is_read_without_one() -> None:
    assert plot("Vega", "vega-lite", {**VEGA["bar"], "data": {"values": ROWS}}).series[0].points[0].y == 13


NAMES = {
    "Plot": "series on axes",
    "Parts": "parts of a whole",
    "Gauge": "gauge",
    "Numbers": "numbers",
    "Sparkline": "sparkline",
    "HeatMap": "heat map",
    "Boxes": "box plot",
    "Graph": "nodes and edges",
    "Tree": "tree",
    "Timeline": "timeline",
    "Words": "words",
    "Rows": "table",
    "Image": "image",
    "Prose": "text",
    "Multiples": "small multiples",
}


def test_the_documentation_says_what_is_drawn() -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for sample in SAMPLES:
        chart = drawn(sample)
        what = f"refused: {chart.reason}" if isinstance(chart, model.Refusal) else NAMES[type(chart).__name__]
        rows.setdefault((sample.family, what), []).append(sample.name or sample.kind)
    lines = [f"| {family} | {', '.join(kinds)} | {what} |" for (family, what), kinds in rows.items()]
    table = "\n".join(["| family | type, trace or mark | drawn as |", "|---|---|---|", *lines])
    text = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    assert table == text.partition("<!-- drawn -->\n")[2].partition("\n<!-- /drawn -->")[0]
