"""Rows of a form are added, removed and moved by buttons, and nothing that was typed is lost."""

import pytest
from werkzeug.datastructures import MultiDict

from app.crud.form_rows import rearrange

SENT = MultiDict(
    [
        ("csrf_token", "x"),
        ("dishes-0-name", "Soup"),
        ("dishes-0-allergens", "eggs"),
        ("dishes-0-allergens", "milk"),
        # A row between was removed before.
        ("dishes-2-name", "not\na number"),
        ("dishes-10-name", "Cake"),
        ("dishes-name", "no row"),
    ]
)


def names(command, **options):
    arranged = rearrange(SENT, "dishes", command, **{"blank": {"name": ""}, "most": 4, **options})
    assert (arranged["csrf_token"], arranged["dishes-name"]) == ("x", "no row")
    return [arranged[f"dishes-{number}-name"] for number in range(9) if f"dishes-{number}-name" in arranged]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("add", ["Soup", "not\na number", "Cake", ""]),
        ("remove-1", ["Soup", "Cake"]),
        ("up-2", ["Soup", "Cake", "not\na number"]),
        ("down-0", ["not\na number", "Soup", "Cake"]),
        *(
            (nonsense, ["Soup", "not\na number", "Cake"])
            for nonsense in ("up-0", "down-2", "remove-9", "up", "fly-1", "up-٣")
        ),
    ],
)
def test_a_button_changes_the_rows(command, expected):
    assert names(command) == expected


def test_a_form_has_no_more_rows_than_it_may():
    assert len(names("add", most=3)) == 3


def test_a_row_moves_with_all_its_values():
    arranged = rearrange(SENT, "dishes", "down-0", blank={}, most=4)
    assert arranged.getlist("dishes-1-allergens") == ["eggs", "milk"]
