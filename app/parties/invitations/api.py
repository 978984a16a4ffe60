"""Hosts invite people, and see what became of it."""

from typing import Any

from flask import Response, abort
from flask_appbuilder.api import expose
from flask_babel import gettext as _

from app.database import run_with_retry
from app.errors import DomainError
from app.http import public_url
from app.parties import secret_links
from app.parties.access import current_member
from app.parties.api_base import (
    NOT_THE_HOST,
    PAGE_PARAMETER,
    PAGED_FIELDS,
    UNCHANGED,
    PartyApiBase,
    endpoint,
    page_number,
)
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations import schemas as invitation_schemas
from app.parties.invitations import service as invitation_service
from app.parties.invitations.import_list import ImportEntry
from app.parties.invitations.views import counted
from app.parties.models import DinnerParty, Invitation
from app.parties.texts import Flash

INVITATION = "<int(max=2147483647):invitation_id>"
INVITED, AGAIN, REVOKED, SHARED = "invited", "invited_again", "revoked", "shared"
CLOSED = {**NOT_THE_HOST, 409: "Nobody can be invited any more, or not as often"}


class InvitationApi(PartyApiBase):
    """Who is invited to a party, for its hosts."""

    @expose("/<slug>/invitations")
    @endpoint(
        "host",
        gives={"type": "array", "items": invitation_schemas.InvitedGuest},
        more=PAGED_FIELDS,
        parameters=(PAGE_PARAMETER,),
        refusals=NOT_THE_HOST,
    )
    def list(self, slug: str) -> Response:
        """List who is invited. The latest is the first; a page has 100 of them."""
        page = invitation_queries.page(self.get_hosted(slug), page_number())
        shown = invitation_schemas.InvitedGuest(many=True).dump(page.rows)
        return self.response(200, result=shown, page=page.number, has_next=page.has_next)

    @expose("/<slug>/invitations", methods=["POST"])
    @endpoint(
        "host",
        takes=invitation_schemas.InvitationsInput,
        gives=invitation_schemas.InviteResult,
        codes=(INVITED, UNCHANGED),
        refusals=CLOSED,
    )
    def invite(self, slug: str, sent: dict[str, Any]) -> Response:
        """Invite people. Each is sent a personal link, at once or when the draft is published; nobody is twice."""
        party = self.get_hosted(slug)
        entries = [ImportEntry(each["email"], each["name"], each.get("number")) for each in sent["invitations"]]
        locale = sent.get("locale") or invitation_schemas.language_of(current_member())
        count = run_with_retry(lambda: invitation_service.invite(party, current_member(), entries, locale))
        code = INVITED if count.added else UNCHANGED
        return self.respond(200, code, counted(count, 0), result=invitation_schemas.InviteResult().dump(count))

    @expose(f"/<slug>/invitations/{INVITATION}/again", methods=["POST"])
    @endpoint("host", gives=invitation_schemas.InvitationStatus, codes=(AGAIN,), refusals=CLOSED)
    def again(self, slug: str, invitation_id: int) -> Response:
        """Invite somebody again. They are sent a new link; earlier ones open nothing any more."""
        invitation = self._one(slug, invitation_id)
        run_with_retry(lambda: invitation_service.invite_again(invitation, seen=invitation.round))
        text = _("%(name)s was invited again. Earlier links no longer work.", name=str(invitation))
        return self._now(AGAIN, (text, "info"), invitation)

    @expose(f"/<slug>/invitations/{INVITATION}", methods=["DELETE"])
    @endpoint("host", gives=invitation_schemas.InvitationStatus, codes=(REVOKED, UNCHANGED), refusals=NOT_THE_HOST)
    def revoke(self, slug: str, invitation_id: int) -> Response:
        """Take an invitation back. Its links open nothing any more; what was answered stays."""
        invitation = self._one(slug, invitation_id)
        try:
            run_with_retry(lambda: invitation_service.revoke(invitation))
        except DomainError as error:
            return self._now(UNCHANGED, (str(error), error.category), invitation)
        text = _("The invitation for %(name)s was withdrawn.", name=str(invitation))
        return self._now(REVOKED, (text, "info"), invitation)

    # -- the link that a host shares

    @expose("/<slug>/share-link")
    @endpoint("host", gives=invitation_schemas.ShareLink, refusals=NOT_THE_HOST)
    def share_link(self, slug: str) -> Response:
        """Show the link that lets whoever has it see the party and answer."""
        return self.response(200, result=_share_link(self.get_hosted(slug)))

    @expose("/<slug>/share-link", methods=["POST"])
    @endpoint("host", gives=invitation_schemas.ShareLink, codes=(SHARED,), refusals=CLOSED)
    def renew_share_link(self, slug: str) -> Response:
        """Make a new link; the one before opens nothing any more."""
        party = self.get_hosted(slug)
        run_with_retry(lambda: invitation_service.renew_share_link(party, seen=party.share_round))
        text = _("Anyone with the new link can see this party and answer. Earlier links no longer work.")
        return self.respond(200, SHARED, (text, "info"), result=_share_link(party))

    @expose("/<slug>/share-link", methods=["DELETE"])
    @endpoint("host", gives=invitation_schemas.ShareLink, codes=(REVOKED,), refusals=CLOSED)
    def stop_share_link(self, slug: str) -> Response:
        """Let the link open nothing any more."""
        party = self.get_hosted(slug)
        run_with_retry(lambda: invitation_service.stop_share_link(party, seen=party.share_round))
        return self.respond(200, REVOKED, (_("The link no longer works."), "info"), result=_share_link(party))

    # -- inside

    def _one(self, slug: str, key: int) -> Invitation:
        invitation = invitation_queries.find(self.get_hosted(slug), key)
        if invitation is None:
            abort(404)
        return invitation

    def _now(self, code: str, said: Flash, invitation: Invitation) -> Response:
        return self.respond(200, code, said, result=invitation_schemas.InvitationStatus().dump(invitation))


def _share_link(party: DinnerParty) -> dict[str, str | None]:
    if party.share_round <= 0:
        return {"url": None}
    return {"url": public_url("JoinView.link", slug=party.slug, token=secret_links.share_token(party))}
