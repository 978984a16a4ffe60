"""Trees of values, as D3 and flame graphs have them. They are walked without recursion, whatever their depth."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.charts.limits import MAX_BRANCHES, MAX_DEPTH, MAX_TREE
from app.charts.model import Branch, Chart, Tree, TreeShape
from app.charts.reading import values
from app.charts.reading.notes import CannotDrawError, Notes

NAMES = ("name", "title", "label", "text", "id")
SIZES = ("value", "size", "weight", "count")


def no_tree() -> CannotDrawError:
    """Return the refusal of data that is no tree."""
    return CannotDrawError(_("This chart needs a tree: names with children."))


@dataclass
class _Node:
    title: str
    value: float | None
    depth: int
    children: list["_Node"] = field(default_factory=list)


def draw(payload: object, title: str, shape: TreeShape, notes: Notes) -> Chart:
    """Return the tree of `{"name": ..., "children": [...]}`, or of a list of such objects."""
    if isinstance(payload, list):
        payload = {"name": title, "children": payload}
    if not isinstance(payload, Mapping) or not any(name in payload for name in ("children", *NAMES)):
        raise no_tree()
    root = _Node(_title(payload) or title, _size(payload), 0)
    waiting: deque[tuple[_Node, Mapping[str, object]]] = deque([(root, payload)])
    count = 1
    while waiting:
        node, json = waiting.popleft()
        for child in values.sequence(json.get("children")):
            if isinstance(child, Mapping) and count < MAX_TREE:
                count += 1
                branch = _Node(_title(child), _size(child), node.depth + 1)
                node.children.append(branch)
                waiting.append((branch, child))
    return _tree(root, shape, notes)


def from_paths(
    paths: Iterable[tuple[Sequence[str], float | None]], title: str, shape: TreeShape, notes: Notes, unit: str = ""
) -> Chart:
    """Return the tree of the paths to its leaves, such as the levels of a table."""
    root = _Node(title, None, 0)
    known: dict[tuple[str, ...], _Node] = {(): root}
    for path, value in paths:
        node = root
        for depth in range(1, min(len(path), MAX_DEPTH) + 1):
            key = tuple(path[:depth])
            if key not in known:
                known[key] = _Node(values.text(path[depth - 1]), None, depth)
                node.children.append(known[key])
            node = known[key]
        node.value = (node.value or 0) + max(value or 0, 0)
    if not root.children:
        raise no_tree()
    return _tree(root, shape, notes, unit)


def _title(json: Mapping[str, object]) -> str:
    return next((values.text(json[name]) for name in NAMES if json.get(name)), "")


def _size(json: Mapping[str, object]) -> float | None:
    name = next((name for name in SIZES if json.get(name) is not None), None)
    found = None if name is None else values.number(json[name])
    return None if found is None else max(found, 0)


def _tree(root: _Node, shape: TreeShape, notes: Notes, unit: str = "") -> Tree:
    """Return the upper part of the tree, with the sums of the whole."""
    order = [root]
    for node in order:
        order.extend(node.children)
    has_values = any(node.value for node in order)
    for node in reversed(order):
        below = sum(child.value or 0 for child in node.children)
        own = node.value if has_values else 1
        # Of a flame, a part may be its own; in a tree map, children fill their parent.
        node.value = max(own or 0, below) if shape is TreeShape.FLAME or not node.children else below
    kept = {id(node) for node in order[:MAX_BRANCHES] if node.depth <= MAX_DEPTH}
    if len(kept) < len(order):
        notes.say(_("The tree has %(count)s parts; those further up are shown.", count=str(len(order))))
    branches: dict[int, Branch] = {}
    for node in reversed(order):
        if id(node) in kept:
            children = [branches[id(child)] for child in node.children if id(child) in branches]
            branches[id(node)] = Branch(node.title, min(node.value or 0, 1e15), children)
    return Tree(branches[id(root)], shape, unit)
