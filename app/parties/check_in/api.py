"""The API of tickets and check-in."""

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.errors import DomainError
from app.parties.api_base import NOT_THE_HOST, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.check_in import schemas as check_in_schemas
from app.parties.check_in import service as check_in_service
from app.parties.check_in import tickets
from app.parties.models import Rsvp
from app.parties.rsvps import guest_list_texts
from app.parties.rsvps import schemas as rsvp_schemas
from app.parties.texts import Flash

CHECKED_IN, CHECKED_OUT = "checked_in", "checked_out"
REFUSALS = {
    **NOT_THE_HOST,
    409: "The guest has arrived already, the ticket is not for this party, or check-in is closed",
}


class CheckInApi(PartyApiBase):
    """Tickets of guests, and check-in by hosts."""

    @expose("/<slug>/ticket")
    @endpoint(
        "rsvp",
        gives=check_in_schemas.Ticket,
        refusals={**PARTY_NOT_FOUND, 409: "Only guests with a seat have a ticket"},
    )
    def ticket(self, slug: str) -> Response:
        """Show one's ticket. Hosts scan its URL at check-in, or send the code."""
        party, _guest, rsvp = self.get_answerable(slug)
        ticket = tickets.ticket_of(party, rsvp)
        if ticket is None:
            raise DomainError(_("You will get a ticket as soon as you have a seat."), "warning")
        return self.response(200, result={"code": ticket.code, "url": ticket.url})

    @expose("/<slug>/door/<code>", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(CHECKED_IN,), refusals=REFUSALS)
    def check_in(self, slug: str, code: str) -> Response:
        """Check a guest in by the code of their ticket."""
        party = self.get_hosted(slug)
        rsvp = run_with_retry(lambda: check_in_service.check_in(party, code))
        return self._respond_with_guest(CHECKED_IN, guest_list_texts.checked_in(rsvp), rsvp)

    @expose("/<slug>/door/<code>", methods=["DELETE"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(CHECKED_OUT,), refusals=REFUSALS)
    def check_out(self, slug: str, code: str) -> Response:
        """Undo a check-in."""
        party = self.get_hosted(slug)
        rsvp = run_with_retry(lambda: check_in_service.check_out(party, code))
        text = _("%(name)s is no longer checked in.", name=str(rsvp))
        return self._respond_with_guest(CHECKED_OUT, (text, "info"), rsvp)

    def _respond_with_guest(self, code: str, flash: Flash, rsvp: Rsvp) -> Response:
        return self.respond(200, code, flash, result=rsvp_schemas.GuestStatus().dump(rsvp))
