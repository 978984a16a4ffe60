"""The audit log: who did what to whom, when and from where. Entries are written with the fact and never change."""

from app.audit.service import record

__all__ = ["record"]
