"""Charts from descriptions that others wrote: Vega-Lite, the families of jsondash, tables of queries."""

import dataclasses
import logging
from collections.abc import Callable, Mapping

from flask_babel import gettext as _

from app.charts.model import Chart, Refusal, Rows, Table, TreeShape
from app.charts.reading import basic, by_kind, c3, graphs, plotly, sets, sparklines, timelines, trees, vega_lite, words
from app.charts.reading.notes import CannotDrawError, Notes, nothing, unknown
from app.charts.reading.plots import Draft, plot
from app.charts.reading.values import mapping, sequence, text

log = logging.getLogger(__name__)

Reader = Callable[[str, object, str, Notes], Chart]
TREES = {
    "treemap": TreeShape.TREE_MAP,
    "tree_map": TreeShape.TREE_MAP,
    "circlepack": TreeShape.TREE_MAP,
    "dendrogram": TreeShape.INDENTED,
    "radial-dendrogram": TreeShape.INDENTED,
    "tree": TreeShape.INDENTED,
    "flame": TreeShape.FLAME,
    "flamegraph": TreeShape.FLAME,
}
# Pages and programs of others.
EMBEDDED = frozenset({"custom", "iframe", "youtube"})
# What some families have; the others draw the same for any type.
TYPES = {
    "C3": {*c3.MARKS, *c3.OF_PARTS, "gauge"},
    "D3": {"treemap", "circlepack", "dendrogram", "radial-dendrogram", "voronoi"},
    "Basic": {"number", "numbergroup", "numbers", "image", "text", "markdown"},
}


def read(family: str, kind: str, payload: object, specification: Mapping[str, object] | None, title: str) -> Chart:
    """Return what a module shows. Bad input is refused in a localized sentence, it never raises.

    `payload` is the table of a query or any JSON. `specification` is one of Vega-Lite, without its data.
    """
    try:
        return read_or_raise(family, kind, payload, specification, title)
    except CannotDrawError as error:
        return Refusal(str(error))
    except Exception:
        # One module must not take the page with it.
        log.exception("A chart of %.40r (%.40r) could not be read", family, kind)
        return Refusal(_("This chart cannot be read."))


def refusal(family: str, kind: str) -> str | None:
    """Return why a type is never drawn, whatever its data; None if that depends on it."""
    if family not in FAMILIES:
        return str(unknown(family))
    if kind in EMBEDDED:
        return str(embedded(kind))
    return None if kind in TYPES.get(family, {kind}) else str(unknown(kind))


def embedded(kind: str) -> CannotDrawError:
    """Return the refusal of a page of others."""
    return CannotDrawError(_("“%(name)s” is not shown: a dashboard runs no pages of others.", name=kind))


def read_or_raise(
    family: str, kind: str, payload: object, specification: Mapping[str, object] | None, title: str
) -> Chart:
    """Return what a module shows, or raise CannotDrawError."""
    notes = Notes()
    if specification:
        chart = vega_lite.draw(specification, payload, title, notes)
    else:
        chart = _chart(family, kind, payload, title, notes)
    return dataclasses.replace(chart, notes=notes.sentences)


def _chart(family: str, kind: str, payload: object, title: str, notes: Notes) -> Chart:
    if kind in EMBEDDED:
        raise embedded(kind)
    if payload is None:
        raise nothing()
    if isinstance(payload, Table):
        return by_kind.draw(kind, payload, title, notes)
    if family not in FAMILIES:
        raise unknown(family)
    return FAMILIES[family](kind, payload, title, notes)


def _vega(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    """Return the chart of a payload that has its own specification, or of our kinds."""
    if kind in {"vega-lite", "vega"} or (isinstance(payload, Mapping) and "mark" in payload and "encoding" in payload):
        return vega_lite.draw(payload if isinstance(payload, Mapping) else {}, None, title, notes)
    if kind in TREES and not _is_table(payload):
        return trees.draw(payload, title, TREES[kind], notes)
    special = {
        "number": lambda: basic.number(payload, title, notes),
        "numbers": lambda: basic.numbers(payload, notes),
        "image": lambda: basic.image(payload, title),
        "text": lambda: basic.prose(payload),
        "timeline": lambda: timelines.draw(payload, notes),
        "graph": lambda: graphs.draw(payload, notes),
        "words": lambda: words.draw(payload, notes),
        "sparkline": lambda: sparklines.draw("sparkline", payload, title, notes),
        "gauge": lambda: c3.draw("gauge", payload, title, notes),
    }
    return special[kind]() if kind in special else by_kind.draw(kind, payload, title, notes)


def _is_table(payload: object) -> bool:
    """Whether each row has a path of texts instead of children."""
    return isinstance(payload, list) and not any(isinstance(row, Mapping) and "children" in row for row in payload)


def _basic(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    kinds = {"numbergroup": "numbers", "markdown": "text"}
    kind = kinds.get(kind, kind)
    if kind not in {"number", "numbers", "image", "text"}:
        raise unknown(kind)
    return _vega(kind, payload, title, notes)


def _data_table(_kind: str, payload: object, title: str, notes: Notes) -> Chart:
    """Return a table of rows, or of DataTables' own options."""
    heads = {
        text(head.get("data")): text(head.get("title"))
        for head in map(mapping, sequence(mapping(payload).get("columns")))
    }
    chart = by_kind.draw("table", payload, title, notes)
    if not heads or not isinstance(chart, Rows):
        return chart
    columns = (dataclasses.replace(each, title=heads.get(each.name) or each.title) for each in chart.table.columns)
    return Rows(dataclasses.replace(chart.table, columns=tuple(columns)))


def _d3(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    if kind == "voronoi":
        notes.say(_("The points are drawn without the cells around them."))
        pairs = [[*sequence(pair), None, None][:2] for pair in sequence(payload)]
        return plot([Draft("", [x for x, _y in pairs], [y for _x, y in pairs], by_kind.MARKS["scatter"])], notes)
    if kind not in TREES:
        raise unknown(kind)
    return trees.draw(payload, title, TREES[kind], notes)


FAMILIES: dict[str, Reader] = {
    "Vega": _vega,
    "Basic": _basic,
    "C3": c3.draw,
    "D3": _d3,
    "DataTable": _data_table,
    "FlameGraph": lambda _kind, payload, title, notes: trees.draw(payload, title, TreeShape.FLAME, notes),
    "Graph": lambda _kind, payload, _title, notes: graphs.draw(payload, notes),
    "Cytoscape": lambda _kind, payload, _title, notes: graphs.draw(payload, notes),
    "Sigma": lambda _kind, payload, _title, notes: graphs.draw(payload, notes),
    "Plotly": lambda _kind, payload, title, notes: plotly.draw(payload, title, notes),
    "Sparklines": sparklines.draw,
    "Timeline": lambda _kind, payload, _title, notes: timelines.draw(payload, notes),
    "Venn": lambda _kind, payload, _title, notes: sets.draw(payload, notes),
    "WordCloud": lambda _kind, payload, _title, notes: words.draw(payload, notes),
}
# As jsondash spells them.
FAMILIES["PlotlyStandard"] = FAMILIES["Plotly"]
FAMILIES["SigmaJS"] = FAMILIES["Sigma"]
