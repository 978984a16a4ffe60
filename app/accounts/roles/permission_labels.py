"""Labels of permissions. Flask-AppBuilder's own names are like "can edit on DinnerPartyModelView"."""

from collections.abc import Sequence
from typing import Any

from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.sqla.models import PermissionView
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from markupsafe import Markup
from sqlalchemy import select

from app import search_key
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
    # Actions of Flask-AppBuilder's APIs.
    "can_get": lazy_gettext("Read"),
    "can_info": lazy_gettext("Describe"),
    "can_post": lazy_gettext("Add"),
    "can_put": lazy_gettext("Edit"),
}
# How many of these most views have.
COMMON = 7
# Views without a title.
UNTITLED = {
    "OpenApi": lazy_gettext("API description"),
    "PartyView": lazy_gettext("Pages of dinners"),
    "MemberView": lazy_gettext("Pages of members"),
    "DashboardView": lazy_gettext("Own dashboards"),
    "SiteMenuApi": lazy_gettext("Menu (API)"),
}


def load() -> Sequence[PermissionView]:
    """Return all permissions, grouped by view."""
    labels = PermissionLabels()
    rows = db.session.scalars(select(PermissionView)).unique()
    return sorted(rows, key=labels.position)


def label(row: PermissionView) -> str:
    """Return the label of a permission."""
    return PermissionLabels()(row)


def listed(rows: Sequence[PermissionView]) -> Markup:
    """Return the labels of permissions as an HTML list."""
    labels = PermissionLabels()
    ordered = sorted(rows, key=labels.position)
    items = Markup("").join(Markup("<li>{}</li>").format(labels(row)) for row in ordered)
    return Markup("<ul>{}</ul>").format(items) if items else Markup("\N{EM DASH}")


class PermissionLabels:
    """Labels permissions by the titles of their views.

    A view without a title can have `permission_labels`, {"can_host": "Host dinner parties"}. Otherwise its class name is
    shown.
    """

    def __init__(self) -> None:
        appbuilder = appbuilder_of()
        # Several views may use the same permissions. The one with labels for them comes last and wins.
        views = sorted(appbuilder.baseviews, key=lambda view: bool(getattr(view, "permission_labels", None)))
        self._views: dict[str, Any] = {view.class_permission_name: view for view in views}
        entries = [each for entry in appbuilder.menu.get_list() for each in (entry, *entry.childs)]
        self._entries = {entry.name: entry.label or entry.name for entry in entries}

    def __call__(self, row: PermissionView) -> str:
        """Return the label of a permission."""
        name, view = row.permission.name, self._views.get(row.view_menu.name)
        own = getattr(view, "permission_labels", {}).get(name)
        return str(own) if own else _("%(act)s · %(what)s", act=self._action_label(name, view), what=self.view(row))

    def action(self, row: PermissionView) -> str:
        """Return the label of what a permission allows, where its view is named elsewhere."""
        name, view = row.permission.name, self._views.get(row.view_menu.name)
        own = getattr(view, "permission_labels", {}).get(name)
        return str(own or self._action_label(name, view))

    def view(self, row: PermissionView) -> str:
        """Return the label of a permission's view."""
        name = row.view_menu.name
        if row.permission.name == MENU:
            return str(self._entries.get(name, name))
        view = self._views.get(name)
        title = getattr(view, "list_title", None) or getattr(view, "form_title", None)
        return str(title or UNTITLED.get(name, name))

    def position(self, row: PermissionView) -> tuple[str, int, str]:
        """Return the sort key of a permission: by view, then by action."""
        names = list(ACTION_LABELS)
        number = names.index(row.permission.name) if row.permission.name in names else len(names)
        return search_key.key(self.view(row)), number, self(row)

    @staticmethod
    def _action_label(name: str, view: Any) -> str:
        action = getattr(view, "actions", {}).get(name)
        known = action.text if action is not None else ACTION_LABELS.get(name)
        return str(known or name.removeprefix(PERMISSION_PREFIX).replace("_", " "))
