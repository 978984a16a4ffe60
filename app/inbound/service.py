"""Sort the messages that arrive, and keep what nothing else is done with."""

import logging
from datetime import timedelta
from enum import Enum

from flask import current_app
from sqlalchemy import delete, select

from app import clock
from app.address_key import address_key
from app.database import insert_or_ignore
from app.extensions import db
from app.inbound import addresses, reading, registry
from app.inbound.addresses import BOUNCE, CALENDAR, REPLY, SignedAddress
from app.inbound.limits import RateLimit
from app.inbound.models import InboundMessage
from app.inbound.reading import Received

# For administrators. When there are more, the oldest are deleted.
MAX_KEPT = 1000
MAX_KEPT_TEXT = 5000

limits = RateLimit()
logger = logging.getLogger(__name__)


class Outcome(Enum):
    """What was done with a message."""

    HANDLED = "handled"
    DROPPED = "dropped: nobody wrote it"
    KEPT = "kept for administrators"
    UNREADABLE = "not readable"
    UNKNOWN_ADDRESS = "not an address of this site"
    TOO_MANY = "too many messages"


def knows(recipient: str) -> bool:
    """Whether the site takes messages to an address."""
    return addresses.parse(recipient) is not None or addresses.is_base(recipient)


def receive(data: bytes, recipient: str, envelope_sender: str | None = None) -> Outcome:
    """Sort a message and hand it to its handler."""
    outcome = _receive(data, recipient, envelope_sender)
    signed = addresses.parse(recipient)
    logger.info("A message to the address for %s: %s", signed.kind if signed else "everything else", outcome.value)
    return outcome


def _receive(data: bytes, recipient: str, envelope_sender: str | None) -> Outcome:
    if not knows(recipient):
        return Outcome.UNKNOWN_ADDRESS
    if not limits.take(address_key(recipient), clock.now()):
        return Outcome.TOO_MANY
    message = reading.read(data, envelope_sender)
    if message is None:
        return Outcome.UNREADABLE
    return _sort(message, addresses.parse(recipient))


def _sort(message: Received, address: SignedAddress | None) -> Outcome:
    kind, key = address or ("", "")
    if message.reports:
        # A report at an address for replies is about no e-mail that the address names.
        is_handled = _hand(BOUNCE, message, key if kind == BOUNCE else "")
        return Outcome.HANDLED if is_handled else Outcome.DROPPED
    if kind == CALENDAR and message.calendar:
        return _handled_or_kept(CALENDAR, message, key)
    if message.is_automatic:
        return Outcome.DROPPED
    if kind in {CALENDAR, REPLY}:
        return _handled_or_kept(REPLY, message, key)
    return _handled_or_kept(kind, message, key)


def _handled_or_kept(kind: str, message: Received, key: str) -> Outcome:
    if _hand(kind, message, key):
        return Outcome.HANDLED
    _keep(message)
    return Outcome.KEPT


def _hand(kind: str, message: Received, key: str) -> bool:
    handler = registry.handler_of(kind)
    return handler is not None and handler(message, key)


def _keep(message: Received) -> None:
    values = {
        "digest": message.digest,
        "recipient": current_app.config["INBOUND_ADDRESS"],
        "sender": message.sender,
        "subject": message.subject,
        "text": message.text[:MAX_KEPT_TEXT],
        "size": message.size,
        "received_at": clock.now(),
    }
    db.session.execute(insert_or_ignore(InboundMessage, InboundMessage.digest).values(values))
    newest = select(InboundMessage.id).order_by(InboundMessage.id.desc()).limit(MAX_KEPT).subquery()
    db.session.execute(delete(InboundMessage).where(InboundMessage.id.not_in(select(newest.c.id))))


def delete_old() -> int:
    """Delete the messages that have been kept for long enough; return how many."""
    before = clock.now() - timedelta(days=current_app.config["INBOUND_RETENTION_DAYS"])
    statement = delete(InboundMessage).where(InboundMessage.received_at < before).returning(InboundMessage.id)
    return len(db.session.execute(statement).all())
