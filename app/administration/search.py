"""Where an administrator can go: pages of the menu, forms to add something, parties and members by name."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from app import search_key
from app.crud import sidebar
from app.crud.list_arguments import MAX_SEARCH_LENGTH
from app.crud.views import ModelView
from app.extensions import appbuilder_of

# Of one view, and of all.
MAX_ROWS, MAX_HITS = 6, 20
# Shorter texts find too much.
MIN_LENGTH = 2


@dataclass(frozen=True)
class Hit:
    """A page; `kind` says what it is."""

    label: str
    url: str
    kind: str


def find(text: str) -> list[Hit]:
    """Return the pages that the member may open and that have each word of `text` in their name; at most MAX_HITS."""
    text = " ".join(text.replace("\0", "").split())[:MAX_SEARCH_LENGTH]
    words = [search_key.key(word) for word in text.split()]
    pages = [hit for hit in (*_pages(), *_forms()) if all(word in search_key.key(hit.label) for word in words)]
    rows = list(_rows(text)) if len(text) >= MIN_LENGTH else []
    return [*pages[: MAX_HITS - len(rows)], *rows] if words else pages[:MAX_HITS]


def _pages() -> Iterator[Hit]:
    yield Hit(_("Overview"), sidebar.manage_url(), _("Manage"))
    for group in sidebar.groups():
        for link in group.links:
            yield Hit(link.label, link.url, group.label or _("Manage"))


def _forms() -> Iterator[Hit]:
    for view in _views():
        if isinstance(view, ModelView) and view.may("add"):
            yield Hit(str(view.add_title), url_for(f"{view.endpoint}.add"), str(view.list_title))


def _rows(text: str) -> Iterator[Hit]:
    """Yield the rows of the views that say so (`is_found_by_name`), as their search box finds them."""
    for view in _views():
        if not getattr(view, "is_found_by_name", False) or not view.may("list") or not view.may("show"):
            continue
        for key, row in view.found(text, MAX_ROWS):
            yield Hit(str(row), url_for(f"{view.endpoint}.show", pk=key), str(view.show_title))


def _views() -> list[Any]:
    views: list[Any] = appbuilder_of().baseviews
    return views
