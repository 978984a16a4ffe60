"""Unsubscriptions: which addresses get no e-mails of which topic."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, select, update

from app.address_key import address_key
from app.database import insert_or_ignore
from app.extensions import db
from app.outbox.models import EmailState, EmailTopic, OutboxEmail, Unsubscription

UNSUBSCRIBED = "The recipient unsubscribed."


def unsubscribe(email: str, topic: str) -> bool:
    """Unsubscribe an address from `topic` and cancel its queued e-mails; return False if it already was unsubscribed."""
    statement = insert_or_ignore(Unsubscription).values(email=email, topic=topic).returning(Unsubscription.id)
    is_new = db.session.execute(statement).first() is not None
    queued = and_(
        OutboxEmail.topic == topic,
        OutboxEmail.recipient_key == address_key(email),
        OutboxEmail.state == EmailState.QUEUED,
    )
    db.session.execute(
        update(OutboxEmail).where(queued).values(state=EmailState.FAILED, secret=None, last_error=UNSUBSCRIBED)
    )
    return is_new


def resubscribe(email: str, topic: str) -> bool:
    """Subscribe an address to `topic` again; return False if it was not unsubscribed."""
    statement = delete(Unsubscription).where(_is_of(email), Unsubscription.topic == topic).returning(Unsubscription.id)
    return db.session.execute(statement).first() is not None


def find(email: str, topic: str) -> Unsubscription | None:
    return db.session.scalars(select(Unsubscription).where(_is_of(email), Unsubscription.topic == topic)).first()


def of_address(email: str) -> list[Unsubscription]:
    return list(db.session.scalars(select(Unsubscription).where(_is_of(email)).order_by(Unsubscription.id)))


def wanted_topics(email: str) -> list[str]:
    """Return the topics that an address is subscribed to."""
    unsubscribed = {row.topic for row in of_address(email)}
    return [topic for topic in EmailTopic if topic not in unsubscribed]


def set_topics(email: str, topics: Collection[str]) -> None:
    """Subscribe an address to these topics, and unsubscribe it from all others."""
    for topic in EmailTopic:
        if topic in topics:
            resubscribe(email, topic)
        else:
            unsubscribe(email, topic)


def rename_address(before: str, after: str) -> None:
    """Move the unsubscriptions of a member to their new address. The old address may belong to another person later."""
    for row in of_address(before):
        unsubscribe(after, row.topic)
    if address_key(before) != address_key(after):
        delete_of(before)


def delete_of(email: str) -> None:
    db.session.execute(delete(Unsubscription).where(_is_of(email)))


def accepts(key: Any, topic: Any) -> ColumnElement[bool]:
    """Return the SQL condition that the address with a key is subscribed to a topic; both may be columns."""
    unsubscribed = exists().where(Unsubscription.email_key == key, Unsubscription.topic == topic)
    return ~unsubscribed.correlate_except(Unsubscription)


def _is_of(email: str) -> ColumnElement[bool]:
    return Unsubscription.email_key == address_key(email)
