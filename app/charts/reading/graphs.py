"""Nodes and edges, from JSON or DOT."""

from collections.abc import Mapping, Sequence

from flask_babel import gettext as _

from app.charts.limits import MAX_EDGES, MAX_NODES
from app.charts.model import Chart, Edge, Graph, Node
from app.charts.reading import dot, values
from app.charts.reading.notes import CannotDrawError, Notes

TITLES = ("label", "name", "title")


def no_graph() -> CannotDrawError:
    """Return the refusal of data that is no graph."""
    return CannotDrawError(_("This chart needs nodes and edges."))


def draw(payload: object, notes: Notes) -> Chart:
    """Return the graph of DOT, alone or under "graph", or of the JSON of Sigma, Cytoscape and D3."""
    text = payload if isinstance(payload, str) else values.mapping(payload).get("graph")
    if isinstance(text, str):
        parsed = dot.parse(text)
        if parsed is None:
            raise no_graph()
        return graph(parsed.titles, parsed.edges, notes, is_directed=parsed.is_directed)
    return _from_json(payload, notes)


def _from_json(payload: object, notes: Notes) -> Graph:
    body = values.mapping(payload)
    elements = body.get("elements", payload if isinstance(payload, list) else body)
    if isinstance(elements, Mapping):
        nodes = values.sequence(elements.get("nodes"))
        edges = values.sequence(elements.get("edges", elements.get("links")))
    else:
        # Cytoscape has one list of both.
        nodes = edges = values.sequence(elements)
    titles: dict[str, str] = {}
    for place, each in enumerate(nodes):
        inner = _inner(each)
        if inner is not None and "source" not in inner:
            key = values.text(inner.get("id", place))
            titles[key] = next((values.text(inner[name]) for name in TITLES if inner.get(name)), key)
    found = []
    for each in edges:
        inner = _inner(each)
        if inner is not None and "source" in inner:
            ends = (values.text(inner["source"]), values.text(inner.get("target")))
            if all(ends):
                found.append((*ends, values.text(inner.get("label"))))
    return graph(titles, found, notes)


def _inner(each: object) -> Mapping[str, object] | None:
    """Return what describes an element: Cytoscape has it one step further in."""
    if not isinstance(each, Mapping):
        return None
    inner = each.get("data")
    return inner if isinstance(inner, Mapping) else each


def graph(
    titles: Mapping[str, str], edges: Sequence[tuple[str, str, str]], notes: Notes, *, is_directed: bool = True
) -> Graph:
    """Return nodes and edges. An edge may name nodes that are nowhere else."""
    every = dict(titles)
    for start, end, _title in edges:
        every.setdefault(start, start)
        every.setdefault(end, end)
    if not every:
        raise no_graph()
    kept = dict(notes.first(list(every.items()), MAX_NODES))
    inside = [edge for edge in edges if edge[0] in kept and edge[1] in kept]
    return Graph(
        [Node(key, title or key) for key, title in kept.items()],
        [Edge(start, end, title) for start, end, title in notes.first(inside, MAX_EDGES)],
        is_directed,
    )
