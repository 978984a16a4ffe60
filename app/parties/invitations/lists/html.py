"""Tables of web pages, which many sites send as files named .xls."""

from html.parser import HTMLParser

from . import addresses, lines
from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Row, Sheet, cut, refuse_far

CELLS = {"td", "th"}
BREAKS = {"br", "p", "div", "li"}
SILENT = {"style", "script", "title"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Sheet] = []
        self._open: list[list[Row]] = []
        self._cells: list[str] = []
        # The columns of cells that reach down from rows above, and how many rows they still cover.
        self._spans: dict[int, int] = {}
        self._down = self._wide = 1
        self._text: list[str] = []
        self._links: list[str] = []
        self._silent = 0
        self._line = 1
        self._caption = ""
        # What stands outside of tables.
        self.loose: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self._end_row()
            self._spans = {}
            self._open.append([])
        elif tag == "tr":
            self._end_row()
            self._line = self.getpos()[0]
        elif tag in CELLS:
            self._end_cell()
            self._down, self._wide = _span(given.get("rowspan")), _span(given.get("colspan"))
        elif tag in BREAKS:
            (self._text if self._open else self.loose).append("\n")
        elif tag in SILENT:
            self._silent += 1
        elif tag == "a" and (given.get("href") or "").lower().startswith("mailto:"):
            self._links.append((given.get("href") or "")[7:].split("?")[0])

    def handle_endtag(self, tag: str) -> None:
        if tag in BREAKS:
            (self._text if self._open else self.loose).append("\n")
        if tag == "table" and self._open:
            self._end_row()
            rows = self._open.pop()
            if rows:
                self.tables.append(Sheet(self._caption, rows))
        elif tag == "tr":
            self._end_row()
        elif tag in CELLS:
            self._end_cell(is_closed=True)
        elif tag == "a" and self._links and not self._open:
            self.loose.append(f" <{self._links.pop()}>\n")
        elif tag == "caption":
            self._caption = " ".join("".join(self._text).split())
            self._text = []
        elif tag in SILENT and self._silent:
            self._silent -= 1

    def handle_data(self, data: str) -> None:
        if not self._silent:
            (self._text if self._open else self.loose).append(data)

    def _end_cell(self, *, is_closed: bool = False) -> None:
        text = addresses.clean("".join(self._text)).strip()
        missing = [link for link in self._links if link and link.lower() not in text.lower()]
        if is_closed or text:
            self._skip_covered()
            column = len(self._cells)
            self._cells.append(cut(" ".join([text, *(f"<{link}>" for link in missing)]).strip()))
            self._cells.extend([""] * (self._wide - 1))
            if self._down > 1:
                self._spans.update(dict.fromkeys(range(column, column + self._wide), self._down))
            self._down = self._wide = 1
        self._text, self._links = [], []

    def _skip_covered(self) -> None:
        while self._spans.get(len(self._cells), 0) > 0 and len(self._cells) < MAX_COLUMNS:
            self._cells.append("")

    def _end_row(self) -> None:
        if self._open and self._text and "".join(self._text).strip() and self._cells:
            self._end_cell()
        self._text, self._links = [], []
        if self._open and any(self._cells):
            refuse_far("".join(self._cells[MAX_COLUMNS:]))
            self._open[-1].append(Row(len(self._open[-1]) + 1, self._cells[:MAX_COLUMNS]))
            if len(self._open[-1]) > MAX_ROWS:
                raise RefusedError(Refusal.TOO_LONG)
        if self._cells:
            self._spans = {column: left - 1 for column, left in self._spans.items() if left > 1}
        self._cells = []

    def finish(self) -> list[Sheet]:
        self.close()
        self._end_row()
        return [*self.tables, *(Sheet("", rows) for rows in self._open if rows)]


def _span(said: str | None) -> int:
    return min(max(int(said), 1), MAX_COLUMNS) if said and said.isascii() and said.isdecimal() and len(said) < 6 else 1


def read(text: str) -> list[Sheet]:
    """Return the tables of a page that have rows, and what stands outside of them if that has addresses."""
    reader = _Reader()
    reader.feed(text)
    tables = reader.finish()
    loose = "".join(reader.loose)
    return [*tables, lines.read(loose)] if "@" in loose else tables
