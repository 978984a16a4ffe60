"""A chart as a PNG, drawn in a process of its own: a web worker does not grow by the library, and no picture takes it down."""

import json
import logging
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from typing import Any

from app.charts import png
from app.charts.model import Chart

log = logging.getLogger(__name__)

SECONDS = 10
# Reads a line of JSON with the arguments, and writes the picture.
CODE = """
import json, sys
import resvg_py
sys.stdout.buffer.write(bytes(resvg_py.svg_to_bytes(**json.load(sys.stdin))))
"""


class PictureError(Exception):
    """No picture could be made."""


@cache
def is_available() -> bool:
    """Whether the library is installed, and a font for its words."""
    if find_spec("resvg_py") is None:
        return False
    try:
        png.find_fonts()
    except png.NoFontError:
        return False
    return True


def draw(chart: Chart, title: str) -> bytes:
    """Return the chart as a PNG. Raises PictureError, and NoFontError where there are no fonts."""
    return render(png.arguments(chart, title))


def render(arguments: dict[str, Any]) -> bytes:
    """Return what resvg makes of its arguments. Raises PictureError."""
    try:
        done = subprocess.run(
            # Isolated: nothing in the working directory or the environment is taken for a module.
            [sys.executable, "-I", "-c", CODE],
            input=json.dumps(arguments).encode(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        log.warning(
            "A picture could not be drawn: %s", (getattr(error, "stderr", b"") or b"")[-2000:].decode(errors="replace")
        )
        raise PictureError from error
    return done.stdout
