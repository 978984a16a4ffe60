"""Tickets that guests show at check-in."""

from datetime import timedelta
from typing import NamedTuple

from flask import flash, redirect, url_for
from flask_appbuilder import expose, permission_name
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app import clock
from app.http import public_url
from app.parties import location, secret_links
from app.parties.access import BasePartyView, login_or_invitation_required
from app.parties.check_in import rules as check_in_rules
from app.parties.enums import HELD
from app.parties.models import DinnerParty, Rsvp

SOON = timedelta(hours=48)


class Ticket(NamedTuple):
    """A ticket: its code, and the URL that its QR code contains."""

    code: str
    url: str
    # The party starts soon, and its page shows the ticket.
    is_soon: bool

    @property
    def qr_code(self) -> str:
        """The QR code as a data URI. To draw one takes longer than the rest of a page."""
        return secret_links.qr_code(self.url)


def ticket_of(party: DinnerParty, rsvp: Rsvp | None) -> Ticket | None:
    """Return the ticket of a guest with a seat, until check-in closes. Hosts have none."""
    if rsvp is None or not rsvp.is_seated or rsvp.member_id == party.host_id:
        return None
    now = clock.now()
    if (
        party.status not in HELD
        or check_in_rules.check_in_window(party.starts_at, party.ends_at, now) is check_in_rules.CheckInWindow.LATE
    ):
        return None
    code = secret_links.ticket_code(rsvp)
    url = public_url("CheckInView.scanned", slug=party.slug, code=code)
    return Ticket(code, url, is_soon=now > party.starts_at - SOON)


class TicketView(BasePartyView):
    """A guest's own ticket."""

    route_base = "/parties"
    default_view = "show"

    @expose("/<slug>/ticket")
    @login_or_invitation_required
    @permission_name("rsvp")
    def show(self, slug: str) -> BaseResponse | str:
        """Show the ticket that the host scans."""
        party, _guest, rsvp = self.get_answerable(slug)
        ticket = ticket_of(party, rsvp)
        if ticket is None:
            has_seat = rsvp is not None and rsvp.is_seated
            told = _("There is no ticket for you: check-in is over, or you are the host.")
            flash(told if has_seat else _("You will get a ticket as soon as you have a seat."), "warning")
            return redirect(url_for("PartyView.show", slug=slug), 303)
        return str(
            self.render_template(
                "parties/ticket.html",
                party=party,
                rsvp=rsvp,
                ticket=ticket,
                location=location.visible_location(party, with_address=self.shows_address(party, rsvp)),
            )
        )
