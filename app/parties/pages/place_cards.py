"""Place cards: the name of each person who has a seat, to be cut out and set on the table."""

from collections.abc import Iterator

from flask_appbuilder import expose, has_access, permission_name
from flask_babel import gettext as _

from app.parties.access import BasePartyView
from app.parties.models import DinnerParty
from app.parties.rsvps import guest_list
from app.parties.rsvps.guest_list import GuestEntry


class PlaceCardsView(BasePartyView):
    """The place cards of a party."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/place-cards")
    @has_access
    @permission_name("host")
    def show(self, slug: str) -> str:
        """Show a card for each seat that is taken."""
        party = self.get_hosted(slug)
        return str(self.render_template("parties/place_cards.html", party=party, names=list(_names(party))))


def _names(party: DinnerParty) -> Iterator[str]:
    for entries in guest_list.all_entries(party):
        for entry in entries:
            if entry.rsvp.is_seated:
                yield from _names_of(entry)


def _names_of(entry: GuestEntry) -> Iterator[str]:
    entered = {person.position: person.name for person in entry.people}
    guest = str(entry.rsvp)
    for position in range(entry.rsvp.party_size):
        yield entered.get(position) or (_("Guest of %(name)s", name=guest) if position else guest)
