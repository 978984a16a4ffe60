"""Secret links: personal ones, the one a host shares, and what stands on a ticket.

Their tokens are not stored. Each is derived (HMAC-SHA256, RFC 2104) from the site's secret key and from what it
opens, so that a reminder can carry the link that was sent before, and a copy of the database opens nothing.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from flask import current_app

from app.accounts.rules import token_hash
from app.http import public_url
from app.outbox.models import SECRET
from app.parties.models import DinnerParty, Invitation, Rsvp

TOKEN_BYTES, CODE_BYTES = 24, 12


def personal_token(invitation: Invitation) -> str:
    """Return the token of a stored invitation, and see to it that its hash is known."""
    token = _derived("invitation", invitation.id, invitation.round)
    if invitation.token_hash != token_hash(token):
        # It is new, or the site's secret key is: then earlier links work until the next letter.
        invitation.token_hash = token_hash(token)
    return token


def personal_url() -> str:
    """Return a personal link as it stands in a letter whose secret is the token."""
    return public_url("InvitationView.open", token=SECRET)


def share_token(party: DinnerParty) -> str:
    """Return the token of the share link that is valid now; there is one unless `share_round` is 0."""
    return _derived("share", party.id, party.share_round)


def is_share_token(party: DinnerParty, token: str) -> bool:
    """Whether `token` is that of the valid share link."""
    return party.share_round > 0 and _same(share_token(party), token)


def door_code(answer: Rsvp) -> str:
    """Return what stands on the ticket of somebody who comes."""
    return f"{answer.id}-{_derived('door', answer.party_id, answer.id, size=CODE_BYTES)}"


def is_door_code(answer: Rsvp, code: str) -> bool:
    """Whether `code` is what stands on that ticket."""
    return _same(door_code(answer), code)


def _derived(purpose: str, *what: int, size: int = TOKEN_BYTES) -> str:
    text = ":".join([purpose, *map(str, what)])
    digest = hmac.digest(_key(), text.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest[:size]).decode()


def _key() -> bytes:
    key: str | bytes = current_app.config["SECRET_KEY"]
    return key.encode() if isinstance(key, str) else key


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))
