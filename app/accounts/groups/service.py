"""Groups: roles that several people hold together."""

from collections.abc import Iterable
from typing import Any

from flask_appbuilder.security.sqla.models import Group, Role
from flask_babel import lazy_gettext
from sqlalchemy import inspect

from app import audit
from app.accounts import role_changes
from app.accounts.models import ADMIN
from app.accounts.users import service as user_service
from app.errors import DomainError
from app.extensions import db


def add(group: Group, by: int | None = None) -> None:
    """Check and audit a new group. Raises DomainError, at "roles", when it has the administrator role."""
    _refuse_admins(group)
    _members_changed(group, by)
    db.session.flush()
    audit.record("group_created", "group", group, after={"roles": role_changes.names(group.roles)})


def change(group: Group, by: int | None) -> None:
    """Check and audit the changes of a group. Its members are signed out when its roles have changed."""
    _refuse_admins(group)
    _members_changed(group, by)
    before, after = user_service.changes(group, ("name", "label", "description"))
    attributes: Any = inspect(group).attrs
    roles = attributes.roles.history
    if roles.has_changes():
        before["roles"], after["roles"] = (
            role_changes.names([*roles.unchanged, *roles.deleted]),
            role_changes.names(group.roles),
        )
    if not after:
        return
    audit.record("group_changed", "group", group, name=before.get("name", group.name), before=before, after=after)
    if "roles" in after:
        db.session.flush()
        for member in group.users:
            user_service.end_logins(member, role_changes.ROLES_CHANGED, by)
            role_changes.tell(member, {*roles.unchanged, *roles.deleted}, set(group.roles))


def set_groups(role: Role, groups: Iterable[Group], by: int | None) -> None:
    """Give a role to these groups, and take it from all others."""
    wanted = set(groups)
    for group in sorted(set(role.groups) ^ wanted, key=lambda group: str(group.name)):
        group.roles = [*group.roles, role] if group in wanted else [each for each in group.roles if each != role]
        change(group, by)


def delete(group: Group) -> None:
    """Check and audit the deletion of a group. Raises DomainError when it has members."""
    if group.users:
        raise DomainError(lazy_gettext("This group has members and cannot be deleted."))
    audit.record("group_deleted", "group", group, before={"roles": role_changes.names(group.roles)})


def _members_changed(group: Group, by: int | None) -> None:
    """Check and audit what changes for members who come or go."""
    history = inspect(group).attrs.users.history
    for member in sorted([*history.added, *history.deleted], key=lambda member: member.id):
        # Without the old groups, the loss of a role would not be known.
        list(member.groups)
        user_service.change(member, by)


def _refuse_admins(group: Group) -> None:
    """Refuse the administrator role: the last administrator is found by the roles of members, not of groups."""
    if any(role.name == ADMIN for role in group.roles):
        raise DomainError(
            lazy_gettext("The administrator role can be assigned only to people, not to groups."), field="roles"
        )
