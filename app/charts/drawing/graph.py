"""Graphs, in layers: edges lead downwards, except those that close a circle."""

from collections import defaultdict
from itertools import pairwise

from flask_babel import gettext as _
from markupsafe import escape

from app.charts import texts
from app.charts.drawing.canvas import Canvas, Drawing, short
from app.charts.model import Edge, Graph

MAX_NODES, MAX_EDGES, SWEEPS = 150, 400, 6
BOX, GAP, LAYER, LABEL = 30, 24, 84, 180
# The width that an edge takes in a layer.
PASSAGE = 10
# A node, or where an edge passes a layer: its number and that of the layer.
Key = str | tuple[int, int]
Layers = list[list[Key]]
Place = tuple[float, float, float]
Places = dict[Key, Place]


def graph(chart: Graph, canvas: Canvas) -> Drawing:
    """Draw the nodes as boxes, and the edges between them."""
    titles = {node.key: texts.shortened(texts.clean(node.title or node.key), LABEL) for node in chart.nodes[:MAX_NODES]}
    edges = [edge for edge in chart.edges if edge.start in titles and edge.end in titles][:MAX_EDGES]
    layers = _layers(list(titles), edges)
    routes = _routes(layers, edges)
    steps = [pair for route in routes for pair in pairwise(route)]
    places, width = _placed(_ordered(layers, steps), titles)
    if canvas.is_rtl:
        places = {key: (width - x, y, wide) for key, (x, y, wide) in places.items()}
    height = (len(layers) - 1) * LAYER + BOX + 4
    # Edges that close a circle on the last layer hang below it.
    height += 30 if any(edge.start == edge.end for edge in edges) else 0
    body = [
        _edge(edge, [places[key] for key in route], is_directed=chart.is_directed)
        for edge, route in zip(edges, routes, strict=True)
    ]
    body += [_node(title, places[key]) for key, title in titles.items()]
    note = ""
    if len(chart.nodes) > MAX_NODES or len(chart.edges) > MAX_EDGES:
        note = str(_("The graph is too large to be drawn as a whole. The table has all of it."))
    return Drawing("".join(body), height, size=(round(width), height), kind="graph", note=note)


def _routes(layers: Layers, edges: list[Edge]) -> list[list[Key]]:
    """Return what each edge passes: between its ends, a place in each layer, so that it leads around other nodes."""
    depth = {key: n for n, layer in enumerate(layers) for key in layer}
    routes: list[list[Key]] = []
    for number, edge in enumerate(edges):
        start, end = depth[edge.start], depth[edge.end]
        step = 1 if end >= start else -1
        between = [(number, level) for level in range(start + step, end, step)]
        for place in between:
            layers[place[1]].append(place)
        routes.append([edge.start, *between, edge.end])
    return routes


def _layers(keys: list[str], edges: list[Edge]) -> Layers:
    """Return the nodes in layers: each below all that lead to it."""
    after: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.start != edge.end:
            after[edge.start].append(edge.end)
    order, forward = _topological(keys, after)
    depth = dict.fromkeys(keys, 0)
    for key in order:
        for end in forward[key]:
            depth[end] = max(depth[end], depth[key] + 1)
    layers: Layers = [[] for _n in range(max(depth.values(), default=0) + 1)]
    for key in keys:
        layers[depth[key]].append(key)
    return layers


