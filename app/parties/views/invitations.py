"""Invitations: what hosts send, and what their guests open."""

from flask import flash, redirect, url_for
from flask_appbuilder import expose
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.crud.views import BaseView
from app.parties import queries
from app.parties.views import visits


class InvitationView(BaseView):
    """The pages behind personal links and share links. No account is needed, and looking changes nothing."""

    route_base = "/invitations"
    default_view = "open"

    @expose("/<token>")
    def open(self, token: str) -> BaseResponse:
        """Remember the link in this browser, and lead to the party."""
        invitation = queries.invitation_by_token(token)
        if invitation is None or invitation.revoked_at:
            flash(_("This invitation is not valid any more."), "danger")
            return redirect(url_for("LandingView.index"), 303)
        visits.remember(invitation)
        return redirect(url_for("PartyView.show", slug=invitation.party.slug), 303)
