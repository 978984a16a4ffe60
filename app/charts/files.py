"""A chart as a file of its own: SVG with its style in it, or PNG. Light, with its title and its legend."""

import re
from collections.abc import Iterator
from dataclasses import replace

from flask_babel import gettext as _

from app.charts import palette, texts, values
from app.charts.drawing import drawn, is_drawn
from app.charts.drawing.canvas import HEIGHT, LINE, Canvas, Drawing, short
from app.charts.drawing.plot_data import SMALL, fitted
from app.charts.figures import legend
from app.charts.model import Chart, Multiples, Numbers, Prose, Refusal, Words
from app.i18n import selectors

WIDTH, PADDING, TITLE = 760, 24, 40
# What is written as text: lines, and rows of a table.
MAX_LINES, MAX_COLUMNS = 24, 6
FAMILY = "Noto Sans, DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif"


def svg(chart: Chart, title: str, *, family: str = FAMILY) -> str:
    """Return the chart as the text of an SVG file."""
    is_rtl = selectors.current_locale_info().dir == "rtl"
    page = Canvas(is_rtl=is_rtl, columns=WIDTH - 2 * PADDING)
    body, height = _content(chart, page)
    heading = page.text(
        0, 22, texts.shortened(texts.clean(title), (WIDTH - 2 * PADDING) / 1.5), "start", classes="heading"
    )
    whole = height + TITLE + 2 * PADDING
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{short(whole)}" direction="ltr">'
        f"<style>{palette.style_sheet(family)}</style>"
        f'<rect width="100%" height="100%" class="paper"/>'
        f"{_at(PADDING, PADDING, page.columns, heading)}"
        f"{_at(PADDING, PADDING + TITLE, page.columns, body)}</svg>"
    )


def _at(x: float, y: float, width: float, body: str) -> str:
    """Return what is drawn in a space of its own, in which places are percentages."""
    return f'<svg x="{short(x)}" y="{short(y)}" width="{short(width)}" overflow="visible">{body}</svg>'


def _content(chart: Chart, page: Canvas) -> tuple[str, float]:
    """Return what is below the title, and its height."""
    if values.is_empty(chart):
        return page.text(0, 14, _("There is nothing here yet."), "start"), LINE
    if isinstance(chart, Multiples):
        return _multiples(chart, page)
    if isinstance(chart, Numbers):
        return _numbers(chart, page)
    if not is_drawn(chart):
        return _lines(chart, page)
    canvas = replace(page, height=HEIGHT + 60)
    drawing = drawn(chart, canvas)
    if drawing.margin:
        drawing = drawn(chart, replace(canvas, columns=page.columns - drawing.margin))
    body, height = _placed(drawing, page)
    keys, below = _legend(chart, page)
    return body + f'<svg y="{short(height + 12)}" overflow="visible">{keys}</svg>', height + 12 + below


def _placed(drawing: Drawing, page: Canvas) -> tuple[str, float]:
    """Return a drawing beside its margin, or in the middle if it has a size of its own."""
    if drawing.size is None:
        left = 0 if page.is_rtl else drawing.margin
        return _at(left, 0, page.columns - drawing.margin, drawing.body), drawing.height
    width, height = drawing.size
    scale = min(page.columns / width, 1 if drawing.kind == "graph" else 1.5)
    box = f'x="{short((page.columns - width * scale) / 2)}" width="{short(width * scale)}" height="{short(height * scale)}" viewBox="0 0 {width} {height}"'
    return f"<svg {box}>{drawing.body}</svg>", height * scale


