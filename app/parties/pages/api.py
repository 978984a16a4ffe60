from collections.abc import Iterable
from typing import Any

from flask import Response
from flask_appbuilder.api import expose

from app.http import page_number
from app.parties import queries, schemas, serialization
from app.parties.access import current_member
from app.parties.api_base import PAGE_PARAMETER, PAGED_FIELDS, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.enums import QUEUED, SEATED, RsvpStatus
from app.parties.invitations import queries as invitation_queries
from app.parties.models import DinnerParty
from app.parties.pages import schemas as page_schemas
from app.parties.serialization import serialize_party
from app.parties.waiting_list import queries as waiting_list_queries

MANY = {"type": "array", "items": schemas.PartySummary}


class PartyApi(PartyApiBase):
    """Parties, as whoever is asking sees them."""

    @expose("")
    @endpoint(
        "read",
        gives=MANY,
        parameters=(PAGE_PARAMETER,),
        more=PAGED_FIELDS,
    )
    def list(self) -> Response:
        """List the public parties that are to come. The next is the first; a page has 24 of them."""
        page = queries.public_page(page_number())
        return self.response(200, result=in_short(page.items), page=page.number, has_next=page.has_next)

    @expose("/mine")
    @endpoint("read", gives=page_schemas.MyParties)
    def mine(self) -> Response:
        """List one's own parties. Of each kind, the latest hundred."""
        theirs = queries.rsvps_by(current_member())
        open_offers = waiting_list_queries.open_offers(rsvp for rsvp in theirs if rsvp.status == RsvpStatus.OFFERED)
        groups: dict[str, list[DinnerParty]] = {
            "hosted": queries.hosted_by(current_member(), public_only=False),
            "attended": [rsvp.party for rsvp in theirs if rsvp.status in SEATED],
            "offered": [rsvp.party for rsvp in theirs if rsvp.id in open_offers],
            "waiting": [rsvp.party for rsvp in theirs if rsvp.status in QUEUED and rsvp.id not in open_offers],
            "asked": [rsvp.party for rsvp in theirs if rsvp.status == RsvpStatus.AWAITING_APPROVAL],
            "invited": invitation_queries.parties_inviting(current_member()),
        }
        return self.response(200, result=page_schemas.MyParties().dump(groups))

    @expose("/<slug>")
    @endpoint("read", gives=serialization.Party, refusals=PARTY_NOT_FOUND)
    def show(self, slug: str) -> Response:
        """Show a party, and how one stands with it."""
        party, _guest, rsvp = self.get_visible(slug)
        return self.response(200, result=serialize_party(self, party, rsvp))


def in_short(parties: Iterable[DinnerParty]) -> Any:
    """Return parties as they stand in lists."""
    return schemas.PartySummary(many=True).dump(parties)
