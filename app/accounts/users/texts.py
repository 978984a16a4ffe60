"""What is said of members in several places."""

from flask_babel import gettext as _
from flask_babel import lazy_gettext

from app.accounts.models import Member
from app.i18n import formats

EMAIL_TAKEN = lazy_gettext("A user with that email address already exists")
USERNAME_TAKEN = lazy_gettext("This username is already taken.")
INVALID_USERNAME = lazy_gettext(
    "Use 3 to 20 letters (a-z), digits, dots, dashes or underscores, with a letter or digit at the start and end."
)


def deletion_scheduled(member: Member) -> str:
    """Return what is said after the deletion of an account was scheduled."""
    return _(
        "The account of %(name)s will be deleted on %(date)s. They have got an e-mail with a link to keep it.",
        name=member.display_name,
        date=formats.date_time(member.erase_at) if member.erase_at else "",
    )
