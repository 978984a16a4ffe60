"""Tables in text: CSV with any separator, tabs, and Markdown."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import addresses, names
from .columns import roles_of
from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Role, Row, Sheet

# "Ana Ruiz <ana@example.org>", and nothing behind it.
NAMED = re.compile(r"[^<>]*<[^<>]*>[\s,;]*")
SEPARATORS = (",", ";", "\t", "|")
# The first line with which Excel is told the separator.
SAID = re.compile(r"\s*\"?sep=(.)\"?\s*\n", re.IGNORECASE)


class Parsed(NamedTuple):
    """A text taken as a table."""

    rows: list[Row]
    score: float


def read(text: str) -> Sheet | None:
    """Return the table that the text is; None if it is none."""
    said = SAID.match(text)
    start = 1 if said else 0
    body = text[said.end() :] if said else text
    separators = (said[1],) if said else SEPARATORS
    tried = [_parse(body, separator, start, whole=whole) for separator in separators for whole in (True, False)]
    best = max(tried, key=lambda parsed: parsed.score)
    if best.score <= 0 or not is_table(best.rows, is_said=said is not None):
        return None
    return Sheet("", best.rows)


def _parse(text: str, separator: str, start: int, *, whole: bool) -> Parsed:
    if separator == "|" and _is_markdown(text):
        text = "\n".join(line.strip().strip("|") for line in text.split("\n"))
    rows = list(_rows(text, separator, start) if whole else _rows_of_lines(text, separator, start))
    if any("@" in cell for row in rows for cell in row.cells[MAX_COLUMNS:]):
        return Parsed([], 0)
    rows = [row._replace(cells=row.cells[:MAX_COLUMNS]) for row in rows]
    return Parsed(rows, _score(rows) - (0 if whole else 0.5))


def _rows(text: str, separator: str, start: int) -> Iterator[Row]:
    """Parse the whole text, in which cells may have line breaks."""
    # Line breaks stay as they are inside cells, and count in the numbers of lines.
    reader = csv.reader(text.splitlines(keepends=True), delimiter=separator, skipinitialspace=separator != "\t")
    number = start + 1
    try:
        for cells in reader:
            yield Row(number, [_cell(cell) for cell in cells])
            number = start + reader.line_num + 1
            if number > MAX_ROWS * 8:
                raise RefusedError(Refusal.TOO_LONG)
    except csv.Error:
        return


def _rows_of_lines(text: str, separator: str, start: int) -> Iterator[Row]:
    """Parse each line alone, so that a quote without its second one affects no other line."""
    for number, line in enumerate(text.split("\n"), start + 1):
        try:
            (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=separator != "\t") if line else [[]]
        except (csv.Error, ValueError):
            cells = line.split(separator)
        yield Row(number, [_cell(cell) for cell in cells])


def _is_markdown(text: str) -> bool:
    """Whether each row stands between two bars, as tables in Markdown do."""
    lines = [line.strip() for line in text.split("\n") if "|" in line]
    return all(line.startswith("|") and line.endswith("|") and len(line) > 2 for line in lines)


def _cell(text: str) -> str:
    return addresses.clean(text).strip()


def _addresses(cell: str) -> int:
    return sum(found.email is not None for found in addresses.find(cell)) if "@" in cell else 0


def _is_address(cell: str) -> bool:
    """Whether a cell has addresses only, or a name before one in angle brackets."""
    if not _addresses(cell):
        return False
    return bool(NAMED.fullmatch(cell)) or not addresses.without(cell, list(addresses.find(cell))).strip(
        " ,;:()<>[]'\"/"
    )


def _score(rows: Sequence[Row]) -> float:
    """Return how many rows have an address and the usual width."""
    with_address = [row for row in rows if any("@" in cell for cell in row.cells)]
    widths = Counter(len(row.cells) for row in with_address)
    if not widths:
        return 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < 2:
        return 0
    one = sum(sum(map(_is_address, row.cells)) == 1 for row in with_address)
    titled = any(_is_titles(row.cells) for row in rows[:20])
    return count * 0.6 + one * 0.4 + 0.05 * width + (len(with_address) if titled else 0)


def _is_titles(cells: Sequence[str]) -> bool:
    roles = {role for cell in cells for role in roles_of(cell)}
    return len(cells) > 1 and bool(roles - {Role.IGNORE}) and not any("@" in cell for cell in cells)


def is_table(rows: Sequence[Row], *, is_said: bool) -> bool:
    """Whether rows are those of a table, and not lines of addresses with commas between them."""
    with_address = [row for row in rows if any(map(_addresses, row.cells))]
    if not with_address:
        return False
    first = rows.index(with_address[0])
    if is_said or any(_is_titles(row.cells) for row in (*rows[: min(first, 12)], *rows[max(0, first - 3) : first])):
        return True
    positions: Counter[int] = Counter()
    for row in with_address:
        inside = [at for at, cell in enumerate(row.cells) if _addresses(cell)]
        if len(inside) != 1 or len(row.cells) < 2 or _addresses(row.cells[inside[0]]) > 1:
            return False
        if not _is_address(row.cells[inside[0]]):
            return False
        positions[inside[0]] += 1
    at, count = positions.most_common(1)[0]
    return count >= 0.8 * len(with_address) and (len(with_address) > 1 or _looks_like_row(with_address[0].cells, at))


def _looks_like_row(cells: Sequence[str], at: int) -> bool:
    """Whether one row alone is a row: short cells stand beside it."""
    return all(names.is_name_like(cell) or len(cell) < 20 for index, cell in enumerate(cells) if index != at)
