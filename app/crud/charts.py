"""Charts as SVG without scripts, styles and texts: those stand around it in HTML, so they wrap and follow the language."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from app.i18n import formats

# Flask-AppBuilder's chart types. All others are drawn as columns.
KINDS = {"AreaChart": "area", "BarChart": "bar", "LineChart": "line", "PieChart": "pie"}
CHART_TYPES = ("ColumnChart", *KINDS)
WIDTH, HEIGHT, RADIUS = 600, 200, 100
# The part of a step that is not left blank, half on each side.
FILLED = 0.8
# app.css has this many colours.
MAX_SERIES = 8
MAX_ROWS = 200
# Larger numbers cannot be formatted.
LIMIT = 1e15
# More labels than this would not fit below the columns.
MAX_LABELS = 12


@dataclass(frozen=True)
class Figures:
    """What a chart shows: a value for each row and series, None where there is none."""

    heading: str
    series: list[str]
    rows: list[tuple[str, list[float | None]]]


@dataclass(frozen=True)
class Mark:
    """An element of the SVG; `colour` is the number of its colour, `text` what it says."""

    tag: str
    attributes: Mapping[str, object]
    colour: int
    text: str


@dataclass(frozen=True)
class Chart:
    """A chart for the template. The marks are those of at most MAX_SERIES series and MAX_ROWS rows.

    The legend has the number of a colour and its text.
    """

    kind: str
    figures: Figures
    marks: list[Mark]
    legend: list[tuple[int, str]] = field(default_factory=list)
    is_cut: bool = False

    @property
    def view_box(self) -> str:
        return f"0 0 {2 * RADIUS} {2 * RADIUS}" if self.kind == "pie" else f"0 0 {WIDTH} {HEIGHT}"

    @property
    def labels(self) -> list[str]:
        """The labels of the axis: of all rows, or of the first and the last one."""
        labels = [label for label, _values in self.figures.rows]
        return labels if len(labels) <= MAX_LABELS or self.kind == "bar" else [labels[0], labels[-1]]

    @property
    def highest(self) -> float:
        """The end of the axis."""
        return _bounds(self.figures)[1]

    @property
    def description(self) -> str:
        """The chart in a sentence, for those who do not see it."""
        known = [(value, label) for label, values in self.figures.rows for value in values if value is not None]
        if not known:
            return str(_("There is nothing here yet."))
        lowest, highest = min(known), max(known)
        return str(
            _(
                "The lowest value is %(lowest)s (%(where_lowest)s), the highest is %(highest)s (%(where_highest)s).",
                lowest=number(lowest[0]),
                where_lowest=lowest[1],
                highest=number(highest[0]),
                where_highest=highest[1],
            )
        )


def init_app(app: Flask) -> None:
    """Add the filters `chart` and `number` to the templates."""
    app.jinja_env.filters.update(chart=draw, number=number)


def number(value: float | None) -> str:
    """Format a number in the current language, or nothing as a dash."""
    return formats.value(None if value is None else float(value))


def draw(data: Any, chart_type: str = "") -> Chart:
    """Draw figures, or what Flask-AppBuilder makes for Google's charts: pairs, or a dictionary of columns and rows."""
    figures = data if isinstance(data, Figures) else _from_google(data) if isinstance(data, dict) else _from_pairs(data)
    shown = Figures(
        figures.heading,
        figures.series[:MAX_SERIES],
        [(label, values[:MAX_SERIES]) for label, values in figures.rows[:MAX_ROWS]],
    )
    kind = KINDS.get(chart_type, "column")
    is_cut = len(figures.rows) > MAX_ROWS or len(figures.series) > MAX_SERIES
    marks = DRAWN[kind](shown)
    if kind == "pie":
        return Chart(kind, shown, marks, [(mark.colour, mark.text) for mark in marks], is_cut)
    legend = list(enumerate(shown.series)) if len(shown.series) > 1 else []
    return Chart(kind, shown, marks, legend, is_cut)


def _from_google(data: dict[str, Any]) -> Figures:
    headings = [str(column["label"]) for column in data["cols"]]
    rows = [[cell["v"] for cell in row["c"]] for row in data["rows"]]
    return Figures(headings[0], headings[1:], [(str(row[0]), [as_number(value) for value in row[1:]]) for row in rows])


def _from_pairs(data: Iterable[Sequence[Any]]) -> Figures:
    rows = [(formats.value(label), [as_number(value)]) for label, value in data]
    return Figures(str(_("Group")), [str(_("Number"))], rows)


def as_number(value: object) -> float | None:
    """Return a value as a number, or None for what cannot be drawn."""
    try:
        known = float(value) if isinstance(value, int | float | Decimal | str) else math.nan
    except (ValueError, OverflowError):
        return None
    return known if abs(known) < LIMIT else None


