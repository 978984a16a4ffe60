"""The secret links that a browser has opened. The session keeps them until the browser closes or the member logs out."""

from typing import Any

from flask import session

from app.extensions import db
from app.parties.models import DinnerParty, Invitation

INVITATIONS, SHARED = "invitations", "shared"
# The session is a cookie, and browsers drop a cookie that is too long.
MAX_LINKS = 20
FINGERPRINT_LENGTH = 16


def remember(invitation: Invitation) -> None:
    """Let this browser answer with a personal link, until the link is replaced or revoked."""
    _store(INVITATIONS, invitation.party_id, [invitation.id, _fingerprint(invitation)])


def remember_share_link(party: DinnerParty) -> None:
    """Let this browser see a party, until its share link is replaced or switched off."""
    _store(SHARED, party.id, party.share_round)


def remembered_invitation(party: DinnerParty) -> Invitation | None:
    """Return the invitation whose personal link this browser has opened, if the link is still valid."""
    invitation_id, fingerprint = session.get(INVITATIONS, {}).get(str(party.id)) or (None, None)
    invitation = db.session.get(Invitation, invitation_id) if invitation_id else None
    if (
        invitation is None
        or invitation.party_id != party.id
        or invitation.revoked_at
        or _fingerprint(invitation) != fingerprint
    ):
        return None
    return invitation


def has_share_link(party: DinnerParty) -> bool:
    """Whether this browser has opened the share link, and it is still valid. It does not open a hidden party."""
    if party.hidden_at is not None or party.share_round <= 0:
        return False
    return session.get(SHARED, {}).get(str(party.id)) == party.share_round


def _fingerprint(invitation: Invitation) -> str:
    return (invitation.token_hash or "")[:FINGERPRINT_LENGTH]


def _store(kind: str, party_id: int, value: Any) -> None:
    links = {key: link for key, link in session.get(kind, {}).items() if key != str(party_id)}
    session[kind] = dict([*links.items(), (str(party_id), value)][-MAX_LINKS:])
