"""Data in the shapes that jsondash's families have: a chart of each type, or a refusal."""

from dataclasses import dataclass

ROWS = [
    {"month": "2026-01-01", "town": "Lugo", "parties": 3, "seats": 24},
    {"month": "2026-01-01", "town": "Vigo", "parties": 5, "seats": 31},
    {"month": "2026-02-01", "town": "Lugo", "parties": 4, "seats": 20},
    {"month": "2026-02-01", "town": "Vigo", "parties": 2, "seats": 18},
    {"month": "2026-03-01", "town": "Lugo", "parties": 6, "seats": 40},
]
SERIES = {"Lugo": [3, 4, 6, 1], "Vigo": [5, 2, 4, 4, 7, 9], "Ourense": [1, None, 2]}
PARTS = {"soup": 12, "stew": 30, "cake": 7.5}
DAYS = {"dates": ["2026-01-03", "2026-01-10", "2026-01-17"], "Lugo": [3, 4, 6], "Vigo": [5, 2, 4]}
MENU = {
    "name": "menu",
    "children": [
        {"name": "soups", "children": [{"name": "caldo", "size": 30}, {"name": "gazpacho", "size": 12}]},
        {"name": "desserts", "children": [{"name": "flan", "size": 9}, {"name": "tarta"}]},
    ],
}
CALLS = {
    "name": "request",
    "value": 100,
    "children": [{"name": "query", "value": 60, "children": [{"name": "wait", "value": 25}]}, {"name": "render"}],
}
SOCIAL = {
    "nodes": [{"id": "ana", "label": "Ana", "x": 0, "y": 1, "size": 3}, {"id": "bea", "label": "Bea"}],
    "edges": [{"id": "e0", "source": "ana", "target": "bea"}, {"id": "e1", "source": "bea", "target": "carla"}],
}
ELEMENTS = {
    "container": "",
    "layout": {"name": "grid"},
    "style": [{"selector": "node", "style": {"width": 20}}],
    "elements": [
        {"data": {"id": "ana", "label": "Ana"}, "position": {"x": 1, "y": 2}, "group": "nodes"},
        {"data": {"id": "bea"}},
        {"data": {"id": "ab", "source": "ana", "target": "bea", "label": "invited"}},
    ],
}
DOT = 'digraph seats { rankdir=LR; node [shape=box]; ana [label="Ana"]; ana -> bea -> {carla; dora} [label="knows"] }'
STORY = {
    "title": {"text": {"headline": "A season"}},
    "events": [
        {
            "start_date": {"year": "1998"},
            "text": {"headline": "The first dinner", "text": "<p>Six people &amp; a <b>pot</b>.</p>"},
            "media": {"url": "https://pictures.example/pot.png"},
        },
        {
            "start_date": {"year": 2026, "month": 3, "day": "4", "hour": 19},
            "end_date": {"year": 2026, "month": 3, "day": 5},
            "text": {"headline": "The longest dinner"},
        },
    ],
}
NUMBERS = [
    {"title": "Guests today", "description": "All who came", "data": 1250.0, "color": "green"},
    {"title": "Time at the table", "data": 95, "units": "minutes", "width": "50%"},
    {"title": "Spent", "data": "€ 1,240", "noformat": True},
]
SETS = [{"sets": ["vegan"], "size": 12}, {"sets": ["no nuts"], "size": 5}, {"sets": ["vegan", "no nuts"], "size": 2}]
GRID = [[1, None, 3], [2, 5, 8]]
PLOTLY = {
    "scatter": {"data": [{"x": [1, 2, 3], "y": ["4", "5.5", "x"], "mode": "markers", "text": ["a", "b", "c"]}]},
    "line": {"data": [{"x": ["2026-01-01", "2026-01-02"], "y": [4, 5], "name": "Lugo"}, {"y": [1, 2, 3]}]},
    "several axes": {
        "data": [{"x": [1, 2], "y": [3, 4]}, {"x": [5, 6], "y": [7, 8], "xaxis": "x2", "yaxis": "y2"}],
        "layout": {"xaxis2": {"title": "Weeks"}},
    },
    "bar": {
        "data": [
            {"type": "bar", "x": ["soup", "cake"], "y": [3, 4], "name": "Lugo"},
            {"type": "bar", "x": ["soup", "stew"], "y": [2, 1], "name": "Vigo"},
        ],
        "layout": {"barmode": "stack", "yaxis": {"title": {"text": "Dishes"}, "range": [0, 9]}},
    },
    "pie": {"data": [{"type": "pie", "labels": ["soup", "cake"], "values": [3, 4], "hole": 0.4}]},
    "histogram": {"data": [{"type": "histogram", "x": [1, 2, 2, 3, 3, 3, 9], "nbinsx": 4}]},
    "box": {"data": [{"type": "box", "y": [1, 2, 3, 4, 40], "name": "waiting"}]},
    "heatmap": {"data": [{"type": "heatmap", "z": GRID, "x": ["Mo", "Tu", "We"], "y": ["noon", "night"]}]},
    "contour": {"data": [{"type": "contour", "z": GRID}, {"type": "scatter", "x": [0, 1], "y": [1, 0]}]},
    "histogram2d": {"data": [{"type": "histogram2d", "x": [1, 1, 2, 5], "y": [2, 2, 3, 9]}]},
    "histogram2dcontour": {"data": [{"type": "histogram2dcontour", "x": [1, 1, 2], "y": [2, 2, 3]}]},
    "table": {
        "data": [{"type": "table", "header": {"values": ["dish", "pots"]}, "cells": {"values": [["soup"], [3]]}}]
    },
    "indicator": {
        "data": [{"type": "indicator", "value": 12, "delta": {"reference": 10}, "title": {"text": "Guests"}}]
    },
}
SPACE = {
    "scatter3d": {"x": [1], "y": [2], "z": [3]},
    "surface": {"z": GRID},
    "mesh3d": {"x": [1], "y": [2], "z": [3]},
    "scattergeo": {"lon": [1], "lat": [2]},
    "choropleth": {"locations": ["ES"], "z": [1]},
    "scatterternary": {"a": [1], "b": [2], "c": [3]},
    "area": {"r": [1, 2], "t": ["N", "S"]},
}
X, Y = {"field": "town", "type": "nominal"}, {"field": "parties", "type": "quantitative"}
MONTH = {"field": "month", "type": "temporal", "timeUnit": "yearmonth"}
SUM = {**Y, "aggregate": "sum"}
VEGA = {
    "bar": {"mark": "bar", "encoding": {"x": X, "y": SUM}},
    "stacked bar": {"mark": "bar", "encoding": {"x": MONTH, "y": SUM, "color": X}},
    "line": {"mark": {"type": "line", "interpolate": "monotone"}, "encoding": {"x": MONTH, "y": SUM, "color": X}},
    "area": {"mark": "area", "encoding": {"x": MONTH, "y": {**SUM, "stack": "normalize"}, "color": X}},
    "point": {"mark": "point", "encoding": {"x": {"field": "seats"}, "y": Y, "size": Y, "tooltip": X}},
    "circle": {"mark": "circle", "encoding": {"x": MONTH, "y": Y}},
    "square": {"mark": "square", "encoding": {"x": X, "y": Y}},
    "tick": {"mark": "tick", "encoding": {"x": Y, "y": X}},
    "rule": {"mark": "rule", "encoding": {"x": X, "y": {**Y, "aggregate": "min"}, "y2": {**Y, "aggregate": "max"}}},
    "rect": {"mark": "rect", "encoding": {"x": {**MONTH, "timeUnit": "month"}, "y": X, "color": SUM}},
    "arc": {"mark": {"type": "arc", "innerRadius": 30}, "encoding": {"theta": SUM, "color": X}},
    "boxplot": {"mark": "boxplot", "encoding": {"x": X, "y": Y}},
    "text": {"mark": "text", "encoding": {"text": {"aggregate": "count"}}},
    "histogram": {"mark": "bar", "encoding": {"x": {"field": "seats", "bin": True}, "y": {"aggregate": "count"}}},
    "facet": {"mark": "line", "encoding": {"column": X, "x": MONTH, "y": Y}},
    "layer": {"layer": [{"mark": "bar"}, {"mark": "line"}], "encoding": {"x": X, "y": SUM}},
    "bars over time": {
        "mark": "bar",
        "encoding": {"x": {"field": "from"}, "x2": {"field": "to"}, "y": {"field": "who"}},
        "data": {"values": [{"from": "2026-01-01", "to": "2026-01-03", "who": "Ana"}]},
    },
}


