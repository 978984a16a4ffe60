"""What importing a list of guests would do, row by row. Nothing is stored."""

from typing import NamedTuple

from flask_babel import lazy_gettext

from app.accounts.models import Member
from app.enums import LabelledEnum
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations.import_list import ImportEntry, ImportRow
from app.parties.models import DinnerParty


class RowOutcome(LabelledEnum):
    """What would happen to a row."""

    INVITED = "invited", lazy_gettext("Will be invited")
    KNOWN = "known", lazy_gettext("Already invited")
    DUPLICATE = "twice", lazy_gettext("Duplicate")
    INVALID = "bad", lazy_gettext("Not an e-mail address")
    BEYOND_LIMIT = "late", lazy_gettext("Daily limit exceeded")
    HEADING = "title", lazy_gettext("Column headings")


class PreviewRow(NamedTuple):
    """A row of the list, and what would happen to it."""

    source: ImportRow
    outcome: RowOutcome


class ImportPreview(NamedTuple):
    """All rows of a list, in their order."""

    rows: list[PreviewRow]

    @property
    def entries(self) -> list[ImportEntry]:
        """The guests with an e-mail address. Some may be invited already."""
        return [row.source.entry for row in self.rows if row.source.entry is not None]

    def count(self, outcome: RowOutcome) -> int:
        return sum(row.outcome is outcome for row in self.rows)

    @property
    def invalid(self) -> int:
        """How many rows have no e-mail address."""
        return self.count(RowOutcome.INVALID)

    @property
    def invited(self) -> int:
        """How many guests would be invited."""
        return self.count(RowOutcome.INVITED)


def preview(party: DinnerParty, host: Member, rows: list[ImportRow]) -> ImportPreview:
    """Return what would happen to each row if the host invited these guests now."""
    known = invitation_queries.known_emails(party, [row.entry.email for row in rows if row.entry is not None])
    remaining = invitation_queries.remaining_today(host)
    seen: set[str] = set()
    previewed = []
    for row in rows:
        email = row.entry.email.lower() if row.entry else ""
        if row.is_heading:
            outcome = RowOutcome.HEADING
        elif not email:
            outcome = RowOutcome.INVALID
        elif email in seen:
            outcome = RowOutcome.DUPLICATE
        elif email in known:
            outcome = RowOutcome.KNOWN
        else:
            outcome = RowOutcome.INVITED if remaining > 0 else RowOutcome.BEYOND_LIMIT
            remaining -= 1
        seen.add(email)
        previewed.append(PreviewRow(row, outcome))
    return ImportPreview(previewed)
