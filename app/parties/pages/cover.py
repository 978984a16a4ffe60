"""The drawn cover of a party: a laid table from above, and with words beside it the picture that other programs show.

What it shows depends on the party only, so that it stays the same wherever it is drawn.
"""

import hashlib
import threading
from functools import lru_cache
from io import BytesIO
from itertools import islice
from typing import NamedTuple
from zlib import crc32

from flask import Response, abort, current_app, request
from markupsafe import Markup, escape

from app.charts import files as chart_files
from app.charts import png, png_process, texts
from app.charts.palette import INK, SOFT
from app.crud.files import StoredFile
from app.http import public_url, release_request_lock
from app.i18n import spoken_dates
from app.i18n.selectors import current_locale_info
from app.parties.models import DinnerParty

# As programs that show links like it best.
WIDTH, HEIGHT = 1200, 630
# The table alone, as pages show it.
BOX = "0 0 480 320"
PAPER, GOLD, PLATE, RIM, SILVER = "#f6efe2", "#a97f35", "#fffdf7", "#dccdb4", "#d9d3c7"
MARGIN, WORDS, SETTING = 84, 580, 470
MAX_PICTURES, MAX_DRAWING_SECONDS = 32, 2 * png_process.SECONDS


class Colours(NamedTuple):
    """Of a table: the cloth, what is on the plate, and what is beside that."""

    cloth: str
    dish: str
    herb: str


COLOURS = (
    Colours("#741b31", "#d48a1d", "#5e816d"),
    Colours("#2f5a3f", "#b33022", "#e3b04b"),
    Colours("#2c3a5f", "#c9994c", "#7f9f6d"),
    Colours("#8a4a1c", "#8a1c3a", "#6f8f4e"),
    Colours("#5a3350", "#c3724b", "#8fa860"),
    Colours("#33585c", "#d2817c", "#e3b04b"),
)
# What is on the plate, whose middle is 0, 0: soup with leaves, a salad, a cake in slices, berries.
_LEAF = "M0-62c16 14 16 34 0 48c-16-14-16-34 0-48z"
_AROUND = "".join(f'<path d="{_LEAF}" transform="rotate({angle})"/>' for angle in range(0, 360, 45))
_BERRIES = ((0, 0), (44, 0), (22, 38), (-22, 38), (-44, 0), (-22, -38), (22, -38))
SOUP = (
    '<circle r="70" fill="{dish}"/><path d="M-42 8c22-34 58 30 84-4" fill="none" stroke="#fff" stroke-opacity=".5" stroke-width="7"'
    ' stroke-linecap="round"/><g fill="{herb}"><ellipse cx="-8" cy="-30" rx="15" ry="7" transform="rotate(-30 -8 -30)"/>'
    '<ellipse cx="18" cy="34" rx="15" ry="7" transform="rotate(25 18 34)"/></g>'
)
SALAD = (
    f'<g fill="{{herb}}">{_AROUND}</g><g fill="{{dish}}"><circle cx="-12" cy="-8" r="13"/><circle cx="15" cy="-2" r="13"/>'
    '<circle cx="-2" cy="18" r="13"/></g>'
)
CAKE = (
    '<circle r="68" fill="{dish}"/><circle r="54" fill="none" stroke="#fff" stroke-opacity=".35" stroke-width="5"/>'
    f'<path d="M0-70V70M-61-35L61 35M61-35L-61 35" stroke="{PLATE}" stroke-width="5"/><circle r="12" fill="{{herb}}"/>'
)
BERRIES = (
    '<g fill="{dish}">'
    + "".join(f'<circle cx="{x}" cy="{y}" r="20"/>' for x, y in _BERRIES)
    + '</g><g fill="{herb}"><ellipse cx="58" cy="-34" rx="20" ry="8" transform="rotate(-35 58 -34)"/>'
    '<ellipse cx="64" cy="-12" rx="18" ry="7" transform="rotate(10 64 -12)"/></g>'
)
DISHES = SOUP, SALAD, CAKE, BERRIES
FORK = "M-170-84v44q0 22 14 26v94h8v-94q14-4 14-26v-44h-6v42h-8v-42h-8v42h-8v-42z"
KNIFE = "M150 80v-164q22 10 22 60v36h-12v68z"


def table(party: DinnerParty) -> Markup:
    """Return the table as the content of an SVG of `BOX`; its words stand beside it."""
    colours, dish = _chosen(party)
    return Markup(_cloth(480, 320, colours) + _setting(240, 160, 1, colours, dish))  # noqa: S704 - no words


def _chosen(party: DinnerParty) -> tuple[Colours, str]:
    number, colour = divmod(crc32(party.slug.encode()), len(COLOURS))
    return COLOURS[colour], DISHES[number % len(DISHES)]


def _cloth(width: int, height: int, colours: Colours) -> str:
    """Return a chequered cloth: a wide line with gaps in each direction."""
    stripes = 'stroke="#fff" stroke-opacity=".07" stroke-dasharray="40"'
    return (
        f'<path fill="{colours.cloth}" d="M0 0h{width}v{height}H0z"/>'
        f'<path d="M0 {height // 2}h{width}" stroke-width="{height}" {stripes}/>'
        f'<path d="M{width // 2} 0v{height}" stroke-width="{width}" {stripes}/>'
    )


