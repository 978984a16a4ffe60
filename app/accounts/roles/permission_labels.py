"""Permissions in words: Flask-AppBuilder calls them "can edit on DinnerPartyModelView"."""

from collections.abc import Sequence
from typing import Any

from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.sqla.models import PermissionView
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import select

from app.extensions import appbuilder_of, db

MENU = "menu_access"
# In the order in which they are listed.
ACTION_LABELS = {
    MENU: lazy_gettext("See in the menu"),
    "can_list": lazy_gettext("List"),
    "can_show": lazy_gettext("Show"),
    "can_csv": lazy_gettext("Download"),
    "can_add": lazy_gettext("Add"),
    "can_edit": lazy_gettext("Edit"),
    "can_delete": lazy_gettext("Delete"),
    # Those of Flask-AppBuilder's APIs.
    "can_get": lazy_gettext("Read"),
    "can_info": lazy_gettext("Describe"),
    "can_post": lazy_gettext("Add"),
    "can_put": lazy_gettext("Edit"),
}
# Views of Flask-AppBuilder, which say nothing of themselves.
STOCK_VIEWS = {"OpenApi": lazy_gettext("API description")}


def load() -> Sequence[PermissionView]:
    """Return every permission, those of one view together."""
    words = PermissionLabels()
    rows = db.session.scalars(select(PermissionView)).unique()
    return sorted(rows, key=words.position)


def label(row: PermissionView) -> str:
    """Return a permission in words."""
    return PermissionLabels()(row)


def listed(rows: Sequence[PermissionView]) -> Markup:
    """Return permissions in words, as a list."""
    words = PermissionLabels()
    ordered = sorted(rows, key=words.position)
    items = Markup("").join(Markup("<li>{}</li>").format(words(row)) for row in ordered)
    return Markup("<ul>{}</ul>").format(items) if items else Markup("\N{EM DASH}")


class PermissionLabels:
    """Names permissions by what their view says of itself.

    A view without a title has `permission_labels`, {"can_host": "Host dinner parties"}, or stays what it is called
    in the program.
    """

    def __init__(self) -> None:
        appbuilder = appbuilder_of()
        # Several views may ask for the same permissions; one that has words for them comes last.
        views = sorted(appbuilder.baseviews, key=lambda view: bool(getattr(view, "permission_labels", None)))
        self._views: dict[str, Any] = {view.class_permission_name: view for view in views}
        entries = [each for entry in appbuilder.menu.get_list() for each in (entry, *entry.childs)]
        self._entries = {entry.name: entry.label or entry.name for entry in entries}

    def __call__(self, row: PermissionView) -> str:
        """Return a permission in words."""
        name, view = row.permission.name, self._views.get(row.view_menu.name)
        own = getattr(view, "permission_labels", {}).get(name)
        return str(own) if own else _("%(act)s · %(what)s", act=self._act(name, view), what=self.view(row))

    def view(self, row: PermissionView) -> str:
        """Return what a permission is about."""
        name = row.view_menu.name
        if row.permission.name == MENU:
            return str(self._entries.get(name, name))
        view = self._views.get(name)
        title = getattr(view, "list_title", None) or getattr(view, "form_title", None)
        return str(title or STOCK_VIEWS.get(name, name))

    def position(self, row: PermissionView) -> tuple[str, int, str]:
        """Return what orders permissions: those of one view together."""
        names = list(ACTION_LABELS)
        number = names.index(row.permission.name) if row.permission.name in names else len(names)
        return self.view(row).casefold(), number, self(row)

    @staticmethod
    def _act(name: str, view: Any) -> str:
        action = getattr(view, "actions", {}).get(name)
        known = action.text if action is not None else ACTION_LABELS.get(name)
        return str(known or name.removeprefix(PERMISSION_PREFIX).replace("_", " "))
