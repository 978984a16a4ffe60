"""The XML of Excel 2003, which some sites and programs still write."""

from collections.abc import Iterator

from . import markup
from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Row, Sheet, cut, refuse_far
from .xlsx import number


class _Reader:
    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._rows: list[Row] = []
        self._row: dict[int, str] = {}
        self._hidden: set[int] = set()
        self._name = self._kind = self._link = ""
        self._number = self._at = self._column = self._width = 0
        self._is_hidden = False
        self._text: list[str] | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Worksheet":
            self._name, self._rows, self._hidden = attributes.get("Name", ""), [], set()
            self._number = self._column = 0
        elif name == "Column":
            self._column = int(attributes.get("Index") or self._column + 1)
            last = self._column + int(attributes.get("Span") or 0)
            if attributes.get("Hidden") == "1":
                self._hidden.update(range(self._column - 1, min(last, MAX_COLUMNS)))
            self._column = last
        elif name == "Row":
            self._number = int(attributes.get("Index") or self._number + 1)
            self._is_hidden = attributes.get("Hidden") == "1"
            self._row, self._at, self._width = {}, 0, 0
        elif name == "Cell":
            self._at = int(attributes.get("Index") or self._at + 1 + self._width)
            self._width = int(attributes.get("MergeAcross") or 0)
            self._link = attributes.get("HRef", "")
        elif name == "Data":
            self._kind, self._text = attributes.get("Type", "String"), []

    def end(self, name: str) -> None:
        if name == "Data":
            text = "".join(self._text or ())
            value = "" if self._kind == "Error" else number(text) if self._kind == "Number" else text
            if self._link.lower().startswith("mailto:") and self._link[7:].lower() not in value.lower():
                value = f"{value} <{self._link[7:].split('?')[0]}>"
            if self._at > MAX_COLUMNS:
                refuse_far(value)
            elif value.strip():
                self._row[self._at] = cut(value.strip())
            self._text = None
        elif name == "Row" and self._row:
            cells = [self._row.get(at, "") for at in range(1, max(self._row) + 1)]
            self._rows.append(Row(self._number, cells, self._is_hidden))
            if len(self._rows) > MAX_ROWS:
                raise RefusedError(Refusal.TOO_LONG)
        elif name == "Worksheet":
            self.sheets.append(Sheet(self._name, self._rows, frozenset(self._hidden)))

    def text(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)


def read(chunks: Iterator[bytes]) -> list[Sheet]:
    """Return the sheets."""
    reader = _Reader()
    markup.parse(chunks, reader)
    return reader.sheets
