"""Which roles and groups a member gets by the groups that a directory or a provider tells."""

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from importlib import import_module
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Group, Role
from sqlalchemy import select

from app import audit
from app.extensions import appbuilder_of, db

log = logging.getLogger(__name__)

MAX_GROUP_NAME_LENGTH = 100


def mapping() -> Mapping[str, Iterable[str]]:
    """Return the names of roles by the key of a group (AUTH_ROLES_MAPPING, or what the security manager says)."""
    return dict(appbuilder_of().sm.auth_roles_mapping or {})


def is_synchronised() -> bool:
    """Whether roles follow the groups at every login, and not only when a member is added."""
    return bool(current_app.config.get("AUTH_ROLES_SYNC_AT_LOGIN"))


def mapped(keys: Iterable[str], normalize: Callable[[str], Hashable] = str) -> set[Role]:
    """Return the roles for `keys`, which are compared after `normalize`."""
    known = {normalize(key) for key in keys}
    return named(name for key, names in mapping().items() if normalize(key) in known for name in names)


def groups(keys: Iterable[str], normalize: Callable[[str], Hashable] = str) -> set[Group] | None:
    """Return the groups of this site that are called like `keys`; None unless AUTH_GROUPS_SYNC_AT_LOGIN is set.

    With AUTH_AUTO_CREATE_GROUPS those that are missing are added, without roles.
    """
    if not current_app.config.get("AUTH_GROUPS_SYNC_AT_LOGIN"):
        return None
    known = {normalize(str(group.name)): group for group in db.session.scalars(select(Group))}
    found = {known[normalize(key)] for key in keys if normalize(key) in known}
    if current_app.config.get("AUTH_AUTO_CREATE_GROUPS"):
        missing = {normalize(key): key for key in keys if key.isprintable() and 0 < len(key) <= MAX_GROUP_NAME_LENGTH}
        found |= {_add_group(missing[name]) for name in missing.keys() - known.keys()}
    return found


def _add_group(name: str) -> Group:
    group = Group(name=name, label=name, description="")
    db.session.add(group)
    db.session.flush()
    audit.record("group_created", "group", group, after={"roles": []})
    return group


def of_new_members(told: Mapping[str, Any] | None = None) -> set[Role]:
    """Return the role that every new member gets. `told` is what a provider has told of them, for JMESPath."""
    expression = current_app.config.get("AUTH_USER_REGISTRATION_ROLE_JMESPATH")
    if not expression or told is None:
        return named([current_app.config["AUTH_USER_REGISTRATION_ROLE"]])
    name = import_module("jmespath").search(expression, dict(told))
    return named([name] if isinstance(name, str) else ())


def named(names: Iterable[str]) -> set[Role]:
    """Return the roles with these names. Unknown names are logged."""
    wanted = set(names)
    found = set(db.session.scalars(select(Role).where(Role.name.in_(wanted)))) if wanted else set()
    for missing in wanted - {role.name for role in found}:
        log.warning("There is no role %s, which a mapping of roles names", missing)
    return found
