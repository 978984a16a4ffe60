"""Values in columns and rows."""

import dataclasses
from collections.abc import Iterable

from app.charts.limits import MAX_SIDE
from app.charts.model import HeatMap
from app.charts.reading import values
from app.charts.reading.notes import Notes, no_numbers


def from_cells(cells: Iterable[tuple[object, object, object]], shape: HeatMap, notes: Notes) -> HeatMap:
    """Return a heat map of columns, rows and values. Values of one cell are added.

    `shape` has the axes, and the order of columns and rows if they have one.
    """
    sums: dict[tuple[str, str], float] = {}
    columns, rows = dict.fromkeys(shape.columns), dict.fromkeys(shape.rows)
    for across, down, value in cells:
        place = (values.text(across), values.text(down))
        columns[place[0]] = rows[place[1]] = None
        known = values.number(value)
        if known is not None:
            sums[place] = sums.get(place, 0) + known
    kept = list(notes.first(list(columns), MAX_SIDE)), list(notes.first(list(rows), MAX_SIDE))
    grid = [[sums.get((across, down)) for across in kept[0]] for down in kept[1]]
    return bounded(dataclasses.replace(shape, columns=kept[0], rows=kept[1], values=grid), notes)


def bounded(chart: HeatMap, notes: Notes) -> HeatMap:
    """Return a heat map with no more rows and columns than can be drawn, and a value or None for each cell."""
    columns, rows = list(notes.first(chart.columns, MAX_SIDE)), list(notes.first(chart.rows, MAX_SIDE))
    width = len(columns)
    grid = [[*row[:width], *[None] * (width - len(row))] for row in chart.values[: len(rows)]]
    if not any(value is not None for row in grid for value in row):
        raise no_numbers()
    return dataclasses.replace(chart, columns=columns, rows=rows, values=grid)
