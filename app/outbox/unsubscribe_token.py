"""Links with which the reader of a letter asks for no more of its kind.

Their tokens are not stored. Each says which address and which kind of letters it is about, signed with the site's
secret key: whoever has it can have got it from such a letter only, and a copy of the database opens nothing.
"""

import hashlib
from typing import NamedTuple

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from app.http import public_url
from app.outbox.models import UNSUBSCRIBE, EmailTopic


class UnsubscribeToken(NamedTuple):
    """What a link is about."""

    email: str
    topic: str

    @property
    def topic_name(self) -> str:
        """The kind of letters, in the reader's language."""
        return str(EmailTopic.labels()[self.topic])


def dump_token(email: str, topic: str) -> str:
    """Return what stands in the link of letters about `topic` to an address."""
    return str(_serializer().dumps([email.lower(), topic]))


def load_token(text: str) -> UnsubscribeToken | None:
    """Return what a token is about, or None for one that we have not made."""
    try:
        email, topic = _serializer().loads(text)
    except (BadData, TypeError, ValueError):
        return None
    return UnsubscribeToken(email, topic) if topic in EmailTopic.labels() else None


def stored_url() -> str:
    """Return a link as it is stored with a letter; what opens it is put in as the letter is sent."""
    return public_url("UnsubscribeView.show", token=UNSUBSCRIBE)


def url(email: str, topic: str) -> str:
    """Return the link that opens."""
    return public_url("UnsubscribeView.show", token=dump_token(email, topic))


def _serializer() -> URLSafeSerializer:
    signer = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(current_app.secret_key or "", salt="unsubscribe", signer_kwargs=signer)