def _topological(keys: list[str], after: dict[str, list[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the nodes so that edges lead forward, and those edges: all but the ones that close a circle."""
    order: list[str] = []
    forward: dict[str, list[str]] = defaultdict(list)
    entered: set[str] = set()
    open_nodes: set[str] = set()
    for root in keys:
        waiting = [(root, False)]
        while waiting:
            key, is_done = waiting.pop()
            if is_done:
                open_nodes.discard(key)
                order.append(key)
                continue
            if key in entered:
                continue
            entered.add(key)
            open_nodes.add(key)
            waiting.append((key, True))
            waiting += [(end, False) for end in reversed(after[key])]
    place = {key: n for n, key in enumerate(reversed(order))}
    for key in keys:
        forward[key] = [end for end in after[key] if place[end] > place[key]]
    return order[::-1], forward


def _ordered(layers: Layers, steps: list[tuple[Key, Key]]) -> Layers:
    """Sort each layer by the middle of its neighbours, downwards and upwards, so that fewer edges cross."""
    beside: dict[Key, list[Key]] = defaultdict(list)
    for start, end in steps:
        beside[start].append(end)
        beside[end].append(start)
    for sweep in range(SWEEPS):
        place = {key: (n + 0.5) / len(layer) for layer in layers for n, key in enumerate(layer)}
        level = {key: n for n, layer in enumerate(layers) for key in layer}
        step = -1 if sweep % 2 else 1
        for n, layer in list(enumerate(layers))[::step]:
            middles: dict[Key, float] = {}
            for key in layer:
                near = [place[other] for other in beside[key] if level[other] == n - step]
                middles[key] = sum(near) / len(near) if near else place[key]
            layer.sort(key=middles.__getitem__)
            place.update({key: (at + 0.5) / len(layer) for at, key in enumerate(layer)})
    return layers


def _placed(layers: Layers, titles: dict[str, str]) -> tuple[Places, float]:
    """Return the middle, top and width of each node and of what edges pass, and the width of all."""
    widths: dict[Key, float] = {key: max(texts.width(title) * 1.08 + 24, 48) for key, title in titles.items()}
    rows = [sum(widths.get(key, PASSAGE) + GAP for key in layer) - GAP for layer in layers if layer]
    whole = max([*rows, 0]) + 8
    places: Places = {}
    for n, layer in enumerate(layers):
        row = sum(widths.get(key, PASSAGE) for key in layer)
        gap = (whole - 8 - row) / (len(layer) + 1) if layer else 0
        x = 4 + gap
        for key in layer:
            wide = widths.get(key, PASSAGE)
            places[key] = (x + wide / 2, n * LAYER + 2, wide)
            x += wide + gap
    return places, whole


def _node(title: str, place: Place) -> str:
    x, y, width = place
    return (
        f'<rect x="{short(x - width / 2)}" y="{short(y)}" width="{short(width)}" height="{BOX}" rx="8" class="node"/>'
        f'<text x="{short(x)}" y="{short(y + 19)}" text-anchor="middle" class="label">{escape(texts.isolated(title))}</text>'
    )


def _edge(edge: Edge, route: list[Place], *, is_directed: bool) -> str:
    """Return a curve through what the edge passes, with its tip and its title."""
    (x1, top, _w), (x2, bottom, _v) = route[0], route[-1]
    if edge.start == edge.end:
        y = top + BOX
        path = f"M{short(x1 - 10)} {short(y)}c-6 26 26 26 20 6"
        tip = _tip(x1 + 10, y, -1)
    else:
        down = 1 if bottom >= top else -1
        shift = 0 if down > 0 else 12
        begin, end = (top + BOX, bottom) if down > 0 else (top, bottom + BOX)
        stops = [(x1 + shift, begin), *((x, y + BOX / 2) for x, y, _wide in route[1:-1]), (x2 + shift, end - 6 * down)]
        path = f"M{short(stops[0][0])} {short(begin)}" + "".join(_bend(*pair) for pair in pairwise(stops))
        tip = _tip(x2 + shift, end, down)
    title = texts.shortened(texts.clean(edge.title), LABEL)
    # In the middle between the first two places, where few edges have come together yet.
    x, y = (x1 + route[1][0]) / 2, (top + route[1][1] + BOX) / 2 + 4
    shown = escape(texts.isolated(title))
    label = f'<text x="{short(x)}" y="{short(y)}" text-anchor="middle" class="over">{shown}</text>' if title else ""
    return f'<path class="edge" d="{path}"/>{tip if is_directed else ""}{label}'


def _bend(start: tuple[float, float], end: tuple[float, float]) -> str:
    middle = (start[1] + end[1]) / 2
    return f"C{short(start[0])} {short(middle)} {short(end[0])} {short(middle)} {short(end[0])} {short(end[1])}"


def _tip(x: float, y: float, down: int) -> str:
    return f'<path class="arrow" d="M{short(x)} {short(y)}l-4.5 {-8 * down}h9z"/>'
