"""The guest list as a CSV file, with an RSVP in each row."""

from collections.abc import Iterable, Iterator, Sequence

from flask_babel import gettext as _

from app.crud.csv import cell
from app.i18n import formats
from app.i18n.cells import lines
from app.parties.models import RsvpPerson
from app.parties.rsvps.guest_list import GuestEntry

BETWEEN = "; "


def csv_lines(pieces: Iterable[Sequence[GuestEntry]]) -> Iterator[str]:
    """Yield the file: a header, and a row for each guest."""
    header = (
        *(_("Name"), _("E-mail address"), _("Answer"), _("Seats"), _("Companions"), _("Diet"), _("Must not eat")),
        *(_("For the kitchen"), _("Note"), _("Bringing"), _("Checked in")),
    )
    yield lines([[cell(title) for title in header]])
    for guests in pieces:
        yield lines(_row(guest) for guest in guests)


def _row(guest: GuestEntry) -> list[str]:
    rsvp = guest.rsvp
    values = (
        rsvp.name,
        rsvp.shown_email,
        str(rsvp.status.label),
        rsvp.party_size,
        BETWEEN.join(guest.companions),
        BETWEEN.join(
            f"{_name_of(person)}: {formats.value(person.diet_names)}" for person in guest.people if person.diet_names
        ),
        BETWEEN.join(
            f"{_name_of(person)}: {formats.value(person.allergen_names)}"
            for person in guest.people
            if person.allergen_names
        ),
        BETWEEN.join(f"{_name_of(person)}: {person.note}" for person in guest.people if person.note),
        rsvp.note,
        BETWEEN.join(f"{dish.quantity} × {dish}" if dish.quantity > 1 else str(dish) for dish in guest.dishes),
        rsvp.checked_in_at,
    )
    return [cell(value) for value in values]


def _name_of(person: RsvpPerson) -> str:
    return person.name or _("Seat %(number)d", number=person.position + 1)
