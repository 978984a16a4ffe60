"""Write down what happens."""

from collections.abc import Mapping
from typing import Any

from flask import has_request_context, request
from flask_login import current_user

from app.audit.actions import ACTIONS, SUBJECTS
from app.audit.models import AuditEvent
from app.extensions import db


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
