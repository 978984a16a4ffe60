"""A party as public lists show it: the columns that they print, without the rest of its row and of its host's."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, select

from app.accounts.models import Member
from app.parties.enums import PartyStatus
from app.parties.models import DinnerParty


class ListedHost(NamedTuple):
    """The host, as far as lists name them."""

    username: str
    first_name: str
    last_name: str
    erased_at: datetime | None

    display_name = Member.display_name


class ListedParty(NamedTuple):
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

    ends_at, answers_until = DinnerParty.ends_at, DinnerParty.answers_until
    is_draft, is_cancelled, is_done = DinnerParty.is_draft, DinnerParty.is_cancelled, DinnerParty.is_done
    is_past, is_over, is_late = DinnerParty.is_past, DinnerParty.is_over, DinnerParty.is_late
    is_full, seats_free = DinnerParty.is_full, DinnerParty.seats_free


OWN = [getattr(DinnerParty, name) for name in ListedParty._fields if name != "host"]
OF_HOST = [getattr(Member, name) for name in ListedHost._fields]


def listed() -> Select[tuple[object, ...]]:
    """Return the statement for what lists show of all parties."""
    return select(*OWN, *OF_HOST).join(DinnerParty.host)


def read(row: tuple[object, ...]) -> ListedParty:
    """Return the party of a row of that statement."""
    return ListedParty(*row[: len(OWN)], ListedHost(*row[len(OWN) :]))  # type: ignore[arg-type]
