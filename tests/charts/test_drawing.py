"""What people see of a chart: its values, in their language and direction, whatever others have written into it."""

import datetime as dt
import re
import xml.etree.ElementTree as ET

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.charts import texts, values
from app.charts.drawing import is_drawn, svg
from app.charts.model import (
    Axis,
    Box,
    Boxes,
    Branch,
    Column,
    Edge,
    Gauge,
    Graph,
    HeatMap,
    Kind,
    Mark,
    Multiples,
    Node,
    Number,
    Numbers,
    Parts,
    Plot,
    Point,
    Rows,
    Samples,
    Series,
    Sparkline,
    Table,
    Tree,
    TreeShape,
    Words,
)

HOSTILE = "</svg><script>alert(1)</script>\"' \x00\x0b\ufffe\ud800 \u202egnp"
NAMESPACE = '<svg xmlns="http://www.w3.org/2000/svg"'


@pytest.fixture(scope="module", autouse=True)
def english():
    app = Flask("charts")
    Babel(app)
    with app.test_request_context():
        yield


def bars(points, mark=Mark.BAR, **options):
    return Plot([Series("Guests", [Point(x, y) for x, y in points], mark)], **options)


def titles(drawn):
    return re.findall(r"<title>(.*?)</title>", drawn)


def places(drawn, tag, name):
    """Return the percentages of an attribute, in order."""
    return [float(each) for each in re.findall(rf'<{tag} [^>]*\b{name}="([\d.]+)%"', drawn)]


def every_kind(label="Berlin"):
    """Return a chart of each kind that is drawn, with a label in each place for one."""
    series = [Series(label, [Point(label, 3, label=label), Point("b", -2)], mark) for mark in Mark]
    tree = Branch(label, 9, [Branch(label, 5, [Branch(label, 2)]), Branch("b", 4)])
    return [
        *(Plot([each], x=Axis(label), y=Axis(label, label)) for each in series),
        *(Plot(series[4:5] * 2, is_stacked=True), Plot(series, is_flipped=True), Plot(series[3:5], is_share=True)),
        *(
            Parts([(label, 3), ("b", 1)], unit=label),
            Parts([(label, 1)], is_hollow=True),
            Gauge(5, unit=label, title=label),
        ),
        *(Sparkline([1, None, 2]), Sparkline([1, -1], is_win_or_loss=True), Sparkline([1, -1], Mark.BAR)),
        HeatMap([label, "b"], [label], [[1, None]], unit=label),
        Boxes([Box(label, 1, 2, 3, 4, 5, [9])], y=Axis(label)),
        Graph([Node("a", label), Node("b", "b")], [Edge("a", "b", label), Edge("b", "a"), Edge("a", "a")]),
        *(Tree(tree, shape, label) for shape in (TreeShape.TREE_MAP, TreeShape.FLAME)),
    ]


@pytest.mark.parametrize("chart", every_kind(HOSTILE), ids=range(21))
@pytest.mark.parametrize("is_rtl", [False, True])
def test_what_others_wrote_cannot_leave_its_place(chart, is_rtl):
    drawn = str(svg(chart, is_rtl=is_rtl, label=HOSTILE))
    root = ET.fromstring(drawn.replace("<svg", NAMESPACE, 1))  # noqa: S314 - it is what is tested
    allowed = {"svg", "g", "a", "rect", "circle", "path", "line", "text", "title"}
    assert {each.tag.rpartition("}")[2] for each in root.iter()} <= allowed
    assert not {name for each in root.iter() for name in each.attrib} & {"style", "id", "onclick", "onload"}
    assert not re.search(r"nan|inf\b|e\+\d", drawn)


@pytest.mark.parametrize("chart", every_kind(), ids=range(21))
def test_the_same_chart_is_the_same_bytes(chart):
    assert is_drawn(chart)
    assert svg(chart, is_rtl=False) == svg(chart, is_rtl=False)
    assert svg(chart, is_rtl=False).startswith("<svg")


def test_each_mark_says_its_value():
    drawn = svg(bars([("Berlin", 1234.5), ("Cádiz", None)], y=Axis(unit="min")), is_rtl=False)
    assert titles(drawn) == ["Berlin: 1,234.5\N{NO-BREAK SPACE}min"]
    two = Plot([Series("A", [Point("x", 1)], Mark.BAR), Series("B", [Point("x", 2, label="why")], Mark.BAR)])
    assert titles(svg(two, is_rtl=False)) == ["A, x: 1", "B, why: 2"]


def test_numbers_follow_the_language():
    plot = bars([("x", -1234567.5), ("y", 0.00012)])
    with force_locale("es"):
        assert titles(svg(plot, is_rtl=False)) == ["x: -1.234.567,5", "y: 0,00012"]
        assert texts.number(12.5, "%") == "12,5\N{NO-BREAK SPACE}%"
    assert texts.number(12.5, "%") == "12.5%"
    assert [texts.number(each) for each in (1e20, 0, -0.0, None)] == ["1E20", "0", "0", "—"]


def test_a_chart_is_mirrored_where_people_read_from_the_right():
    plot = bars([("a", 1), ("b", 3)])
    left, right = (svg(plot, is_rtl=is_rtl) for is_rtl in (False, True))
    assert places(left, "rect", "x") == [7, 57]
    assert places(right, "rect", "x") == [57, 7]
    assert 'direction="ltr"' in right
    assert re.search(r'<text x="100%"[^>]*dx="8">3</text>', right)


def test_lines_break_where_a_value_is_missing_and_a_single_point_is_seen():
    drawn = svg(bars([(1, 1), (2, None), (3, 2), (4, 3)], Mark.LINE), is_rtl=False)
    path = re.search(r'class="s0 line" d="([^"]*)"', drawn)[1]
    assert path.count("M") == 2
    assert "h0" in path


