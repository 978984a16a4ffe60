"""What a chart shows, without how it looks: readers make it, the drawer draws it, a table tells its values.

Nothing here is checked for its size: readers do (`limits`), so the drawer can trust what it gets.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, overload

# A value of a cell. Dates and moments are drawn on an axis of time; moments are aware.
Value: TypeAlias = str | int | float | bool | dt.date | dt.datetime | None


class Kind(StrEnum):
    """What the values of a column are."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Column:
    """A column of a table; `unit` stands behind its numbers, as "%" or "min"."""

    name: str
    title: str
    kind: Kind = Kind.NUMBER
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of values, as a named query gives them; `is_cut` tells that there are more.

    `links` has for names of columns the URL of each row.
    """

    columns: tuple[Column, ...]
    rows: list[tuple[Value, ...]]
    is_cut: bool = False
    links: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Mark(StrEnum):
    """How a series is drawn."""

    LINE = "line"
    SPLINE = "spline"
    STEP = "step"
    AREA = "area"
    BAR = "bar"
    POINT = "point"
    TICK = "tick"


@dataclass(frozen=True)
class Point:
    """A value of a series at `x`. `low` is where a bar or an area begins, if not at zero; `size` from 0 to 1."""

    x: Value
    y: float | None
    low: float | None = None
    size: float | None = None
    label: str = ""
    url: str = ""


@dataclass(frozen=True)
class Samples(Sequence[Point]):
    """Points as two lists of the same length: for thousands, whose points would take longer to make than to draw."""

    xs: Sequence[Value]
    ys: Sequence[float | None]

    def __len__(self) -> int:
        return len(self.xs)

    @overload
    def __getitem__(self, index: int) -> Point: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Point]: ...

    def __getitem__(self, index: int | slice) -> Point | Sequence[Point]:
        if isinstance(index, slice):
            return Samples(self.xs[index], self.ys[index])
        return Point(self.xs[index], self.ys[index])


@dataclass(frozen=True)
class Series:
    """Points of one colour."""

    title: str
    points: Sequence[Point]
    mark: Mark = Mark.LINE


@dataclass(frozen=True)
class Axis:
    """An axis: its title, the unit of its numbers, its ends where they are fixed, and whether it is logarithmic."""

    title: str = ""
    unit: str = ""
    lowest: float | None = None
    highest: float | None = None
    is_logarithmic: bool = False


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What every chart has: localized sentences that stand below it, such as what was left out."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plot(Noted):
    """Series on two axes. `x` is by category where values are texts, else by number or time.

    `is_stacked` puts series on each other, `is_share` makes them parts of 100 %; `is_flipped` draws categories downwards.
    """

    series: list[Series]
    x: Axis = Axis()
    y: Axis = Axis()
    is_stacked: bool = False
    is_share: bool = False
    is_flipped: bool = False


@dataclass(frozen=True)
class Parts(Noted):
    """Parts of a whole: a pie, a donut (`is_hollow`)."""

    parts: list[tuple[str, float]]
    is_hollow: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Gauge(Noted):
    """One value between two ends."""

    value: float | None
    lowest: float = 0
    highest: float = 100
    unit: str = ""
    title: str = ""


@dataclass(frozen=True)
class Number:
    """One number in large type; `change` compares it to before, as a part of 1."""

    title: str
    value: Value
    unit: str = ""
    description: str = ""
    change: float | None = None
    url: str = ""


@dataclass(frozen=True)
class Numbers(Noted):
    """One number or several beside each other."""

    numbers: list[Number]


@dataclass(frozen=True)
class Sparkline(Noted):
    """A small line, bars, or signs (win and loss) without axes."""

    values: list[float | None]
    mark: Mark = Mark.LINE
    is_win_or_loss: bool = False


@dataclass(frozen=True)
class HeatMap(Noted):
    """A value for each pair of a column and a row."""

    columns: list[str]
    rows: list[str]
    values: list[list[float | None]]
    x: Axis = Axis()
    y: Axis = Axis()
    unit: str = ""


@dataclass(frozen=True)
class Box:
    """The five numbers of a box plot, and what lies outside."""

    label: str
    lowest: float
    first_quartile: float
    median: float
    third_quartile: float
    highest: float
    outliers: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Boxes(Noted):
    """A box plot."""

    boxes: list[Box]
    y: Axis = Axis()


@dataclass(frozen=True)
class Node:
    """A node of a graph."""

    key: str
    title: str


@dataclass(frozen=True)
class Edge:
    """An edge from the node `start` to `end`."""

    start: str
    end: str
    title: str = ""


@dataclass(frozen=True)
class Graph(Noted):
    """Nodes and edges."""

    nodes: list[Node]
    edges: list[Edge]
    is_directed: bool = True


class TreeShape(StrEnum):
    """How a tree is drawn."""

    TREE_MAP = "tree_map"
    FLAME = "flame"
    INDENTED = "indented"


@dataclass(frozen=True)
class Branch:
    """A part of a tree. The value of a branch with children is at least their sum."""

    title: str
    value: float
    children: list["Branch"] = field(default_factory=list)


@dataclass(frozen=True)
class Tree(Noted):
    """A tree of values: a tree map, a flame graph, an indented tree."""

    root: Branch
    shape: TreeShape = TreeShape.TREE_MAP
    unit: str = ""


@dataclass(frozen=True)
class Event:
    """What happened, from `start` to `end`."""

    title: str
    start: dt.date | dt.datetime
    end: dt.date | dt.datetime | None = None
    text: str = ""
    url: str = ""


@dataclass(frozen=True)
class Timeline(Noted):
    """Events in their order."""

    events: list[Event]


@dataclass(frozen=True)
class Words(Noted):
    """Words with their weights, the heaviest first."""

    words: list[tuple[str, float]]


@dataclass(frozen=True)
class Rows(Noted):
    """A table that can be sorted."""

    table: Table


@dataclass(frozen=True)
class Image(Noted):
    """An image of this site, or data of an image (`data:image/png;base64,...`)."""

    source: str
    text: str


@dataclass(frozen=True)
class Prose(Noted):
    """Text in Markdown, as it was written."""

    markdown: str


@dataclass(frozen=True)
class Multiples(Noted):
    """Small charts beside each other, each with its title. Their axes are the same, unless they show different things."""

    charts: list[tuple[str, Plot]]
    is_shared: bool = True


@dataclass(frozen=True)
class Refusal(Noted):
    """Why nothing is drawn, in a localized sentence. It keeps the place of the chart."""

    reason: str


Chart: TypeAlias = (
    Plot
    | Parts
    | Gauge
    | Numbers
    | Sparkline
    | HeatMap
    | Boxes
    | Graph
    | Tree
    | Timeline
    | Words
    | Rows
    | Image
    | Prose
    | Multiples
    | Refusal
)
