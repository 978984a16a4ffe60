"""A party as public lists show it: the columns that they print, without the rest of its row and of its host's."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Select, select

from app.accounts.models import Member
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty


@dataclass(frozen=True)
class ListedHost:
    """The host, as far as lists name them."""

    username: str
    first_name: str
    last_name: str
    erased_at: datetime | None

    display_name: ClassVar[Any] = Member.display_name


@dataclass(frozen=True)
class ListedParty:
    """A party, as far as lists show it. Two that are equal look the same."""

    id: int
    slug: str
    title: str
    main_dish: str
    venue: str
    area: str
    picture: str | None
    starts_at: datetime
    duration_minutes: int
    timezone: str
    rsvp_deadline: datetime | None
    number_seats: int
    seats_taken: int
    status: PartyStatus
    host: ListedHost

    # As of the whole row.
    ends_at: ClassVar[Any] = DinnerParty.ends_at
    answers_until: ClassVar[Any] = DinnerParty.answers_until
    is_draft: ClassVar[Any] = DinnerParty.is_draft
    is_cancelled: ClassVar[Any] = DinnerParty.is_cancelled
    is_done: ClassVar[Any] = DinnerParty.is_done
    is_past: ClassVar[Any] = DinnerParty.is_past
    is_over: ClassVar[Any] = DinnerParty.is_over
    is_late: ClassVar[Any] = DinnerParty.is_late
    is_full: ClassVar[Any] = DinnerParty.is_full
    seats_free: ClassVar[Any] = DinnerParty.seats_free


def _names(shown: type[Any]) -> list[str]:
    return [field.name for field in fields(shown)]


OWN = [getattr(DinnerParty, name) for name in _names(ListedParty) if name != "host"]
OF_HOST = [getattr(Member, name) for name in _names(ListedHost)]


def listed() -> Select[Any]:
    """Return the statement for what lists show of all parties."""
    return select(*OWN, *OF_HOST).join(DinnerParty.host)


def read(row: Any) -> ListedParty:
    """Return the party of a row of that statement."""
    values = (*row[: len(OWN)], ListedHost(*row[len(OWN) :]))
    return ListedParty(*values)
