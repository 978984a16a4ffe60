"""Charts as SVG: without scripts, styles and ids, the same bytes each time. Colours come from the style sheet, by classes."""

from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from app.charts import texts
from app.charts.drawing import graph, grids, parts, plot, trees
from app.charts.drawing.canvas import HEIGHT, Canvas, Drawing
from app.charts.model import Boxes, Chart, Gauge, Graph, HeatMap, Parts, Plot, Sparkline, Tree, TreeShape

__all__ = ["Drawing", "drawn", "is_drawn", "svg"]

DRAWERS: dict[type, Callable[[Any, Canvas], Drawing]] = {
    Plot: plot.draw,
    Parts: parts.pie,
    Gauge: parts.gauge,
    Sparkline: parts.sparkline,
    HeatMap: grids.heat_map,
    Boxes: grids.boxes,
    Graph: graph.graph,
    Tree: trees.tree,
}


def is_drawn(chart: Chart) -> bool:
    """Return whether a chart is an SVG. Others are HTML."""
    return type(chart) in DRAWERS and not (isinstance(chart, Tree) and chart.shape is TreeShape.INDENTED)


def drawn(chart: Chart, canvas: Canvas) -> Drawing:
    """Return what is inside the SVG of a chart, its size, and what is not shown."""
    return DRAWERS[type(chart)](chart, canvas)


def svg(chart: Chart, *, is_rtl: bool, label: str = "", described_by: str = "", height: int = HEIGHT) -> Markup:
    """Return the chart as an element for a page, called `label`; `described_by` is the id of its description."""
    return wrapped(
        drawn(chart, Canvas(is_rtl=is_rtl, height=height)), is_rtl=is_rtl, label=label, described_by=described_by
    )


def wrapped(drawing: Drawing, *, is_rtl: bool, label: str = "", described_by: str = "") -> Markup:
    """Return the element around what is drawn."""
    classes = " ".join(
        filter(None, ["drawn", drawing.kind, f"m{drawing.margin}" if drawing.margin else "", "rtl" if is_rtl else ""])
    )
    # What has links is no single image: its parts are reached one by one.
    role = "group" if "<a href" in drawing.body else "img"
    size = f'width="100%" height="{drawing.height}"'
    if drawing.size:
        width, height = drawing.size
        # A graph has the size of its letters, and is scrolled.
        size = (
            f'width="{width}" height="{height}" ' if drawing.kind == "graph" else ""
        ) + f'viewBox="0 0 {width} {height}"'
    named = (f' aria-label="{escape(texts.clean(label))}"' if label else "") + (
        f' aria-describedby="{escape(described_by)}"' if described_by else ""
    )
    return Markup(f'<svg class="{classes}" {size} direction="ltr" role="{role}"{named}>{drawing.body}</svg>')  # noqa: S704 - all texts in it are escaped
