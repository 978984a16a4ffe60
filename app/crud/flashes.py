"""Flashes: each POST shows exactly one, with the category info, warning or danger."""

from flask import flash, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup

from app.errors import Category

CORRECT_THE_FIELDS = lazy_gettext("Please correct the fields that are marked.")
NOTHING_SAVED = lazy_gettext("Nothing has been saved yet.")

# A text, or a text and its category.
Message = object | tuple[object, Category]


def pending_messages() -> int:
    """Return the number of flashes that are not shown yet."""
    return len(session.get("_flashes", ()))


def flash_message(text: object, category: Category) -> None:
    """Flash a text, translated now if it is lazy. Markup, as of links, stays markup."""
    flash(text if isinstance(text, Markup) else str(text), category)


def with_undo(text: object, url: str) -> Markup:
    """Return a message with a button that undoes what it tells. The form is that of the dialog, which every page has."""
    return Markup(
        '{} <button type="submit" class="undo" form="confirm-form" formaction="{}" formnovalidate data-undo>{}</button>'
    ).format(text, url, _("Undo"))


def flash_default(before: int, message: Message) -> None:
    """Flash `message`, unless a hook has added a flash since there were `before` of them."""
    if pending_messages() > before:
        return
    text, category = message if isinstance(message, tuple) else (message, "info")
    flash_message(text, category)
