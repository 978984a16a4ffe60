"""The API of parties as a whole."""

from flask import Response
from flask_appbuilder.api import expose

from app.http import page_number
from app.parties import queries, schemas, serialization
from app.parties.access import current_member
from app.parties.api_base import PAGE_PARAMETER, PAGED_FIELDS, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.invitations import queries as invitation_queries
from app.parties.models import DinnerParty
from app.parties.pages import schemas as page_schemas
from app.parties.serialization import serialize_party
from app.parties.waiting_list import queries as waiting_list_queries

MANY = {"type": "array", "items": schemas.PartySummary}


class PartyApi(PartyApiBase):
    """Parties, as the member who asks sees them."""

    @expose("")
    @endpoint(
        "read",
        gives=MANY,
        parameters=(PAGE_PARAMETER,),
        more=PAGED_FIELDS,
    )
    def list(self) -> Response:
        """List the coming public parties, the next first. A page has 24 of them."""
        page = queries.public_page(page_number())
        return self.response(
            200, result=schemas.PartySummary(many=True).dump(page.items), page=page.number, has_next=page.has_next
        )

    @expose("/mine")
    @endpoint("read", gives=page_schemas.MyParties)
    def mine(self) -> Response:
        """List one's own parties: the latest hundred of each kind."""
        rsvps = queries.rsvps_by(current_member())
        offers = waiting_list_queries.open_offers(rsvps)
        groups: dict[str, list[DinnerParty]] = {
            "hosted": queries.hosted_by(current_member(), public_only=False),
            "attended": [rsvp.party for rsvp in rsvps if rsvp.is_seated],
            "offered": [rsvp.party for rsvp in rsvps if rsvp.id in offers],
            "waiting": [rsvp.party for rsvp in rsvps if rsvp.is_queued and rsvp.id not in offers],
            "asked": [rsvp.party for rsvp in rsvps if rsvp.is_awaiting_approval],
            "invited": invitation_queries.parties_inviting(current_member()),
        }
        return self.response(200, result=page_schemas.MyParties().dump(groups))

    @expose("/<slug>")
    @endpoint("read", gives=serialization.Party, refusals=PARTY_NOT_FOUND)
    def show(self, slug: str) -> Response:
        """Show a party, and one's RSVP to it."""
        party, _guest, rsvp = self.get_visible(slug)
        return self.response(200, result=serialize_party(self, party, rsvp))