def _setting(x: int, y: int, scale: float, colours: Colours, dish: str) -> str:
    return (
        f'<g transform="translate({x} {y}) scale({scale})"><circle r="115" cy="5" fill-opacity=".25"/>'
        f'<circle r="112" fill="{PLATE}"/><circle r="84" fill="none" stroke="{RIM}" stroke-width="3"/>'
        f"{dish.format(dish=colours.dish, herb=colours.herb)}"
        f'<path fill="{SILVER}" d="{FORK}{KNIFE}"/></g>'
    )


# -- the picture that other programs show


def url(party: DinnerParty) -> str | None:
    """Return the public URL of the drawn picture. It changes with what the picture shows. None where none can be drawn."""
    if not png_process.is_available():
        return None
    return public_url("PartyView.cover", slug=party.slug, v=_digest(svg(party))[:8])


def respond(party: DinnerParty) -> Response:
    """Send the picture, unless the browser has it; 404 where none can be drawn."""
    if not png_process.is_available():
        abort(404)
    drawing = svg(party)
    response = Response(mimetype="image/png")
    response.set_etag(_digest(drawing))
    response.cache_control.no_cache = True
    response.cache_control.private = True
    response.make_conditional(request)
    if response.status_code != 304:
        response.set_data(_picture(drawing))
    return response


def svg(party: DinnerParty) -> str:
    """Return the cover with its words: the title, when it is, and the area. Never the address."""
    is_rtl = current_locale_info().dir == "rtl"
    colours, dish = _chosen(party)
    left = 0 if is_rtl else WIDTH - SETTING
    family = png.find_fonts()[0]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="{family}">'
        f'<rect width="100%" height="100%" fill="{PAPER}"/>'
        f'<svg x="{left}" width="{SETTING}" height="{HEIGHT}">{_cloth(SETTING, HEIGHT, colours)}'
        f"{_setting(SETTING // 2, HEIGHT // 2, 1.15, colours, dish)}</svg>"
        f"{_words(party, is_rtl=is_rtl)}</svg>"
    )


def _words(party: DinnerParty, *, is_rtl: bool) -> str:
    when = spoken_dates.spoken_span(party.starts_at, party.ends_at, party.timezone)
    title = _lines(party.title, 60, 5)
    size, most = (60, 3) if len(title) <= 3 else (46, 4)
    parts = [
        *((line, 26, "normal", GOLD) for line in _lines(str(current_app.config["APP_NAME"]), 26, 1)),
        *((line, size, "bold", INK) for line in _lines(party.title, size, most)),
        *((line, 30, "normal", INK) for line in _lines(when, 30, 3)),
        *((line, 30, "normal", SOFT) for line in _lines(party.area, 30, 1)),
    ]
    # In the middle of the height; each line has its own, and each kind of text some space before it.
    heights = [
        part[1] * 1.25 + (26 if number and part[1:] != before[1:] else 0)
        for number, (part, before) in enumerate(zip(parts, [parts[0], *parts], strict=False))
    ]
    y, x = (HEIGHT - sum(heights)) / 2, WIDTH - MARGIN if is_rtl else MARGIN
    anchor = ' text-anchor="end"' if is_rtl else ""
    written = []
    for (line, points, weight, colour), height in zip(parts, heights, strict=True):
        y += height
        style = f'font-size="{points}" font-weight="{weight}" fill="{colour}"'
        written.append(
            f'<text x="{x}" y="{y - points * 0.25:.0f}"{anchor} {style}>{escape(texts.isolated(line))}</text>'
        )
    return "".join(written)


def _lines(text: str, size: int, most: int) -> list[str]:
    """Return the lines of a text in a size, `most` of them; what is left out is marked."""
    # Widths are estimated for a size of 12, and bold letters are wider.
    lines = list(islice(chart_files.wrapped(texts.clean(text), WORDS * 12 / size / 1.1), most + 1))
    return [*lines[: most - 1], f"{lines[most - 1]}{texts.ELLIPSIS}"] if len(lines) > most else lines


def _digest(drawing: str) -> str:
    return hashlib.sha256(drawing.encode()).hexdigest()[:32]


_pictures: dict[str, bytes] = {}
# One is drawn at a time: strangers ask for them.
_drawing = threading.Lock()


def _picture(drawing: str) -> bytes:
    """Return the drawing as PNG, from memory if it is there."""
    key = _digest(drawing)
    if (kept := _pictures.get(key)) is not None:
        return kept
    with release_request_lock():
        if not _drawing.acquire(timeout=MAX_DRAWING_SECONDS):
            abort(503)
        try:
            if key not in _pictures:
                picture = png_process.render(png.of_svg(drawing, zoom=1))
                while len(_pictures) >= MAX_PICTURES:
                    del _pictures[next(iter(_pictures))]
                _pictures[key] = picture
            return _pictures[key]
        except png_process.PictureError:
            abort(503)
        finally:
            _drawing.release()


# -- pictures of hosts


@lru_cache(maxsize=256)
def size_of(value: str) -> tuple[int, int] | None:
    """Return width and height of the stored picture that the value of a column names; None if it cannot be read."""
    from PIL import Image, UnidentifiedImageError  # Most requests need no picture opened.

    stored = StoredFile.parse(value, is_image=True)
    try:
        content = stored.read() if stored else None
        if content is None:
            return None
        with Image.open(BytesIO(content)) as image:
            return image.size
    except (OSError, UnidentifiedImageError):
        return None
