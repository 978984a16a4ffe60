"""Parts of a whole, gauges and sparklines: what has no axes."""

import math

from flask_babel import gettext as _
from markupsafe import escape

from app.charts import texts
from app.charts.drawing.canvas import COLOURS, Canvas, Drawing, said, short, titled
from app.charts.model import Gauge, Mark, Parts, Sparkline

SIZE, RADIUS, HOLE = 200, 96, 58
# Parts whose percentage fits into them.
LABELLED = 0.06
SPARK = 48


def shares(parts: Parts) -> list[tuple[str, float]]:
    """Return the parts that are drawn, with what has no colour of its own in the last one."""
    known = [(texts.clean(title), texts.as_float(value) or 0.0) for title, value in parts.parts]
    known = [(title, value) for title, value in known if value > 0]
    if len(known) > COLOURS:
        rest = sum(value for _title, value in known[COLOURS - 1 :])
        known = [*known[: COLOURS - 1], (str(_("Others")), rest)]
    return known


def pie(parts: Parts, _canvas: Canvas) -> Drawing:
    """Draw a pie or a donut, clockwise from the top."""
    known, before, body, labels = shares(parts), 0.0, [], []
    whole = sum(value for _title, value in known)
    hole = HOLE if parts.is_hollow else 0
    for number, (title, value) in enumerate(known):
        share = value / whole
        told = f"{said([title], texts.number(value, parts.unit))} ({texts.isolated(texts.part(share))})"
        path = _sector(before, share, hole)
        body.append(f'<path class="f{number} part" d="{path}">{titled(told)}</path>')
        if share >= LABELLED:
            x, y = _at(before + share / 2, (RADIUS + max(hole, RADIUS * 0.35)) / 2)
            labels.append(
                f'<text x="{x}" y="{short(y + 4)}" text-anchor="middle" class="t{number}">{escape(texts.part(share))}</text>'
            )
        before += share
    if parts.is_hollow and known:
        labels.append(
            f'<text x="100" y="107" text-anchor="middle" class="figure">{escape(_total(whole, parts.unit))}</text>'
        )
    return Drawing("".join(body + labels), SIZE, size=(SIZE, SIZE), kind="pie")


def _total(value: float, unit: str) -> str:
    return texts.tick(value, value, unit) if abs(value) >= 100_000 else texts.number(round(value, 2), unit)


def _at(turn: float, radius: float) -> tuple[float, float]:
    return round(100 + radius * math.sin(math.tau * turn), 2), round(100 - radius * math.cos(math.tau * turn), 2)


def _sector(start: float, share: float, hole: float) -> str:
    """Return the path of a part of a ring; a whole one is two halves."""
    if share > 0.9999:
        return _ring(RADIUS) + (_ring(hole) if hole else "")
    (x1, y1), (x2, y2) = _at(start, RADIUS), _at(start + share, RADIUS)
    is_large = int(share > 0.5)
    outer = f"M{x1} {y1}A{RADIUS} {RADIUS} 0 {is_large} 1 {x2} {y2}"
    if not hole:
        return f"{outer}L100 100Z"
    (x3, y3), (x4, y4) = _at(start + share, hole), _at(start, hole)
    return f"{outer}L{x3} {y3}A{hole} {hole} 0 {is_large} 0 {x4} {y4}Z"


def _ring(radius: float) -> str:
    return f"M{100 - radius} 100a{radius} {radius} 0 1 1 {2 * radius} 0a{radius} {radius} 0 1 1 {-2 * radius} 0Z"


def gauge(gauge: Gauge, canvas: Canvas) -> Drawing:
    """Draw a half ring that fills in the direction of reading."""
    value = texts.as_float(gauge.value)
    span = gauge.highest - gauge.lowest
    share = min(max((value - gauge.lowest) / span, 0.0), 1.0) if value is not None and span else 0.0
    told = texts.number(value, gauge.unit)
    body = [f'<path class="track" d="{_arc(0, 1)}"/>']
    if share:
        ends = (1 - share, 1) if canvas.is_rtl else (0, share)
        body.append(f'<path class="s0 arc" d="{_arc(*ends)}">{titled(told)}</path>')
    low, high = (texts.tick(end, span or 1, gauge.unit) for end in (gauge.lowest, gauge.highest))
    if canvas.is_rtl:
        low, high = high, low
    body.append(f'<text x="100" y="98" text-anchor="middle" class="figure">{escape(told)}</text>')
    body.append(f'<text x="22" y="122" text-anchor="middle">{escape(low)}</text>')
    body.append(f'<text x="178" y="122" text-anchor="middle">{escape(high)}</text>')
    return Drawing("".join(body), 128, size=(SIZE, 128), kind="gauge")


def _arc(start: float, end: float) -> str:
    """Return a part of the half circle, from the left."""
    points = [(100 - 78 * math.cos(math.pi * part), 102 - 78 * math.sin(math.pi * part)) for part in (start, end)]
    (x1, y1), (x2, y2) = [(short(x), short(y)) for x, y in points]
    return f"M{x1} {y1}A78 78 0 0 1 {x2} {y2}"


def sparkline(spark: Sparkline, canvas: Canvas) -> Drawing:
    """Draw a line, bars, or wins and losses."""
    values = [texts.as_float(value) for value in spark.values]
    count = len(values)
    known = [value for value in values if value is not None]
    if not known:
        return Drawing("", SPARK, kind="spark")
    is_block = spark.is_win_or_loss or spark.mark is Mark.BAR
    low, high = min(known), max(known)
    if is_block:
        low, high = min(low, 0.0), max(high, 0.0)
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return SPARK - 5 - (SPARK - 10) * (value - low) / span

    if spark.is_win_or_loss:
        body = [_sign(canvas, n, count, value) for n, value in enumerate(values) if value]
    elif is_block:
        body = [
            _block(canvas, (n, count), y(0.0), y(value), value) for n, value in enumerate(values) if value is not None
        ]
    else:
        body = [_spark(canvas, spark, values, y)]
    return Drawing("".join(body), SPARK, kind="spark")


def _sign(canvas: Canvas, n: int, count: int, value: float) -> str:
    top, colour = (4, 0) if value > 0 else (SPARK / 2 + 1, 2)
    return canvas.rect((n + 0.12) / count, (n + 0.88) / count, top, SPARK / 2 - 5, f"f{colour}", texts.number(value))


def _block(canvas: Canvas, place: tuple[int, int], ground: float, end: float, value: float) -> str:
    (n, count), upper, height = place, min(ground, end), max(abs(ground - end), 1)
    return canvas.rect((n + 0.12) / count, (n + 0.88) / count, upper, height, "f0", texts.number(value))


def _spark(canvas: Canvas, spark: Sparkline, values: list[float | None], y) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    every = max(1, len(values) // canvas.columns)
    last = max(len(values) - 1, 1)
    points = [(canvas.column(n / last), y(value)) for n, value in list(enumerate(values))[::every] if value is not None]
    path = "M" + "L".join(f"{short(x)} {short(height)}" for x, height in points) + ("h0" if len(points) == 1 else "")
    area = f'<path class="f0 area" d="{path}V{SPARK}H{short(points[0][0])}Z"/>' if spark.mark is Mark.AREA else ""
    n, value = next((n, value) for n, value in reversed(list(enumerate(values))) if value is not None)
    end = canvas.dot(n / last, y(value), 3.5, "f0 dot", texts.number(value))
    return canvas.stretched(f'{area}<path class="s0 line" d="{path}"/>') + end
