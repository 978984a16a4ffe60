"""Lists of guests that a host pastes or sends: what was read, and whom it invites."""

import csv
import io
import re
from functools import lru_cache
from typing import NamedTuple

import email_validator
from flask_babel import lazy_gettext, lazy_ngettext

from app.enums import LabelledEnum
from app.errors import DomainError
from app.http import release_request_lock
from app.i18n import locales
from app.parties.invitations.lists import encodings, kinds, process, reader
from app.parties.invitations.lists.reader import Choices, Reading
from app.parties.invitations.lists.tables import MAX_COLUMNS, Kind, Refusal, RefusedError, Role

MAX_ROWS = reader.MAX_PEOPLE
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 130, 254
# A cell that is an e-mail address as a whole.
EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")

REFUSALS = {
    Refusal.EMPTY: lazy_gettext("This list is empty."),
    Refusal.TOO_LARGE: lazy_gettext("This file is too large: up to 4 MB can be sent."),
    Refusal.TOO_LONG: lazy_ngettext(
        "The list is too long: up to %(num)d person can be read at once. Send a part of it.",
        "The list is too long: up to %(num)d people can be read at once. Send a part of it.",
        MAX_ROWS,
    ),
    Refusal.TOO_WIDE: lazy_ngettext(
        "This table is too wide: %(num)d column can be read. Delete the columns that are not needed.",
        "This table is too wide: %(num)d columns can be read. Delete the columns that are not needed.",
        MAX_COLUMNS,
    ),
    Refusal.TOO_SLOW: lazy_gettext(
        "Reading this file takes too much time or memory. Copy the names and addresses from it, and paste them."
    ),
    Refusal.DOCUMENT: lazy_gettext(
        "This is a document, not a list. Copy the names and addresses from it, and paste them."
    ),
    Refusal.PDF: lazy_gettext("This is a PDF, not a list. Copy the names and addresses from it, and paste them."),
    Refusal.NUMBERS: lazy_gettext("Files of Numbers and Pages cannot be read. Export the list as CSV first."),
    Refusal.PICTURE: lazy_gettext("This is a picture. Nothing can be read from it."),
    Refusal.ENCRYPTED: lazy_gettext("This file is protected by a password. Save it without one first."),
    Refusal.DAMAGED: lazy_gettext("This file cannot be read. Export the list as CSV, or copy and paste it."),
    Refusal.UNKNOWN: lazy_gettext("This file is not a list of names. Save it as CSV first."),
}


class ColumnRole(LabelledEnum):
    """What a column of a list is taken for, in the words of the preview."""

    NAME = Role.NAME, lazy_gettext("Full name")
    GIVEN = Role.GIVEN, lazy_gettext("First name")
    FAMILY = Role.FAMILY, lazy_gettext("Last name")
    EMAIL = Role.EMAIL, lazy_gettext("E-mail address")
    SEATS = Role.SEATS, lazy_gettext("Seats")
    PLUS_ONES = Role.PLUS_ONES, lazy_gettext("Companions")
    ADULTS = Role.ADULTS, lazy_gettext("Adults")
    CHILDREN = Role.CHILDREN, lazy_gettext("Children")
    LANGUAGE = Role.LANGUAGE, lazy_gettext("Language")
    DIET = Role.DIET, lazy_gettext("Diet")
    TABLE = Role.TABLE, lazy_gettext("Table")
    NOTE = Role.NOTE, lazy_gettext("Note")
    STATUS = Role.STATUS, lazy_gettext("Answer")
    IGNORE = Role.IGNORE, lazy_gettext("Not used")


KINDS = {
    Kind.TEXT: lazy_gettext("Text with addresses"),
    Kind.TABLE: lazy_gettext("Text table"),
    Kind.VCARD: lazy_gettext("Address book (vCard)"),
    Kind.LDIF: lazy_gettext("Address book (LDIF)"),
    Kind.HTML: lazy_gettext("Web page"),
    Kind.XLSX: lazy_gettext("Spreadsheet"),
    Kind.XLS: lazy_gettext("Spreadsheet"),
    Kind.EXCEL_XML: lazy_gettext("Spreadsheet"),
    Kind.ODS: lazy_gettext("Spreadsheet"),
}


class ImportEntry(NamedTuple):
    """A guest to invite. Without a `number`, the maximum party size of the party applies; without a locale, the list's."""

    email: str
    name: str = ""
    number: int | None = None
    locale: str | None = None


def read(data: bytes | str, choices: Choices) -> Reading:
    """Read a list in another process. Raises DomainError if it is none. Nothing may have been written in this request."""
    with release_request_lock():
        try:
            return process.read(data, choices)
        except RefusedError as error:
            raise DomainError(REFUSALS[error.reason], field="file" if isinstance(data, bytes) else "text") from error


def encoding_choices(guessed: str) -> list[tuple[str, str]]:
    """Return the encodings in which a file can be read, and what they are called; none if the text tells its own."""
    if not guessed or guessed.startswith("utf"):
        return []
    return [(name, re.sub(r"^CP(?=125\d)", "WINDOWS-", name.upper())) for name in encodings.choices()]


def as_text(carried: str, sheet: int | None) -> str:
    """Return a list as text that a host can change, from that which the pages carry on."""
    if not carried.startswith(kinds.SAVED):
        return carried
    try:
        sheets = kinds.read(carried).sheets
    except RefusedError:
        return ""
    written = io.StringIO()
    chosen = sheets[sheet] if sheet is not None and sheet < len(sheets) else sheets[0]
    csv.writer(written, delimiter="\t", lineterminator="\n").writerows(row.cells for row in chosen.rows)
    return written.getvalue()


@lru_cache(maxsize=256)
def find_locale(text: str) -> str | None:
    """Return the shipped locale that a cell names, by its code or in one of the site's languages; None if there is none."""
    if not text:
        return None
    known = locales.match(text)
    if known is not None:
        return known.key
    wanted = text.casefold()
    for info in locales.shipped():
        named = locales.parse(info.key)
        names = (named and named.get_display_name(other.key) for other in locales.shipped())
        if wanted in {info.name.casefold(), *(name.casefold() for name in names if name)}:
            return info.key
    return None


def normalize_email(text: str) -> str | None:
    """Return the e-mail address in the form that is stored and compared; None if it is not valid."""
    if len(text) > MAX_EMAIL_LENGTH or not EMAIL.fullmatch(text):
        return None
    try:
        # The site cannot write to mailboxes with letters beyond ASCII.
        return email_validator.validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized
    except email_validator.EmailNotValidError:
        return None