def _legend(chart: Chart, page: Canvas) -> tuple[str, float]:
    """Return the legend, in as many lines as it takes, and its height."""
    entries = legend(chart)
    body, x, line = [], 0.0, 0
    for number, title, value in entries:
        text = texts.shortened(f"{title}: {value}" if value else title, page.columns / 2)
        width = texts.width(text) * 1.05 + 40
        if x and x + width > page.columns:
            x, line = 0.0, line + 1
        left = page.columns - x - 12 if page.is_rtl else x
        body.append(f'<rect x="{short(left)}" y="{line * 22}" width="12" height="12" rx="3" class="f{number}"/>')
        body.append(page.text((x + 18) / page.columns, line * 22 + 10.5, text, "start", classes="label"))
        x += width
    return f'<svg width="{page.columns}" overflow="visible">{"".join(body)}</svg>', (line + 1) * 22 if entries else 0


def _multiples(chart: Multiples, page: Canvas) -> tuple[str, float]:
    """Return small charts, two beside each other."""
    gap, body = 28, []
    width = (page.columns - gap) / 2
    for number, (title, plot) in enumerate(fitted(chart).charts):
        canvas = Canvas(is_rtl=page.is_rtl, height=SMALL, columns=round(width))
        column = number % 2 if not page.is_rtl else 1 - number % 2
        heading = canvas.text(0, 12, texts.shortened(texts.clean(title), width), "start", classes="label")
        picture, _height = _placed(drawn(plot, canvas), canvas)
        inner = f'{heading}<svg y="{LINE}" width="100%" overflow="visible">{picture}</svg>'
        body.append(_at(column * (width + gap), number // 2 * (SMALL + LINE + 20), width, inner))
    rows = -(-len(chart.charts) // 2)
    height = rows * (SMALL + LINE + 20)
    keys, below = _legend(chart, page)
    return "".join(body) + f'<svg y="{height}" overflow="visible">{keys}</svg>', height + below


def _numbers(chart: Numbers, page: Canvas) -> tuple[str, float]:
    """Return numbers in large type, three beside each other."""
    body = []
    for number, each in enumerate(chart.numbers):
        place, top = number % 3 / 3, number // 3 * 90
        body.append(page.text(place, top + 12, texts.shortened(texts.clean(each.title), page.columns / 3.2), "start"))
        body.append(page.text(place, top + 50, texts.shown(each.value, each.unit), "start", classes="big"))
    return "".join(body), -(-len(chart.numbers) // 3) * 90


def _lines(chart: Chart, page: Canvas) -> tuple[str, float]:
    """Return what is no drawing as text: a table, or sentences."""
    if isinstance(chart, Words):
        words = "   ".join(texts.clean(word) for word, _weight in chart.words)
        return _written(list(wrapped(words, page.columns)), page)
    if isinstance(chart, Prose | Refusal):
        shown = chart.markdown if isinstance(chart, Prose) else chart.reason
        return _written([line for part in re.split(r"\n+", shown) for line in wrapped(part, page.columns)], page)
    table = values.table(chart, MAX_LINES)
    columns = table.columns[:MAX_COLUMNS]
    width = page.columns / max(len(columns), 1)
    body = []
    for n, column in enumerate(columns):
        cells = [column.title, *(texts.shown(row[n], column.unit) for row in table.rows)]
        for line, cell in enumerate(cells):
            shown = texts.shortened(texts.clean(cell), width - 12)
            body.append(
                page.text(n / len(columns), line * 22 + 14, shown, "start", classes="label" if line else "name")
            )
    return "".join(body), 22 * (len(table.rows) + 1)


def _written(lines: list[str], page: Canvas) -> tuple[str, float]:
    shown = lines[:MAX_LINES]
    return "".join(page.text(0, n * 20 + 14, line, "start", classes="label") for n, line in enumerate(shown)), 20 * len(
        shown
    )


def wrapped(text: str, pixels: float) -> Iterator[str]:
    """Yield the lines of a text in the type of charts."""
    line = ""
    for word in texts.UNFIT.sub(" ", text).split():
        if line and texts.width(f"{line} {word}") > pixels:
            yield line
            line = ""
        line = f"{line} {texts.shortened(word, pixels)}".strip()
    if line:
        yield line
