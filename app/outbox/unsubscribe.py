"""Who wants no letters of which kind: those who asked for no more get none, whoever has written to them."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db
from app.outbox.models import EmailState, EmailTopic, OutboxEmail, Unsubscription

INSERTS: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
GIVEN_UP = "Its reader asked for no more of this kind."


def unsubscribe(email: str, topic: str) -> bool:
    """Write no more about `topic` to an address, and send nothing of it that waits; False when so it was already."""
    stored = (
        INSERTS[db.engine.dialect.name](Unsubscription)
        .values(email=email, topic=topic)
        .on_conflict_do_nothing()
        .returning(Unsubscription.id)
    )
    is_new = db.session.execute(stored).first() is not None
    waits = and_(
        OutboxEmail.topic == topic,
        func.lower(OutboxEmail.recipient) == email.lower(),
        OutboxEmail.state == EmailState.QUEUED,
    )
    _execute(update(OutboxEmail).where(waits).values(state=EmailState.FAILED, secret=None, last_error=GIVEN_UP))
    return is_new


def resubscribe(email: str, topic: str) -> bool:
    """Write about `topic` to an address again; False when nobody had asked for anything else."""
    gone = delete(Unsubscription).where(_is_of(email), Unsubscription.topic == topic).returning(Unsubscription.id)
    return _execute(gone).first() is not None


def find(email: str, topic: str) -> Unsubscription | None:
    """Return since when an address gets no letters about `topic`, if so."""
    return db.session.scalars(select(Unsubscription).where(_is_of(email), Unsubscription.topic == topic)).one_or_none()


def of_address(email: str) -> list[Unsubscription]:
    """Return all that an address wants no letters about."""
    return list(db.session.scalars(select(Unsubscription).where(_is_of(email)).order_by(Unsubscription.id)))


def wanted_topics(email: str) -> list[str]:
    """Return the topics that an address wants letters about."""
    refused = {row.topic for row in of_address(email)}
    return [topic for topic in EmailTopic if topic not in refused]


def set_topics(email: str, topics: Collection[str]) -> None:
    """Write to an address about these topics, and no others."""
    for topic in EmailTopic:
        if topic in topics:
            resubscribe(email, topic)
        else:
            unsubscribe(email, topic)


def rename_address(before: str, after: str) -> None:
    """Let what somebody wants hold for their new address; who has the old one next decides for themselves."""
    for row in of_address(before):
        unsubscribe(after, row.topic)
    if before.lower() != after.lower():
        delete_of(before)


def delete_of(email: str) -> None:
    """Forget what an address wanted: there is nobody behind it any more."""
    _execute(delete(Unsubscription).where(_is_of(email)))


def accepts(email: Any, topic: str) -> ColumnElement[bool]:
    """Return the condition that the address in a column wants letters about `topic`."""
    refused = exists().where(func.lower(Unsubscription.email) == func.lower(email), Unsubscription.topic == topic)
    return ~refused.correlate_except(Unsubscription)


def _is_of(email: str) -> ColumnElement[bool]:
    return func.lower(Unsubscription.email) == email.lower()


def _execute(statement: Any) -> Any:
    return db.session.execute(statement)
