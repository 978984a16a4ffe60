"""Heat maps and box plots."""

from flask_babel import gettext as _

from app.charts import texts
from app.charts.drawing.canvas import LINE, MAX_MARKS, NARROW, Canvas, Drawing, labels_below, said, short, snapped
from app.charts.drawing.scales import numeric
from app.charts.model import Box, Boxes, HeatMap

# Levels of colour in a heat map.
LEVELS = 7
ROW, MAX_ROWS, MAX_BOXES = 24, 200, 60
# The width of the labels of rows, in pixels.
LABELS = 100


def steps(chart: HeatMap) -> list[tuple[float, float]]:
    """Return the ends of each level of colour."""
    known = [value for row in chart.values for value in map(texts.as_float, row) if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    width = (high - low) / LEVELS
    return [(low + width * n, low + width * (n + 1)) for n in range(LEVELS)]


def heat_map(chart: HeatMap, canvas: Canvas) -> Drawing:
    """Draw a cell for each pair of a row and a column, the darker the more."""
    rows, columns = len(chart.rows[:MAX_ROWS]), max(len(chart.columns), 1)
    low, high = steps(chart)[0][0], steps(chart)[-1][1]
    height = rows * ROW
    titles = [texts.clean(title) for title in chart.rows], [texts.clean(title) for title in chart.columns]
    margin = snapped(min(max([texts.width(title) for title in titles[0]], default=0), LABELS) + 10)
    is_large = rows * columns > 3 * MAX_MARKS
    body, cells = [], [""] * (LEVELS + 1)
    for row in range(rows):
        body.append(canvas.text(0, row * ROW + 16, texts.shortened(titles[0][row], LABELS), "end", dx=-8))
        for column, value in enumerate(map(texts.as_float, chart.values[row][:columns])):
            level = LEVELS if value is None else min(int(LEVELS * (value - low) / ((high - low) or 1)), LEVELS - 1)
            if is_large:
                left = min(canvas.column(column / columns), canvas.column((column + 1) / columns))
                cells[level] += (
                    f"M{short(left)} {row * ROW}h{short(canvas.columns / columns)}v{ROW}h-{short(canvas.columns / columns)}z"
                )
                continue
            told = said([titles[1][column], titles[0][row]], texts.number(value, chart.unit))
            classes = "none cell" if value is None else f"h{level} cell"
            body.append(canvas.rect(column / columns, (column + 1) / columns, row * ROW, ROW, classes, told))
    paths = [f'<path class="{"none" if n == LEVELS else f"h{n}"}" d="{path}"/>' for n, path in enumerate(cells) if path]
    body.append(canvas.stretched("".join(paths)))
    body.append(
        labels_below(
            canvas, [((n + 0.5) / columns, title) for n, title in enumerate(titles[1])], height, is_banded=True
        )
    )
    name = texts.shortened(texts.clean(chart.x.title), NARROW)
    body.append(canvas.text(1, height + 17 + LINE, name, "end", classes="name") if name else "")
    return Drawing("".join(body), height + 24 + (LINE if name else 0), margin, kind="heat", note=_note(chart))


def _note(chart: HeatMap) -> str:
    if len(chart.rows) <= MAX_ROWS:
        return ""
    return str(_("The chart shows the first %(number)s rows. The table has all of them.", number=MAX_ROWS))


def boxes(chart: Boxes, canvas: Canvas) -> Drawing:
    """Draw the five numbers of each group."""
    shown = chart.boxes[:MAX_BOXES]
    values = [value for box in shown for value in (box.lowest, box.highest, *box.outliers)]
    scale = numeric(min(values, default=0), max(values, default=1), chart.y)
    top, bottom = 10 + (LINE if chart.y.title else 0), canvas.height - 24
    margin = snapped(max([texts.width(label) for _value, label in scale.ticks], default=0) + 10)

    def y(value: float) -> float:
        return bottom - (bottom - top) * scale(value)

    body = [
        canvas.line(0, 1, y(value), y(value), "grid") + canvas.text(0, y(value) + 4, label, "end", dx=-8)
        for value, label in scale.ticks
    ]
    name = texts.shortened(texts.clean(chart.y.title), NARROW)
    body.append(canvas.text(0, 11, name, "start", dx=-margin, classes="name") if name else "")
    for n, box in enumerate(shown):
        body.append(_box(box, canvas, y, (n + 0.5) / len(shown), min(0.5 / len(shown), 0.12), chart.y.unit))
    labels = [((n + 0.5) / len(shown), texts.clean(box.label)) for n, box in enumerate(shown)]
    note = ""
    if len(chart.boxes) > MAX_BOXES:
        note = str(_("The chart shows the first %(number)s groups. The table has all of them.", number=MAX_BOXES))
    return Drawing(
        "".join(body) + labels_below(canvas, labels, bottom, is_banded=True),
        canvas.height,
        margin,
        kind="plot boxes",
        note=note,
    )


def _box(box: Box, canvas: Canvas, y, middle: float, width: float, unit: str) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001, PLR0913, PLR0917
    label = texts.clean(box.label)
    told = _(
        "%(group)s: %(lowest)s to %(highest)s, half of them from %(first)s to %(third)s, median %(median)s",
        group=texts.isolated(label),
        lowest=texts.number(box.lowest, unit),
        highest=texts.number(box.highest, unit),
        first=texts.number(box.first_quartile, unit),
        third=texts.number(box.third_quartile, unit),
        median=texts.number(box.median, unit),
    )
    left, right = middle - width / 2, middle + width / 2
    upper, lower = y(box.third_quartile), y(box.first_quartile)
    parts = [
        canvas.line(middle, middle, y(box.highest), upper, "whisker"),
        canvas.line(middle, middle, lower, y(box.lowest), "whisker"),
        *(
            canvas.line(middle - width / 4, middle + width / 4, y(end), y(end), "whisker")
            for end in (box.lowest, box.highest)
        ),
        canvas.rect(left, right, upper, max(lower - upper, 1), "f0 bar", told),
        # On a box without height, the colour of the paper would not be seen.
        canvas.line(left, right, y(box.median), y(box.median), "median" if lower > upper else "whisker"),
        *(
            canvas.dot(middle, y(value), 3, "f0 bubble", said([label], texts.number(value, unit)))
            for value in box.outliers[:100]
        ),
    ]
    return "".join(parts)
