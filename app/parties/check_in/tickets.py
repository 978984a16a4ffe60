"""Tickets: what guests show at the door."""

from datetime import timedelta
from typing import NamedTuple

import segno
from flask import flash, redirect, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.http import public_url
from app.parties import location, secret_links
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.check_in import rules as check_in_rules
from app.parties.enums import HELD, SEATED
from app.parties.models import DinnerParty, Rsvp

SOON = timedelta(hours=48)


class Ticket(NamedTuple):
    """What stands on the ticket of somebody who comes: a code, and a picture that leads to its address."""

    code: str
    picture: str
    # The party is about to begin: its page shows the ticket, too.
    is_soon: bool


def shown(party: DinnerParty, rsvp: Rsvp | None) -> Ticket | None:
    """Return the ticket of whoever comes and is not the host, until the door is closed."""
    if rsvp is None or rsvp.status not in SEATED or rsvp.member_id == party.host_id:
        return None
    now = clock.now()
    if (
        party.status not in HELD
        or check_in_rules.check_in_window(party.starts_at, party.ends_at, now) is check_in_rules.CheckInWindow.LATE
    ):
        return None
    code = secret_links.ticket_code(rsvp)
    address = public_url("CheckInView.scanned", slug=party.slug, code=code)
    # Dark on light in dark mode as well: not every camera reads it the other way round.
    picture = segno.make(address, error="m").svg_data_uri(border=4, light="#fff", omitsize=True)
    return Ticket(code, picture, is_soon=now > party.starts_at - SOON)


class TicketView(BasePartyView):
    """A guest's own ticket."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/ticket")
    @login_or_invitation_required
    @permission_name("rsvp")
    def show(self, slug: str) -> BaseResponse | str:
        """Show what the host scans at the door."""
        party, _guest, rsvp = self.get_answerable(slug)
        ticket = shown(party, rsvp)
        if ticket is None:
            flash(_("You will get a ticket as soon as you have a seat."), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        return str(
            self.render_template(
                "parties/ticket.html",
                party=party,
                rsvp=rsvp,
                ticket=ticket,
                place_told=location.visible_location(party, with_address=self.shows_address(party, rsvp)),
            )
        )
