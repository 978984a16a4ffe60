"""Write down what happens."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from flask import has_request_context, request
from flask_login import current_user
from sqlalchemy import delete
from sqlalchemy.engine import CursorResult

from app import clock
from app.audit.actions import ACTIONS, SUBJECTS
from app.audit.models import AuditEvent
from app.extensions import db

# A little more than the year for which the database itself keeps it.
KEPT = timedelta(days=400)


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

    `action` is one of ACTIONS and `subject_type` one of SUBJECTS (KeyError otherwise). `subject` is a row, `name` what
    it is called (its username or text by default). `actor` is who did it, by default whoever is logged in. `before` and
    `after` hold the columns that changed, as JSON takes them; whoever calls keeps secrets out of them.
    """
    if action not in ACTIONS or subject_type not in SUBJECTS:
        raise KeyError(f"{action} on {subject_type} has no words in app.audit.actions")
    if actor is None and has_request_context() and current_user.is_authenticated:
        actor = current_user
    called = name or getattr(subject, "username", None) or (str(subject) if subject is not None else "")
    db.session.add(
        AuditEvent(
            action=action,
            actor_id=actor.id if actor is not None else None,
            actor=actor.username[:130] if actor is not None else "",
            subject_type=subject_type,
            subject_id=subject.id if subject is not None else None,
            subject=called[:200],
            before=dict(before or {}),
            after=dict(after or {}),
            address=(request.remote_addr or "")[:64] if has_request_context() else "",
        )
    )


def forget() -> int:
    """Throw away entries that are older than anybody may need; the database refuses younger ones. Return how many."""
    old = delete(AuditEvent).where(AuditEvent.at < clock.now() - KEPT)
    return cast("CursorResult[Any]", db.session.execute(old)).rowcount
