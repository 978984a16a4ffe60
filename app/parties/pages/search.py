"""What visitors look for among the coming public parties: words, an area, a day, free seats, and dishes for a diet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, or_, select

from app import search_key
from app.food import DIETS, IMPLIED
from app.http import parse_int
from app.i18n.selectors import zone_info
from app.parties.menu.models import MenuItem
from app.parties.models import MAX_SEATS, DinnerParty

MAX_WORDS_LENGTH, MAX_WORDS = 100, 8


@dataclass(frozen=True)
class PartySearch:
    """What is asked for. Words and an area, of which all words have to occur; a day on the clock of the reader; a key of a diet."""

    words: str = ""
    area: str = ""
    day: date | None = None
    seats: int = 0
    diet: str = ""

    @property
    def is_empty(self) -> bool:
        return self == PartySearch()

    @property
    def conditions(self) -> list[ColumnElement[bool]]:
        return list(self._conditions())

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        for word in self.words.split()[:MAX_WORDS]:
            columns = DinnerParty.title, DinnerParty.main_dish, DinnerParty.venue
            yield or_(*(search_key.is_like(column, word, "%", "%") for column in columns))
        for word in self.area.split()[:MAX_WORDS]:
            yield search_key.is_like(DinnerParty.area, word, "%", "%")
        if self.day:
            start = datetime.combine(self.day, time(), zone_info())
            yield DinnerParty.starts_at.between(start, start + timedelta(days=1) - timedelta(microseconds=1))
        if self.seats:
            yield DinnerParty.number_seats - DinnerParty.seats_taken >= self.seats
        if self.diet:
            # A vegan dish is vegetarian, too.
            suitable = {self.diet, *(diet for diet, others in IMPLIED.items() if self.diet in others)}
            stored = cast(MenuItem.diets, String)
            suits = or_(*(stored.contains(f'"{diet}"', autoescape=True) for diet in sorted(suitable)))
            yield DinnerParty.id.in_(select(MenuItem.party_id).where(suits))


NAMES = frozenset(field.name for field in fields(PartySearch))


def read(arguments: Mapping[str, Any]) -> PartySearch:
    """Return the search that the URL asks for. What cannot be read is left out."""
    diet, day = arguments.get("diet", ""), arguments.get("day", "")
    try:
        on = date.fromisoformat(day) if day else None
    except ValueError:
        on = None
    return PartySearch(
        words=_words(arguments.get("words", "")),
        area=_words(arguments.get("area", "")),
        # The calendars of time zones begin and end.
        day=on if on and 1 < on.year < date.max.year else None,
        seats=parse_int(arguments.get("seats"), MAX_SEATS, clamp=True) or 0,
        diet=diet if diet in DIETS else "",
    )


def _words(text: str) -> str:
    return " ".join(text[:MAX_WORDS_LENGTH].split())
