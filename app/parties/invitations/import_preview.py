"""What a list of people would do, line by line, before anything is done."""

from enum import Enum
from typing import NamedTuple

from flask_babel import lazy_gettext

from app.accounts.models import Member
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.import_list import ImportEntry, ImportRow
from app.parties.models import DinnerParty


class RowOutcome(Enum):
    """What becomes of a line."""

    INVITED = "invited"
    KNOWN = "known"
    TWICE = "twice"
    BAD = "bad"
    LATE = "late"
    TITLE = "title"


OUTCOME_TEXTS = {
    RowOutcome.INVITED: lazy_gettext("Will be invited"),
    RowOutcome.KNOWN: lazy_gettext("Already invited"),
    RowOutcome.TWICE: lazy_gettext("Duplicate"),
    RowOutcome.BAD: lazy_gettext("Not an e-mail address"),
    RowOutcome.LATE: lazy_gettext("Daily limit exceeded"),
    RowOutcome.TITLE: lazy_gettext("Column headings"),
}


class PreviewRow(NamedTuple):
    """A line, and what becomes of it."""

    line: ImportRow
    fate: RowOutcome

    @property
    def words(self) -> object:
        """What becomes of it, for people."""
        return OUTCOME_TEXTS[self.fate]


class ImportPreview(NamedTuple):
    """What a list would do."""

    lines: list[PreviewRow]

    @property
    def entries(self) -> list[ImportEntry]:
        """Those with an address, in their order; some may be invited already."""
        return [line.entry for line, _fate in self.lines if line.entry is not None]

    @property
    def bad(self) -> int:
        """How many have no address."""
        return self.count(RowOutcome.BAD)

    @property
    def invited(self) -> int:
        """How many would be invited."""
        return self.count(RowOutcome.INVITED)

    def count(self, fate: RowOutcome) -> int:
        """Return how many lines fare so."""
        return sum(each.fate is fate for each in self.lines)


def preview(party: DinnerParty, host: Member, lines: list[ImportRow]) -> ImportPreview:
    """Return what would become of each line of a list if the host invited them now."""
    known = invitation_queries.emails_of_guests(party, [line.entry.email for line in lines if line.entry is not None])
    left, seen, told = invitation_queries.left_today(host), set[str](), []
    for line in lines:
        email = line.entry.email.lower() if line.entry else ""
        if line.is_title:
            fate = RowOutcome.TITLE
        elif not email:
            fate = RowOutcome.BAD
        elif email in seen:
            fate = RowOutcome.TWICE
        elif email in known:
            fate = RowOutcome.KNOWN
        else:
            fate = RowOutcome.INVITED if left > 0 else RowOutcome.LATE
            left -= 1
        seen.add(email)
        told.append(PreviewRow(line, fate))
    return ImportPreview(told)
