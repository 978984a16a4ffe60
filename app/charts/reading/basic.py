"""Single values, images and texts."""

import re
from collections.abc import Mapping

from flask_babel import gettext as _

from app.charts.limits import MAX_IMAGE, MAX_NUMBERS, MAX_TEXT
from app.charts.model import Chart, Gauge, Image, Number, Numbers, Prose, Table, Value
from app.charts.reading import values
from app.charts.reading.notes import CannotDrawError, Notes, no_numbers, nothing

DATA_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+", re.ASCII)
TEXTS = ("markdown", "text", "data", "value", "values", "content")


def number(payload: object, title: str, notes: Notes) -> Chart:
    """Return one number, from the number itself or `{"data": ...}`."""
    data = payload
    for _step in range(2):
        if isinstance(data, Mapping):
            data = data.get("data", data.get("value"))
    if isinstance(data, list):
        return numbers(data, notes)
    return Numbers([Number(title, _value(data), values.text(values.mapping(payload).get("units"), 40))])


def numbers(payload: object, notes: Notes) -> Chart:
    """Return numbers beside each other, from a list of objects or from names with a number each."""
    if isinstance(payload, Mapping):
        payload = (
            payload["data"]
            if isinstance(payload.get("data"), list)
            else [{"title": name, "data": value} for name, value in payload.items()]
        )
    found = [
        Number(
            values.text(each.get("title", each.get("name"))),
            _value(each.get("data", each.get("value"))),
            values.text(each.get("units", each.get("unit")), 40),
            values.text(each.get("description")),
            url=values.link(each.get("url")),
        )
        for each in notes.first(values.sequence(payload), MAX_NUMBERS)
        if isinstance(each, Mapping)
    ]
    if not found:
        raise no_numbers()
    return Numbers(found)


def _value(data: object) -> Value:
    """Return a number, or a text such as "$ 12,300"."""
    if isinstance(data, str):
        return values.text(data, 40)
    known = values.whole(data)
    if known is None:
        raise no_numbers()
    return known


def gauge(value: float | None, lowest: float | None, highest: float | None, unit: str, title: str) -> Gauge:
    """Return a gauge that has its value between its ends. Without ends it goes to 100, or to a round number above."""
    if value is None:
        raise no_numbers()
    low = min(0.0 if lowest is None else lowest, value)
    high = max(100.0 if highest is None and value <= 100 else highest or 0.0, value, low)
    if highest is None and value > 100:
        size = len(str(int(value))) - 1
        high = float(-(-int(value) // 10**size) * 10**size + (10**size if value % 10**size == 0 else 0))
    return Gauge(value, low, high if high > low else low + 1, unit, title)


def image(payload: object, title: str) -> Chart:
    """Return an image of this site, or one that is part of the data. Others would tell their sites who looks."""
    source = payload
    if isinstance(payload, Table):
        source = payload.rows[0][0] if payload.rows and payload.rows[0] else None
    elif isinstance(payload, Mapping):
        source = next((payload[name] for name in ("source", "src", "url", "data") if payload.get(name)), None)
    if not isinstance(source, str) or not source.strip():
        raise nothing()
    source = source.strip()
    if len(source) <= MAX_IMAGE and DATA_IMAGE.fullmatch(source):
        return Image(source, title)
    if source.startswith("/") and values.link(source):
        return Image(values.link(source), title)
    raise CannotDrawError(_("Images of other sites are not shown, because those sites would see who looks at them."))


def prose(payload: object) -> Chart:
    """Return a text in Markdown, from the text itself or an object that has one."""
    if isinstance(payload, Table):
        cells = [cell for row in payload.rows for cell in row if isinstance(cell, str)]
        written = "\n\n".join(cells[:MAX_TEXT])
    elif isinstance(payload, Mapping):
        written = next((payload[name] for name in TEXTS if isinstance(payload.get(name), str)), "")
    else:
        written = payload if isinstance(payload, str) else ""
    if not written.strip():
        raise nothing()
    return Prose(values.long_text(written, MAX_TEXT))