@dataclass(frozen=True)
class Sample:
    """A chart in the words of a family; `drawn` is the class of the model, `name` what the trace or mark is called."""

    family: str
    kind: str
    payload: object
    drawn: str
    name: str = ""


VEGA_DRAWN = {
    "rect": "HeatMap",
    "arc": "Parts",
    "boxplot": "Boxes",
    "text": "Numbers",
    "facet": "Multiples",
    "bars over time": "Timeline",
}
PLOTLY_DRAWN = {
    "several axes": "Multiples",
    "pie": "Parts",
    "box": "Boxes",
    "heatmap": "HeatMap",
    "contour": "HeatMap",
    "histogram2d": "HeatMap",
    "histogram2dcontour": "HeatMap",
    "table": "Rows",
    "indicator": "Numbers",
}
SAMPLES = [
    *(
        Sample("C3", kind, SERIES, "Plot")
        for kind in ("line", "bar", "step", "area", "spline", "scatter", "area-spline")
    ),
    Sample("C3", "timeseries", DAYS, "Plot"),
    Sample("C3", "pie", PARTS, "Parts"),
    Sample("C3", "donut", PARTS, "Parts"),
    Sample("C3", "gauge", {"data": 40}, "Gauge"),
    Sample("D3", "treemap", MENU, "Tree"),
    Sample("D3", "circlepack", MENU, "Tree"),
    Sample("D3", "dendrogram", MENU, "Tree"),
    Sample("D3", "radial-dendrogram", MENU, "Tree"),
    Sample("D3", "voronoi", [[2, 10], [100, 30], [300, 10]], "Plot"),
    Sample("DataTable", "datatable", ROWS, "Rows"),
    Sample("FlameGraph", "flamegraph", CALLS, "Tree"),
    Sample("WordCloud", "wordcloud", [{"text": "soup", "size": 40}, {"text": "stew", "size": 0}], "Words"),
    Sample("Graph", "graph", {"graph": DOT}, "Graph"),
    Sample("SigmaJS", "sigma", SOCIAL, "Graph"),
    Sample("Cytoscape", "cytoscape", ELEMENTS, "Graph"),
    Sample("Timeline", "timeline", STORY, "Timeline"),
    Sample("Venn", "venn", SETS, "Plot"),
    *(
        Sample("Sparklines", f"sparklines-{kind}", [[0, 4], [1, 7], [2, 5]], "Sparkline")
        for kind in ("line", "bar", "tristate", "discrete")
    ),
    Sample("Sparklines", "sparklines-bullet", [10, 12, 20, 15, 9], "Gauge"),
    Sample("Sparklines", "sparklines-pie", [3, 4, 5], "Parts"),
    Sample("Sparklines", "sparklines-box", [3, 4, 5, 30], "Boxes"),
    Sample("Basic", "number", {"data": "-€ 12,300"}, "Numbers"),
    Sample("Basic", "numbergroup", NUMBERS, "Numbers"),
    Sample("Basic", "image", "/static/menu.png", "Image"),
    Sample("Basic", "text", "Bring *bread*.", "Prose"),
    Sample("Basic", "custom", "<p>Any page</p>", "Refusal"),
    Sample("Basic", "iframe", "https://pages.example/", "Refusal"),
    Sample("Basic", "youtube", '<iframe src="https://films.example/"></iframe>', "Refusal"),
    *(Sample("PlotlyStandard", "plotly-any", PLOTLY[name], PLOTLY_DRAWN.get(name, "Plot"), name) for name in PLOTLY),
    *(
        Sample("PlotlyStandard", "plotly-any", {"data": [{"type": name, **trace}]}, "Refusal", name)
        for name, trace in SPACE.items()
    ),
    *(
        Sample("Vega", "vega-lite", {"data": {"values": ROWS}, **VEGA[name]}, VEGA_DRAWN.get(name, "Plot"), name)
        for name in VEGA
    ),
]
