"""What drawers share: places on a mirrored or unmirrored canvas, and elements of SVG."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from app.charts import texts
from app.charts.drawing.scales import spaced

# The height of a plot with its labels, in pixels.
HEIGHT = 260
# Distinguishable colours, and so series.
COLOURS = 12
# The size of the type, and the height of a line of it.
TYPE, LINE = 12, 18
# The width for which labels are chosen where space is scarce, and where there is enough.
NARROW, BROAD = 270, 640
# The spaces for the labels of an axis that charts.css has classes for, in pixels.
MARGINS = (24, 36, 48, 64, 84, 110, 150)
# So few labels are shortened until they fit, of more some are left out.
MAX_FITTED = 6
# Marks that are elements of their own and tell their values; of more there is one path.
MAX_MARKS = 400
# Marks of a line: more would lie on each other.
MAX_DOTS = 60


@dataclass(frozen=True)
class Canvas:
    """Where to draw. Places along the width are parts of it, from 0 to 1 in the direction of reading.

    `columns` is the width of what is stretched, such as lines; in a file it is that of the plot, in pixels.
    """

    is_rtl: bool = False
    height: int = HEIGHT
    columns: int = 1000

    def part(self, place: float) -> float:
        """Return a place from the left."""
        return 1 - place if self.is_rtl else place

    def x(self, place: float) -> str:
        """Return a place as a percentage from the left."""
        return percent(self.part(place))

    def column(self, place: float) -> float:
        """Return a place in the columns of what is stretched."""
        return self.part(place) * self.columns

    def text(  # noqa: PLR0913 - what texts differ in
        self, place: float, y: float, text: str, anchor: str = "middle", *, dx: float = 0, classes: str = ""
    ) -> str:
        """Return a text; `anchor` and `dx` follow the direction of reading."""
        if self.is_rtl:
            anchor, dx = {"start": "end", "end": "start"}.get(anchor, anchor), -dx
        return (
            f'<text x="{self.x(place)}" y="{short(y)}"'
            + (f' dx="{short(dx)}"' if dx else "")
            + (f' text-anchor="{anchor}"' if anchor != "start" else "")
            + (f' class="{classes}"' if classes else "")
            + f">{escape(texts.isolated(text))}</text>"
        )

    def rect(  # noqa: PLR0913, PLR0917 - its four ends, and what it says
        self, start: float, end: float, y: float, height: float, classes: str, title: str = "", url: str = ""
    ) -> str:
        left = min(self.part(start), self.part(end))
        body = (
            f'<rect x="{percent(left)}" y="{short(y)}" width="{percent(abs(end - start))}"'
            f' height="{short(max(height, 0))}" class="{classes}"'
        )
        return linked(f"{body}>{titled(title)}</rect>" if title else f"{body}/>", url)

    def dot(  # noqa: PLR0913, PLR0917 - where it is, and what it says
        self, place: float, y: float, radius: float, classes: str, title: str, url: str = ""
    ) -> str:
        body = f'<circle cx="{self.x(place)}" cy="{short(y)}" r="{short(radius)}" class="{classes}">{titled(title)}</circle>'
        return linked(body, url)

    def line(self, start: float, end: float, y1: float, y2: float, classes: str) -> str:
        return f'<line x1="{self.x(start)}" x2="{self.x(end)}" y1="{short(y1)}" y2="{short(y2)}" class="{classes}"/>'

    def stretched(self, body: str) -> str:
        """Return paths whose places are in columns, as wide as the canvas."""
        if not body:
            return ""
        return (
            f'<svg width="100%" height="{self.height}" viewBox="0 0 {self.columns} {self.height}"'
            f' preserveAspectRatio="none" overflow="visible">{body}</svg>'
        )


@dataclass(frozen=True)
class Drawing:
    """A drawn chart. `margin` is the space for labels at the start, in pixels; `size` of what is not as wide as its page.

    `note` says what is not shown.
    """

    body: str
    height: int
    margin: int = 0
    size: tuple[int, int] | None = None
    kind: str = ""
    note: str = ""


def snapped(margin: float) -> int:
    """Return the space for labels that the style sheet has a class for, so that charts below each other begin at one line."""
    return next((each for each in MARGINS if each >= margin), MARGINS[-1])


def labels_below(canvas: Canvas, labels: Sequence[tuple[float, str]], bottom: float, *, is_banded: bool) -> str:
    """Return the labels below a plot: those that fit on broad screens, and on narrow ones. Few are shortened to fit."""
    if is_banded and len(labels) <= MAX_FITTED:
        written = []
        for place, label in labels:
            long, brief = (texts.shortened(label, pixels / len(labels) - 8) for pixels in (BROAD, NARROW))
            written.append(canvas.text(place, bottom + 17, long, classes="" if long == brief else "wide"))
            written.append(canvas.text(place, bottom + 17, brief, classes="slim") if long != brief else "")
        return "".join(written)
    if is_banded:
        labels = [(place, texts.shortened(label, NARROW / 4)) for place, label in labels]
    chosen = [label for label, is_shown in zip(labels, spaced(labels, BROAD), strict=True) if is_shown]
    return "".join(
        canvas.text(place, bottom + 17, label, "end" if place > 0.98 else "middle", classes="" if is_always else "wide")
        for (place, label), is_always in zip(chosen, spaced(chosen, NARROW), strict=True)
    )


def percent(part: float) -> str:
    return f"{short(part * 100)}%"


def short(length: float) -> str:
    """Write a length without digits that nobody sees."""
    text = f"{length:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def titled(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def linked(body: str, url: str) -> str:
    """Make a mark a link, if its URL is safe."""
    target = texts.safe_url(url)
    return f'<a href="{escape(target)}">{body}</a>' if target else body


def said(parts: Sequence[str], value: str) -> str:
    """Return what a mark tells: "series, place: value"."""
    names = ", ".join(texts.isolated(part) for part in parts if part)
    return f"{names}: {texts.isolated(value)}" if names else value
