"""Graphs, in layers: edges lead downwards, except those that close a circle."""

from collections import defaultdict

from flask_babel import gettext as _
from markupsafe import escape

from app.charts import texts
from app.charts.drawing.canvas import Canvas, Drawing, short
from app.charts.model import Edge, Graph

MAX_NODES, MAX_EDGES, SWEEPS = 150, 400, 6
BOX, GAP, LAYER, LABEL = 30, 24, 84, 180
Places = dict[str, tuple[float, float, float]]


def graph(chart: Graph, canvas: Canvas) -> Drawing:
    """Draw the nodes as boxes, and the edges between them."""
    titles = {node.key: texts.shortened(texts.clean(node.title or node.key), LABEL) for node in chart.nodes[:MAX_NODES]}
    edges = [edge for edge in chart.edges if edge.start in titles and edge.end in titles][:MAX_EDGES]
    layers = _ordered(_layers(list(titles), edges), edges)
    places, width = _placed(layers, titles)
    height = (len(layers) - 1) * LAYER + BOX + 4
    body = [_edge(edge, places, width, canvas, is_directed=chart.is_directed) for edge in edges]
    body += [_node(titles[key], *place, width, canvas) for key, place in places.items()]
    note = ""
    if len(chart.nodes) > MAX_NODES or len(chart.edges) > MAX_EDGES:
        note = str(_("The graph is too large to be drawn as a whole. The table has all of it."))
    return Drawing("".join(body), height, size=(round(width), height), kind="graph", note=note)


def _layers(keys: list[str], edges: list[Edge]) -> list[list[str]]:
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
    layers: list[list[str]] = [[] for _n in range(max(depth.values(), default=0) + 1)]
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


def _ordered(layers: list[list[str]], edges: list[Edge]) -> list[list[str]]:
    """Sort each layer by the middle of its neighbours, downwards and upwards, so that fewer edges cross."""
    beside: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        beside[edge.start].append(edge.end)
        beside[edge.end].append(edge.start)
    for sweep in range(SWEEPS):
        place = {key: (n + 0.5) / len(layer) for layer in layers for n, key in enumerate(layer)}
        level = {key: n for n, layer in enumerate(layers) for key in layer}
        step = -1 if sweep % 2 else 1
        for n, layer in list(enumerate(layers))[::step]:
            middles = {}
            for key in layer:
                near = [place[other] for other in beside[key] if level[other] == n - step]
                middles[key] = sum(near) / len(near) if near else place[key]
            layer.sort(key=lambda key: middles[key])  # noqa: B023 - used at once
            place.update({key: (at + 0.5) / len(layer) for at, key in enumerate(layer)})
    return layers


def _placed(layers: list[list[str]], titles: dict[str, str]) -> tuple[Places, float]:
    """Return the middle, top and width of each node, and the width of all."""
    widths = {key: max(texts.width(title) * 1.08 + 24, 48) for key, title in titles.items()}
    rows = [sum(widths[key] + GAP for key in layer) - GAP for layer in layers if layer]
    whole = max([*rows, 0]) + 8
    places: Places = {}
    for n, layer in enumerate(layers):
        row = sum(widths[key] for key in layer)
        gap = (whole - 8 - row) / (len(layer) + 1) if layer else 0
        x = 4 + gap
        for key in layer:
            places[key] = (x + widths[key] / 2, n * LAYER + 2, widths[key])
            x += widths[key] + gap
    return places, whole


def _node(title: str, x: float, y: float, width: float, whole: float, canvas: Canvas) -> str:  # noqa: PLR0913, PLR0917
    middle = whole - x if canvas.is_rtl else x
    return (
        f'<rect x="{short(middle - width / 2)}" y="{short(y)}" width="{short(width)}" height="{BOX}" rx="8" class="node"/>'
        f'<text x="{short(middle)}" y="{short(y + 19)}" text-anchor="middle" class="label">{escape(title)}</text>'
    )


def _edge(edge: Edge, places: Places, whole: float, canvas: Canvas, *, is_directed: bool) -> str:
    (x1, top, width1), (x2, bottom, width2) = places[edge.start], places[edge.end]
    mirror = -1 if canvas.is_rtl else 1
    if canvas.is_rtl:
        x1, x2 = whole - x1, whole - x2
    is_down = bottom > top
    if edge.start == edge.end or bottom == top:
        y1, y2 = top + BOX, bottom + BOX
        middle = y1 + 34
        x1, x2 = (x1 - 8, x2 + 8) if edge.start == edge.end else (x1, x2)
        path = f"M{short(x1)} {short(y1)}C{short(x1)} {short(middle)} {short(x2)} {short(middle)} {short(x2)} {short(y2)}"
        tip = _tip(x2, y2, -1)
    elif is_down:
        y1, y2 = top + BOX, bottom
        middle = (y1 + y2) / 2
        path = f"M{short(x1)} {short(y1)}C{short(x1)} {short(middle)} {short(x2)} {short(middle)} {short(x2)} {short(y2 - 6)}"
        tip = _tip(x2, y2, 1)
    else:
        # It leads back: along the end side.
        x1, x2 = x1 + mirror * width1 / 4, x2 + mirror * width2 / 4
        y1, y2 = top, bottom + BOX
        middle = (y1 + y2) / 2
        path = f"M{short(x1)} {short(y1)}C{short(x1)} {short(middle)} {short(x2)} {short(middle)} {short(x2)} {short(y2 + 6)}"
        tip = _tip(x2, y2, -1)
    title = texts.shortened(texts.clean(edge.title), LABEL)
    x, y = (x1 + x2) / 2, (top + bottom + BOX) / 2 + 4
    label = f'<text x="{short(x)}" y="{short(y)}" text-anchor="middle" class="over">{escape(title)}</text>' if title else ""
    return f'<path class="edge" d="{path}"/>{tip if is_directed else ""}{label}'


def _tip(x: float, y: float, down: int) -> str:
    return f'<path class="arrow" d="M{short(x)} {short(y)}l-4.5 {-8 * down}h9z"/>'
