"""Values in columns and rows."""

from collections.abc import Iterable, Sequence

from app.charts.limits import MAX_SIDE
from app.charts.model import Axis, HeatMap
from app.charts.reading import values
from app.charts.reading.notes import Notes, no_numbers


def from_cells(
    cells: Iterable[tuple[object, object, object]],
    notes: Notes,
    *,
    x: Axis = Axis(),
    y: Axis = Axis(),
    unit: str = "",
) -> HeatMap:
    """Return a heat map of columns, rows and values. Values of one cell are added."""
    sums: dict[tuple[str, str], float] = {}
    columns: dict[str, None] = {}
    rows: dict[str, None] = {}
    for across, down, value in cells:
        place = (values.text(across), values.text(down))
        columns[place[0]] = rows[place[1]] = None
        known = values.number(value)
        if known is not None:
            sums[place] = sums.get(place, 0) + known
    grid = [[sums.get((across, down)) for across in columns] for down in rows]
    return from_grid(grid, list(columns), list(rows), notes, x=x, y=y, unit=unit)


def from_grid(
    grid: Sequence[Sequence[float | None]],
    columns: Sequence[str],
    rows: Sequence[str],
    notes: Notes,
    *,
    x: Axis = Axis(),
    y: Axis = Axis(),
    unit: str = "",
) -> HeatMap:
    """Return a heat map of rows of numbers, with at most so many rows and columns."""
    across = list(notes.first(columns, MAX_SIDE))
    down = list(notes.first(rows, MAX_SIDE))
    shown = [[*row[: len(across)], *[None] * (len(across) - len(row))] for row in grid[: len(down)]]
    if not any(value is not None for row in shown for value in row):
        raise no_numbers()
    return HeatMap(across, down, shown, x, y, unit)
