"""Questions to the database about who somebody is and what they may do."""

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_group_role,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from sqlalchemy import func, literal, or_, select, union
from sqlalchemy.orm import joinedload

from app.accounts.models import AccessVersion, LoginSession, Member
from app.extensions import db

Permissions = frozenset[tuple[str, str]]
NOTHING: Permissions = frozenset()

# What each role may do, for the version of the access rules it was read under. Replaced whole, never changed,
# so that threads may read it while another one replaces it.
_known: tuple[str, dict[int, Permissions], int | None] = ("", {}, None)


def login(token_hash: str, member_id: int) -> LoginSession | None:
    """Return the login that a cookie names, its member loaded with it, or None."""
    statement = (
        select(LoginSession)
        .options(joinedload(LoginSession.member, innerjoin=True))
        .where(LoginSession.token_hash == token_hash, LoginSession.member_id == member_id)
    )
    return db.session.execute(statement).scalar_one_or_none()


def member_by_name_or_email(identifier: str) -> Member | None:
    """Return the member with that username or e-mail address, whatever its case.

    A username cannot contain an `@`, so the two never mean different people.
    """
    wanted = identifier.strip().lower()
    statement = select(Member).where(or_(func.lower(Member.username) == wanted, func.lower(Member.email) == wanted))
    return db.session.execute(statement).scalar_one_or_none()


def permissions_of_member(member_id: int, public_role: str) -> Permissions:
    """Return the (permission, view) pairs of a member's roles, their groups' roles and the public role."""
    roles = union(
        select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == member_id),
        select(assoc_group_role.c.role_id)
        .join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
        .where(assoc_user_group.c.user_id == member_id),
    ).subquery()
    statement = select(AccessVersion.version, roles.c.role_id).outerjoin(roles, literal(value=True))
    rows = db.session.execute(statement).all()
    if not rows:
        return NOTHING
    by_role, public_id = _roles_at(rows[0].version, public_role)
    role_ids = {row.role_id for row in rows} | {public_id}
    return frozenset().union(*(by_role.get(role_id, NOTHING) for role_id in role_ids if role_id))


def permissions_of_public(public_role: str) -> Permissions:
    """Return the (permission, view) pairs of those who are not logged in."""
    version = db.session.execute(select(AccessVersion.version)).scalar_one_or_none()
    if version is None:
        return NOTHING
    by_role, public_id = _roles_at(version, public_role)
    return by_role.get(public_id or 0, NOTHING)


def _roles_at(version: str, public_role: str) -> tuple[dict[int, Permissions], int | None]:
    global _known  # noqa: PLW0603 - one cache per process
    known = _known
    if known[0] != version:
        known = _known = (version, *_read_roles(public_role))
    return known[1], known[2]


def _read_roles(public_role: str) -> tuple[dict[int, Permissions], int | None]:
    statement = (
        select(Role.id, Role.name, Permission.name, ViewMenu.name)
        .outerjoin(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .outerjoin(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .outerjoin(Permission, Permission.id == PermissionView.permission_id)
        .outerjoin(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    pairs: dict[int, set[tuple[str, str]]] = {}
    public_id = None
    for role_id, role_name, permission, view in db.session.execute(statement):
        pairs.setdefault(role_id, set()).add((permission, view))
        if role_name == public_role:
            public_id = role_id
    return {role_id: frozenset(found) for role_id, found in pairs.items()}, public_id
