"""Write entries of the audit log, and delete old ones."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import current_app, has_request_context, request
from flask_login import current_user
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

from app import clock
from app.audit.actions import AuditAction, AuditSubject
from app.audit.models import AuditEvent
from app.database import delete_batch
from app.extensions import db

# In the `info` of a session: what the entries of its transaction are about.
RECORDED = "audited"


def record(  # noqa: PLR0913 - what an entry is
    action: str,
    subject_type: str,
    subject: Any = None,
    *,
    name: str = "",
    actor: Any = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry in the transaction of the fact.

    `action` is a value of AuditAction and `subject_type` one of AuditSubject (ValueError otherwise). `subject` is a row,
    and `name` its name, by default its username or text. `actor` is the member who did it, by default the one who is
    logged in. `before` and `after` hold the changed columns as JSON values. The caller keeps secrets out of them.
    """
    if action not in AuditAction.labels() or subject_type not in AuditSubject.labels():
        raise ValueError(f"{action} on {subject_type} is not in app.audit.actions")
    label = name or getattr(subject, "username", None) or (str(subject) if subject is not None else "")
    key = subject.id if subject is not None else None
    write(action, subject_type, key, label, actor=actor, before=before, after=after)


def write(  # noqa: PLR0913 - what an entry is
    action: str,
    subject_type: str,
    key: int | None,
    name: str,
    *,
    actor: Any = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry about any table: `subject_type` may be the name of one. As `record` otherwise."""
    if actor is None and has_request_context() and current_user.is_authenticated:
        actor = current_user
    db.session().info.setdefault(RECORDED, set()).add((subject_type, key))
    db.session.add(
        AuditEvent(
            action=action,
            actor_id=actor.id if actor is not None else None,
            actor=actor.username[:130] if actor is not None else "",
            subject_type=subject_type,
            subject_id=key,
            subject=name[:200],
            before=dict(before or {}),
            after=dict(after or {}),
            address=(request.remote_addr or "")[:64] if has_request_context() else "",
        )
    )


def has_recorded(subject_type: str, key: int | None) -> bool:
    """Whether the current transaction has written an entry about a row."""
    return (subject_type, key) in db.session().info.get(RECORDED, ())


@event.listens_for(Session, "after_transaction_end")
def _forget(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(RECORDED, None)


def delete_old() -> int:
    """Delete old entries and return how many. The database refuses to delete those of the last year."""
    days = current_app.config["AUDIT_RETENTION_DAYS"]
    return delete_batch(AuditEvent, AuditEvent.at < clock.now() - timedelta(days=days))
