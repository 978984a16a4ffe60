"""What every kind of file is read into: sheets of rows of cells."""

from enum import StrEnum
from typing import NamedTuple

MAX_ROWS, MAX_COLUMNS = 5000, 256
# That of Excel.
MAX_CELL_LENGTH = 32_767


class Refusal(StrEnum):
    """Why a file is not read."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_WIDE = "too_wide"
    TOO_SLOW = "too_slow"
    DOCUMENT = "document"
    PDF = "pdf"
    NUMBERS = "numbers"
    PICTURE = "picture"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


class RefusedError(Exception):
    """The file is not read."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason)
        self.reason = reason


class Kind(StrEnum):
    """The kinds of files."""

    TEXT = "text"
    TABLE = "table"
    VCARD = "vcard"
    LDIF = "ldif"
    HTML = "html"
    XLSX = "xlsx"
    XLS = "xls"
    EXCEL_XML = "excel_xml"
    ODS = "ods"


class Role(StrEnum):
    """What a column holds."""

    NAME = "name"
    GIVEN = "given"
    FAMILY = "family"
    EMAIL = "email"
    SEATS = "seats"
    PLUS_ONES = "plus_ones"
    ADULTS = "adults"
    CHILDREN = "children"
    LANGUAGE = "language"
    DIET = "diet"
    TABLE = "table"
    NOTE = "note"
    STATUS = "status"
    IGNORE = "ignore"


class Row(NamedTuple):
    """A row; `number` counts from 1 as the program of the file does."""

    number: int
    cells: list[str]
    is_hidden: bool = False


class Sheet(NamedTuple):
    """A sheet. `roles` are known where the format itself says what is what; then there is no row of titles."""

    name: str
    rows: list[Row]
    hidden_columns: frozenset[int] = frozenset()
    roles: tuple[Role, ...] | None = None


class Source(NamedTuple):
    """What a file contains. `text` is that of a file that is text, in the guessed `encoding`."""

    kind: Kind
    sheets: list[Sheet]
    encoding: str = ""
    text: str = ""


def cut(text: str) -> str:
    """Return what is kept of a cell. Raises RefusedError if somebody were cut off."""
    if "@" in text[MAX_CELL_LENGTH:]:
        raise RefusedError(Refusal.TOO_LONG)
    return text[:MAX_CELL_LENGTH]


def refuse_far(text: str) -> None:
    """Raise RefusedError if somebody stands behind the last column that is read."""
    if "@" in text:
        raise RefusedError(Refusal.TOO_WIDE)
