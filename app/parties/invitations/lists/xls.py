"""Workbooks of Excel until 2003."""

import io

import xlrd  # type: ignore[import-untyped]

from .tables import MAX_COLUMNS, MAX_ROWS, Refusal, RefusedError, Row, Sheet, cut
from .xlsx import MAILTO, number


def read(data: bytes) -> list[Sheet]:
    """Return the sheets, visible ones first."""
    try:
        with xlrd.open_workbook(
            file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True
        ) as book:
            sheets = sorted(book.sheets(), key=lambda sheet: sheet.visibility)
            return [_sheet(sheet) for sheet in sheets]
    except RefusedError:
        raise
    except xlrd.XLRDError as error:
        said = str(error).lower()
        raise RefusedError(Refusal.ENCRYPTED if "encrypt" in said else Refusal.DOCUMENT) from error
    # Whatever a damaged file makes of it.
    except Exception as error:
        raise RefusedError(Refusal.DAMAGED) from error


def _sheet(sheet: xlrd.sheet.Sheet) -> Sheet:
    links = {
        (row, column): found[1]
        for (row, column), link in sheet.hyperlink_map.items()
        if (found := MAILTO.match(link.url_or_path if isinstance(link.url_or_path, str) else ""))
    }
    rows = []
    for at in range(sheet.nrows):
        cells = [cell_text(cell, links.get((at, column))) for column, cell in enumerate(sheet.row(at)[:MAX_COLUMNS])]
        if any(cells):
            info = sheet.rowinfo_map.get(at)
            rows.append(Row(at + 1, cells, bool(info and info.hidden)))
        if len(rows) > MAX_ROWS:
            raise RefusedError(Refusal.TOO_LONG)
    hidden = frozenset(column for column, info in sheet.colinfo_map.items() if info.hidden)
    return Sheet(sheet.name, rows, hidden)


def cell_text(cell: xlrd.sheet.Cell, link: str | None = None) -> str:
    if cell.ctype == xlrd.XL_CELL_TEXT:
        value = cut(cell.value.strip())
    elif cell.ctype in {xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_DATE}:
        value = number(str(cell.value))
    elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
        value = "TRUE" if cell.value else "FALSE"
    else:
        # Errors are numbers here, which would be seats.
        value = ""
    return f"{value} <{link}>" if link and link.lower() not in value.lower() else value
