"""Writes what was measured as a table, with ratios, and as JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median

from benchmarks.data import Size
from benchmarks.rounds import Figures
from benchmarks.rows import Target

Cells = dict[tuple[str, str], "Cell"]


@dataclass
class Cell:
    """What a row took at a site: a figure for each repeat. Processor time is known where it was measured."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: int | None = None
    unit: str = "ms"

    def add(self, figures: Figures) -> None:
        """Add a repeat: medians; of the database the mean, because the system counts some of its time in hundredths."""
        self.wall.append(median(figures.wall))
        database = fmean(figures.database) if figures.database else 0.0
        if figures.application:
            self.database.append(database)
            self.cpu.append(median(figures.application) + database)
        self.statements = figures.statements

    def __str__(self) -> str:
        text = _number(median(self.wall))
        if self.cpu:
            text += f" / {_number(median(self.cpu))}"
        return text if self.statements is None else f"{text} / {self.statements}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown, with columns of equal width."""
    rows = [list(head), *map(list, lines)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    padded = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([padded[0], rule, *padded[1:]])


def figures_table(cells: Cells, titles: list[str]) -> str:
    """Return the figures of each row at each site."""
    rows = list(dict.fromkeys(row for row, _title in cells))
    lines = ([row, *(str(cells[row, title]) if (row, title) in cells else "" for title in titles)] for row in rows)
    return table(["wall p50 / CPU / statements", *titles], lines)


def ratios_table(cells: Cells, titles: list[str], ours: str, targets: Mapping[str, tuple[Target, ...]]) -> str:
    """Return what ours takes of what each other takes, by wall and by CPU; the spread over repeats; and the targets."""
    others = [title for title in titles if title != ours]
    lines = []
    for row in dict.fromkeys(row for row, _title in cells):
        own = cells.get((row, ours))
        if own is None:
            continue
        lines.append(
            [
                row,
                *(_ratios(own, cells.get((row, other))) for other in others),
                _spread(own),
                "; ".join(_judged(target, own, cells, row, ours) for target in targets.get(row, ())),
            ]
        )
    return table([f"{ours}: of wall / of CPU", *others, "spread", "target: reached by wall / by CPU"], lines)


def _ratios(own: Cell, other: Cell | None) -> str:
    if other is None:
        return ""
    text = f"{median(own.wall) / median(other.wall):.2f}"
    return f"{text} / {median(own.cpu) / median(other.cpu):.2f}" if own.cpu and other.cpu else text


def _spread(cell: Cell) -> str:
    return f"{_number(min(cell.wall))} to {_number(max(cell.wall))} {cell.unit}" if len(cell.wall) > 1 else ""


def _judged(target: Target, own: Cell, cells: Cells, row: str, ours: str) -> str:
    other = cells.get((row, target.site) if target.site else (target.row, ours))
    if target.site == "" and target.row == "":
        return f"≤ {_number(target.factor)} {own.unit}: {_yes(median(own.wall) <= target.factor)}"
    if other is None:
        return f"≤ {target}: not measured"
    by_wall = _yes(median(own.wall) <= target.factor * median(other.wall))
    if own.cpu and other.cpu:
        by_wall += f" / {_yes(median(own.cpu) <= target.factor * median(other.cpu))}"
    return f"≤ {target}: {by_wall}"


def _yes(reached: bool) -> str:  # noqa: FBT001 - it is what is said
    return "yes" if reached else "NO"


def growth_table(measured: Mapping[Size, Cells], title: str) -> str:
    """Return what each row of a site takes of the largest size, of what it takes of the smallest."""
    small, large = min(measured, key=lambda size: size.parties), max(measured, key=lambda size: size.parties)
    lines = []
    for (row, of), cell in measured[large].items():
        before = measured[small].get((row, of))
        if of == title and before and cell.cpu:
            lines.append([row, *map(str, (before, cell)), _ratios(cell, before)])
    return table([f"{title}: growth", small.name, large.name, "wall / CPU"], lines)


def write(file: Path, about: Mapping[str, object], measured: Mapping[Size, Cells]) -> None:
    """Write everything as JSON."""
    sizes = {
        str(size.parties): [{"row": row, "site": title, **asdict(cell)} for (row, title), cell in cells.items()]
        for size, cells in measured.items()
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**about, "sizes": sizes}, indent=1), "utf-8")
