"""What is said of e-mails. Nothing is called sent, or on its way, on a site that sends no e-mail."""

from flask_babel import gettext as _

from app.errors import Category
from app.outbox import service


def not_sent() -> str:
    """Return why this site sends no e-mail, or an empty text if it does."""
    if service.delivers():
        return ""
    if service.suppresses():
        return _("This site is set to send no e-mail. Administrators find it in the outbox.")
    return _("E-mail waits in the outbox, because no mail server is configured.")


def sent(text: object, otherwise: str = "") -> tuple[str, Category]:
    """Return the flash `text`, which says that an e-mail is sent. If it is not, return `otherwise` and the reason."""
    reason = not_sent()
    return (f"{otherwise} {reason}".strip(), "warning") if reason else (str(text), "info")


def queued(text: object, category: Category = "info") -> tuple[str, Category]:
    """Return the flash `text`, which stays true if no e-mail is sent. Then the reason is added to it."""
    reason = not_sent()
    return (f"{text} {reason}", "warning") if reason else (str(text), category)
