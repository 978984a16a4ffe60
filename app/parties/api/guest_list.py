"""Hosts see to those who come: who they are, who may, who is invited, and who is here."""

from flask import Response, abort, request
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.parties import models
from app.parties.api import response_schemas
from app.parties.api.base import NOT_YOURS, TableApi, verb
from app.parties.api.guests import PAGE, PAGED, page_number
from app.parties.models import DinnerParty, Rsvp
from app.parties.queries import roster
from app.parties.service import afterwards, approval, bulk, door
from app.parties.views import evening
from app.parties.views.flashes import Flash

GUEST = "<int(max=2147483647):guest_id>"
REMOVED, DECLINED, CHECKED_IN, CHECKED_OUT = "removed", "declined", "checked_in", "checked_out"
DECIDED = {**NOT_YOURS, 409: "They were answered, or have left, before"}
GROUP = {
    "in": "query",
    "name": "group",
    "description": "Only these",
    "schema": {"type": "string", "enum": list(roster.GROUPS)},
}
MISSED, CAME = "missed", "came"
AFTERWARDS = {**NOT_YOURS, 409: "It is not over, or they were not waited for, or not missed"}
AT_THE_DOOR = {**NOT_YOURS, 409: "They are here already, the ticket is not for this party, or the door is closed"}


class GuestApi(TableApi):
    """The guests of a party, for its hosts: what they eat is nobody else's business."""

    @expose("/<slug>/guests")
    @verb(
        "host",
        gives={"type": "array", "items": response_schemas.Guest},
        more=PAGED,
        parameters=(PAGE, GROUP),
        refusals=NOT_YOURS,
    )
    def list(self, slug: str) -> Response:
        """List who answered what. A page has 200 of them."""
        page = roster.page(self.hosted(slug), page_number(), group=request.args.get("group", ""))
        shown = response_schemas.Guest(many=True).dump(page.guests)
        return self.response(200, result=shown, page=page.number, has_next=page.has_next)

    @expose(f"/<slug>/guests/{GUEST}/approve", methods=["POST"])
    @verb(
        "host", gives=response_schemas.GuestNow, codes=(models.YES, models.WAITLISTED, models.OFFERED), refusals=DECIDED
    )
    def approve(self, slug: str, guest_id: int) -> Response:
        """Let somebody in who asked. Where the table is full, they wait for a seat."""
        _party, answer = self._guest(slug, guest_id)
        outcome = run_with_retry(lambda: approval.approve(answer))
        return self._now(outcome.answer.status, evening.approved(outcome), outcome.answer)

    @expose(f"/<slug>/guests/{GUEST}/decline", methods=["POST"])
    @verb("host", gives=response_schemas.GuestNow, codes=(DECLINED,), refusals=DECIDED)
    def decline(self, slug: str, guest_id: int) -> Response:
        """Tell somebody who asked that there is no seat for them."""
        _party, answer = self._guest(slug, guest_id)
        run_with_retry(lambda: approval.decline(answer))
        text = _("%(name)s was told that there is no seat for them.", name=str(answer))
        return self._now(DECLINED, (text, "info"), answer)

    @expose(f"/<slug>/guests/{GUEST}/remove", methods=["POST"])
    @verb("host", gives=response_schemas.GuestNow, codes=(REMOVED,), refusals=DECIDED)
    def remove(self, slug: str, guest_id: int) -> Response:
        """Take a guest off the table. They are told, and their seats go to the next in line."""
        _party, answer = self._guest(slug, guest_id)
        offered = run_with_retry(lambda: bulk.remove(answer))
        return self._now(REMOVED, evening.removed(answer, offered), answer)

    @expose(f"/<slug>/guests/{GUEST}/missed", methods=["POST"])
    @verb("host", gives=response_schemas.GuestNow, codes=(MISSED,), refusals=AFTERWARDS)
    def missed(self, slug: str, guest_id: int) -> Response:
        """Note, after the party, that a guest did not come."""
        party, answer = self._guest(slug, guest_id)
        run_with_retry(lambda: afterwards.miss(party, answer))
        text = _("%(name)s did not come: their seats are free.", name=str(answer))
        return self._now(MISSED, (text, "info"), answer)

    @expose(f"/<slug>/guests/{GUEST}/came", methods=["POST"])
    @verb("host", gives=response_schemas.GuestNow, codes=(CAME,), refusals=AFTERWARDS)
    def came(self, slug: str, guest_id: int) -> Response:
        """Note that a guest came after all."""
        party, answer = self._guest(slug, guest_id)
        run_with_retry(lambda: afterwards.came(party, answer))
        return self._now(CAME, (_("%(name)s came after all.", name=str(answer)), "info"), answer)

    # -- the door

    @expose("/<slug>/door/<code>", methods=["POST"])
    @verb("host", gives=response_schemas.GuestNow, codes=(CHECKED_IN,), refusals=AT_THE_DOOR)
    def check_in(self, slug: str, code: str) -> Response:
        """Check a guest in, by what stands on their ticket."""
        party = self.hosted(slug)
        answer = run_with_retry(lambda: door.check_in(party, code))
        return self._now(CHECKED_IN, evening.checked_in(answer), answer)

    @expose("/<slug>/door/<code>", methods=["DELETE"])
    @verb("host", gives=response_schemas.GuestNow, codes=(CHECKED_OUT,), refusals=AT_THE_DOOR)
    def check_out(self, slug: str, code: str) -> Response:
        """Take a check-in back."""
        party = self.hosted(slug)
        answer = run_with_retry(lambda: door.check_out(party, code))
        text = _("%(name)s is not checked in any more.", name=str(answer))
        return self._now(CHECKED_OUT, (text, "info"), answer)

    # -- inside

    def _guest(self, slug: str, guest_id: int) -> tuple[DinnerParty, Rsvp]:
        party = self.hosted(slug)
        found = bulk.of_party(party, [guest_id])
        if not found:
            abort(404)
        return party, found[0]

    def _now(self, code: str, said: Flash, answer: Rsvp) -> Response:
        return self.say(200, code, said, result=response_schemas.GuestNow().dump(answer))
