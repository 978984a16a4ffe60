"""Rows as an Excel workbook. It is written to a file of its own, a row at a time: its size is not that of the memory."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from flask import Response
from markupsafe import Markup

from app.i18n import cells, selectors

TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel refuses more, and numbers that are longer lose digits.
MAX_TEXT, MAX_DIGITS = 32_767, 15
BLOCK = 64 * 1024
WIDTH = 20
# What XML 1.0 cannot have.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def attached(name: str, title: str, rows: Iterable[Sequence[Any]]) -> Response:
    """Return a response that sends `rows`, the first of which are the titles, as the file `name`.xlsx.

    Texts are written as texts: none becomes a formula or a link.
    """
    # Not at the start: only this needs it.
    import xlsxwriter

    file = TemporaryFile()  # noqa: SIM115 - closed when it is sent
    try:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(file, options) as book:
            sheet = book.add_worksheet(_sheet_name(title))
            formats = {
                datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
                date: book.add_format({"num_format": "yyyy-mm-dd"}),
            }
            heading = book.add_format({"bold": True})
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    _write(sheet, (number, column), value, formats if number else {str: heading})
                if not number:
                    sheet.set_column(0, max(len(row) - 1, 0), WIDTH)
    except BaseException:
        file.close()
        raise
    size = file.seek(0, 2)
    file.seek(0)
    response = Response(_blocks(file), content_type=TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.xlsx"'
    response.content_length = size
    response.call_on_close(file.close)
    return response


def _blocks(file: Any) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _sheet_name(title: str) -> str:
    """Return a name of a sheet: Excel refuses some characters, and more than 31."""
    return UNWRITABLE.sub("", re.sub(r"[\[\]:*?/\\]", " ", title)).strip(" '")[:31] or "1"


def _write(sheet: Any, at: tuple[int, int], value: Any, formats: Any) -> None:
    if isinstance(value, datetime):
        # Excel knows no zones: the reader's.
        local = value.astimezone(selectors.zone_info()) if value.tzinfo else value
        sheet.write_datetime(*at, local.replace(tzinfo=None), formats[datetime])
    elif isinstance(value, date):
        sheet.write_datetime(*at, value, formats[date])
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and _fits(value):
        sheet.write_number(*at, value)
    elif value is not None:
        text = value if isinstance(value, str) and not isinstance(value, Markup) else cells.plain(value)
        sheet.write_string(*at, UNWRITABLE.sub("", text)[:MAX_TEXT], formats.get(str))


def _fits(value: float | Decimal) -> bool:
    return len(str(value).strip("-").replace(".", "")) <= MAX_DIGITS and Decimal(value).is_finite()
