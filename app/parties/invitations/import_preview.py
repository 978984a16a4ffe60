"""What importing a list of guests would do, row by row. Nothing is stored."""

from collections import Counter
from collections.abc import Collection, Iterator
from typing import NamedTuple

from flask_babel import lazy_gettext

from app.accounts.models import Member
from app.address_key import address_key
from app.enums import LabelledEnum
from app.parties.invitations import import_list
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.import_list import ColumnRole, ImportEntry
from app.parties.invitations.lists.people import Fate, Person, ReadRow
from app.parties.invitations.lists.reader import Reading
from app.parties.models import DinnerParty


class RowOutcome(LabelledEnum):
    """What would happen to a row, or to one of the people in it."""

    INVITED = "invited", lazy_gettext("Will be invited")
    KNOWN = "known", lazy_gettext("Already invited")
    DUPLICATE = "twice", lazy_gettext("Duplicate")
    INVALID = "bad", lazy_gettext("Not an e-mail address")
    NO_ADDRESS = "none", lazy_gettext("No e-mail address")
    BEYOND_LIMIT = "late", lazy_gettext("Daily limit exceeded")
    LEFT_OUT = "out", lazy_gettext("Left out")
    HEADING = "title", lazy_gettext("Column headings")
    ABOVE = "above", lazy_gettext("Above the column headings")


OUTCOMES = {
    Fate.TITLES: RowOutcome.HEADING,
    Fate.ABOVE: RowOutcome.ABOVE,
    Fate.NO_ADDRESS: RowOutcome.NO_ADDRESS,
    Fate.INVALID: RowOutcome.INVALID,
}


class Selection(NamedTuple):
    """The addresses that the host leaves out, and those to invite although they would be left out."""

    leave: Collection[str] = ()
    include: Collection[str] = ()


class PreviewRow(NamedTuple):
    """A row of the list, or one of the people in it, and what would happen to it."""

    source: ReadRow
    outcome: RowOutcome
    entry: ImportEntry | None = None
    person: Person | None = None
    # Of the field with which the host changes whether the person is left out.
    field: str = ""

    @property
    def details(self) -> list[tuple[str, str]]:
        """What the row says besides, with a label for each: invitations have no place for it."""
        labels = ColumnRole.labels()
        return [(str(labels[role]), text) for role, text in self.source.details.items()]


class ImportPreview(NamedTuple):
    """All rows of a list, in their order."""

    reading: Reading
    rows: list[PreviewRow]

    @property
    def kind(self) -> str:
        """What was recognised, in words."""
        return str(import_list.KINDS[self.reading.kind])

    @property
    def encodings(self) -> list[tuple[str, str]]:
        """The encodings that the host can choose, if it was guessed."""
        return import_list.encoding_choices(self.reading.encoding)

    @property
    def entries(self) -> list[ImportEntry]:
        """The guests to invite. Some may be invited already."""
        return [row.entry for row in self.rows if row.entry is not None and row.outcome is not RowOutcome.LEFT_OUT]

    @property
    def counts(self) -> list[tuple[RowOutcome, int]]:
        """How many rows have each outcome. The sum is the number of rows."""
        found = Counter(row.outcome for row in self.rows)
        return [(outcome, found[outcome]) for outcome in RowOutcome if found[outcome]]

    def count(self, outcome: RowOutcome) -> int:
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def invalid(self) -> int:
        """How many rows have no e-mail address."""
        return self.count(RowOutcome.INVALID) + self.count(RowOutcome.NO_ADDRESS)

    @property
    def invited(self) -> int:
        """How many guests would be invited."""
        return self.count(RowOutcome.INVITED)

    @property
    def has_details(self) -> bool:
        return any(row.source.details or (row.person and row.person.also) for row in self.rows)


def preview(party: DinnerParty, host: Member, reading: Reading, selection: Selection) -> ImportPreview:
    """Return what would happen to each row if the host invited these guests now."""
    people = list(_people(reading))
    known = invitation_queries.known_keys(
        party, [address_key(entry.email) for _row, _person, entry in people if entry is not None]
    )
    remaining = invitation_queries.remaining_today(host)
    seen: set[str] = set()
    previewed = []
    for row, person, entry in people:
        if entry is None:
            previewed.append(PreviewRow(row, OUTCOMES.get(row.fate, RowOutcome.INVALID)))
            continue
        email, by_default = address_key(entry.email), row.is_hidden or row.is_declined
        if email in seen:
            outcome = RowOutcome.DUPLICATE
        elif email in known:
            outcome = RowOutcome.KNOWN
        elif (email not in selection.include) if by_default else (email in selection.leave):
            outcome = RowOutcome.LEFT_OUT
        else:
            outcome = RowOutcome.INVITED if remaining > 0 else RowOutcome.BEYOND_LIMIT
            remaining -= 1
        field = "include" if by_default else "leave"
        previewed.append(PreviewRow(row, outcome, entry, person, "" if email in seen | known else field))
        seen.add(email)
    return ImportPreview(reading, previewed)


def _people(reading: Reading) -> Iterator[tuple[ReadRow, Person | None, ImportEntry | None]]:
    """Yield each person with their row, and each row without a person."""
    for row in reading.rows:
        if not row.people:
            yield row, None, None
        for person in row.people:
            email = import_list.normalize_email(person.email)
            name = person.name[: import_list.MAX_NAME_LENGTH].strip()
            locale = import_list.find_locale(person.language)
            yield row, person, ImportEntry(email, name, person.seats, locale) if email else None
