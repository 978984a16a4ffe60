"""The table of a query is drawn by the kinds of its columns."""

import datetime as dt

import pytest

from app.charts import model
from app.charts.model import Column, Kind, Table
from app.charts.reading import read

MONTHS = Table(
    (Column("month", "Month", Kind.DATE), Column("parties", "Parties"), Column("seats", "Seats", unit="seats")),
    [(dt.date(2026, month, 1), month, month * 10) for month in range(1, 7)],
)
TOWNS = Table(
    (
        Column("month", "Month", Kind.DATE),
        Column("town", "Town", Kind.TEXT),
        Column("parties", "Parties"),
    ),
    [(dt.date(2026, 1, 1), "Lugo", 3), (dt.date(2026, 1, 1), "Vigo", 5), (dt.date(2026, 2, 1), "Lugo", 4)],
)
DIETS = Table(
    (Column("diet", "Diet", Kind.TEXT), Column("season", "Season", Kind.TEXT), Column("guests", "Guests")),
    [("vegan", "spring", 3), ("vegan", "summer", 4), ("all", "spring", 9)],
)
WAITS = Table((Column("minutes", "Minutes", unit="min"),), [(value,) for value in (1, 2, 2, 3, 9)])
QUARTILES = Table(
    (
        Column("town", "Town", Kind.TEXT),
        *(Column(name, name) for name in ("lowest", "first_quartile", "median", "third_quartile", "highest")),
    ),
    [("Lugo", 1, 2, 3, 4, 5)],
)
EVENTS = Table(
    (Column("at", "At", Kind.MOMENT), Column("what", "What", Kind.TEXT)),
    [(dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "a")],
)


def chart(table: Table, kind: str) -> model.Chart:
    return read("Vega", kind, table, None, "A title")


@pytest.mark.parametrize(
    ("kind", "table", "drawn"),
    [
        *((kind, MONTHS, "Plot") for kind in ("", "line", "bar", "stacked", "area", "scatter", "histogram")),
        ("histogram", WAITS, "Plot"),
        ("pie", DIETS, "Parts"),
        ("donut", DIETS, "Parts"),
        ("heatmap", DIETS, "HeatMap"),
        ("heatmap", MONTHS, "HeatMap"),
        ("gauge", WAITS, "Gauge"),
        ("box", WAITS, "Boxes"),
        ("box", QUARTILES, "Boxes"),
        ("multiples", TOWNS, "Multiples"),
        ("multiples", MONTHS, "Multiples"),
        ("number", MONTHS, "Numbers"),
        ("numbers", DIETS, "Numbers"),
        ("sparkline", MONTHS, "Sparkline"),
        ("table", DIETS, "Rows"),
        ("timeline", EVENTS, "Timeline"),
        ("graph", DIETS, "Graph"),
        ("tree_map", DIETS, "Tree"),
        ("flame", DIETS, "Tree"),
        ("words", DIETS, "Words"),
        ("text", DIETS, "Prose"),
        ("image", DIETS, "Refusal"),
        ("graph", MONTHS, "Refusal"),
        ("timeline", DIETS, "Refusal"),
        ("pie", EVENTS, "Refusal"),
        ("words", WAITS, "Refusal"),
        ("unheard of", MONTHS, "Refusal"),
        ("bar", Table(MONTHS.columns, []), "Refusal"),
    ],
)
def test_each_kind_is_drawn_or_refused(kind: str, table: Table, drawn: str) -> None:
    assert type(chart(table, kind)).__name__ == drawn


def test_each_column_of_numbers_is_a_series() -> None:
    plot = chart(MONTHS, "line")
    assert isinstance(plot, model.Plot)
    assert [series.title for series in plot.series] == ["Parties", "Seats"]
    assert plot.x.title == "Month"
    assert plot.series[1].points[0] == model.Point(dt.date(2026, 1, 1), 10)


def test_a_second_column_of_texts_tells_series_apart() -> None:
    plot = chart(TOWNS, "stacked")
    assert isinstance(plot, model.Plot)
    assert plot.is_stacked
    assert [(series.title, len(series.points)) for series in plot.series] == [("Lugo", 2), ("Vigo", 1)]


def test_a_number_over_time_is_compared_to_the_one_before() -> None:
    numbers = chart(MONTHS, "number")
    assert isinstance(numbers, model.Numbers)
    assert (numbers.numbers[0].value, numbers.numbers[0].change) == (6, pytest.approx(0.2))


def test_numbers_are_counted_in_bins() -> None:
    plot = chart(WAITS, "histogram")
    assert isinstance(plot, model.Plot)
    assert sum(point.y or 0 for point in plot.series[0].points) == 5
    assert plot.series[0].points[0].x == "1–1.5"


def test_quartiles_of_the_database_are_drawn_as_they_are() -> None:
    boxes = chart(QUARTILES, "box")
    assert isinstance(boxes, model.Boxes)
    assert boxes.boxes == [model.Box("Lugo", 1, 2, 3, 4, 5)]


def test_columns_of_texts_are_the_levels_of_a_tree() -> None:
    tree = chart(DIETS, "tree_map")
    assert isinstance(tree, model.Tree)
    assert [(branch.title, branch.value) for branch in tree.root.children] == [("vegan", 7), ("all", 9)]


def test_a_table_that_was_cut_says_so() -> None:
    assert chart(Table(DIETS.columns, DIETS.rows, is_cut=True), "table").notes == (
        "The data has more rows than are shown.",
    )


@pytest.mark.parametrize(
    ("payload", "columns", "rows"),
    [
        ([{"a": 1}, {"b": "x"}], ["a", "b"], [(1, None), (None, "x")]),
        ([["day", "guests"], ["2026-01-01", 3]], ["day", "guests"], [(dt.date(2026, 1, 1), 3)]),
        ([[1, 2], [3]], ["1", "2"], [(1, 2), (3, None)]),
        ({"a": [1, 2], "b": [3]}, ["a", "b"], [(1, 3), (2, None)]),
        ({"count": 2, "result": [{"a": True}]}, ["a"], [(True,)]),
        ([3, 4], ["Value"], [(3,), (4,)]),
        ([{"a": {"deep": 1}, "b": float("nan")}], ["a", "b"], [("", None)]),
    ],
)
def test_json_is_read_as_a_table(payload: object, columns: list[str], rows: list[tuple[object, ...]]) -> None:
    shown = read("DataTable", "datatable", payload, None, "")
    assert isinstance(shown, model.Rows)
    assert [column.title for column in shown.table.columns] == columns
    assert shown.table.rows == rows
