"""What visitors wanted when they chose to register, such as a seat at a dinner.

The session keeps it until they register, the registration until it is activated: the e-mail may be opened in another
browser. What wishes there are is not known here; the site map names who describes and grants them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from flask import session

from app.accounts.models import Member
from app.errors import Category

KEY = "wish"
# What is stored, as JSON.
Wish = dict[str, Any]


class WishTexts(NamedTuple):
    """How a wish is told on pages and in the e-mail: lazy texts, because the e-mail has a language of its own."""

    sentence: object
    # The button that activates the account and grants the wish.
    button: object
    # The page where it began.
    url: str


class WishKind(NamedTuple):
    """Who knows about wishes. `describe` returns None for a wish that cannot be granted any more."""

    describe: Callable[[Wish], WishTexts | None]
    # Returns the flash that says what came of it, or None.
    grant: Callable[[Member, Wish], tuple[str, Category] | None]


class _Known:
    kind: WishKind | None = None


def know(kind: WishKind) -> None:
    """Set who describes and grants wishes."""
    _Known.kind = kind


def remember(wish: Wish) -> None:
    """Keep the wish of this visitor, in place of an earlier one."""
    session[KEY] = wish


def forget() -> None:
    session.pop(KEY, None)


def current() -> Wish | None:
    """Return the wish of this visitor."""
    wish = session.get(KEY)
    return wish if isinstance(wish, dict) else None


def texts(wish: Wish | None) -> WishTexts | None:
    return _Known.kind.describe(wish) if wish and _Known.kind else None


def grant(member: Member, wish: Wish | None, told: object) -> tuple[str, Category]:
    """Do what the new member wanted, and return the flash: `told`, and what came of the wish."""
    granted = _Known.kind.grant(member, wish) if wish and _Known.kind else None
    if granted is None:
        return str(told), "info"
    text, category = granted
    return f"{told} {text}", category
