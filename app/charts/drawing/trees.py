"""Tree maps and flame graphs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from markupsafe import escape

from app.charts import texts
from app.charts.drawing.canvas import BROAD, COLOURS, NARROW, Canvas, Drawing, percent, said, short, titled
from app.charts.model import Branch, Tree, TreeShape

HEIGHT, ROW, MAX_DEPTH, MAX_CELLS = 340, 24, 40, 600
# A narrower cell of a flame graph is not seen.
THIN = 0.0015


@dataclass(frozen=True)
class Cell:
    """A rectangle: from 0 to 1 along the width, in pixels downwards."""

    branch: Branch
    path: tuple[str, ...]
    colour: int
    x: float
    width: float
    y: float
    height: float


def tree(chart: Tree, canvas: Canvas) -> Drawing:
    """Draw a tree map or a flame graph."""
    if chart.shape is TreeShape.FLAME:
        cells, height = _flame(chart.root)
    else:
        cells, height = _tree_map(chart.root), HEIGHT
    total = texts.as_float(chart.root.value) or 1.0
    body = "".join(_drawn(cell, canvas, chart.unit, total) for cell in cells[:MAX_CELLS])
    note = ""
    if len(cells) > MAX_CELLS:
        note = str(_("The chart shows the largest %(number)s parts. The table has all of them.", number=MAX_CELLS))
    return Drawing(body, height, kind="tree", note=note)


def _drawn(cell: Cell, canvas: Canvas, unit: str, total: float) -> str:
    """Return a cell. Its text is cut where the cell ends."""
    left = 1 - cell.x - cell.width if canvas.is_rtl else cell.x
    share = texts.part(cell.branch.value / total)
    told = f"{said([' › '.join(cell.path)], texts.number(cell.branch.value, unit))} ({share})"
    wide, title = cell.width * BROAD, texts.clean(cell.branch.title)
    label = ""
    if wide > 30 and cell.height >= 18:
        place = 'x="100%" dx="-6" text-anchor="end"' if canvas.is_rtl else 'x="6"'
        shown = escape(texts.isolated(texts.shortened(title, wide * 1.4)))
        classes = f"t{cell.colour}" + ("" if cell.width * NARROW > 34 else " wide")
        label = f'<text {place} y="16" class="{classes}">{shown}</text>'
    return (
        f'<svg class="cell" x="{percent(left)}" y="{short(cell.y)}" width="{percent(cell.width)}" height="{short(cell.height)}">'
        f'{titled(told)}<rect width="100%" height="100%" class="f{cell.colour} part"/>{label}</svg>'
    )


def _value(branch: Branch) -> float:
    return max(texts.as_float(branch.value) or 0.0, 0.0)


# -- flame graphs


def _flame(root: Branch) -> tuple[list[Cell], int]:
    """Return a row for each depth, the root on top; what is wider comes first."""
    whole, cells = _value(root) or 1.0, list[Cell]()
    waiting: list[tuple[Branch, tuple[str, ...], float, int]] = [(root, (), 0.0, 0)]
    while waiting:
        branch, path, start, depth = waiting.pop(0)
        width = _value(branch) / whole
        if width < THIN or depth >= MAX_DEPTH:
            continue
        path = (*path, texts.clean(branch.title))[-4:]
        colour = (depth * 5 + sum(ord(letter) for letter in path[-1])) % COLOURS
        cells.append(Cell(branch, path, colour, start, width, depth * ROW, ROW - 1))
        for child in branch.children:
            waiting.append((child, path, start, depth + 1))
            start += _value(child) / whole
    deepest = max((cell.y for cell in cells), default=0)
    return cells, int(deepest) + ROW


# -- tree maps


def _tree_map(root: Branch) -> list[Cell]:
    """Return the leaves, as square as they can be; each child of the root has a colour."""
    cells: list[Cell] = []
    top = [branch for branch in root.children if _value(branch) > 0] or [root]
    for number, (branch, box) in enumerate(_squarified(top, (0.0, 0.0, float(BROAD), float(HEIGHT)))):
        _leaves(branch, (texts.clean(branch.title),), number % COLOURS, box, cells, 1)
    return sorted(cells, key=lambda cell: -cell.width * cell.height)


Box = tuple[float, float, float, float]


def _leaves(branch: Branch, path: tuple[str, ...], colour: int, box: Box, cells: list[Cell], depth: int) -> None:  # noqa: PLR0913, PLR0917
    x, y, width, height = box
    children = [child for child in branch.children if _value(child) > 0]
    if not children or depth >= MAX_DEPTH or width * height < 4:
        cells.append(Cell(branch, path[-4:], colour, x / BROAD, width / BROAD, y, height))
        return
    for child, inner in _squarified(children, box):
        _leaves(child, (*path, texts.clean(child.title)), colour, inner, cells, depth + 1)


def _squarified(branches: Sequence[Branch], box: Box) -> Iterator[tuple[Branch, Box]]:
    """Yield the rectangles of branches in a box: rows along the shorter side, as long as they become squarer."""
    waiting = sorted(branches, key=_value, reverse=True)
    x, y, width, height = box
    scale = width * height / (sum(map(_value, waiting)) or 1.0)
    while waiting:
        side = min(width, height)
        count = 1
        areas = [_value(branch) * scale for branch in waiting]
        while count < len(waiting) and _worst(areas[: count + 1], side) <= _worst(areas[:count], side):
            count += 1
        depth = sum(areas[:count]) / side if side else 0.0
        at = 0.0
        for branch, area in zip(waiting[:count], areas, strict=False):
            length = area / depth if depth else 0.0
            yield branch, ((x, y + at, depth, length) if width >= height else (x + at, y, length, depth))
            at += length
        if width >= height:
            x, width = x + depth, max(width - depth, 0.0)
        else:
            y, height = y + depth, max(height - depth, 0.0)
        waiting = waiting[count:]


def _worst(areas: Sequence[float], side: float) -> float:
    """Return the worst ratio of sides in a row."""
    whole = sum(areas)
    if not whole or not side or not areas[-1]:
        return float("inf")
    return max(side * side * areas[0] / whole**2, whole**2 / (side * side * areas[-1]))
