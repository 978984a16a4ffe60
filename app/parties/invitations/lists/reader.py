"""The entrance: read a list of people."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from . import columns, encodings, kinds, people
from .columns import Layout
from .people import Fate, Person, ReadRow
from .tables import Kind, Refusal, RefusedError, Role, Row, Sheet, Source

MAX_PEOPLE, MAX_UNREAD = 1000, 6000
# Of the text that the pages carry from one step to the next, in bytes.
MAX_CARRIED = 800_000


@dataclass
class Column:
    """A column, what it is taken for, and an example of what stands in it."""

    index: int
    title: str
    role: Role
    sample: str = ""
    is_hidden: bool = False


@dataclass
class SheetName:
    """A sheet that can be read, and how many of its rows have an e-mail address."""

    name: str
    addresses: int


@dataclass
class Choices:
    """What a person chose instead of what was guessed. `was` is the encoding with which a text was read before."""

    encoding: str = ""
    was: str = ""
    sheet: int | None = None
    roles: dict[int, Role] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the choices that another process sent; encodings come from a form, and may be anything."""
        encoding, was = (name if encodings.is_known(name) else "" for name in (values["encoding"], values["was"]))
        roles = {int(index): Role(role) for index, role in values["roles"].items()}
        return cls(encoding, was, values["sheet"], roles)


@dataclass
class Reading:
    """What was read. `carried` is the text with which the same list can be read once more, with other choices."""

    kind: Kind
    encoding: str
    sheet: int
    sheets: list[SheetName]
    columns: list[Column]
    rows: list[ReadRow]
    carried: str

    @property
    def people(self) -> list[Person]:
        return [person for row in self.rows for person in row.people]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the reading that `as_json` wrote."""
        rows = [
            ReadRow(**{**row, "fate": Fate(row["fate"]), "people": [Person(**person) for person in row["people"]]})
            for row in values["rows"]
        ]
        found = [Column(**{**column, "role": Role(column["role"])}) for column in values["columns"]]
        sheets = [SheetName(**sheet) for sheet in values["sheets"]]
        changed = {"kind": Kind(values["kind"]), "sheets": sheets, "columns": found, "rows": rows}
        return cls(**{**values, **changed})


def read(data: bytes | str, choices: Choices | None = None) -> Reading:
    """Read a file or a pasted text. Raises RefusedError if it is no list."""
    chosen = choices or Choices()
    source = _with_addresses(_source(data, chosen))
    layouts = [columns.find(sheet) for sheet in source.sheets]
    read_sheets = [people.read(sheet, layout) for sheet, layout in zip(source.sheets, layouts, strict=True)]
    counts = [sum(len(row.people) for row in rows) for rows in read_sheets]
    best = max(range(len(counts)), key=lambda at: (counts[at], -at))
    at = chosen.sheet if chosen.sheet is not None and chosen.sheet < len(counts) else best
    sheet, layout, rows = source.sheets[at], layouts[at], read_sheets[at]
    if chosen.roles and sheet.roles is None:
        roles = [chosen.roles.get(index, role) for index, role in enumerate(layout.roles)]
        layout = layout._replace(roles=roles)
        rows = people.read(sheet, layout)
    sheets = [
        SheetName(each.name, count) for each, count in zip(source.sheets, map(_count, source.sheets), strict=True)
    ]
    if sum(len(row.people) for row in rows) > MAX_PEOPLE or sum(len(row.unread) for row in rows) > MAX_UNREAD:
        raise RefusedError(Refusal.TOO_LONG)
    carried = kinds.save(source)
    if len(carried.encode("utf-8", "replace")) > MAX_CARRIED:
        raise RefusedError(Refusal.TOO_LONG)
    return Reading(source.kind, source.encoding, at, sheets, _columns(sheet, layout), rows, carried)


def _with_addresses(source: Source) -> Source:
    """Return the source without sheets that have no address, unless all have none."""
    kept = [sheet for sheet in source.sheets if _count(sheet)]
    if any(_count(sheet) > MAX_PEOPLE for sheet in kept):
        raise RefusedError(Refusal.TOO_LONG)
    return source._replace(sheets=kept or source.sheets[:1])


def _source(data: bytes | str, chosen: Choices) -> Source:
    if isinstance(data, str) and chosen.was:
        if chosen.encoding and chosen.encoding != chosen.was:
            try:
                return kinds.read(data.encode(chosen.was), chosen.encoding)
            except (LookupError, UnicodeError):
                pass
        return kinds.read(data)._replace(encoding=chosen.was)
    return kinds.read(data, chosen.encoding)


def _count(sheet: Sheet) -> int:
    return sum(any("@" in cell for cell in row.cells) for row in sheet.rows)


def _columns(sheet: Sheet, layout: Layout) -> list[Column]:
    """Return the columns that can be taken for something else: those of a table that are not empty."""
    if sheet.roles is not None:
        return []
    start = 0 if layout.titles_at is None else layout.titles_at + 1
    found = []
    for index, (title, role) in enumerate(zip(layout.titles, layout.roles, strict=True)):
        sample = _sample(sheet.rows[start:], index)
        if sample:
            found.append(Column(index, title, role, sample, index in sheet.hidden_columns))
    return found


def _sample(rows: list[Row], index: int) -> str:
    cells = (row.cells[index] for row in rows if index < len(row.cells))
    return " ".join(next((cell for cell in cells if any(c.isalnum() for c in cell)), "").split())[:60]
