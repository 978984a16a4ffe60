"""Lists of people as hosts have them: files of spreadsheets, exports of address books, lines from a letter.

Nothing is asked of their form. An address is a cell that has an @, a number one of digits only, and the rest is the
name; where the columns have titles, those say which is which.
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
from app.parties.models import MAX_SEATS

MAX_ROWS, MAX_KILOBYTES = 1000, 256
MAX_CHARACTERS = MAX_KILOBYTES * 1024
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 130, 254
DELIMITERS = (",", ";", "\t")
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# "Ana Ferrer <ana@example.org>", as programs for mail copy it.
WITH_NAME = re.compile(r"(?P<name>[^<>]*)<\s*(?P<email>[^<>\s]+)\s*>\s*")
# An address that a list was cut in the middle of is none.
WHOLE = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
# Parts of the titles that columns have, in the languages of those who export address books.
EMAIL_TITLES = ("mail", "correo", "courriel", "بريد")
NAME_TITLES = ("name", "nombre", "apellido", "nom", "اسم")
NUMBER_TITLES = (
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
    """Somebody to invite. Without a number, as many may come with them as the party says."""

    email: str
    name: str = ""
    number: int | None = None


class ImportRow(NamedTuple):
    """A line of a list, counted from 1. What no address was found in has no entry; titles of columns are no people."""

    number: int
    text: str
    entry: ImportEntry | None
    is_title: bool = False


class ColumnMapping(NamedTuple):
    """Which columns are which."""

    email: frozenset[int]
    name: frozenset[int]
    number: frozenset[int]


def decode(data: bytes) -> str:
    """Return the text of a file; raises DomainError for what is too large, or no text."""
    if len(data) > MAX_CHARACTERS:
        raise DomainError(TOO_LONG)
    try:
        text = data.decode("utf-16" if data.startswith(UTF_16) else "utf-8-sig")
    except UnicodeError:
        # What spreadsheets in the west write where nobody asks them for anything else.
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        raise DomainError(NO_TEXT)
    return text


def plain(text: str) -> str:
    """Return a list as it is read: without marks at its start and in lines that all end alike."""
    return "\n".join(text.replace("\0", "").removeprefix("\ufeff").splitlines()).strip("\n")


def read(text: str) -> list[ImportRow]:
    """Return the lines of a list that are not empty; raises DomainError when there are none, or too many."""
    numbered = [(number, line) for number, line in enumerate(plain(text).split("\n"), 1) if line.strip(" \t,;")]
    if len(text) > MAX_CHARACTERS + MAX_ROWS or len(numbered) > MAX_ROWS:
        raise DomainError(TOO_LONG)
    if not numbered:
        raise DomainError(EMPTY)
    rows = _rows([line for _number, line in numbered])
    columns = _columns(rows[0])
    lines = []
    for place, ((number, line), cells) in enumerate(zip(numbered, rows, strict=True)):
        is_title = columns is not None and place == 0
        shown = clean_line(line.replace("\t", " ")) or ""
        lines.append(ImportRow(number, shown, None if is_title else _entry(cells, columns), is_title))
    return lines


def address(text: str) -> str | None:
    """Return an address as it is kept, or None for what is none."""
    if len(text) > MAX_EMAIL_LENGTH or not WHOLE.fullmatch(text):
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        return None


def _rows(lines: Sequence[str]) -> list[list[str]]:
    """Return the cells of each line, parted by what most addresses are found with."""
    parted = [[list(_cells(line, delimiter)) for line in lines] for delimiter in DELIMITERS]
    return max(parted, key=_score)


def _score(rows: list[list[str]]) -> tuple[int, int]:
    found = sum(any(WHOLE.fullmatch(cell) or WITH_NAME.fullmatch(cell) for cell in cells) for cells in rows)
    return found, sum(len(cells) for cells in rows)


def _cells(line: str, delimiter: str) -> Iterator[str]:
    """Yield the cells of one line. Each line is read for itself: a quote that was never closed spoils no other."""
    try:
        (cells,) = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        cells = line.split(delimiter)
    for cell in cells:
        yield clean_line(cell) or ""


def _columns(cells: Sequence[str]) -> ColumnMapping | None:
    """Return which column is which, if `cells` are their titles."""
    titles = [cell.lower() for cell in cells]
    if any("@" in title for title in titles):
        return None
    email = _titled(titles, EMAIL_TITLES)
    name = _titled(titles, NAME_TITLES) - email
    # Beside a whole name, its parts would only say it twice.
    name = frozenset(place for place in name if titles[place] in NAME_TITLES) or name
    number = _titled(titles, NUMBER_TITLES) - email - name
    return ColumnMapping(email, name, number) if email else None


def _titled(titles: Sequence[str], words: Sequence[str]) -> frozenset[int]:
    return frozenset(number for number, title in enumerate(titles) if any(word in title for word in words))


def _entry(cells: Sequence[str], columns: ColumnMapping | None) -> ImportEntry | None:
    found = [(place, *_part(cell)) for place, cell in enumerate(cells) if "@" in cell]
    if columns is not None:
        # Other columns may have an @, too: what somebody is called elsewhere, say.
        found = [each for each in found if each[0] in columns.email]
    for place, called, typed in found:
        email = address(typed)
        if email is not None:
            number, names = _others(cells, place, columns)
            return ImportEntry(email, (called or " ".join(names))[:MAX_NAME_LENGTH].strip(), number)
    return None


def _part(cell: str) -> tuple[str, str]:
    """Return the name and the address in a cell."""
    match = WITH_NAME.fullmatch(cell)
    return (match["name"].strip(' "'), match["email"]) if match else ("", cell)


def _others(cells: Sequence[str], place: int, columns: ColumnMapping | None) -> tuple[int | None, list[str]]:
    """Return how many are to come, and the parts of the name: the first number, and what else there is."""
    number, names = None, []
    for other, cell in enumerate(cells):
        if other == place or not cell:
            continue
        may_count = columns is None or not columns.number or other in columns.number
        if cell.isascii() and cell.isdigit() and may_count and number is None:
            # Longer ones are telephone numbers.
            number = min(max(int(cell), 1), MAX_SEATS) if len(cell) <= len(str(MAX_SEATS)) else None
        elif "@" not in cell and (columns is None or other in columns.name):
            names.append(cell)
    return number, names
