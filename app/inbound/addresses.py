"""Addresses at which the site receives e-mail: `dinner+reply-r12-2jx7qa4mzpb3kwne@example.org`.

The token after the kind is a key, which says whom or what the address is about, and its HMAC-SHA256 (RFC 2104) with the
site's secret key. It is not stored. Only who got an e-mail with the address can write to it. Mail programs and servers may
change the case of addresses, so Base32 (RFC 4648) is used and case does not matter.
"""

import hashlib
import hmac
import re
from base64 import b32encode
from typing import NamedTuple

from flask import current_app

from app.address_key import address_key

# The kinds of addresses. Each has a handler in the registry.
BOUNCE, CALENDAR, REPLY = "bounce", "calendar", "reply"
DELIMITER = "+"
MAC_BYTES = 10
KEY = re.compile(r"[a-z0-9]{1,30}")


class SignedAddress(NamedTuple):
    """The kind and the key of an address whose token is valid."""

    kind: str
    key: str


def is_open() -> bool:
    """Whether the site receives e-mail."""
    return bool(current_app.config["INBOUND_ADDRESS"])


def make(kind: str, key: str) -> str | None:
    """Return the address of a `kind` for a `key` of small letters and digits; None while the door is closed."""
    if not is_open():
        return None
    if not KEY.fullmatch(key):
        raise ValueError("a key has small letters and digits only")
    mailbox, _, domain = _base().partition("@")
    return f"{mailbox}{DELIMITER}{kind}-{key}-{_mac(kind, key)}@{domain}"


def parse(address: str) -> SignedAddress | None:
    """Return the kind and the key of an address; None if it is not of this site, or its token is not valid."""
    mailbox, _, domain = address_key(address).rpartition("@")
    base, _, own_domain = address_key(_base()).partition("@")
    name, _, rest = mailbox.rpartition(DELIMITER)
    kind, _, token = rest.partition("-")
    key, _, mac = token.rpartition("-")
    if (name, domain) != (base, own_domain) or not KEY.fullmatch(key):
        return None
    is_valid = hmac.compare_digest(mac.encode("utf-8", "surrogatepass"), _mac(kind, key).encode())
    return SignedAddress(kind, key) if is_valid else None


def is_base(address: str) -> bool:
    """Whether it is the site's address without a token."""
    return is_open() and address_key(address) == address_key(_base())


def _base() -> str:
    return str(current_app.config["INBOUND_ADDRESS"])


def _mac(kind: str, key: str) -> str:
    secret: str | bytes = current_app.config["SECRET_KEY"]
    digest = hmac.digest(
        secret.encode() if isinstance(secret, str) else secret, f"inbound:{kind}:{key}".encode(), hashlib.sha256
    )
    return b32encode(digest[:MAC_BYTES]).decode().lower()
