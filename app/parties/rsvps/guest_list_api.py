"""Hosts see to those who come: who they are, who may, who is invited, and who is here."""

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
DECIDED = {**NOT_THE_HOST, 409: "They were answered, or have left, before"}
GROUP = {
    "in": "query",
    "name": "group",
    "description": "Only these",
    "schema": {"type": "string", "enum": list(guest_list.GROUPS)},
}
NO_SHOW, NO_SHOW_UNDONE = "no_show", "no_show_undone"
AFTERWARDS = {**NOT_THE_HOST, 409: "It is not over, or they were not waited for, or not missed"}


class GuestApi(PartyApiBase):
    """The guests of a party, for its hosts: what they eat is nobody else's business."""

    @expose("/<slug>/guests")
    @endpoint(
        "host",
        gives={"type": "array", "items": rsvp_schemas.Guest},
        more=PAGED_FIELDS,
        parameters=(PAGE_PARAMETER, GROUP),
        refusals=NOT_THE_HOST,
    )
    def list(self, slug: str) -> Response:
        """List who answered what. A page has 200 of them."""
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
        """Let somebody in who asked. Where the table is full, they wait for a seat."""
        _party, rsvp = self._guest(slug, guest_id)
        outcome = run_with_retry(lambda: approval.approve(rsvp))
        return self._now(outcome.rsvp.status, guest_list_texts.approved(outcome), outcome.rsvp)

    @expose(f"/<slug>/guests/{GUEST}/decline", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(DECLINED,), refusals=DECIDED)
    def decline(self, slug: str, guest_id: int) -> Response:
        """Tell somebody who asked that there is no seat for them."""
        _party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: approval.decline(rsvp))
        text = _("%(name)s has been told that there is no seat for them.", name=str(rsvp))
        return self._now(DECLINED, (text, "info"), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/remove", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(REMOVED,), refusals=DECIDED)
    def remove(self, slug: str, guest_id: int) -> Response:
        """Take a guest off the table. They are told, and their seats go to the next in line."""
        _party, rsvp = self._guest(slug, guest_id)
        offered = run_with_retry(lambda: approval.remove(rsvp))
        return self._now(REMOVED, guest_list_texts.removed(rsvp, offered), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/missed", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(NO_SHOW,), refusals=AFTERWARDS)
    def missed(self, slug: str, guest_id: int) -> Response:
        """Note, after the party, that a guest did not come."""
        party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: attendance_service.mark_no_show(party, rsvp))
        text = _("%(name)s was marked as a no-show. Their seats are free again.", name=str(rsvp))
        return self._now(NO_SHOW, (text, "info"), rsvp)

    @expose(f"/<slug>/guests/{GUEST}/came", methods=["POST"])
    @endpoint("host", gives=rsvp_schemas.GuestStatus, codes=(NO_SHOW_UNDONE,), refusals=AFTERWARDS)
    def came(self, slug: str, guest_id: int) -> Response:
        """Note that a guest came after all."""
        party, rsvp = self._guest(slug, guest_id)
        run_with_retry(lambda: attendance_service.undo_no_show(party, rsvp))
        return self._now(
            NO_SHOW_UNDONE, (_("%(name)s is no longer marked as a no-show.", name=str(rsvp)), "info"), rsvp
        )

    # -- inside

    def _guest(self, slug: str, guest_id: int) -> tuple[DinnerParty, Rsvp]:
        party = self.get_hosted(slug)
        found = approval.select_of_party(party, [guest_id])
        if not found:
            abort(404)
        return party, found[0]

    def _now(self, code: str, said: Flash, rsvp: Rsvp) -> Response:
        return self.respond(200, code, said, result=rsvp_schemas.GuestStatus().dump(rsvp))
