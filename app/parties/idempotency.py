"""A new party is laid once, however often it is sent: a program that got no answer may simply ask again."""

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
WITHIN = timedelta(minutes=1)
# How it is described.
PARAMETER = {
    "in": "header",
    "name": HEADER,
    "description": "Up to 255 characters of your choice: what is sent with the same is done once",
    "schema": {"type": "string", "maxLength": MAX_KEY_LENGTH},
}
MARK_LENGTH = 8
OTHER_PARTY = lazy_gettext("This key was already used for a different party. Use another key.")
NO_KEY = lazy_gettext("An Idempotency-Key can have up to 255 characters.")


@dataclass(frozen=True)
class Request:
    """A request for a new party. Its marks end the address of the party; nobody who knows what was sent can tell them."""

    member: Member
    # What tells it from other requests: the key that was sent along, or the minute; then the one before, too.
    asked: tuple[str, ...]
    sent: str
    keyed: bool

    @property
    def mark(self) -> str:
        """What the address of the party is to end with."""
        return self.asked[0] + self.sent

    def stored(self) -> DinnerParty | None:
        """Return the party that was laid by this request before; raises DomainError when its key laid another one."""
        endings = [DinnerParty.slug.like(f"%-{asked}{'_' * MARK_LENGTH}") for asked in self.asked]
        statement = select(DinnerParty).where(DinnerParty.host_id == self.member.id, or_(*endings))
        found = list(db.session.scalars(statement.order_by(DinnerParty.id)))
        same = next((party for party in found if party.slug.endswith(self.sent)), None)
        if self.keyed:
            if found and same is None:
                raise DomainError(OTHER_PARTY)
            return same
        return same if same is not None and same.created_at > clock.now() - WITHIN else None


def asked_for(member: Member) -> Request:
    """Return what tells the request that is being answered from all others; raises DomainError for a strange key."""
    key = request.headers.get(HEADER, "").strip()
    if len(key) > MAX_KEY_LENGTH:
        raise DomainError(NO_KEY)
    body = json.dumps(request.get_json(), sort_keys=True)
    minute = int(clock.now().timestamp() // WITHIN.total_seconds())
    parts = [f"key:{key}"] if key else [f"minute:{minute}", f"minute:{minute - 1}"]
    return Request(member, tuple(_digest(member, part) for part in parts), _digest(member, body), keyed=bool(key))


def _digest(member: Member, text: str) -> str:
    secret = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.digest(secret, f"{member.id}:{text}".encode("utf-8", "surrogatepass"), sha256).hex()[:MARK_LENGTH]
