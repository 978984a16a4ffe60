"""Small lines, as jquery.sparkline has them."""

from collections.abc import Sequence

from app.charts.limits import MAX_VALUES
from app.charts.model import Chart, Mark, Sparkline
from app.charts.reading import basic, plots, values
from app.charts.reading.notes import Notes, no_numbers, unknown

MARKS = {"line": Mark.LINE, "bar": Mark.BAR, "discrete": Mark.TICK, "tristate": Mark.BAR}


def draw(kind: str, payload: object, title: str, notes: Notes) -> Chart:
    """Return a sparkline of numbers, or of pairs whose second value is the number."""
    shape = kind.removeprefix("sparklines-").removeprefix("sparkline") or "line"
    found = _numbers(payload)
    if shape == "pie":
        return plots.parts(((str(place), value) for place, value in enumerate(found, start=1)), notes)
    if shape == "box":
        return plots.boxes([(title, found)], notes)
    if shape == "bullet":
        # Its target, what was reached, and the ends of its ranges.
        known = [value for value in found if value is not None]
        return basic.gauge(known[1] if len(known) > 1 else None, None, max(known, default=None), "", title)
    if shape not in MARKS:
        raise unknown(kind)
    return line(found, notes, MARKS[shape], is_win_or_loss=shape == "tristate")


def line(
    found: Sequence[float | None], notes: Notes, mark: Mark = Mark.LINE, *, is_win_or_loss: bool = False
) -> Sparkline:
    """Return numbers without axes."""
    if all(value is None for value in found):
        raise no_numbers()
    return Sparkline(list(notes.first(found, MAX_VALUES)), mark, is_win_or_loss)


def _numbers(payload: object) -> list[float | None]:
    payload = values.mapping(payload).get("data", payload)
    if isinstance(payload, dict):
        payload = next((column for column in payload.values() if isinstance(column, list)), [])
    found = []
    for value in values.sequence(payload):
        pair = values.sequence(value)
        found.append(values.number(pair[-1] if pair else value))
    return found
