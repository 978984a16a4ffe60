"""The list of guests as a file for spreadsheets: an answer in each row."""

from collections.abc import Iterator, Mapping, Sequence

from flask_babel import gettext as _

from app.crud.csv import cell, lines
from app.food import ALLERGENS, DIETS
from app.i18n import formats
from app.parties.enums import RsvpStatus
from app.parties.models import RsvpPerson
from app.parties.potluck.models import DishClaim
from app.parties.rsvps.guest_list import GuestEntry

BETWEEN = "; "


def csv_lines(guests: Sequence[GuestEntry]) -> Iterator[str]:
    """Yield the file, a head and a row for each guest."""
    head = (
        *(_("Name"), _("E-mail address"), _("Answer"), _("Seats"), _("Companions"), _("Diet"), _("Must not eat")),
        *(_("For the kitchen"), _("Note"), _("Bringing"), _("Checked in")),
    )
    yield lines([[cell(title) for title in head]])
    yield lines(_row(guest) for guest in guests)


def _row(guest: GuestEntry) -> list[str]:
    rsvp = guest.rsvp
    values = (
        rsvp.name,
        rsvp.email,
        str(RsvpStatus.labels()[rsvp.status]),
        rsvp.party_size,
        BETWEEN.join(guest.companions),
        _told(guest.people, "diets", DIETS),
        _told(guest.people, "allergens", ALLERGENS),
        BETWEEN.join(f"{_called(person)}: {person.note}" for person in guest.people if person.note),
        rsvp.note,
        BETWEEN.join(_brought(dish) for dish in guest.dishes),
        rsvp.checked_in_at,
    )
    return [cell(value) for value in values]


def _told(people: Sequence[RsvpPerson], column: str, names: Mapping[str, object]) -> str:
    """Return who told what: "Ana: Vegan; Bo: Halal"."""
    told = [(person, [str(names[key]) for key in getattr(person, column) if key in names]) for person in people]
    return BETWEEN.join(f"{_called(person)}: {formats.value(keys)}" for person, keys in told if keys)


def _called(person: RsvpPerson) -> str:
    return person.name or _("Seat %(number)d", number=person.position + 1)


def _brought(dish: DishClaim) -> str:
    return f"{dish.quantity} × {dish}" if dish.quantity > 1 else str(dish)
