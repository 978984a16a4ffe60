"""Spreadsheets of LibreOffice and others: .ods, and .fods, which is one XML file."""

from collections.abc import Iterator

from . import markup
from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Row, Sheet, cut, refuse_far

SILENT = {
    "annotation",
    "shapes",
    "forms",
    "frame",
    "image",
    "tracked-changes",
    "styles",
    "automatic-styles",
    "ruby-text",
}
HIDDEN = {"collapse", "filter"}


class _Reader:
    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._rows: list[Row] = []
        self._cells: list[str] = []
        self._hidden: set[int] = set()
        self._text: list[str] | None = None
        self._links: list[str] = []
        self._name = self._value = ""
        self._number = self._column = self._silent = self._repeat = self._repeat_row = 0
        self._is_hidden = self._is_error = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._silent or name in SILENT:
            self._silent += 1
        elif name in {"table-cell", "covered-table-cell"}:
            self._text, self._links = [], []
            self._repeat = _repeated(attributes, "number-columns-repeated")
            self._is_error = attributes.get("value-type") == "error"
            # Some programs write the value of a formula here only.
            self._value = attributes.get("string-value") or attributes.get("value") or ""
        elif name == "table-row":
            self._cells = []
            self._repeat_row = _repeated(attributes, "number-rows-repeated")
            self._is_hidden = attributes.get("visibility") in HIDDEN
        elif name == "table-column":
            count = _repeated(attributes, "number-columns-repeated")
            if attributes.get("visibility") in HIDDEN:
                self._hidden.update(range(self._column, min(self._column + count, MAX_COLUMNS)))
            self._column += count
        elif name == "table":
            self._name, self._rows, self._hidden = attributes.get("name", ""), [], set()
            self._number, self._column = 1, 0
        elif self._text is not None:
            self._inside_cell(name, attributes)

    def _inside_cell(self, name: str, attributes: dict[str, str]) -> None:
        text = self._text or []
        if name == "p" and text:
            text.append("\n")
        elif name in {"s", "tab"}:
            text.append(" " * min(int(attributes.get("c") or 1), 20))
        elif name == "line-break":
            text.append("\n")
        elif name == "a" and attributes.get("href", "").lower().startswith("mailto:"):
            self._links.append(attributes["href"][7:].split("?")[0])
        self._text = text

    def end(self, name: str) -> None:
        if self._silent:
            self._silent -= 1
        elif name in {"table-cell", "covered-table-cell"}:
            self._end_cell()
        elif name == "table-row":
            self._end_row()
        elif name == "table":
            self.sheets.append(Sheet(self._name, self._rows, frozenset(self._hidden)))

    def _end_cell(self) -> None:
        text = "" if self._is_error else "".join(self._text or ()).strip() or self._value
        missing = [link for link in self._links if link.lower() not in text.lower()]
        value = cut(" ".join([text, *(f"<{link}>" for link in missing)]).strip())
        if len(self._cells) >= MAX_COLUMNS:
            refuse_far(value)
        # A whole formatted row claims thousands of empty cells.
        self._cells.extend([value] * min(self._repeat, MAX_COLUMNS - len(self._cells)))
        self._text = None

    def _end_row(self) -> None:
        if any(self._cells):
            while not self._cells[-1]:
                self._cells.pop()
            for number in range(self._number, self._number + min(self._repeat_row, MAX_ROWS + 1)):
                self._rows.append(Row(number, list(self._cells), self._is_hidden))
                if len(self._rows) > MAX_ROWS:
                    raise RefusedError(Refusal.TOO_LONG)
        self._number += self._repeat_row

    def text(self, data: str) -> None:
        if self._text is not None and not self._silent:
            self._text.append(data)


def _repeated(attributes: dict[str, str], name: str) -> int:
    said = attributes.get(name, "1")
    return max(int(said), 1) if said.isdecimal() and len(said) < 9 else 1


def read(chunks: Iterator[bytes]) -> list[Sheet]:
    """Return the sheets of content.xml, or of a flat file."""
    reader = _Reader()
    markup.parse(chunks, reader)
    return reader.sheets
