"""The state of an invitation."""

from datetime import datetime

from flask_babel import lazy_gettext

from app.enums import LabelledEnum


class InvitationState(LabelledEnum):
    """The last that happened to an invitation."""

    WAITING = "waiting", lazy_gettext("Not sent yet")
    NO_SERVER = "no_server", lazy_gettext("Not sent: no mail server")
    SUPPRESSED = "suppressed", lazy_gettext("Not sent: e-mail is switched off")
    SENT = "sent", lazy_gettext("Invitation sent")
    OPENED = "opened", lazy_gettext("Link was opened")
    REMINDED = "reminded", lazy_gettext("Reminder sent")
    ANSWERED = "answered", lazy_gettext("Has answered")
    REVOKED = "revoked", lazy_gettext("Invitation withdrawn")

    @classmethod
    def of(  # noqa: PLR0913 - the facts
        cls,
        *,
        sent_at: datetime | None,
        opened_at: datetime | None,
        reminded_at: datetime | None,
        revoked_at: datetime | None,
        is_answered: bool,
        unsent: "InvitationState | None" = None,
    ) -> "InvitationState":
        """Return the state of an invitation. A withdrawn one stays withdrawn, even if the guest has answered.

        `unsent` is the state of what would be sent, on a site that sends no e-mail.
        """
        if revoked_at is not None:
            return cls.REVOKED
        if is_answered:
            return cls.ANSWERED
        if sent_at is None:
            return cls.WAITING
        if reminded_at is not None and unsent is None and (opened_at is None or reminded_at > opened_at):
            return cls.REMINDED
        return cls.OPENED if opened_at is not None else unsent or cls.SENT
