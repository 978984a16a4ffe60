"""The audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import Json, UTCDateTime
from app.extensions import Model


class AuditEvent(Model):
    """Something that somebody did. A trigger in the database refuses to change it, or to delete it within a year.

    People stand in it by number and by name, without a foreign key: the log outlives them.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # Who did it; nobody for what strangers and commands do.
    actor_id: Mapped[int | None] = mapped_column()
    actor: Mapped[str] = mapped_column(String(130), default="")
    # One of app.audit.actions.ACTIONS.
    action: Mapped[str] = mapped_column(String(40))
    # To what: "member", "role", ..., its key, and what it was called then.
    subject_type: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[int | None] = mapped_column()
    subject: Mapped[str] = mapped_column(String(200), default="")
    # The columns that changed, and the reason, if one was given; never a secret.
    before: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    address: Mapped[str] = mapped_column(String(64), default="")

    __table_args__ = (
        Index("ix_audit_event_at_id", "at", "id"),
        Index("ix_audit_event_actor_id", "actor_id"),
        Index("ix_audit_event_subject_type_subject_id", "subject_type", "subject_id"),
        Index("ix_audit_event_action", "action"),
        Index("ix_audit_event_actor", "actor"),
        Index("ix_audit_event_subject", "subject"),
        Index("ix_audit_event_address", "address"),
    )

    @property
    def changes(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was before, and what is since."""
        return self.before, self.after

    def __repr__(self) -> str:
        return f"{self.action} {self.subject}".strip()
