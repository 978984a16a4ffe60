"""Roles as files: write all of them down, and add what another site has written."""

from collections.abc import Mapping
from typing import Any

from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import select

from app.accounts.roles import service as role_service
from app.accounts.users import service as user_service
from app.extensions import db
from app.search_key import search_key


def described() -> list[dict[str, Any]]:
    """Return all roles with their permissions, in Flask-AppBuilder's format."""
    return [
        {
            "name": role.name,
            "second_factor_required": role.second_factor_required,
            "permissions": [
                {"permission": {"name": item.permission.name}, "view_menu": {"name": item.view_menu.name}}
                for item in sorted(role.permissions, key=str)
            ],
        }
        for role in db.session.scalars(select(Role).order_by(search_key(Role.name)))
    ]


def import_role(described: Mapping[str, Any]) -> None:
    """Add a role, or what it lacks of the permissions and the requirement in `described`.

    Raises KeyError or TypeError if that is no role.
    """
    wanted = [
        _permission(str(pair["permission"]["name"]), str(pair["view_menu"]["name"]))
        for pair in described["permissions"]
    ]
    role = db.session.execute(select(Role).where(Role.name == described["name"])).scalar_one_or_none()
    if role is None:
        role = Role(
            name=str(described["name"]),
            permissions=list(dict.fromkeys(wanted)),
            second_factor_required=bool(described.get("second_factor_required")),
        )
        db.session.add(role)
        role_service.add(role)
        return
    role.permissions.extend(item for item in dict.fromkeys(wanted) if item not in role.permissions)
    role.second_factor_required = role.second_factor_required or bool(described.get("second_factor_required"))
    user_service.role_changed(role)


def _permission(name: str, view: str) -> PermissionView:
    """Return the permission on a view, which need not be one of this version."""
    known = select(PermissionView).where(
        PermissionView.permission.has(Permission.name == name), PermissionView.view_menu.has(ViewMenu.name == view)
    )
    item = db.session.execute(known).scalar_one_or_none()
    if item is None:
        item = PermissionView(permission=_named(Permission, name), view_menu=_named(ViewMenu, view))
        db.session.add(item)
        db.session.flush()
    return item


def _named(model: type[Permission] | type[ViewMenu], name: str) -> Permission | ViewMenu:
    found = db.session.execute(select(model).where(model.name == name)).scalar_one_or_none()
    return found or model(name=name)
