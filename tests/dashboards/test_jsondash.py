"""Dashboards of flask_jsondash become ours. None of them raises."""

import copy
import random
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st

from app.charts import model
from app.charts.reading import read
from app.dashboards.configuration import checking as configurations
from app.dashboards.configuration.jsondash import convert
from tests.charts.test_reading import HOSTILE, places

GRID: dict[str, Any] = {
    "name": "Season",
    "category": "Hosts",
    "layout": "grid",
    "created_by": "global",
    "id": "a-b-c-d-e",
    "modules": [
        {
            "name": "Guests",
            "family": "C3",
            "type": "line",
            "width": "col-4",
            "height": 400,
            "row": 3,
            "order": 1,
            "refresh": True,
            "refreshInterval": 30_000,
            "dataSource": "http://figures.example/guests",
            "guid": "g-1",
            "key": "line",
            "inputs": {
                "submit_text": "Go",
                "options": [
                    {"type": "select", "name": "range", "options": [[5, "Five"], [10, "Ten"]], "default": 10, "label": "How many", "help_text": "At most ten"},
                    {"type": "checkbox", "name": "axes", "default": True, "validator_regex": None},
                    {"type": "password", "name": "secret"},
                    {"type": "tel", "name": "phone"},
                ],
            },
        },
        {"name": "Film", "family": "Basic", "type": "youtube", "width": "col-99", "height": "10", "row": 1, "dataSource": "<iframe src='https://films.example/'></iframe>", "guid": "g-1"},
        {"name": "Own", "family": "PlotlyStandard", "type": "plotly-any", "width": "col-6", "height": 300, "row": 3, "dataSource": "/api/v1/parties/", "guid": "g 3"},
        {"name": "Lost", "family": "D3", "type": "treemap", "width": "col-6", "height": 300, "row": "x", "dataSource": "/examples/tree.html"},
        {"name": "New", "family": "Holograms", "type": "cube", "width": "col-6", "height": 300, "row": 1, "dataSource": "https://figures.example/x"},
    ],
}  # fmt: skip


def placed(kind: str, row: int, width: str = "col-4", **more: Any) -> dict[str, Any]:
    """A module as it stands in a file with a grid."""
    url = f"http://figures.example/{kind}"
    return {
        "name": kind,
        "family": "C3",
        "type": kind,
        "row": row,
        "width": width,
        "height": 400,
        "dataSource": url,
        **more,
    }


FREE = {"family": "C3", "type": "line", "width": 500, "height": 400, "dataSource": "http://figures.example/custom"}
NUMBERS = {"family": "Basic", "classes": [], "override": False, "refresh": False, "refreshInterval": None}
# What its example files look like: rows in any order and wider than they may be, inputs, groups of numbers, shared data.
SHAPES: dict[str, dict[str, Any]] = {
    "fixed": {
        "name": "Fixed",
        "layout": "grid",
        "date": "2017-05-23 15:59:29.889546",
        "modules": [
            placed("step", 4),
            placed("timeseries", 3, "col-3"),
            placed("gauge", 2, "col-2", order=0),
            *(placed("area", 4, order=2) for _time in range(3)),
            placed("scatter", 1, override=True),
            *(placed(kind, 2, "col-5") for kind in ("donut", "pie", "spline")),
        ],
    },
    "inputs": {
        "name": "Inputs",
        "layout": "freeform",
        "category": "Interactivity",
        "modules": [
            {**FREE, "name": "without"},
            {
                **FREE,
                "name": "with",
                "override": True,
                "inputs": {
                    "btn_classes": ["btn"],
                    "submit_text": "Submit",
                    "options": [
                        {"type": "checkbox", "name": "axes", "default": True, "validator_regex": None},
                        {"type": "radio", "name": "start", "options": [[0, 0], [10, 10]], "default": 0},
                        {
                            "type": "select",
                            "name": "range",
                            "options": [[5, "Show 5"]],
                            "default": 5,
                            "help_text": "Few",
                        },
                        {"type": "text", "name": "prefix", "default": 10},
                        {"type": "number", "name": "entries", "placeholder": "e.g. 10"},
                    ],
                },
            },
        ],
    },
    "numbers": {
        "name": "Numbers",
        "layout": "grid",
        "modules": [placed("numbergroup", 1, "col-12", order=place, **NUMBERS) for place in (2, 0, 1)],
    },
    "shared": {
        "name": "Shared",
        "layout": "grid",
        "modules": [
            *(placed(kind, 1, key=key) for kind, key in (("pie", "pie"), ("line", "bar"), ("line", "line"))),
            *(placed(kind, 1) for kind in ("pie", "bar", "line")),
        ],
    },
}
PAYLOADS: dict[str, Any] = {
    "gauge": {"data": 40},
    "numbergroup": [{"title": "Guests", "data": 12, "units": "people"}],
    "timeseries": {"dates": ["2027-01-01", "2027-01-02"], "guests": [3, 4]},
}