def test_stacked_series_lie_on_each_other_and_shares_fill_the_whole():
    plot = Plot([Series("A", [Point("x", 1)], Mark.BAR), Series("B", [Point("x", 3)], Mark.BAR)], is_stacked=True)
    (first, second) = re.findall(r'y="([\d.]+)" width="72%" height="([\d.]+)"', svg(plot, is_rtl=False))
    assert float(second[0]) + float(second[1]) == pytest.approx(float(first[0]), abs=0.1)
    drawn = svg(Plot(plot.series, is_share=True), is_rtl=False)
    assert ">100%</text>" in drawn
    assert titles(drawn) == ["A, x: 1", "B, x: 3"]


def test_an_axis_of_time_has_days_and_months():
    year = [(dt.date(2026, 1, 1) + dt.timedelta(days=n), n) for n in range(365)]
    assert ">Apr 2026</text>" in svg(bars(year, Mark.LINE), is_rtl=False)
    assert ">Jan 3</text>" in svg(bars(year[:10], Mark.LINE), is_rtl=False)


def test_a_logarithmic_axis_has_powers_and_leaves_out_what_has_none():
    drawn = svg(bars([(1, 1), (2, 1000), (3, -5)], Mark.LINE, y=Axis(is_logarithmic=True)), is_rtl=False)
    assert all(f">{label}</text>" in drawn for label in ("1", "10", "100", "1,000"))


def test_thousands_of_points_keep_their_extremes():
    ys = [float(n % 7) for n in range(10_000)]
    ys[5_000], ys[5_001] = 1000.0, -1000.0
    drawn = svg(Plot([Series("A", Samples(list(range(10_000)), ys))]), is_rtl=False)
    heights = [float(each) for each in re.findall(r"[LV](?:\d+ )?([\d.]+)", drawn)]
    assert (min(heights), max(heights)) == (pytest.approx(10, abs=1), pytest.approx(236, abs=1))
    assert len(drawn) < 20_000


@pytest.mark.parametrize("mark", [Mark.BAR, Mark.POINT, Mark.AREA])
def test_thousands_of_other_marks_stay_small(mark):
    plot = Plot([Series("A", Samples(list(range(10_000)), [float(n * 37 % 1000) for n in range(10_000)]), mark)])
    assert len(svg(plot, is_rtl=False)) < 120_000


def test_twelve_series_are_drawn_and_the_reader_is_told():
    from app.charts.drawing import drawn
    from app.charts.drawing.canvas import Canvas

    plot = Plot([Series(str(n), [Point("x", n)], Mark.BAR) for n in range(30)])
    drawing = drawn(plot, Canvas())
    assert len(titles(drawing.body)) == 12
    assert "12" in drawing.note
    assert len(values.table(plot).columns) == 31


def test_only_links_of_pages_are_links():
    urls = [
        "/parties/1",
        "https://example.org/x",
        "javascript:alert(1)",
        "//example.org",
        "data:text/html,x",
        "/\\example.org",
    ]
    plot = Plot([Series("A", [Point(str(n), 1, url=url) for n, url in enumerate(urls)], Mark.BAR)])
    drawn = svg(plot, is_rtl=False)
    assert re.findall(r'href="([^"]*)"', drawn) == ["/parties/1", "https://example.org/x"]
    assert 'role="group"' in drawn


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, 10**400, "x"])
def test_what_is_no_number_leaves_a_gap(value):
    drawn = svg(bars([("a", 1), ("b", value)]), is_rtl=False)
    assert titles(drawn) == ["a: 1"]


def test_the_values_are_a_table_and_a_file_without_formulas():
    plot = Plot(
        [Series("=A", [Point("@x", 1), Point("y", 2)]), Series("B", [Point("y", -3)])],
        x=Axis("City"),
        y=Axis(unit="min"),
    )
    table = values.table(plot)
    assert [column.title for column in table.columns] == ["City", "=A", "B"]
    assert table.rows == [("@x", 1, None), ("y", 2, -3)]
    assert values.csv(plot).splitlines() == ["City,'=A (min),B (min)", "'@x,1,", "y,2,-3"]
    assert values.table(plot, most=1).is_cut


@pytest.mark.parametrize(
    ("chart", "rows"),
    [
        (Parts([("a", 1), ("b", 3)]), [("a", 1, 25.0), ("b", 3, 75.0)]),
        (Numbers([Number("a", 1, "min")]), [("a", 1, "min")]),
        (HeatMap(["c"], ["r"], [[2]]), [("r", 2)]),
        (Tree(Branch("a", 3, [Branch("b", 1)])), [(0, "a", 3), (1, "b", 1)]),
        (Words([("soup", 3)]), [("soup", 3)]),
        (Graph([Node("a", "A"), Node("b", "B"), Node("c", "C")], [Edge("a", "b")]), [("A", "B", ""), ("C", "", "")]),
        (Rows(Table((Column("a", "A", Kind.TEXT),), [("x",)])), [("x",)]),
        (Multiples([("m", bars([("x", 1)]))]), [("m", "Guests", "x", 1)]),
    ],
)
def test_every_chart_has_its_values(chart, rows):
    assert values.table(chart).rows == rows


def test_a_chart_is_described_in_a_sentence():
    assert values.description(bars([("a", 1), ("b", 1234)])) == ("The lowest value is 1 (a), the highest is 1,234 (b).")
    assert values.description(Plot([])) == "There is nothing here yet."


def test_a_box_of_one_value_is_seen() -> None:
    flat, tall = (Boxes([Box("May", 1, 1, median, third, 9)]) for median, third in ((1, 1), (2, 5)))
    assert 'class="median"' in svg(tall, is_rtl=False)
    assert 'class="median"' not in svg(flat, is_rtl=False)