# -- shapes


def _bounds(figures: Figures) -> tuple[float, float]:
    """Return the ends of the axis. It has the zero."""
    known = [value for _label, values in figures.rows for value in values if value is not None]
    lowest, highest = min([0.0, *known]), max([0.0, *known])
    return lowest, highest if highest > lowest else lowest + 1


def _scale(figures: Figures, length: float) -> Callable[[float], float]:
    """Return the function from a value to its place on an axis of `length`."""
    lowest, highest = _bounds(figures)
    return lambda value: length * (value - lowest) / (highest - lowest)


def _said(figures: Figures, row: int, series: int) -> str:
    label, values = figures.rows[row]
    name = f"{figures.series[series]}, " if len(figures.series) > 1 else ""
    return f"{name}{label}: {number(values[series])}"


def _blocks(figures: Figures, *, is_upright: bool) -> list[Mark]:
    """Return the rectangles of columns or bars."""
    along, across = (HEIGHT, WIDTH) if is_upright else (WIDTH, HEIGHT)
    place, step = _scale(figures, along), across / max(len(figures.rows), 1)
    thickness = step * FILLED / max(len(figures.series), 1)
    marks = []
    for row, (_label, values) in enumerate(figures.rows):
        for series, value in enumerate(values):
            if value is None:
                continue
            start, end = sorted((place(0), place(value)))
            offset = row * step + step * (1 - FILLED) / 2 + series * thickness
            box = (
                (offset, HEIGHT - end, thickness, end - start)
                if is_upright
                else (start, offset, end - start, thickness)
            )
            sizes = dict(zip(("x", "y", "width", "height"), map(_short, box), strict=True))
            marks.append(Mark("rect", sizes, series, _said(figures, row, series)))
    return marks


def _columns(figures: Figures) -> list[Mark]:
    return _blocks(figures, is_upright=True)


def _bars(figures: Figures) -> list[Mark]:
    return _blocks(figures, is_upright=False)


def _curves(figures: Figures, *, is_filled: bool) -> list[Mark]:
    """Return a path for each series; a row without a value is left out."""
    place, step = _scale(figures, HEIGHT), WIDTH / max(len(figures.rows), 1)
    marks = []
    for series, name in enumerate(figures.series):
        points = [
            (_short((row + 0.5) * step), _short(HEIGHT - place(values[series] or 0)))
            for row, (_label, values) in enumerate(figures.rows)
            if values[series] is not None
        ]
        if not points:
            continue
        # A single point is seen as the round end of a line without length.
        path = "M" + "L".join(f"{x} {y}" for x, y in points) + "h0"
        if is_filled:
            ground = _short(HEIGHT - place(0))
            path += f"L{points[-1][0]} {ground}L{points[0][0]} {ground}Z"
        marks.append(Mark("path", {"d": path}, series, name))
    return marks


def _lines(figures: Figures) -> list[Mark]:
    return _curves(figures, is_filled=False)


def _areas(figures: Figures) -> list[Mark]:
    return _curves(figures, is_filled=True)


def _slices(figures: Figures) -> list[Mark]:
    """Return the slices of a pie: the first series, with what has no colour of its own in the last slice."""
    known = [(label, values[0]) for label, values in figures.rows if values and values[0] and values[0] > 0]
    if len(known) > MAX_SERIES:
        rest = sum(value for _label, value in known[MAX_SERIES - 1 :])
        known = [*known[: MAX_SERIES - 1], (str(_("Others")), rest)]
    whole, before, marks = sum(value for _label, value in known), 0.0, []
    for colour, (label, value) in enumerate(known):
        text = f"{label}: {number(value)}"
        if value == whole:
            marks.append(Mark("circle", {"cx": RADIUS, "cy": RADIUS, "r": RADIUS}, colour, text))
        else:
            path = _slice(before / whole, (before + value) / whole)
            marks.append(Mark("path", {"d": path}, colour, text))
        before += value
    return marks


def _slice(start: float, end: float) -> str:
    """Return the path of the part of a circle between two fractions of it, clockwise from the top."""
    (x1, y1), (x2, y2) = (
        (_short(RADIUS + RADIUS * math.sin(math.tau * part)), _short(RADIUS - RADIUS * math.cos(math.tau * part)))
        for part in (start, end)
    )
    return f"M{RADIUS} {RADIUS}L{x1} {y1}A{RADIUS} {RADIUS} 0 {int(end - start > 0.5)} 1 {x2} {y2}Z"


def _short(length: float) -> float:
    return round(length, 2)


DRAWN: dict[str, Callable[[Figures], list[Mark]]] = {
    "area": _areas,
    "bar": _bars,
    "column": _columns,
    "line": _lines,
    "pie": _slices,
}
