"""Charts as files to take away."""

from collections.abc import Callable

from flask import Response
from werkzeug.wrappers import Response as BaseResponse

from app.charts import files, png_process, values
from app.charts.model import Chart
from app.charts.png import NoFontError
from app.http import release_request_lock

SVG, PNG, CSV = "svg", "png", "csv"
# As the converter of a route has them.
ANY = "any(svg, png, csv)"


class NoPictureError(Exception):
    """No picture could be made: there is the SVG file instead."""


def urls(url_of: Callable[[str], str]) -> dict[str, str]:
    """Return the URL of each file that this site can make."""
    kinds = (SVG, PNG, CSV) if png_process.is_available() else (SVG, CSV)
    return {kind: url_of(kind) for kind in kinds}


def response(chart: Chart, title: str, name: str, kind: str) -> BaseResponse:
    """Send a chart as a file: a drawing, a picture, or its figures. Raises NoPictureError."""
    file = f"{name}.{kind}"
    if kind == CSV:
        return attachment(values.csv(chart), file, "text/csv")
    if kind == SVG:
        return attachment(files.svg(chart, title), file, "image/svg+xml")
    try:
        with release_request_lock():
            return attachment(png_process.draw(chart, title), file, "image/png")
    except (png_process.PictureError, NoFontError) as error:
        raise NoPictureError from error


def attachment(content: str | bytes, name: str, content_type: str) -> BaseResponse:
    """Send a file."""
    answer = Response(content, content_type=content_type + ("" if isinstance(content, bytes) else "; charset=utf-8"))
    # A browser may keep it, and asks each time whether the reader may still see it.
    answer.headers["Cache-Control"] = "no-cache, private" if content_type.startswith("image/") else "no-store"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer
