"""The state of an invitation."""

from datetime import datetime
from enum import Enum


class InvitationState(Enum):
    """What became of an invitation."""

    WAITING = "waiting"
    SENT = "sent"
    OPENED = "opened"
    REMINDED = "reminded"
    ANSWERED = "answered"
    REVOKED = "revoked"

    @classmethod
    def of(
        cls,
        *,
        sent_at: datetime | None,
        opened_at: datetime | None,
        reminded_at: datetime | None,
        revoked_at: datetime | None,
        is_answered: bool,
    ) -> "InvitationState":
        """Return the last that happened to an invitation; one that is taken back stays so, whatever was answered."""
        if revoked_at is not None:
            return cls.REVOKED
        if is_answered:
            return cls.ANSWERED
        if sent_at is None:
            return cls.WAITING
        if reminded_at is not None and (opened_at is None or reminded_at > opened_at):
            return cls.REMINDED
        return cls.SENT if opened_at is None else cls.OPENED
