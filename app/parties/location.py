"""Where a party is, as far as somebody may know it: the one place where addresses and maps are told from."""

from typing import NamedTuple
from urllib.parse import quote, urlsplit

from flask import current_app

from app.parties import rules
from app.parties.models import DinnerParty, Rsvp

FIELDS = "{address}"


class Location(NamedTuple):
    """What somebody is told of a place. What they are not told is empty."""

    venue: str
    address: str
    map_url: str

    @property
    def map_site(self) -> str:
        """Whose map it is: readers are told where a link leads."""
        return urlsplit(self.map_url).hostname or ""


def shows_address(party: DinnerParty, rsvp: Rsvp | None = None, *, is_host: bool = False) -> bool:
    """Whether whoever gave `answer`, or hosts, is told the address; whoever did neither is a stranger."""
    status = rsvp.status if rsvp else None
    shown = rules.shows_address(for_guests=party.address_for_guests, status=status, is_host=is_host)
    return shown or _hosts(party, rsvp)


def visible_location(party: DinnerParty, *, with_address: bool) -> Location:
    """Return where a party is: all of it, or only what it is called there."""
    if not with_address:
        return Location(party.venue, "", "")
    return Location(party.venue, party.address, _map_of(party))


def _hosts(party: DinnerParty, rsvp: Rsvp | None) -> bool:
    if rsvp is None or rsvp.member_id is None:
        return False
    return rsvp.member_id in {party.host_id, *(member.id for member in party.co_hosts)}


def _map_of(party: DinnerParty) -> str:
    """Return the host's own link to a map, or one that looks the address up."""
    # Whoever wrote it to the database, nothing but an address of the web becomes a link.
    if rules.is_web_link(party.map_url):
        return party.map_url
    pattern = str(current_app.config["MAP_URL"])
    return pattern.replace(FIELDS, quote(party.address, safe="", errors="replace")) if pattern and party.address else ""
