"""The type of flash messages, and messages that pages and API of several subjects share."""

from flask_babel import gettext as _

from app.errors import Category

# A translated text and its category.
Flash = tuple[str, Category]


def changed_meanwhile() -> Flash:
    return _("The party has changed in the meantime. Please review it."), "warning"
