"""Secret links: personal ones, the one a host shares, and what stands on a ticket.

Their tokens are not stored. Each is derived (HMAC-SHA256, RFC 2104) from the site's secret key and from what it
opens, so that a reminder can carry the link that was sent before, and a copy of the database opens nothing.
"""

import hashlib
import hmac
from base64 import b32encode, urlsafe_b64encode

from flask import current_app

from app.accounts.rules import token_hash
from app.http import public_url
from app.outbox.models import SECRET
from app.parties.models import DinnerParty, Invitation, Rsvp

TOKEN_BYTES, CODE_BYTES = 24, 10
# What people read instead of the letters of Base32 (RFC 4648).
MISREAD = str.maketrans("018", "OIB", " -")
CODE_GROUP, MAX_NUMBER = 4, 2**31 - 1


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
    """Return the token of the share link that is valid now; there is one while `share_round` is above 0."""
    return _derived("share", party.id, party.share_round)


def is_share_token(party: DinnerParty, token: str) -> bool:
    """Whether `token` is that of the valid share link."""
    return party.share_round > 0 and _same(share_token(party), token)


def ticket_code(rsvp: Rsvp) -> str:
    """Return what stands on the ticket of somebody who comes: letters that can be read aloud, and typed."""
    letters = b32encode(_digest("door", rsvp.party_id, rsvp.id)[:CODE_BYTES]).decode()
    groups = [letters[start : start + CODE_GROUP] for start in range(0, len(letters), CODE_GROUP)]
    return "-".join([str(rsvp.id), *groups])


def is_ticket_code(rsvp: Rsvp, code: str) -> bool:
    """Whether `code` is what stands on that ticket, as people type it."""
    number, _dash, letters = ticket_code(rsvp).partition("-")
    typed, _dash, rest = code.strip().partition("-")
    return typed == number and _same(letters.replace("-", ""), rest.upper().translate(MISREAD))


def rsvp_id_of_code(code: str) -> int | None:
    """Return the key of the answer that a ticket's code names, if it may be one."""
    number, dash, _letters = code.strip().partition("-")
    is_number = dash and number.isascii() and number.isdigit() and len(number) <= len(str(MAX_NUMBER))
    return int(number) if is_number and int(number) <= MAX_NUMBER else None


def _derived(purpose: str, *what: int, size: int = TOKEN_BYTES) -> str:
    return urlsafe_b64encode(_digest(purpose, *what)[:size]).decode()


def _digest(purpose: str, *what: int) -> bytes:
    return hmac.digest(_key(), ":".join([purpose, *map(str, what)]).encode(), hashlib.sha256)


def _key() -> bytes:
    key: str | bytes = current_app.config["SECRET_KEY"]
    return key.encode() if isinstance(key, str) else key


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))
