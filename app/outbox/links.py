"""Links with which the reader of a letter asks for no more of its kind.

Their tokens are not stored. Each says which address and which kind of letters it is about, signed with the site's
secret key: whoever has it can have got it from such a letter only, and a copy of the database opens nothing.
"""

import hashlib
from typing import NamedTuple

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from app.http import public_url
from app.outbox.models import TOPICS, UNSUBSCRIBE


class Wish(NamedTuple):
    """What a link is about."""

    email: str
    topic: str

    @property
    def topic_name(self) -> str:
        """The kind of letters, in the reader's language."""
        return str(TOPICS[self.topic])


def token(email: str, topic: str) -> str:
    """Return what stands in the link of letters about `topic` to an address."""
    return str(_serializer().dumps([email.lower(), topic]))


def read(text: str) -> Wish | None:
    """Return what a token is about, or None for one that we have not made."""
    try:
        email, topic = _serializer().loads(text)
    except (BadData, TypeError, ValueError):
        return None
    return Wish(email, topic) if topic in TOPICS else None


def address() -> str:
    """Return a link as it is stored with a letter; what opens it is put in as the letter is sent."""
    return public_url("UnsubscribeView.show", token=UNSUBSCRIBE)


def full_address(email: str, topic: str) -> str:
    """Return the link that opens."""
    return public_url("UnsubscribeView.show", token=token(email, topic))


def _serializer() -> URLSafeSerializer:
    signer = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(current_app.secret_key or "", salt="unsubscribe", signer_kwargs=signer)