def modules(converted: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {module["title"]: module for module in converted["modules"]}


def test_a_grid_keeps_its_modules_in_rows_that_follow_each_other() -> None:
    converted = convert(GRID)
    assert (converted.name, converted.category, converted.is_global) == ("Season", "Hosts", True)
    assert converted.configuration["layout"] == "grid"
    found = modules(converted.configuration)
    assert {title: module["row"] for title, module in found.items()} == {
        "Guests": 2,
        "Film": 1,
        "Own": 2,
        "Lost": 3,
        "New": 1,
    }
    assert [module["id"] for module in found.values()] == ["g-1", "g-1-2", "g3", "module-4", "module-5"]
    assert (found["Guests"]["width"], found["Film"]["width"], found["Film"]["height"]) == (4, 12, 50)
    assert (found["Guests"]["refresh_seconds"], found["Own"]["refresh_seconds"]) == (30, 0)


def test_the_source_of_data_is_an_address_a_path_of_the_api_or_what_is_shown() -> None:
    found = modules(convert(GRID).configuration)
    assert found["Guests"]["data"] == {"url": "http://figures.example/guests", "key": "line"}
    assert found["Own"]["data"] == {"api": "/api/v1/parties/"}
    assert found["Own"]["family"] == "Plotly"
    assert found["Film"]["data"] == {"values": "<iframe src='https://films.example/'></iframe>"}
    assert "data" not in found["Lost"]


def test_what_cannot_be_drawn_is_named_with_the_reason() -> None:
    assert convert(GRID).notes == [
        "Guests: the field “secret” for a password is left out.",
        "Film: “youtube” is not shown: a dashboard runs no pages of others.",
        "Lost: Its data is at “/examples/tree.html”, which this site does not have.",
        "New: “Holograms” is not drawn here.",
        "Data of other hosts is shown if the operator of this site lists them: figures.example.",
    ]


def test_inputs_keep_their_options() -> None:
    inputs = modules(convert(GRID).configuration)["Guests"]["inputs"]
    assert [(each["name"], each["type"], each["default"]) for each in inputs] == [
        ("range", "select", 10),
        ("axes", "checkbox", True),
        ("phone", "text", None),
    ]
    assert inputs[0]["options"] == [[5, "Five"], [10, "Ten"]]
    assert (inputs[0]["label"], inputs[0]["help"]) == ("How many", "At most ten")


def test_a_free_layout_is_packed() -> None:
    sizes = [(500, 400), ("600", 300), (400, 200)]
    theirs = [{"name": str(place), "width": width, "height": height} for place, (width, height) in enumerate(sizes)]
    found = convert({"layout": "freeform", "modules": theirs}).configuration["modules"]
    assert [(module["width"], module["x"], module["y"]) for module in found] == [(5, 0, 0), (6, 500, 0), (4, 0, 400)]


@pytest.mark.parametrize(
    "theirs",
    [
        {},
        {"modules": "x"},
        {"modules": [{"dataSource": "http://["}]},
        {"modules": [None, 3, {}]},
        {"modules": [{}] * 500},
    ],
)
def test_a_dashboard_without_anything_is_empty(theirs: dict[str, Any]) -> None:
    assert len(convert(theirs).configuration["modules"]) <= 200


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_its_files_becomes_a_dashboard_that_can_be_stored(app: Flask, shape: str) -> None:
    theirs = SHAPES[shape]
    converted = convert(theirs).configuration
    assert len(converted["modules"]) == len(theirs["modules"])
    with app.test_request_context():
        configurations.check({**converted, "modules": configurations.fit_rows(converted["modules"])})
        for module in converted["modules"]:
            payload = PAYLOADS.get(module["type"], {"soups": [1, 2], "stews": [3, 4]})
            chart = read(module["family"], module["type"], payload, None, module["title"])
            assert not isinstance(chart, model.Refusal), module


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_broken_dashboard_raises(chance: random.Random) -> None:
    theirs = copy.deepcopy(GRID)
    for _step in range(chance.randint(1, 5)):
        container, key = chance.choice(places(theirs))
        container[key] = copy.deepcopy(chance.choice([*HOSTILE, "http://[", "https://user:x@10.0.0.1:99999/"]))  # type: ignore[index]
    converted = convert(theirs)
    for module in converted.configuration["modules"]:
        assert 1 <= module["width"] <= 12
        assert 50 <= module["height"] <= 2000
