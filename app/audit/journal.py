"""The audit log as the history of rows: generated pages write to it, and show what happened to a row."""

from flask import Flask
from sqlalchemy import func, select

from app.audit import service
from app.audit.actions import COLUMNS, AuditAction
from app.audit.models import AuditEvent
from app.crud.history import Change, Entry
from app.extensions import appbuilder_of, db

# Actions after which a row is gone; SQLite gives its key to another one.
ENDED = ("deleted", "erased", "registration_discarded", "invitation_withdrawn")
LABELS = AuditAction.labels()


class AuditJournal:
    """See app.crud.history.Journal."""

    def write(self, change: Change) -> None:
        """Write an entry, unless the change has written its own."""
        number = getattr(change.item, "id", None)
        key = number if isinstance(number, int) else None
        if not service.has_recorded(change.subject, key):
            service.write(change.kind, change.subject, key, change.name, before=change.before, after=change.after)

    def read(self, subject: str, key: int, start: int, count: int, /) -> list[Entry]:
        """Return entries about a row, but not about one that had its key before."""
        about = (AuditEvent.subject_type == subject, AuditEvent.subject_id == key)
        ended = AuditEvent.action.endswith("_deleted") | AuditEvent.action.in_(ENDED)
        last_end, last_return = db.session.execute(
            select(
                func.max(AuditEvent.id).filter(ended), func.max(AuditEvent.id).filter(AuditEvent.action == "restored")
            ).where(*about)
        ).one()
        first = 0 if (last_return or 0) > (last_end or 0) else last_end or 0
        statement = select(AuditEvent).where(*about, AuditEvent.id > first)
        events = db.session.scalars(statement.order_by(AuditEvent.id.desc()).offset(start).limit(count))
        return [
            Entry(
                event.id, event.at, event.actor, str(LABELS.get(event.action, event.action)), event.before, event.after
            )
            for event in events
        ]

    def may_read(self) -> bool:
        """Whether the reader may see the audit log."""
        return bool(appbuilder_of().sm.has_access("can_list", "AuditEventModelView"))

    def label(self, column: str) -> str:
        """Return the label of a column."""
        return str(COLUMNS.get(column, column))


def init_app(app: Flask) -> None:
    app.extensions["journal"] = AuditJournal()
