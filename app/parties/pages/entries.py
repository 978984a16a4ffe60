"""The entries of public lists as HTML, rendered once for each state of a party and each way to read it.

The key of an entry has all that its template prints, as it has just been read from the database: nothing has to be dropped.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from flask import current_app
from markupsafe import Markup

from app import clock, zone_rules
from app.i18n.selectors import current_locale, current_timezone, hour_cycle, known_timezone
from app.parties.listed import ListedParty

# Of about 1 KB each.
MOST_ENTRIES = 2000
EXTENSION = "party_entries"


def of(
    parties: Iterable[ListedParty], mine: Mapping[int, int] | None = None, *, numbered: bool = False
) -> list[Markup]:
    """Return the entry of each party for the reader, who has the seats `mine`; `numbered` adds its ID."""
    entry: Callable[..., Markup] = current_app.extensions.setdefault(EXTENSION, cached())
    # A developer may change the template.
    entry = _entry if current_app.debug else entry
    # Dates of this year are shown without it; in every zone a year begins at a quarter of an hour.
    quarter = clock.now().timestamp() // 900
    reader = current_locale(), current_timezone(), known_timezone(), hour_cycle(), zone_rules.version(), quarter
    return [
        entry(party, (party.is_over, party.is_past, party.is_late), (mine or {}).get(party.id, 0), numbered, reader)
        for party in parties
    ]


def cached() -> Any:
    """Return the function that renders an entry, with a memory."""
    return lru_cache(MOST_ENTRIES)(_entry)


def _entry(party: ListedParty, _state: object, mine: int, numbered: bool, _reader: object) -> Markup:  # noqa: FBT001
    draw: Any = current_app.jinja_env.get_template("parties/_party.html").module
    return Markup(draw.list_entry(party, numbered=numbered, mine=mine))  # noqa: S704 - Jinja has escaped it
