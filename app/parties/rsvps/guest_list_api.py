"""The API of the guest list."""

from flask import Response, abort, request
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.http import page_number
from app.parties.api_base import NOT_THE_HOST, PAGE_PARAMETER, PAGED_FIELDS, PartyApiBase, endpoint
from app.parties.attendance import service as attendance_service
from app.parties.enums import RsvpStatus
from app.parties.models import DinnerParty, Rsvp
from app.parties.rsvps import approval, guest_list, guest_list_texts
from app.parties.rsvps import schemas as rsvp_schemas
from app.parties.texts import Flash

GUEST = "<int(max=2147483647):guest_id>"
REMOVED, DECLINED = "removed", "declined"
DECIDED = {**NOT_THE_HOST, 409: "The request was decided or withdrawn, or the guest has left"}
GROUP = {
    "in": "query",
    "name": "group",
    "description": "Only these",
    "schema": {"type": "string", "enum": list(guest_list.GROUPS)},
}
NO_SHOW, NO_SHOW_UNDONE = "no_show", "no_show_undone"
AFTERWARDS = {**NOT_THE_HOST, 409: "The party is not over, or the guest was not expected, or is no no-show"}


class GuestApi(PartyApiBase):
    """The guests of a party. Only its hosts can see what they eat."""

    @expose("/<slug>/guests")
    @endpoint(
        "host",
        gives={"type": "array", "items": rsvp_schemas.Guest},
        more=PAGED_FIELDS,
        parameters=(PAGE_PARAMETER, GROUP),
        refusals=NOT_THE_HOST,
    )
    def list(self, slug: str) -> Response:
        """List the guests by group. A page has 200 of them."""
        page = guest_list.page(self.get_hosted(slug), page_number(), group=request.args.get("group", ""))
        shown = rsvp_schemas.Guest(many=True).dump(page.guests)
        return self.response(200, result=shown, page=page.number, has_next=page.has_next)

    @expose(f"/<slug>/guests/{GUEST}/approve", methods=["POST"])
    @endpoint(
        "host",
        gives=rsvp_schemas.GuestStatus,
        codes=(RsvpStatus.YES, RsvpStatus.WAITLISTED, RsvpStatus.OFFERED),
        refusals=DECIDED,
    )
    def approve(self, slug: str, guest_id: int) -> Response:
        """Approve a request for seats. If too few are free, the guest joins the waiting list."""
        _party, rsvp = self._guest(slug, guest_id)
        result = run_with_retry(lambda: approval.approve(rsvp))
        return self._respond_with_guest(result.rsvp.status, guest_list_texts.approved(result), result.rsvp)

    @expose(f"/<slug>/guests/{GUEST}/decline", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(DECLINED,), refusals=DECIDED)
    def decline(self, slug: str, guest_id: int) -> Response:
        """Decline a request for seats. The guest gets an e-mail."""
        _party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: approval.decline(rsvp))
        return self._respond_with_guest(DECLINED, guest_list_texts.declined(rsvp), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/remove", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(REMOVED,), refusals=DECIDED)
    def remove(self, slug: str, guest_id: int) -> Response:
        """Remove a guest. They get an e-mail, and their seats are offered to the waiting list."""
        _party, rsvp = self._guest(slug, guest_id)
        offered = run_with_retry(lambda: approval.remove(rsvp))
        return self._respond_with_guest(REMOVED, guest_list_texts.removed(rsvp, offered), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/missed", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(NO_SHOW,), refusals=AFTERWARDS)
    def missed(self, slug: str, guest_id: int) -> Response:
        """Mark a guest as a no-show, after the party."""
        party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: attendance_service.mark_no_show(party, rsvp))
        text = _("%(name)s was marked as a no-show. Their seats are free again.", name=str(rsvp))
        return self._respond_with_guest(NO_SHOW, (text, "info"), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/came", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(NO_SHOW_UNDONE,), refusals=AFTERWARDS)
    def came(self, slug: str, guest_id: int) -> Response:
        """Undo a no-show."""
        party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: attendance_service.undo_no_show(party, rsvp))
        return self._respond_with_guest(
            NO_SHOW_UNDONE, (_("%(name)s is no longer marked as a no-show.", name=str(rsvp)), "info"), rsvp
        )

    # -- inside

    def _guest(self, slug: str, guest_id: int) -> tuple[DinnerParty, Rsvp]:
        party = self.get_hosted(slug)
        found = approval.select_of_party(party, [guest_id])
        if not found:
            abort(404)
        return party, found[0]

    def _respond_with_guest(self, code: str, flash: Flash, rsvp: Rsvp) -> Response:
        return self.respond(200, code, flash, result=rsvp_schemas.GuestStatus().dump(rsvp))
