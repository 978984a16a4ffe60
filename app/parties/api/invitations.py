"""Hosts invite people, and see what became of it."""

from typing import Any

from flask import Response, abort
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.errors import DomainError
from app.http import public_url
from app.parties import links
from app.parties.api import request_schemas, response_schemas
from app.parties.api.base import NOT_YOURS, UNCHANGED, TableApi, verb
from app.parties.api.guests import PAGE, PAGED, page_number
from app.parties.models import DinnerParty, Invitation
from app.parties.queries import invited
from app.parties.service import invitations
from app.parties.service.address_lists import Entry
from app.parties.views.access import me
from app.parties.views.flashes import Flash
from app.parties.views.invitations import counted

INVITATION = "<int(max=2147483647):invitation_id>"
INVITED, AGAIN, REVOKED, SHARED = "invited", "invited_again", "revoked", "shared"
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
        count = run_with_retry(lambda: invitations.invite(party, me(), entries, locale))
        code = INVITED if count.added else UNCHANGED
        return self.say(200, code, counted(count, 0), result=response_schemas.InvitedCount().dump(count))

    @expose(f"/<slug>/invitations/{INVITATION}/again", methods=["POST"])
    @verb("host", gives=response_schemas.InvitationNow, codes=(AGAIN,), refusals=CLOSED)
    def again(self, slug: str, invitation_id: int) -> Response:
        """Invite somebody again. They are sent a new link; earlier ones open nothing any more."""
        invitation = self._one(slug, invitation_id)
        run_with_retry(lambda: invitations.again(invitation, seen=invitation.round))
        text = _("%(name)s is invited again. Earlier links do not work any more.", name=str(invitation))
        return self._now(AGAIN, (text, "info"), invitation)

    @expose(f"/<slug>/invitations/{INVITATION}", methods=["DELETE"])
    @verb("host", gives=response_schemas.InvitationNow, codes=(REVOKED, UNCHANGED), refusals=NOT_YOURS)
    def revoke(self, slug: str, invitation_id: int) -> Response:
        """Take an invitation back. Its links open nothing any more; what was answered stays."""
        invitation = self._one(slug, invitation_id)
        try:
            run_with_retry(lambda: invitations.revoke(invitation))
        except DomainError as error:
            return self._now(UNCHANGED, (str(error), error.category), invitation)
        text = _("The invitation of %(name)s was taken back.", name=str(invitation))
        return self._now(REVOKED, (text, "info"), invitation)

    # -- the link that a host shares

    @expose("/<slug>/share-link")
    @verb("host", gives=response_schemas.ShareLink, refusals=NOT_YOURS)
    def share_link(self, slug: str) -> Response:
        """Show the link that lets whoever has it see the party and answer."""
        return self.response(200, result=_share_link(self.hosted(slug)))

    @expose("/<slug>/share-link", methods=["POST"])
    @verb("host", gives=response_schemas.ShareLink, codes=(SHARED,), refusals=CLOSED)
    def renew_share_link(self, slug: str) -> Response:
        """Make a new link; the one before opens nothing any more."""
        party = self.hosted(slug)
        run_with_retry(lambda: invitations.renew_share_link(party, seen=party.share_round))
        text = _("Whoever has the new link can see this party and answer. Earlier ones do not work any more.")
        return self.say(200, SHARED, (text, "info"), result=_share_link(party))

    @expose("/<slug>/share-link", methods=["DELETE"])
    @verb("host", gives=response_schemas.ShareLink, codes=(REVOKED,), refusals=CLOSED)
    def stop_share_link(self, slug: str) -> Response:
        """Let the link open nothing any more."""
        party = self.hosted(slug)
        run_with_retry(lambda: invitations.stop_share_link(party, seen=party.share_round))
        return self.say(200, REVOKED, (_("The link does not work any more."), "info"), result=_share_link(party))

    # -- inside

    def _one(self, slug: str, key: int) -> Invitation:
        invitation = invited.find(self.hosted(slug), key)
        if invitation is None:
            abort(404)
        return invitation

    def _now(self, code: str, said: Flash, invitation: Invitation) -> Response:
        return self.say(200, code, said, result=response_schemas.InvitationNow().dump(invitation))


def _share_link(party: DinnerParty) -> dict[str, str | None]:
    if party.share_round <= 0:
        return {"url": None}
    return {"url": public_url("JoinView.link", slug=party.slug, token=links.share_token(party))}
