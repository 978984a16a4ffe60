"""A closed subset of Vega-Lite."""

from collections.abc import Mapping

from app.charts.model import Chart
from app.charts.reading.notes import Notes, unknown


def draw(specification: Mapping[str, object], payload: object, title: str, notes: Notes) -> Chart:
    raise unknown("vega-lite")
