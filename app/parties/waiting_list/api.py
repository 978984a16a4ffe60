"""The API of the waiting list."""

from flask import Response, abort
from flask_appbuilder.api import expose

from app.parties.api_base import PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.schemas import ReaderView
from app.parties.waiting_list import history_texts
from app.parties.waiting_list import queries as waiting_list_queries
from app.parties.waiting_list import schemas as waiting_list_schemas


class WaitingListApi(PartyApiBase):
    """The waiting list of a party."""

    @expose("/<slug>/waiting-list")
    @endpoint("rsvp", gives=waiting_list_schemas.WaitingList, refusals=PARTY_NOT_FOUND)
    def waiting_list(self, slug: str) -> Response:
        """Show one's position on the waiting list and the reasons for it. Hosts see who waits."""
        party, _guest, rsvp = self.get_answerable(slug)
        with_names = self.is_host(party) or self.is_staff()
        if not (with_names or (rsvp is not None and rsvp.is_queued)):
            abort(403)
        offers, free = waiting_list_queries.open_offers_and_free_seats(party)
        queue = history_texts.queue_texts(party, free)
        position, reason = queue.get(rsvp.id, (None, None)) if rsvp else (None, None)
        line = [
            ReaderView(guest, {"name": str(guest), "place": queue[guest.id][0], "why": queue[guest.id][1]})
            for guest in (waiting_list_queries.waiting_rsvps(party.id) if with_names else ())
        ]
        shown = {
            "place": position,
            "why": reason,
            "offer": next((offer for offer in offers if rsvp and offer.rsvp_id == rsvp.id), None),
            "steps": history_texts.history(party, waiting_list_queries.events(party), own=rsvp, with_names=with_names),
            "line": line if with_names else None,
        }
        return self.response(200, result=waiting_list_schemas.WaitingList().dump(shown))
