"""The audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.database import Json, UTCDateTime
from app.extensions import Model


class AuditEvent(Model):
    """One entry. A trigger in the database refuses to change it, or to delete it within a year.

    Members are stored by key and name, without a foreign key: the log outlives their rows.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=clock.now)
    # The member who did it. Empty for visitors and commands.
    actor_id: Mapped[int | None] = mapped_column()
    actor: Mapped[str] = mapped_column(String(130), default="")
    # A value of AuditAction. A plain string, so that entries of older versions stay readable.
    action: Mapped[str] = mapped_column(String(40))
    # A value of AuditSubject, the key of the row, and its name at that time.
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
        """The old and the new values."""
        return self.before, self.after

    def __repr__(self) -> str:
        return f"{self.action} {self.subject}".strip()
