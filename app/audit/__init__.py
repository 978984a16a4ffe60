"""Who did what to whom, when and from where: written with the fact, never changed."""

from app.audit.service import record

__all__ = ["record"]
