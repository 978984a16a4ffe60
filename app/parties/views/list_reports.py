"""What a list of people would do, line by line, before anything is done."""

from enum import Enum
from typing import NamedTuple

from flask_babel import lazy_gettext

from app.accounts.models import Member
from app.parties.models import DinnerParty
from app.parties.queries import invited
from app.parties.service.address_lists import Entry, Line


class Fate(Enum):
    """What becomes of a line."""

    INVITED = "invited"
    KNOWN = "known"
    TWICE = "twice"
    BAD = "bad"
    LATE = "late"
    TITLE = "title"


WORDS = {
    Fate.INVITED: lazy_gettext("Will be invited"),
    Fate.KNOWN: lazy_gettext("Already invited"),
    Fate.TWICE: lazy_gettext("Twice in the list"),
    Fate.BAD: lazy_gettext("Not an address"),
    Fate.LATE: lazy_gettext("Too many for one day"),
    Fate.TITLE: lazy_gettext("Titles of the columns"),
}


class Reported(NamedTuple):
    """A line, and what becomes of it."""

    line: Line
    fate: Fate

    @property
    def words(self) -> object:
        """What becomes of it, for people."""
        return WORDS[self.fate]


class Report(NamedTuple):
    """What a list would do."""

    lines: list[Reported]

    @property
    def entries(self) -> list[Entry]:
        """Those with an address, in their order; some may be invited already."""
        return [line.entry for line, _fate in self.lines if line.entry is not None]

    @property
    def bad(self) -> int:
        """How many have no address."""
        return self.count(Fate.BAD)

    @property
    def invited(self) -> int:
        """How many would be invited."""
        return self.count(Fate.INVITED)

    def count(self, fate: Fate) -> int:
        """Return how many lines fare so."""
        return sum(each.fate is fate for each in self.lines)


def reported(party: DinnerParty, host: Member, lines: list[Line]) -> Report:
    """Return what would become of each line of a list if the host invited them now."""
    known = invited.at_the_table(party, [line.entry.email for line in lines if line.entry is not None])
    left, seen, told = invited.left_today(host), set[str](), []
    for line in lines:
        email = line.entry.email.lower() if line.entry else ""
        if line.is_title:
            fate = Fate.TITLE
        elif not email:
            fate = Fate.BAD
        elif email in seen:
            fate = Fate.TWICE
        elif email in known:
            fate = Fate.KNOWN
        else:
            fate = Fate.INVITED if left > 0 else Fate.LATE
            left -= 1
        seen.add(email)
        told.append(Reported(line, fate))
    return Report(told)
