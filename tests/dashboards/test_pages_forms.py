"""The form of a dashboard keeps what it has no fields for, and its modules can be moved before they are saved."""

import pytest
from werkzeug.datastructures import MultiDict

from app.dashboards.configuration import differences
from app.dashboards.pages.forms import DashboardForm, configuration_of, module_data, rearranged

PLOTLY = {
    "id": "old",
    "title": "Old",
    "family": "Plotly",
    "type": "bar",
    "data": {"url": "https://example.com/data", "key": "bar"},
    "row": 1,
    "order": 0,
    "width": 4,
    "height": 200,
    "inputs": [{"name": "months", "type": "number"}],
}
OWN = {
    "id": "own",
    "title": "Own",
    "family": "Vega",
    "type": "line",
    "data": {"query": "parties_per_month", "parameters": {"months": 6}, "key": "x"},
    "row": 1,
    "order": 1,
    "width": 8,
    "height": 200,
}
NUMBER = {"id": "n", "title": "N", "type": "number", "data": {"values": 3}, "row": 2, "order": 0}
STORED = {"version": 1, "layout": "grid", "modules": [PLOTLY, OWN, NUMBER]}
QUERIES = [("parties_per_month", "Parties per month"), ("seats", "Seats")]


@pytest.fixture
def form(app):
    """Return the form of STORED, after `changes` to what it sends."""

    def fill(changes=(), modules=None):
        with app.test_request_context():
            shown = DashboardForm(formdata=None, data={"modules": module_data(STORED), "name": "A", "layout": "grid"})
            sent = MultiDict(
                {
                    field.name: str(field._value())  # noqa: SLF001 - what the page sends
                    for row in shown.modules
                    for field in row.form
                    if field.type != "SelectField"
                }
                | {field.name: field.data for row in shown.modules for field in row.form if field.type == "SelectField"}
                | {"name": "A", "layout": "grid"}
                | dict(changes)
            )
            if modules is not None:
                sent, _focus = rearranged(sent, modules)
            made = DashboardForm(formdata=sent, meta={"csrf": False})
            made.offer(QUERIES, {each["id"]: each for each in STORED["modules"]})
            assert made.validate(), made.errors
            return configuration_of(made, STORED)

    return fill


def test_saving_what_is_shown_changes_nothing_that_is_seen(form):
    saved = form()
    assert [{**each, "refresh_seconds": 0} for each in STORED["modules"][:2]] == [
        {**saved["modules"][0]},
        {**saved["modules"][1], "data": {**saved["modules"][1]["data"], "parameters": {"months": 6}}},
    ]
    assert saved["modules"][1]["data"]["parameters"] == {"months": "6"}
    assert saved["modules"][2]["data"] == {"values": 3}


def test_another_chart_is_our_own_and_another_source_has_no_key(form):
    saved = form({"modules-0-kind": "pie", "modules-1-source": "query:seats", "modules-1-parameters": ""})
    assert (saved["modules"][0]["family"], saved["modules"][0]["type"]) == ("Vega", "pie")
    assert saved["modules"][0]["data"] == PLOTLY["data"]
    assert saved["modules"][1]["data"] == {"query": "seats", "parameters": {}}


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("down-0", ["own 1 0", "old 1 1", "n 2 0"]),
        ("up-2", ["old 1 0", "n 1 1", "own 2 0"]),
        ("remove-2", ["old 1 0", "own 1 1"]),
        ("remove-0", ["own 1 0", "n 2 0"]),
        ("up-0", ["old 1 0", "own 1 1", "n 2 0"]),
        ("remove-99999", ["old 1 0", "own 1 1", "n 2 0"]),
        ("nonsense", ["old 1 0", "own 1 1", "n 2 0"]),
    ],
)
def test_modules_are_moved_and_removed_in_the_form(form, action, expected):
    saved = form(modules=action)
    assert [f"{each['id']} {each['row']} {each['order']}" for each in saved["modules"]] == expected


def test_a_new_module_gets_a_row_and_an_id_of_its_own():
    sent = MultiDict({f"modules-{number}-key": key for number, key in enumerate(["old", "own"])})
    changed, focus = rearranged(sent, "add")
    assert focus == 2
    assert changed["modules-2-key"] == ""


def test_differences_are_told_in_sentences_and_lines(app):
    with app.test_request_context():
        after = {**STORED, "modules": [{**PLOTLY, "row": 2}, {**OWN, "title": "Mine"}]}
        assert differences.sentences(STORED, after) == [
            "The module “N” was removed.",
            "The module “Old” was moved or resized.",
            "The module “Mine” was changed.",
        ]
    assert differences.lines("a\nb\nc", "a\nx\nc")[1:] == [
        ("same", "a"),
        ("removed", "b"),
        ("added", "x"),
        ("same", "c"),
    ]
