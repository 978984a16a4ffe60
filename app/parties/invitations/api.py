"""The members' API for invitations and the share link."""

from typing import Any

from flask import Response, abort
from flask_appbuilder.api import expose

from app.database import run_with_retry
from app.errors import DomainError
from app.http import page_number
from app.parties import secret_links
from app.parties.access import current_member
from app.parties.api_base import (
    NOT_THE_HOST,
    PAGE_PARAMETER,
    PAGED_FIELDS,
    UNCHANGED,
    PartyApiBase,
    endpoint,
)
from app.parties.invitations import queries as invitation_queries
from app.parties.invitations import schemas as invitation_schemas
from app.parties.invitations import service as invitation_service
from app.parties.invitations import texts as invitation_texts
from app.parties.invitations.import_list import ImportEntry
from app.parties.models import DinnerParty, Invitation
from app.parties.texts import Flash

INVITATION = "<int(max=2147483647):invitation_id>"
INVITED, AGAIN, REVOKED, SHARED = "invited", "invited_again", "revoked", "shared"
CLOSED = {**NOT_THE_HOST, 409: "The party takes no invitations any more, or a limit is reached"}


class InvitationApi(PartyApiBase):
    """The invitations of a party, for its hosts."""

    @expose("/<slug>/invitations")
    @endpoint(
        "host",
        gives={"type": "array", "items": invitation_schemas.InvitedGuest},
        more=PAGED_FIELDS,
        parameters=(PAGE_PARAMETER,),
        refusals=NOT_THE_HOST,
    )
    def list(self, slug: str) -> Response:
        """List the invitations, the latest first. A page has up to 100."""
        page = invitation_queries.page(self.get_hosted(slug), page_number())
        rows = invitation_schemas.InvitedGuest(many=True).dump(page.rows)
        return self.response(200, result=rows, page=page.number, has_next=page.has_next)

    @expose("/<slug>/invitations", methods=["POST"])
    @endpoint(
        "host",
        takes=invitation_schemas.InvitationsInput,
        gives=invitation_schemas.InviteResult,
        codes=(INVITED, UNCHANGED),
        refusals=CLOSED,
    )
    def invite(self, slug: str, sent: dict[str, Any]) -> Response:
        """Invite guests. Each gets a personal link by e-mail, at once or when the draft is published.

        Guests who are invited already are skipped.
        """
        party = self.get_hosted(slug)
        entries = [ImportEntry(each["email"], each["name"], each.get("number")) for each in sent["invitations"]]
        locale = sent.get("locale") or invitation_service.default_locale(current_member())
        result = run_with_retry(lambda: invitation_service.invite(party, current_member(), entries, locale))
        code = INVITED if result.added else UNCHANGED
        shown = invitation_schemas.InviteResult().dump(result)
        return self.respond(200, code, invitation_texts.invited(result), result=shown)

    @expose(f"/<slug>/invitations/{INVITATION}/again", methods=["POST"])
    @endpoint("host", gives=invitation_schemas.InvitationStatus, codes=(AGAIN,), refusals=CLOSED)
    def again(self, slug: str, invitation_id: int) -> Response:
        """Invite a guest again. The guest gets a new personal link; earlier ones stop working."""
        invitation = self._get_invitation(slug, invitation_id)
        run_with_retry(lambda: invitation_service.invite_again(invitation, expected_round=invitation.round))
        return self._respond_with(AGAIN, invitation_texts.invited_again(invitation), invitation)

    @expose(f"/<slug>/invitations/{INVITATION}", methods=["DELETE"])
    @endpoint("host", gives=invitation_schemas.InvitationStatus, codes=(REVOKED, UNCHANGED), refusals=NOT_THE_HOST)
    def revoke(self, slug: str, invitation_id: int) -> Response:
        """Withdraw an invitation. Its personal link stops working; the guest's answer is kept."""
        invitation = self._get_invitation(slug, invitation_id)
        try:
            run_with_retry(lambda: invitation_service.revoke(invitation))
        except DomainError as error:
            return self._respond_with(UNCHANGED, (str(error), error.category), invitation)
        return self._respond_with(REVOKED, invitation_texts.revoked(invitation), invitation)

    # -- the share link

    @expose("/<slug>/share-link")
    @endpoint("host", gives=invitation_schemas.ShareLink, refusals=NOT_THE_HOST)
    def share_link(self, slug: str) -> Response:
        """Show the share link. Anyone with it can see the party and answer."""
        return self.response(200, result=_share_link(self.get_hosted(slug)))

    @expose("/<slug>/share-link", methods=["POST"])
    @endpoint("host", gives=invitation_schemas.ShareLink, codes=(SHARED,), refusals=CLOSED)
    def renew_share_link(self, slug: str) -> Response:
        """Create a new share link. Earlier ones stop working."""
        party = self.get_hosted(slug)
        run_with_retry(lambda: invitation_service.renew_share_link(party, expected_round=party.share_round))
        return self.respond(200, SHARED, invitation_texts.share_link_renewed(party), result=_share_link(party))

    @expose("/<slug>/share-link", methods=["DELETE"])
    @endpoint("host", gives=invitation_schemas.ShareLink, codes=(REVOKED,), refusals=CLOSED)
    def stop_share_link(self, slug: str) -> Response:
        """Switch the share link off."""
        party = self.get_hosted(slug)
        run_with_retry(lambda: invitation_service.stop_share_link(party, expected_round=party.share_round))
        return self.respond(200, REVOKED, invitation_texts.share_link_stopped(), result=_share_link(party))

    def _get_invitation(self, slug: str, key: int) -> Invitation:
        invitation = invitation_queries.find(self.get_hosted(slug), key)
        if invitation is None:
            abort(404)
        return invitation

    def _respond_with(self, code: str, flash: Flash, invitation: Invitation) -> Response:
        return self.respond(200, code, flash, result=invitation_schemas.InvitationStatus().dump(invitation))


def _share_link(party: DinnerParty) -> dict[str, str | None]:
    return {"url": secret_links.share_url(party)}
