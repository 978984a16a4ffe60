"""Idempotency keys: a program that got no response can repeat its request without creating a second party.

No table is needed. The slug of a new party ends with a digest of the key and one of the request body.
"""

import hmac
import json
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from flask import current_app, request
from flask_babel import lazy_gettext
from sqlalchemy import or_, select

from app import clock
from app.accounts.models import Member
from app.errors import DomainError
from app.extensions import db
from app.parties.models import DinnerParty

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 255
# Without a key, the same body is the same request within this time.
REPEAT_WITHIN = timedelta(minutes=1)
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "Up to 255 characters of your choice. Requests with the same key are carried out once",
    "schema": {"type": "string", "maxLength": MAX_KEY_LENGTH},
}
DIGEST_LENGTH = 8
KEY_REUSED = lazy_gettext("This key was already used for a different party. Use another key.")
KEY_TOO_LONG = lazy_gettext("An Idempotency-Key can have up to 255 characters.")


@dataclass(frozen=True)
class RequestIdentity:
    """What identifies a request. The digests are keyed, so that nobody can guess the slug from the request."""

    member: Member
    # The digest of the Idempotency-Key. Without a key, that of the current minute, then that of the minute before.
    key_digests: tuple[str, ...]
    body_digest: str
    has_key: bool

    @property
    def slug_suffix(self) -> str:
        """The end of the slug of the party that the request creates."""
        return self.key_digests[0] + self.body_digest

    def find_party(self) -> DinnerParty | None:
        """Return the party that an earlier equal request created. Raises DomainError if the key was used for another."""
        endings = [DinnerParty.slug.like(f"%-{digest}{'_' * DIGEST_LENGTH}") for digest in self.key_digests]
        statement = select(DinnerParty).where(DinnerParty.host_id == self.member.id, or_(*endings))
        found = list(db.session.scalars(statement.order_by(DinnerParty.id)))
        same = next((party for party in found if party.slug.endswith(self.body_digest)), None)
        if self.has_key:
            if found and same is None:
                raise DomainError(KEY_REUSED)
            return same
        return same if same is not None and same.created_at > clock.now() - REPEAT_WITHIN else None


def identify_request(member: Member) -> RequestIdentity:
    """Return the identity of the current request. Raises DomainError if its Idempotency-Key is too long."""
    key = request.headers.get(HEADER, "").strip()
    if len(key) > MAX_KEY_LENGTH:
        raise DomainError(KEY_TOO_LONG)
    body = json.dumps(request.get_json(), sort_keys=True)
    minute = int(clock.now().timestamp() // REPEAT_WITHIN.total_seconds())
    keys = [f"key:{key}"] if key else [f"minute:{minute}", f"minute:{minute - 1}"]
    return RequestIdentity(
        member, tuple(_digest(member, key) for key in keys), _digest(member, body), has_key=bool(key)
    )


def _digest(member: Member, text: str) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.digest(secret, f"{member.id}:{text}".encode("utf-8", "surrogatepass"), sha256).hex()[:DIGEST_LENGTH]
