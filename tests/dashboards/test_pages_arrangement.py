"""Modules move and grow on a dashboard by steps, and rows stay consecutive."""

import pytest

from app.dashboards.configuration import arrangement

GRID = [
    {"id": "a", "row": 1, "order": 0, "width": 6, "height": 300},
    {"id": "b", "row": 1, "order": 1, "width": 6, "height": 300},
    {"id": "c", "row": 2, "order": 0, "width": 12, "height": 300},
]


def drawn(modules):
    """Return the keys by row, as "ab/c"."""
    assert [each["row"] for each in modules] == sorted(each["row"] for each in modules)
    return "/".join("".join(each["id"] for each in row) for row in arrangement.rows(modules))


@pytest.mark.parametrize(
    ("key", "direction", "expected"),
    [
        ("b", "left", "ba/c"),
        ("a", "left", "ab/c"),
        ("a", "right", "ba/c"),
        ("b", "right", "ab/c"),
        ("a", "down", "b/a/c"),
        ("b", "down", "a/b/c"),
        ("c", "up", "c/ab"),
        ("c", "down", "ab/c"),
        ("a", "up", "a/b/c"),
        ("b", "up", "b/a/c"),
    ],
)
def test_a_module_moves_one_step(key, direction, expected):
    moved = arrangement.step(GRID, key, direction, is_freeform=False)
    assert drawn(moved) == expected
    assert {each["row"] for each in moved} == set(range(1, expected.count("/") + 2))


@pytest.mark.parametrize(
    ("key", "where", "target", "expected"),
    [
        ("c", "before", "a", "c/ab"),
        ("c", "after", "b", "ab/c"),
        ("a", "after", "b", "ba/c"),
        ("a", "before", "c", "b/a/c"),
        ("a", "above", "c", "b/a/c"),
        ("a", "below", "c", "b/c/a"),
        ("c", "above", "a", "c/ab"),
        ("a", "below", "a", "ab/c"),
    ],
)
def test_a_module_is_dropped_at_another(key, where, target, expected):
    assert drawn(arrangement.put(GRID, key, where, target)) == expected


def test_a_module_that_is_gone_is_no_place_to_drop_at():
    with pytest.raises(KeyError):
        arrangement.put(GRID, "a", "before", "gone")


def test_a_module_grows_no_further_than_the_grid():
    narrow = {"id": "a", "width": 1, "height": 2000}
    for how, expected in {"narrower": (1, 2000), "wider": (2, 2000), "taller": (1, 2000), "shorter": (1, 1950)}.items():
        (module,) = arrangement.grow([narrow], "a", how, is_freeform=False)
        assert (module["width"], module["height"]) == expected


def test_what_no_longer_fits_into_a_row_begins_the_next():
    assert drawn(arrangement.grow(GRID, "a", "wider", is_freeform=False)) == "a/b/c"
    small = [{**each, "width": 3} for each in GRID]
    assert drawn(arrangement.step(small, "c", "up", is_freeform=False)) == "cab"


def test_rows_without_room_are_passed():
    wide = [{"id": key, "row": row, "width": 12, "height": 300} for row, key in enumerate("abc", start=1)]
    assert drawn(arrangement.step(wide, "a", "down", is_freeform=False)) == "b/a/c"
    assert drawn(arrangement.step(wide, "c", "up", is_freeform=False)) == "a/c/b"


def test_a_module_that_lies_freely_moves_by_pixels_and_not_beyond_the_edge():
    lying = [{"id": "a", "x": 10, "y": 0}]
    moved = arrangement.step(arrangement.step(lying, "a", "left", is_freeform=True), "a", "down", is_freeform=True)
    assert moved == [{"id": "a", "x": 0, "y": 20}]
    assert arrangement.place(lying, "a", -5, 99_999) == [{"id": "a", "x": 0, "y": 10_000}]


def test_the_stylesheet_has_numbers_only():
    css = arrangement.stylesheet([{"id": "}<", "width": 6, "height": 300, "x": 40, "y": 20}], is_freeform=True)
    assert "inset-inline-start:min(40px,100% - 50.00%);inset-block-start:20px" in css
    assert "block-size:360px" in css
    assert "--height:300px" in css
    assert "<" not in css
