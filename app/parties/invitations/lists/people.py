"""The people of a sheet. Each piece of text with an @ becomes a person, a second address, or is named as not read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from . import addresses, columns, names, numbers
from .addresses import Found
from .columns import NAMES, Layout
from .headings import DECLINED
from .tables import Role, Row, Sheet

MAX_TEXT = 500
# Google's separator of several values in a cell: they are of one person.
OF_ONE = ":::"
# Parts of a person that invitations have no place for.
DETAILS = (Role.DIET, Role.TABLE, Role.NOTE, Role.STATUS)


class Fate(StrEnum):
    """What becomes of a row."""

    PEOPLE = "people"
    TITLES = "titles"
    ABOVE = "above"
    NO_ADDRESS = "no_address"
    INVALID = "invalid"


@dataclass
class Person:
    """A person. `seats` are those the list says, the person included; `also` are their other addresses."""

    email: str
    name: str = ""
    seats: int | None = None
    also: list[str] = field(default_factory=list)
    language: str = ""


@dataclass
class ReadRow:
    """A row, and what was read from it. `unread` are pieces with an @ that were not, `details` what has no place."""

    number: int
    text: str
    fate: Fate
    people: list[Person] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    details: dict[str, str] = field(default_factory=dict)
    is_hidden: bool = False
    is_declined: bool = False


def read(sheet: Sheet, layout: Layout) -> list[ReadRow]:
    """Return what each row that is not empty says."""
    rows = []
    titles = layout.titles if layout.titles_at is not None else None
    for at, row in enumerate(sheet.rows):
        if not any(row.cells):
            continue
        if layout.titles_at is not None and at < layout.titles_at and not any("@" in cell for cell in row.cells):
            rows.append(_plain(row, Fate.ABOVE))
        elif titles is not None and (at == layout.titles_at or _is_titles(row, titles)):
            rows.append(_plain(row, Fate.TITLES))
        else:
            rows.append(_read_row(row, layout))
    check(rows, sheet)
    return rows


def text_of(row: Row) -> str:
    return " · ".join(" ".join(cell.split()) for cell in row.cells if cell)[:MAX_TEXT]


def _plain(row: Row, fate: Fate) -> ReadRow:
    return ReadRow(row.number, text_of(row), fate, is_hidden=row.is_hidden)


def _is_titles(row: Row, titles: Sequence[str]) -> bool:
    """Whether the titles are repeated, or divided from the rows by dashes."""
    filled = [cell for cell in row.cells if cell]
    return filled == [title for title in titles if title] or not any(c.isalnum() for cell in filled for c in cell)


@dataclass
class _Cells:
    """The cells of a row that are not empty, and what has an @ in them. `taken` are those with the person's addresses."""

    layout: Layout
    texts: dict[int, str]
    found: dict[int, list[Found]]
    taken: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, row: Row, layout: Layout) -> Self:
        texts = {index: cell for index, cell in enumerate(row.cells) if cell}
        cells = cls(layout, texts, {index: list(addresses.find(cell)) for index, cell in texts.items() if "@" in cell})
        valid = [index for index, pieces in cells.found.items() if any(piece.email for piece in pieces)]
        of_email = [index for index in valid if cells.role(index) is Role.EMAIL]
        beside_name = [index for index in valid if cells.role(index) in NAMES]
        cells.taken = of_email or beside_name[:1]
        return cells

    def role(self, index: int) -> Role:
        return self.layout.roles[index] if index < len(self.layout.roles) else Role.IGNORE

    def first(self, role: Role) -> str:
        """Return the first cell with this role."""
        return next((cell for index, cell in self.texts.items() if self.role(index) is role), "")

    def line(self, role: Role) -> str:
        return " ".join(self.first(role).split())[:MAX_TEXT]

    def emails(self, index: int) -> list[str]:
        """Return the different addresses of a cell."""
        return list(dict.fromkeys(piece.email for piece in self.found[index] if piece.email))


def _read_row(row: Row, layout: Layout) -> ReadRow:
    result = _plain(row, Fate.NO_ADDRESS)
    cells = _Cells.of(row, layout)
    result.people = _people(cells)
    result.unread = list(_unread(cells.found, result.people))
    result.details = {role: text for role in DETAILS if (text := cells.line(role))}
    result.is_declined = columns.fold(cells.line(Role.STATUS)) in columns.folded(DECLINED)
    if result.people:
        result.fate = Fate.PEOPLE
    elif result.unread:
        result.fate = Fate.INVALID
    return result


