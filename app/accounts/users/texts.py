"""What is said of members in several places."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext

from app.accounts.models import Member
from app.errors import Category
from app.i18n import formats
from app.outbox import texts as outbox_texts

EMAIL_TAKEN = lazy_gettext("A user with that email address already exists")
USERNAME_TAKEN = lazy_gettext("This username is already taken.")
INVALID_USERNAME = lazy_gettext(
    "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at the start and end."
)


def deletion_scheduled(member: Member) -> tuple[str, Category]:
    """Return the flash after the deletion of an account was scheduled."""
    shown = {
        "name": member.display_name,
        "date": formats.date_time(member.erase_at) if member.erase_at else "",
    }
    return outbox_texts.sent(
        _(
            "The account of %(name)s will be deleted on %(date)s. They have got an e-mail with a link to keep it.",
            **shown,
        ),
        otherwise=_("The account of %(name)s will be deleted on %(date)s.", **shown),
    )


def deletions_scheduled(count: int) -> tuple[str, Category]:
    """Return the flash after the deletion of several accounts was scheduled."""
    return outbox_texts.sent(
        ngettext(
            "%(num)d account will be deleted. Its owner has got an e-mail with a link to keep it.",
            "%(num)d accounts will be deleted. Their owners have got e-mails with a link to keep them.",
            count,
        ),
        otherwise=ngettext("%(num)d account will be deleted.", "%(num)d accounts will be deleted.", count),
    )


def deleting(days: int) -> str:
    """Return what follows when administrators delete an account."""
    if outbox_texts.not_sent():
        return ngettext(
            "It will be deleted in %(num)d day with all personal data. Until then its owner can log in and keep it. "
            "The audit log keeps the reason.",
            "It will be deleted in %(num)d days with all personal data. Until then its owner can log in and keep it. "
            "The audit log keeps the reason.",
            days,
        )
    return ngettext(
        "It will be deleted in %(num)d day with all personal data. Until then its owner can keep it, by a link "
        "in an e-mail. The audit log keeps the reason.",
        "It will be deleted in %(num)d days with all personal data. Until then its owner can keep it, by a link "
        "in an e-mail. The audit log keeps the reason.",
        days,
    )


def without_password() -> str:
    """Return what happens to a new account without a password."""
    if outbox_texts.not_sent():
        return _("Tell it to the person yourself: this site sends no e-mail.")
    return _("If empty, the person receives an e-mail to choose a password.")
