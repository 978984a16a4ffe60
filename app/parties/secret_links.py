"""Personal links, share links and ticket codes.

Their tokens are not stored. Each is derived (HMAC-SHA256, RFC 2104) from the site's secret key and the key of the row.
So a reminder can contain the link that was sent before, and a copy of the database contains no valid link.
"""

import hashlib
import hmac
import unicodedata
from base64 import b32encode, urlsafe_b64encode
from functools import lru_cache

import segno
from flask import current_app

from app.accounts.rules import token_hash
from app.http import parse_int, public_url
from app.outbox.models import SECRET
from app.parties.models import DinnerParty, Invitation, Rsvp

TOKEN_BYTES, CODE_BYTES = 24, 10
CODE_LETTERS, CODE_GROUP = CODE_BYTES * 8 // 5, 4
# Each is some kilobytes long.
MOST_QR_CODES = 256
# What people read as the same sign. Base32 (RFC 4648) has 2 to 7 beside all letters: codes are compared with one of each.
LETTERS = str.maketrans("01L8526", "OIIBSZG")
DIGITS = str.maketrans("OILBSZG", "0118526")


def personal_token(invitation: Invitation) -> str:
    """Return the token of a stored invitation, and store its hash."""
    token = _token("invitation", invitation.id, invitation.round)
    if invitation.token_hash != token_hash(token):
        # The invitation is new, or the secret key has changed: then earlier links work until the next e-mail.
        invitation.token_hash = token_hash(token)
    return token


def personal_url(seats: int | None = None) -> str:
    """Return the personal link for an e-mail; the outbox fills in the token as its secret.

    With `seats`, the page asks for that many.
    """
    return public_url("InvitationView.open", token=SECRET, seats=seats)


def personal_url_of(invitation: Invitation) -> str | None:
    """Return the personal link for a page; None if its token cannot be derived, because the secret key has changed."""
    token = _token("invitation", invitation.id, invitation.round)
    if invitation.token_hash != token_hash(token):
        return None
    return public_url("InvitationView.open", token=token)


def share_token(party: DinnerParty) -> str:
    """Return the token of the valid share link. There is one while `share_round` is above 0."""
    return _token("share", party.id, party.share_round)


def share_url(party: DinnerParty) -> str | None:
    """Return the valid share link; None when there is none."""
    if party.share_round <= 0:
        return None
    return public_url("JoinView.link", slug=party.slug, token=share_token(party))


def is_share_token(party: DinnerParty, token: str) -> bool:
    return party.share_round > 0 and _equal(share_token(party), token)


@lru_cache(maxsize=MOST_QR_CODES)
def qr_code(url: str) -> str:
    """Return the QR code of a URL as a data URI. Guests open their ticket again and again in the last days."""
    # Dark on light also in dark mode: not every camera reads an inverted code.
    return segno.make(url, error="m").svg_data_uri(border=4, light="#fff", omitsize=True)


def ticket_code(rsvp: Rsvp) -> str:
    """Return the code on the ticket of an RSVP: its key and groups of letters that can be read aloud and typed."""
    letters = b32encode(_digest("door", rsvp.party_id, rsvp.id)[:CODE_BYTES]).decode()
    groups = [letters[start : start + CODE_GROUP] for start in range(0, len(letters), CODE_GROUP)]
    return "-".join([str(rsvp.id), *groups])


def is_ticket_code(rsvp: Rsvp, code: str) -> bool:
    """Whether `code` is the code of the RSVP. Case, spaces, hyphens and misread letters do not matter."""
    number, letters = _split(code)
    return number == rsvp.id and _equal(_split(ticket_code(rsvp))[1], letters)


def is_code(text: str) -> bool:
    """Whether `text` is a ticket code and not a name, which has no digits. The letters are not checked."""
    number, dash, _letters = text.strip().partition("-")
    return (bool(dash) and parse_int(number) is not None) or any(map(str.isdecimal, _signs(text)[:-CODE_LETTERS]))


def rsvp_id_of_code(code: str) -> int | None:
    """Return the key of the RSVP in a ticket code, or None. The rest of the code is not checked."""
    return _split(code)[0]


def _split(code: str) -> tuple[int | None, str]:
    """Return the key of the RSVP in a typed code, if there is one, and the letters, with one sign for similar ones."""
    signs = _signs(code)
    return parse_int(signs[:-CODE_LETTERS].translate(DIGITS)), signs[-CODE_LETTERS:].translate(LETTERS)


def _signs(code: str) -> str:
    """Return the letters and digits of a typed code, as Base32 has them."""
    typed = unicodedata.normalize("NFKD", code).upper()
    return "".join(str(unicodedata.decimal(sign, sign)) for sign in typed if sign.isalnum())


def _token(purpose: str, *keys: int, size: int = TOKEN_BYTES) -> str:
    return urlsafe_b64encode(_digest(purpose, *keys)[:size]).decode()


def _digest(purpose: str, *keys: int) -> bytes:
    secret: str | bytes = current_app.config["SECRET_KEY"]
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, ":".join([purpose, *map(str, keys)]).encode(), hashlib.sha256)


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogatepass"))
