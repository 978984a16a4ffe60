"""A chart as a PNG file, for e-mails. resvg draws it; it is loaded only where a picture is made, never with the site.

resvg leaves out all words, without an error, if it knows no font: so a font has to be found first.
"""

from functools import cache
from pathlib import Path
from typing import Any

from app.charts import files
from app.charts.model import Chart

# Families with Latin and Arabic letters, and where Linux distributions, macOS and Windows keep their files.
FAMILIES = {
    "Noto Sans": ("NotoSans-Regular.ttf", "NotoSans-SemiBold.ttf", "NotoSans-Bold.ttf", "NotoSansArabic-Regular.ttf"),
    "DejaVu Sans": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    "Arial": ("arial.ttf", "arialbd.ttf", "Arial.ttf", "Arial Bold.ttf"),
}
FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "/run/host/usr/share/fonts"),
    *("/Library/Fonts", "/System/Library/Fonts/Supplemental", "C:/Windows/Fonts"),
)
ZOOM = 2


class NoFontError(Exception):
    """There is no font for the words of a picture."""


def draw(chart: Chart, title: str) -> bytes:
    """Return the chart as a PNG. Raises NoFontError."""
    import resvg_py  # the web workers never load it

    return bytes(resvg_py.svg_to_bytes(**arguments(chart, title)))


def arguments(chart: Chart, title: str) -> dict[str, Any]:
    """Return what resvg is to draw. Raises NoFontError."""
    family, _fonts = find_fonts()
    return of_svg(files.svg(chart, title, family=f"'{family}'"), zoom=ZOOM)


def of_svg(svg: str, *, zoom: int) -> dict[str, Any]:
    """Return what resvg is to draw of an SVG file. Raises NoFontError."""
    family, fonts = find_fonts()
    return {
        "svg_string": svg,
        "zoom": zoom,
        "skip_system_fonts": True,
        "font_files": [str(path) for path in fonts],
        "font_family": family,
        "sans_serif_family": family,
    }


@cache
def find_fonts(folders: tuple[str, ...] = FOLDERS) -> tuple[str, list[Path]]:
    """Return the name of the best family on this machine and its files. Raises NoFontError."""
    known = {path.name: path for folder in folders for path in sorted(Path(folder).rglob("*.[to]tf"), reverse=True)}
    for family, names in FAMILIES.items():
        found = [known[name] for name in names if name in known]
        # Noto has its Arabic letters in a file of their own.
        if found and (family != "Noto Sans" or "NotoSansArabic-Regular.ttf" in known) and names[0] in known:
            return family, found
    raise NoFontError("No font with Latin and Arabic letters was found. Install fonts-dejavu-core or fonts-noto-core.")
