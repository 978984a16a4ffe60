"""What charts take of processor time and of a connection: `make charts`.

Processor time is measured, not time by the clock, so that other programs on the machine count little.
"""

import gzip
import math
import random
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask, render_template_string

from app.charts.drawing import svg
from app.charts.model import Chart, Mark, Plot, Point, Samples, Series
from tests.support.databases import application

CHARTS, POINTS = 200, 10_000
PAGE = """{% from "charts/figure.html" import figure %}
{% for chart in charts %}{{ figure(chart, "Chart " ~ loop.index, "chart-" ~ loop.index) }}{% endfor %}"""


def series(random_: random.Random) -> tuple[list[float], list[float]]:
    """Return numbers that do not compress well: a wave with noise."""
    width = random_.uniform(300, 3000)
    return list(map(float, range(POINTS))), [
        100 + 50 * math.sin(x / width) + random_.gauss(0, 10) for x in range(POINTS)
    ]


def charts(mark: Mark, *, is_time: bool = False) -> list[Chart]:
    """Return charts, each with numbers of its own."""
    random_ = random.Random(1)  # noqa: S311
    found: list[Chart] = []
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for _n in range(CHARTS):
        xs, ys = series(random_)
        places = [began + timedelta(minutes=x) for x in xs] if is_time else xs
        found.append(Plot([Series("Guests", Samples(places, ys), mark)]))
    return found


def measure(name: str, app: Flask, found: list[Chart]) -> None:
    """Print what drawing these charts takes, and what a page of them."""
    with app.test_request_context():
        began = time.process_time()
        drawn = "".join(svg(chart, is_rtl=False) for chart in found)
        took = time.process_time() - began
        began = time.process_time()
        page = render_template_string(PAGE, charts=found)
        whole = time.process_time() - began
    sizes = " ".join(f"{len(gzip.compress(text.encode(), 6)) / 1024:6.0f} KB" for text in (drawn, page))
    print(f"{name:34} SVG {took:5.2f} s, page {whole:5.2f} s, gzipped {sizes}", flush=True)  # noqa: T201


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        app = application(f"sqlite:///{folder}/site.db", Path(folder))
        print(f"{CHARTS} charts of {POINTS} points")  # noqa: T201
        for mark in (Mark.LINE, Mark.AREA, Mark.BAR, Mark.POINT):
            measure(mark, app, charts(mark))
        measure("line over time", app, charts(Mark.LINE, is_time=True))
        points = [Point(x, y) for x, y in zip(*series(random.Random(2)), strict=True)]  # noqa: S311
        one = [Plot([Series("Guests", points)])] * CHARTS
        measure("line of points one by one", app, list(one))
        print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")  # noqa: T201


if __name__ == "__main__":
    main()
