"""The page that shows the waiting list of a party."""

from flask import abort
from flask_appbuilder import expose, permission_name

from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.waiting_list import history_texts
from app.parties.waiting_list import queries as waiting_list_queries


class WaitingListView(BasePartyView):
    """The waiting list of a party and its history."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/waiting-list")
    @login_or_invitation_required
    @permission_name("rsvp")
    def show(self, slug: str) -> str:
        """Show what happened on the waiting list and why: to guests who are on it, and with names to hosts."""
        party, _guest, rsvp = self.get_answerable(slug)
        with_names = self.is_host(party) or self.is_staff()
        if not (with_names or (rsvp is not None and rsvp.is_queued)):
            abort(403)
        offers, free = waiting_list_queries.open_offers_and_free_seats(party)
        return str(
            self.render_template(
                "parties/waiting_list.html",
                party=party,
                rsvp=rsvp,
                with_names=with_names,
                queue=history_texts.queue_texts(party, free),
                guests=waiting_list_queries.waiting_rsvps(party.id) if with_names else [],
                offers=offers,
                own_offer=next((offer for offer in offers if rsvp and offer.rsvp_id == rsvp.id), None),
                history=history_texts.history(
                    party, waiting_list_queries.events(party), own=rsvp, with_names=with_names
                ),
                free=free,
            )
        )
