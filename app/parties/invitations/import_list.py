"""Read lists of guests: CSV files of spreadsheets, exports of address books, lines copied from an e-mail.

No format is required. A cell with an @ is the e-mail address, a cell with digits only is the party size, and the other
cells are the name. If the first row has column headings, they tell which column is which.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext, lazy_ngettext

from app.crud.fields import clean_line
from app.errors import DomainError
from app.http import parse_int
from app.parties.models import MAX_SEATS

MAX_ROWS, MAX_KILOBYTES = 1000, 256
MAX_CHARACTERS = MAX_KILOBYTES * 1024
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 130, 254
DELIMITERS = (",", ";", "\t")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# "Ana Ferrer <ana@example.org>", as mail programs copy it.
WITH_NAME = re.compile(r"(?P<name>[^<>]*)<\s*(?P<email>[^<>\s]+)\s*>\s*")
# A cell that is an e-mail address as a whole.
EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
# Words in column headings, in the languages of usual exports.
EMAIL_HEADINGS = ("mail", "correo", "courriel", "بريد")
NAME_HEADINGS = ("name", "nombre", "apellido", "nom", "اسم")
NUMBER_HEADINGS = (
    "number",
    "guest",
    "people",
    "persons",
    "seats",
    "how many",
    "número",
    "numero",
    "personas",
    "plazas",
    "anzahl",
    "عدد",
)

TOO_LONG = lazy_ngettext(
    "The list is too long: up to %(num)d line with %(kilobytes)d kB can be sent at once.",
    "The list is too long: up to %(num)d lines with %(kilobytes)d kB can be sent at once.",
    MAX_ROWS,
    kilobytes=MAX_KILOBYTES,
)
NO_TEXT = lazy_gettext("This file is not a list of names. Save it as CSV first.")
EMPTY = lazy_gettext("This list is empty.")


class ImportEntry(NamedTuple):
    """A guest to invite. Without a `number`, the maximum party size of the party applies."""

    email: str
    name: str = ""
    number: int | None = None


class ImportRow(NamedTuple):
    """A row of the list; `number` counts from 1. A row without an e-mail address, or with headings, has no entry."""

    number: int
    text: str
    entry: ImportEntry | None
    is_heading: bool = False


class ColumnMapping(NamedTuple):
    """The positions of the columns with e-mail addresses, names and party sizes."""

    email: frozenset[int]
    name: frozenset[int]
    number: frozenset[int]


def decode(data: bytes) -> str:
    """Return the text of a file. Raises DomainError if it is too large or no text."""
    if len(data) > MAX_CHARACTERS:
        raise DomainError(TOO_LONG)
    try:
        text = data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig")
    except UnicodeError:
        # The default of western spreadsheets.
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise DomainError(NO_TEXT)
    return text


def normalize(text: str) -> str:
    """Return the text without a byte order mark and NUL characters, with line feeds at the ends of lines."""
    return "\n".join(text.replace("\0", "").removeprefix("\ufeff").splitlines()).strip("\n")


def read(text: str) -> list[ImportRow]:
    """Return the rows that are not empty. Raises DomainError if there are none, or too many."""
    numbered = [(number, line) for number, line in enumerate(normalize(text).split("\n"), 1) if line.strip(" \t,;")]
    if len(text) > MAX_CHARACTERS + MAX_ROWS or len(numbered) > MAX_ROWS:
        raise DomainError(TOO_LONG)
    if not numbered:
        raise DomainError(EMPTY)
    # The delimiter is the one that gives the most e-mail addresses, then the most cells.
    candidates = [[list(_cells(line, delimiter)) for _number, line in numbered] for delimiter in DELIMITERS]
    rows = max(candidates, key=_score)
    columns = _find_columns(rows[0])
    result = []
    for index, ((number, line), cells) in enumerate(zip(numbered, rows, strict=True)):
        is_heading = columns is not None and index == 0
        shown = clean_line(line.replace("\t", " ")) or ""
        result.append(ImportRow(number, shown, None if is_heading else _find_entry(cells, columns), is_heading))
    return result


def normalize_email(text: str) -> str | None:
    """Return the e-mail address in the form that is stored and compared; None if it is not valid."""
    if len(text) > MAX_EMAIL_LENGTH or not EMAIL.fullmatch(text):
        return None
    try:
        # The site cannot write to mailboxes with letters beyond ASCII.
        return validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        return None


def _score(rows: list[list[str]]) -> tuple[int, int]:
    found = sum(any(EMAIL.fullmatch(cell) or WITH_NAME.fullmatch(cell) for cell in cells) for cells in rows)
    return found, sum(len(cells) for cells in rows)


def _cells(line: str, delimiter: str) -> Iterator[str]:
    """Yield the cells of one line. Each line is parsed alone, so that an unclosed quote affects no other line."""
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        cells = line.split(delimiter)
    for cell in cells:
        yield clean_line(cell) or ""


def _find_columns(cells: Sequence[str]) -> ColumnMapping | None:
    """Return which column is which if the cells are headings, and None if they are not."""
    headings = [cell.lower() for cell in cells]
    if any("@" in heading for heading in headings):
        return None
    email = _columns_with(headings, EMAIL_HEADINGS)
    name = _columns_with(headings, NAME_HEADINGS) - email
    # A column with the full name makes those with its parts redundant.
    name = frozenset(index for index in name if headings[index] in NAME_HEADINGS) or name
    number = _columns_with(headings, NUMBER_HEADINGS) - email - name
    return ColumnMapping(email, name, number) if email else None


def _columns_with(headings: Sequence[str], words: Sequence[str]) -> frozenset[int]:
    return frozenset(index for index, heading in enumerate(headings) if any(word in heading for word in words))


def _find_entry(cells: Sequence[str], columns: ColumnMapping | None) -> ImportEntry | None:
    """Return the guest of a row, found by the first valid e-mail address; None if there is none."""
    candidates = [index for index, cell in enumerate(cells) if "@" in cell]
    if columns is not None:
        # Other columns can contain an @, too: user names of other services, for instance.
        candidates = [index for index in candidates if index in columns.email]
    for index in candidates:
        cell = cells[index]
        match = WITH_NAME.fullmatch(cell)
        email = normalize_email(match["email"] if match else cell)
        if email is not None:
            number, names = _number_and_names(cells, index, columns)
            name = match["name"].strip(' "') if match else ""
            return ImportEntry(email, (name or " ".join(names))[:MAX_NAME_LENGTH].strip(), number)
    return None


def _number_and_names(
    cells: Sequence[str], email_index: int, columns: ColumnMapping | None
) -> tuple[int | None, list[str]]:
    """Return the party size and the parts of the name from the cells beside the e-mail address."""
    number, names = None, []
    for index, cell in enumerate(cells):
        if index == email_index or not cell:
            continue
        may_be_number = columns is None or not columns.number or index in columns.number
        size = parse_int(cell, MAX_SEATS, clamp=True)
        if size is not None and may_be_number and number is None:
            # A number with more digits is a phone number.
            number = (size or 1) if len(cell) <= len(str(MAX_SEATS)) else None
        elif "@" not in cell and (columns is None or index in columns.name):
            names.append(cell)
    return number, names