def _people(cells: _Cells) -> list[Person]:
    emails = list(dict.fromkeys(email for index in cells.taken for email in cells.emails(index)))
    if not emails:
        return []
    text = _name_text(cells)
    own, persons = names.turn(names.tidy(text)), names.split(text)
    language = cells.line(Role.LANGUAGE)
    several = max(len(cells.emails(index)) for index in cells.taken)
    is_one = several == 1 or any(OF_ONE in cells.texts[index] for index in cells.taken)
    if is_one or len(emails) == 1 or (own and len(persons) == 1):
        beside = _name_beside(cells)
        # Without titles, which cell has the name is less certain.
        is_beside = cells.layout.titles_at is None and cells.layout.titles and beside
        return [Person(emails[0], beside if is_beside else own or beside, _seats(cells), emails[1:], language)]
    named = _names_for(emails, persons, cells) if len(persons) == len(emails) or not own else [own] * len(emails)
    return [Person(email, name, language=language) for email, name in zip(emails, named, strict=True)]


def _names_for(emails: Sequence[str], persons: Sequence[str], cells: _Cells) -> list[str]:
    """Return the names of people who share a row, from its names or from the texts before their addresses."""
    if len(persons) == len(emails):
        return [names.turn(name) for name in _with_shared_family_name(persons)]
    before: dict[str, str] = {}
    for index in cells.taken:
        last = 0
        for piece in cells.found[index]:
            if piece.email:
                before.setdefault(piece.email, names.turn(names.clean(cells.texts[index][last : piece.start])))
            last = piece.end
    return [before.get(email, "") for email in emails]


def _with_shared_family_name(persons: Sequence[str]) -> list[str]:
    """Return the names of a couple: "Ana & Luis Gil" are Ana Gil and Luis Gil."""
    words = persons[-1].split()
    return [f"{name} {words[-1]}" if len(words) > 1 and " " not in name else name for name in persons]


def _name_beside(cells: _Cells) -> str:
    """Return the name in the cell of the address: "Ana Ruiz <ana@example.org>"."""
    index = cells.taken[0]
    text = addresses.without(cells.texts[index], cells.found[index]).replace(OF_ONE, " ")
    return names.turn(names.clean(names.LABEL.sub("", text)))


def _name_text(cells: _Cells) -> str:
    """Return the name: first and last name, or the full name if one of them is missing."""

    def written(role: Role) -> str:
        for index, cell in cells.texts.items():
            if cells.role(index) is role:
                pieces = cells.found.get(index, [])
                # Brackets stay behind where an address was.
                rest = addresses.without(cell, [piece for piece in pieces if piece.email])
                text = names.clean(rest) if pieces else names.tidy(rest)
                if text:
                    return text
        return ""

    given, family, full = written(Role.GIVEN), written(Role.FAMILY), written(Role.NAME)
    if full and not (given and family):
        return full
    is_family_first = cells.layout.is_family_first or names.is_east_asian(family)
    return " ".join(part for part in ((family, given) if is_family_first else (given, family)) if part)


def _seats(cells: _Cells) -> int | None:
    """Return the number of seats that the columns say."""
    seats = numbers.count(cells.first(Role.SEATS))
    if seats is not None:
        return max(seats, 1)
    adults, children = numbers.count(cells.first(Role.ADULTS)), numbers.count(cells.first(Role.CHILDREN))
    companions = _companions(cells.first(Role.PLUS_ONES))
    if adults is None and companions is None and children is None:
        return None
    total = (adults if adults is not None else 1) + (companions or 0) + (children or 0)
    return min(max(total, 1), numbers.MAX_SEATS)


def _companions(cell: str) -> int | None:
    said = numbers.plus_ones(cell)
    return said if said is not None else len(names.split(cell.replace(",", ";"))) or None


def _unread(found: dict[int, list[Found]], people: Sequence[Person]) -> Iterator[str]:
    """Yield what has an @ and was not read. An address that a row repeats, as in a display name, was."""
    for pieces in found.values():
        for piece in pieces:
            if not _is_read(piece, people):
                yield piece.text


def _is_read(piece: Found, people: Sequence[Person]) -> bool:
    if piece.email is None:
        return any(piece.text in person.name for person in people)
    return any(piece.email.lower() in map(str.lower, (person.email, *person.also)) for person in people)


def check(rows: Sequence[ReadRow], sheet: Sheet) -> None:
    """Make sure that nobody vanishes: what has an @ is in a person, or named as not read."""
    filled = [row for row in sheet.rows if any(row.cells)]
    for row, result in zip(filled, rows, strict=True):
        pieces = [piece for cell in row.cells if "@" in cell for piece in addresses.find(cell)]
        if not pieces:
            continue
        lost = [piece for piece in pieces if piece.text not in result.unread and not _is_read(piece, result.people)]
        if lost or (not result.people and not result.unread):
            raise AssertionError(f"row {row.number} lost {lost}")
