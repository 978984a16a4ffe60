"""Charts of C3: series by their names, or C3's own configuration of them."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _

from app.charts.limits import MAX_COLUMNS
from app.charts.model import Axis, Chart, Mark, Plot, Table
from app.charts.reading import basic, by_kind, plots, values
from app.charts.reading.notes import Notes, no_numbers, nothing, unknown
from app.charts.reading.plots import Draft

MARKS = {
    "line": Mark.LINE,
    "timeseries": Mark.LINE,
    "spline": Mark.SPLINE,
    "step": Mark.STEP,
    "area": Mark.AREA,
    "area-spline": Mark.AREA,
    "area-step": Mark.AREA,
    "bar": Mark.BAR,
    "scatter": Mark.POINT,
}
OF_PARTS = {"pie": False, "donut": True}
# The names of x in payloads that are no configuration.
DATES = ("dates", "x")


def draw(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    """Return the chart of `{"name": [numbers]}`, `{"name": number}` or `{"data": {"columns": ...}}`."""
    if isinstance(payload, Table):
        return by_kind.draw(kind, payload, title, notes)
    if not isinstance(payload, Mapping):
        # JSON in another shape may still be a table.
        return by_kind.draw("table" if kind not in {*MARKS, *OF_PARTS, "gauge"} else kind, payload, title, notes)
    if not payload:
        raise nothing()
    body = payload.get("data")
    if isinstance(body, Mapping) and {"columns", "rows", "json"} & set(body):
        chart = _configured(kind, payload, body)
    else:
        chart = _Described(kind, dict(itertools.islice(payload.items(), 10_000)), payload)
    if chart.kind in OF_PARTS:
        pairs = ((name, _last_sum(value)) for name, value in chart.columns.items())
        return plots.parts(pairs, notes, is_hollow=OF_PARTS[chart.kind])
    if chart.kind == "gauge":
        return _gauge(chart, title)
    if chart.kind not in MARKS:
        raise unknown(chart.kind)
    return _plot(chart, notes)


@dataclass
class _Described:
    """Columns by their names, what C3 calls `data` (if it was there), and all that stands around it."""

    kind: str
    columns: Mapping[str, object]
    payload: Mapping[str, object]
    body: Mapping[str, object] = field(default_factory=dict)


def _configured(kind: str, payload: Mapping[str, object], body: Mapping[str, object]) -> _Described:
    columns: dict[str, object] = {}
    for column in values.sequence(body.get("columns")):
        head, *rest = values.sequence(column) or [None]
        columns[values.text(head)] = rest
    rows = [values.sequence(row) for row in values.sequence(body.get("rows"))]
    for place, head in enumerate(rows[0][:MAX_COLUMNS] if rows else []):
        columns[values.text(head)] = [row[place] if place < len(row) else None for row in rows[1:]]
    json = body.get("json")
    if isinstance(json, Mapping):
        columns.update((values.text(name), column) for name, column in json.items())
    kind = values.text(body.get("type")) or kind
    types = [values.text(each) for each in values.mapping(body.get("types")).values()]
    if types and all(each in OF_PARTS for each in types):
        kind = types[0]
    return _Described(kind, columns, payload, body)


def _last_sum(value: object) -> float | None:
    """Return a number, or the sum of a list of numbers, as C3 draws them in a pie."""
    if isinstance(value, list | tuple):
        known = [each for item in value if (each := values.number(item)) is not None]
        return sum(known) if known else None
    return values.number(value)


def _gauge(chart: _Described, title: str) -> Chart:
    value = next((known for each in chart.columns.values() if (known := _last_sum(each)) is not None), None)
    options = values.mapping(chart.payload.get("gauge"))
    lowest, highest = values.number(options.get("min")), values.number(options.get("max"))
    # C3's gauges are parts of 100.
    unit = values.text(options.get("units"), 20) or ("%" if lowest is None and highest is None else "")
    return basic.gauge(value, lowest, highest, unit, title)


def _plot(chart: _Described, notes: Notes) -> Chart:
    columns, body = chart.columns, chart.body
    types, names = values.mapping(body.get("types")), values.mapping(body.get("names"))
    own = {str(series): str(x) for series, x in values.mapping(body.get("xs")).items()}
    shared = next((name for name in ([values.text(body.get("x"))] if body else DATES) if name in columns), None)
    used = {*own.values(), shared}
    axis = values.mapping(chart.payload.get("axis"))
    across = values.mapping(axis.get("x"))
    drafts = []
    for name, column in columns.items():
        if name in used:
            continue
        ys = column if isinstance(column, list | tuple) else [column]
        xs = columns.get(own.get(name, str(shared)))
        drafts.append(
            Draft(
                values.text(names.get(name, name)),
                _xs(xs, ys, across),
                ys,
                MARKS.get(values.text(types.get(name)), MARKS[chart.kind]),
            )
        )
    if not drafts:
        raise no_numbers()
    if len({len(draft.ys) for draft in drafts}) > 1 and shared is not None:
        notes.say(_("The series have different lengths; values without a place on the axis are left out."))
    return plots.plot(
        drafts,
        notes,
        Plot(
            [],
            Axis(_label(across)),
            _y_axis(values.mapping(axis.get("y"))),
            is_stacked=_is_stacked(body, drafts, notes),
            is_flipped=axis.get("rotated") is True,
        ),
    )


def _is_stacked(body: Mapping[str, object], drafts: Sequence[Draft], notes: Notes) -> bool:
    """Whether all bars and areas stand on each other; some alone cannot."""
    groups = [set(map(values.text, values.sequence(group))) for group in values.sequence(body.get("groups"))]
    if not groups:
        return False
    stackable = {draft.title for draft in drafts if draft.mark in {Mark.BAR, Mark.AREA}}
    if any(stackable <= group for group in groups):
        return True
    notes.say(_("Only some series would stand on each other; they stand beside each other here."))
    return False


def _xs(xs: object, ys: Sequence[object], across: Mapping[str, object]) -> Sequence[object]:
    """Return where the values stand: a column, names of categories, or the first, second ... place."""
    if isinstance(xs, list | tuple):
        return xs
    categories = values.sequence(across.get("categories"))
    if len(categories) >= len(ys) > 0:
        return [values.text(category) for category in categories[: len(ys)]]
    return range(len(ys))


def _y_axis(across: Mapping[str, object]) -> Axis:
    return Axis(
        _label(across),
        lowest=values.number(across.get("min")),
        highest=values.number(across.get("max")),
        is_logarithmic=across.get("type") == "log",
    )


def _label(axis: Mapping[str, object]) -> str:
    label = axis.get("label")
    return values.text(label.get("text") if isinstance(label, Mapping) else label)
