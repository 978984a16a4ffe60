"""Secret links that were opened in this browser: they are kept in its session until it is closed, or logs out."""

from typing import Any

from flask import session

from app.extensions import db
from app.parties.models import DinnerParty, Invitation

INVITATIONS, SHARED = "invitations", "shared"
# The session is a cookie, and browsers drop one that is too long.
MAX_LINKS = 20
MARK_LENGTH = 16


def remember(invitation: Invitation) -> None:
    """Let this browser answer by a personal link, until the link is renewed or taken back."""
    _keep(INVITATIONS, invitation.party_id, [invitation.id, _mark(invitation)])


def remember_share_link(party: DinnerParty) -> None:
    """Let this browser see a party, until its share link is renewed or taken back."""
    _keep(SHARED, party.id, party.share_round)


def remembered_invitation(party: DinnerParty) -> Invitation | None:
    """Return the invitation to a party whose personal link was opened here, if it still holds."""
    invitation_id, mark = session.get(INVITATIONS, {}).get(str(party.id)) or (None, None)
    invitation = db.session.get(Invitation, invitation_id) if invitation_id else None
    if invitation is None or invitation.party_id != party.id or invitation.revoked_at or _mark(invitation) != mark:
        return None
    return invitation


def has_share_link(party: DinnerParty) -> bool:
    """Whether the share link of a party was opened here, and still holds.

    Whoever has no more than that is a stranger still, from whom an administrator may have hidden the party.
    """
    if party.hidden_at is not None or party.share_round <= 0:
        return False
    return session.get(SHARED, {}).get(str(party.id)) == party.share_round


def _mark(invitation: Invitation) -> str:
    return (invitation.token_hash or "")[:MARK_LENGTH]


def _keep(kind: str, party_id: int, value: Any) -> None:
    links = {key: link for key, link in session.get(kind, {}).items() if key != str(party_id)}
    session[kind] = dict([*links.items(), (str(party_id), value)][-MAX_LINKS:])
