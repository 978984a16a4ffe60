"""Tokens of unsubscribe links.

They are not stored. A token contains an address and a topic, signed with the site's secret key. So only the recipient
of an e-mail has it, and a copy of the database does not help to forge one.
"""

import hashlib
from typing import NamedTuple

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

from app.http import public_url
from app.outbox.models import UNSUBSCRIBE, EmailTopic


class UnsubscribeToken(NamedTuple):
    email: str
    topic: str

    @property
    def topic_name(self) -> str:
        """The label of the topic."""
        return str(EmailTopic.labels()[self.topic])


def dump_token(email: str, topic: str) -> str:
    return str(_serializer().dumps([email.lower(), topic]))


def load_token(text: str) -> UnsubscribeToken | None:
    """Return the content of a token, or None if it is not valid."""
    try:
        email, topic = _serializer().loads(text)
    except (BadData, TypeError, ValueError):
        return None
    return UnsubscribeToken(email, topic) if topic in EmailTopic.labels() else None


def stored_url() -> str:
    """Return the link as it is stored, with a placeholder for the token."""
    return public_url("UnsubscribeView.show", token=UNSUBSCRIBE)


def url(email: str, topic: str) -> str:
    """Return the link as it is sent."""
    return public_url("UnsubscribeView.show", token=dump_token(email, topic))


def _serializer() -> URLSafeSerializer:
    signer = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
    return URLSafeSerializer(current_app.secret_key or "", salt="unsubscribe", signer_kwargs=signer)
