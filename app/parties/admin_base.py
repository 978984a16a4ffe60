"""What the generated administration pages of parties share."""

from typing import Any, Protocol

from flask_babel import ngettext

# For choosing a party or a member: the key column, and the columns that are searched.
PARTY_KEY = ("slug", ["title", "slug"])
MEMBER_KEY = ("username", ["username", "first_name", "last_name", "email"])


class PartyRow(Protocol):
    """A row that belongs to a party."""

    id: Any
    party_id: Any


def by_party(row: PartyRow) -> tuple[int, int]:
    """Sort key for actions on several rows: parties are locked in one order, so that two requests cannot deadlock."""
    return row.party_id, row.id


def reoffered_text(offered: int) -> str:
    text = ngettext("%(num)d seat offered to the next in line.", "%(num)d seats offered to the next in line.", offered)
    return str(text)
