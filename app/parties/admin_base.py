"""What the generated views of parties have in common."""

from typing import Any, Protocol

from flask_babel import ngettext

# By what a party and a member are named where one is chosen, and what is searched for it.
PARTY_KEY = ("slug", ["title", "slug"])
MEMBER_KEY = ("username", ["username", "first_name", "last_name", "email"])


class PartyRow(Protocol):
    """A row that belongs to a party."""

    id: Any
    party_id: Any


def by_party(row: PartyRow) -> tuple[int, int]:
    """Order rows by their parties: of two who do something with several at once, neither waits for the other."""
    return row.party_id, row.id


def reoffered_text(offered: int) -> str:
    """Say how many seats went to those who wait."""
    text = ngettext("%(num)d seat offered to the next in line.", "%(num)d seats offered to the next in line.", offered)
    return str(text)
