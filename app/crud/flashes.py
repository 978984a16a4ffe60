"""Every POST ends in exactly one flash: info, warning or danger, in the reader's language."""

from flask import flash, session
from flask_babel import lazy_gettext

from app.errors import Category

CORRECT_THE_FIELDS = lazy_gettext("Please correct the fields that are marked.")

# A text, or a text and its category.
Message = object | tuple[object, Category]


def pending_messages() -> int:
    """Return how many flashes wait to be shown."""
    return len(session.get("_flashes", ()))


def flash_message(text: object, category: Category) -> None:
    """Flash a text; a lazy one is translated now, for the reader of this answer."""
    flash(str(text), category)


def flash_default(before: int, message: Message) -> None:
    """Flash `message`, unless a hook has flashed something itself since there were `before` flashes."""
    if pending_messages() > before:
        return
    text, category = message if isinstance(message, tuple) else (message, "info")
    flash_message(text, category)
