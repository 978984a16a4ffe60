"""The location of a party, as far as a reader can see it. All pages, e-mails and the API get it from here."""

from collections.abc import Collection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import current_app

from app.parties import rules
from app.parties.models import DinnerParty, Rsvp

# In the setting MAP_URL.
ADDRESS_PLACEHOLDER = "{address}"


class Location(NamedTuple):
    """Venue, postal address and URL of a map. What the reader cannot see is empty: the area stands for the address."""

    venue: str
    address: str
    map_url: str
    area: str = ""

    @property
    def map_site(self) -> str:
        """The host name of the map, shown with the link."""
        return urlsplit(self.map_url).hostname or ""


def shows_address(party: DinnerParty, rsvp: Rsvp | None = None, *, is_host: bool = False) -> bool:
    """Whether a guest with this RSVP, or a host, sees the postal address. Without an RSVP it is a visitor."""
    status = rsvp.status if rsvp else None
    shown = rules.shows_address(for_guests=party.address_for_guests, status=status, is_host=is_host)
    return shown or (rsvp is not None and party.is_hosted_by(rsvp.member_id))


def shows_change(party: DinnerParty, columns: Collection[str], rsvp: Rsvp | None = None) -> bool:
    """Whether a guest with this RSVP sees anything else if these columns of the party have changed."""
    with_address = shows_address(party, rsvp)
    unseen = {"area"} if with_address and party.address else set() if with_address else {"address"}
    return not unseen.issuperset(columns)


def visible_location(party: DinnerParty, *, with_address: bool) -> Location:
    """Return the whole location, or only the venue and the area."""
    if not with_address:
        return Location(party.venue, "", "", party.area)
    if not party.address:
        return Location(party.venue, "", _map_url(party), party.area)
    return Location(party.venue, party.address, _map_url(party))


def _map_url(party: DinnerParty) -> str:
    """Return the host's link to a map, or a link that searches for the address."""
    # Checked again here: no other URL scheme may become a link, however it got into the database.
    if rules.is_web_link(party.map_url):
        return party.map_url
    pattern = str(current_app.config["MAP_URL"])
    return (
        pattern.replace(ADDRESS_PLACEHOLDER, quote(party.address, safe="", errors="replace"))
        if pattern and party.address
        else ""
    )
