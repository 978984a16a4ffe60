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


def setup_notices() -> list[str]:
    """Return what administrators have to set so that the site sends e-mail."""
    if service.delivers():
        return []
    if service.suppresses():
        return [_("This site sends no e-mail, because MAIL_SUPPRESS_SEND is set. Remove it, and start the site again.")]
    return [
        _(
            "This site sends no e-mail, because no mail server is set: e-mail waits in the outbox, and links in it reach "
            "nobody. Set MAIL_SERVER, and MAIL_USERNAME and MAIL_PASSWORD if the server asks for them, and start the "
            "site again."
        )
    ]


def sent(text: object, otherwise: str = "") -> tuple[str, Category]:
    """Return the flash `text`, which says that an e-mail is sent. If it is not, return `otherwise` and the reason."""
    reason = not_sent()
    return (f"{otherwise} {reason}".strip(), "warning") if reason else (str(text), "info")


def queued(text: object, category: Category = "info") -> tuple[str, Category]:
    """Return the flash `text`, which stays true if no e-mail is sent. Then the reason is added to it."""
    reason = not_sent()
    return (f"{text} {reason}", "warning") if reason else (str(text), category)
