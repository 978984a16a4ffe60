"""Hosts invite people, and see what became of it."""

from typing import Any

from flask import Response, abort
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import transact
from app.errors import DomainError
from app.parties.api import request_schemas, response_schemas
from app.parties.api.base import NOT_YOURS, UNCHANGED, TableApi, verb
from app.parties.api.guests import PAGE, PAGED, page_number
from app.parties.models import Invitation
from app.parties.queries import invited
from app.parties.service import invitations
from app.parties.service.address_lists import Entry
from app.parties.views.access import me
from app.parties.views.flashes import Flash
from app.parties.views.invitations import counted

INVITATION = "<int(max=2147483647):invitation_id>"
INVITED, AGAIN, REVOKED = "invited", "invited_again", "revoked"
CLOSED = {**NOT_YOURS, 409: "Nobody can be invited any more, or not as often"}


class InvitationApi(TableApi):
    """Who is invited to a party, for its hosts."""

    @expose("/<slug>/invitations")
    @verb(
        "host",
        gives={"type": "array", "items": response_schemas.Invited},
        more=PAGED,
        parameters=(PAGE,),
        refusals=NOT_YOURS,
    )
    def list(self, slug: str) -> Response:
        """List who is invited. The latest is the first; a page has 100 of them."""
        page = invited.page(self.hosted(slug), page_number())
        shown = response_schemas.Invited(many=True).dump(page.rows)
        return self.response(200, result=shown, page=page.number, has_next=page.has_next)

    @expose("/<slug>/invitations", methods=["POST"])
    @verb(
        "host",
        takes=request_schemas.InvitationsSent,
        gives=response_schemas.InvitedCount,
        codes=(INVITED, UNCHANGED),
        refusals=CLOSED,
    )
    def invite(self, slug: str, sent: dict[str, Any]) -> Response:
        """Invite people. Each is sent a personal link, at once or when the draft is published; nobody is twice."""
        party = self.hosted(slug)
        entries = [Entry(each["email"], each["name"], each.get("number")) for each in sent["invitations"]]
        locale = sent.get("locale") or request_schemas.language_of(me())
        count = transact(lambda: invitations.invite(party, me(), entries, locale))
        code = INVITED if count.added else UNCHANGED
        return self.say(200, code, counted(count, 0), result=response_schemas.InvitedCount().dump(count))

    @expose(f"/<slug>/invitations/{INVITATION}/again", methods=["POST"])
    @verb("host", gives=response_schemas.InvitationNow, codes=(AGAIN,), refusals=CLOSED)
    def again(self, slug: str, invitation_id: int) -> Response:
        """Invite somebody again. They are sent a new link; earlier ones open nothing any more."""
        invitation = self._one(slug, invitation_id)
        transact(lambda: invitations.again(invitation, seen=invitation.round))
        text = _("%(name)s is invited again. Earlier links do not work any more.", name=str(invitation))
        return self._now(AGAIN, (text, "info"), invitation)

    @expose(f"/<slug>/invitations/{INVITATION}", methods=["DELETE"])
    @verb("host", gives=response_schemas.InvitationNow, codes=(REVOKED, UNCHANGED), refusals=NOT_YOURS)
    def revoke(self, slug: str, invitation_id: int) -> Response:
        """Take an invitation back. Its links open nothing any more; what was answered stays."""
        invitation = self._one(slug, invitation_id)
        try:
            transact(lambda: invitations.revoke(invitation))
        except DomainError as error:
            return self._now(UNCHANGED, (str(error), error.category), invitation)
        text = _("The invitation of %(name)s was taken back.", name=str(invitation))
        return self._now(REVOKED, (text, "info"), invitation)

    # -- inside

    def _one(self, slug: str, key: int) -> Invitation:
        invitation = invited.find(self.hosted(slug), key)
        if invitation is None:
            abort(404)
        return invitation

    def _now(self, code: str, said: Flash, invitation: Invitation) -> Response:
        return self.say(200, code, said, result=response_schemas.InvitationNow().dump(invitation))
