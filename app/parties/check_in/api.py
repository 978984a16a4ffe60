"""The API of tickets and check-in."""

from flask import Response
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.errors import DomainError
from app.http import public_url
from app.parties.api_base import NOT_THE_HOST, PARTY_NOT_FOUND, PartyApiBase, endpoint
from app.parties.check_in import schemas as check_in_schemas
from app.parties.check_in import service as check_in_service
from app.parties.check_in import tickets
from app.parties.models import Rsvp
from app.parties.rsvps import guest_list_texts
from app.parties.rsvps import schemas as rsvp_schemas
from app.parties.texts import Flash

CHECKED_IN, CHECKED_OUT = "checked_in", "checked_out"
AT_THE_DOOR = {**NOT_THE_HOST, 409: "They are here already, the ticket is not for this party, or the door is closed"}


class CheckInApi(PartyApiBase):
    """Guests show their ticket, and hosts check them in."""

    @expose("/<slug>/ticket")
    @endpoint(
        "rsvp",
        gives=check_in_schemas.Ticket,
        refusals={**PARTY_NOT_FOUND, 409: "There is a ticket as soon as one has a seat"},
    )
    def ticket(self, slug: str) -> Response:
        """Show what one's ticket says. Hosts scan its address at the door, or send the code."""
        party, _guest, rsvp = self.get_answerable(slug)
        shown = tickets.shown(party, rsvp)
        if shown is None:
            raise DomainError(_("You will get a ticket as soon as you have a seat."), "warning")
        address = public_url("CheckInView.scanned", slug=slug, code=shown.code)
        return self.response(200, result={"code": shown.code, "url": address})

    @expose("/<slug>/door/<code>", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(CHECKED_IN,), refusals=AT_THE_DOOR)
    def check_in(self, slug: str, code: str) -> Response:
        """Check a guest in, by what stands on their ticket."""
        party = self.get_hosted(slug)
        rsvp = run_with_retry(lambda: check_in_service.check_in(party, code))
        return self._now(CHECKED_IN, guest_list_texts.checked_in(rsvp), rsvp)

    @expose("/<slug>/door/<code>", methods=["DELETE"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(CHECKED_OUT,), refusals=AT_THE_DOOR)
    def check_out(self, slug: str, code: str) -> Response:
        """Take a check-in back."""
        party = self.get_hosted(slug)
        rsvp = run_with_retry(lambda: check_in_service.check_out(party, code))
        text = _("%(name)s is no longer checked in.", name=str(rsvp))
        return self._now(CHECKED_OUT, (text, "info"), rsvp)

    def _now(self, code: str, said: Flash, rsvp: Rsvp) -> Response:
        return self.respond(200, code, said, result=rsvp_schemas.GuestStatus().dump(rsvp))
