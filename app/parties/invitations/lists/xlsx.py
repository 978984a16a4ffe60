"""Workbooks of Excel since 2007."""

import posixpath
import re
import zipfile
from collections.abc import Callable

from . import markup
from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Row, Sheet, cut, refuse_far

MAX_STRINGS = 200_000
MAILTO = re.compile(r"mailto:([^\"?&]+)", re.IGNORECASE)
REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")


class _Elements:
    """Calls back for each element, with its attributes."""

    def __init__(self, found: Callable[[str, dict[str, str]], None]) -> None:
        self.start = found

    def end(self, name: str) -> None: ...
    def text(self, data: str) -> None: ...


class _Strings:
    """The table of shared strings. Furigana are not part of a string."""

    def __init__(self) -> None:
        self.strings: list[str] = []
        self._text: list[str] = []
        self._inside = self._phonetic = False

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if name == "si":
            self._text = []
        elif name == "rPh":
            self._phonetic = True
        self._inside = name == "t" and not self._phonetic

    def end(self, name: str) -> None:
        self._inside = False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.strings.append(cut("".join(self._text)))
            if len(self.strings) > MAX_STRINGS:
                raise RefusedError(Refusal.TOO_LONG)

    def text(self, data: str) -> None:
        if self._inside:
            self._text.append(data)


class _Cells:
    """The rows of a sheet."""

    def __init__(self, strings: list[str]) -> None:
        self.rows: list[Row] = []
        self.hidden: set[int] = set()
        self.links: dict[tuple[int, int], str] = {}
        self.linked: list[tuple[str, str]] = []
        self._strings = strings
        self._row: dict[int, str] = {}
        self._number = self._column = 0
        self._kind = self._element = ""
        self._text: list[str] = []
        self._formula: list[str] = []
        self._is_hidden = self._phonetic = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._element = name
        if name == "row":
            self._number = int(attributes.get("r") or self._number + 1)
            self._row, self._column = {}, 0
            self._is_hidden = attributes.get("hidden") in {"1", "true"}
        elif name == "c":
            at = REFERENCE.match(attributes.get("r", ""))
            self._column = _column(at[1]) if at else self._column + 1
            self._kind, self._text, self._formula = attributes.get("t", "n"), [], []
        elif name == "rPh":
            self._phonetic = True
        elif name == "col" and attributes.get("hidden") in {"1", "true"}:
            last = min(int(attributes.get("max", 0)), MAX_COLUMNS)
            self.hidden.update(range(int(attributes.get("min", 1)) - 1, last))
        elif name == "hyperlink":
            self.linked.append((attributes.get("ref", ""), attributes.get("id", "")))

    def end(self, name: str) -> None:
        self._element = ""
        if name == "rPh":
            self._phonetic = False
        elif name == "c" and self._column > 0:
            value = _value(self._kind, "".join(self._text), self._strings)
            linked = MAILTO.search("".join(self._formula))
            if linked and linked[1] not in value:
                value = f"{value} <{linked[1]}>"
            if self._column > MAX_COLUMNS:
                refuse_far(value)
            elif value:
                self._row[self._column] = value
        elif name == "row" and self._row:
            cells = [self._row.get(at, "") for at in range(1, max(self._row) + 1)]
            self.rows.append(Row(self._number, cells, self._is_hidden))
            if len(self.rows) > MAX_ROWS:
                raise RefusedError(Refusal.TOO_LONG)

    def text(self, data: str) -> None:
        if self._element in {"v", "t"} and not self._phonetic:
            self._text.append(data)
        elif self._element == "f":
            self._formula.append(data)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _value(kind: str, text: str, strings: list[str]) -> str:
    if kind == "s":
        return strings[int(text)] if text.strip().isdecimal() and int(text) < len(strings) else ""
    if kind == "e":
        return ""
    if kind == "n":
        return number(text)
    return cut(text)


def number(text: str) -> str:
    """Return a number without the zeros of a decimal fraction."""
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else text


def read(archive: zipfile.ZipFile) -> list[Sheet]:
    """Return the sheets, visible ones first."""
    names = set(archive.namelist())
    strings = _Strings()
    for name in names:
        if name.lower().endswith("xl/sharedstrings.xml"):
            markup.parse(markup.part(archive, name), strings)
    return [_sheet(archive, title, path, strings.strings) for title, path in _paths(archive) if path in names]


def _paths(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Return the names and the paths of the sheets."""
    found: list[tuple[bool, str, str]] = []
    targets = _targets(archive, "xl/workbook.xml")

    def add(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            is_hidden = attributes.get("state", "visible") != "visible"
            found.append((is_hidden, attributes.get("name", ""), targets.get(attributes.get("id", ""), "")))

    markup.parse(markup.part(archive, "xl/workbook.xml"), _Elements(add))
    return [(name, path) for _hidden, name, path in sorted(found, key=lambda sheet: sheet[0])]


def _targets(archive: zipfile.ZipFile, path: str) -> dict[str, str]:
    """Return what the relations of a part lead to."""
    folder, name = posixpath.split(path)
    relations = f"{folder}/_rels/{name}.rels"
    targets: dict[str, str] = {}

    def add(name: str, attributes: dict[str, str]) -> None:
        if name != "Relationship":
            return
        target = attributes.get("Target", "")
        if attributes.get("TargetMode") != "External":
            target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")
        targets[attributes.get("Id", "")] = target

    if relations in archive.namelist():
        markup.parse(markup.part(archive, relations), _Elements(add))
    return targets


def _sheet(archive: zipfile.ZipFile, title: str, path: str, strings: list[str]) -> Sheet:
    cells = _Cells(strings)
    markup.parse(markup.part(archive, path), cells)
    if cells.linked:
        _add_links(cells, _targets(archive, path))
    return Sheet(title, cells.rows, frozenset(cells.hidden))


def _add_links(cells: _Cells, targets: dict[str, str]) -> None:
    """Write the addresses of links behind the texts that do not show them."""
    rows = {row.number: row for row in cells.rows}
    for reference, key in cells.linked:
        at, linked = REFERENCE.match(reference), MAILTO.match(targets.get(key, ""))
        row = rows.get(int(at[2])) if at else None
        index = _column(at[1]) - 1 if at else 0
        if row is not None and linked and index < len(row.cells) and linked[1].lower() not in row.cells[index].lower():
            row.cells[index] = f"{row.cells[index]} <{linked[1]}>"
