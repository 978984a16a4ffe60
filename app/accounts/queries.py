"""Queries: members by name, what a login needs to know, and permissions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union
from sqlalchemy.orm import aliased, joinedload

from app.accounts import rules
from app.accounts.models import (
    AccessVersion,
    LoginSession,
    LoginThrottle,
    Member,
    Passkey,
    Registration,
    Totp,
    TrustedDevice,
)
from app.extensions import db

Permissions = frozenset[tuple[str, str]]
NOTHING: Permissions = frozenset()

# The permissions of each role, with the access version they were read at. The tuple is replaced as a whole, so that
# threads can read it at any time.
_known: tuple[str, dict[int, Permissions], int | None] = ("", {}, None)


def login(token_hash: str, member_id: int) -> LoginSession | None:
    """Return the login session of a cookie, with its member, or None."""
    statement = (
        select(LoginSession)
        .options(joinedload(LoginSession.member, innerjoin=True))
        .where(LoginSession.token_hash == token_hash, LoginSession.member_id == member_id)
    )
    return db.session.execute(statement).scalar_one_or_none()


def is_over(now: datetime) -> ColumnElement[bool]:
    """Return rules.session_is_over as a condition of a login session."""
    staff, remember = LoginSession.staff, LoginSession.remember
    kinds = (
        (staff.is_(True), rules.STAFF_IDLE, rules.STAFF_ABSOLUTE),
        (and_(staff.is_(False), remember.is_(True)), rules.REMEMBERED_IDLE, rules.REMEMBERED_ABSOLUTE),
        (and_(staff.is_(False), remember.is_(False)), rules.SESSION_IDLE, rules.SESSION_ABSOLUTE),
    )
    return or_(
        *(
            and_(kind, or_(LoginSession.last_seen_at < now - idle, LoginSession.created_at < now - absolute))
            for kind, idle, absolute in kinds
        )
    )


def member_by_name_or_email(identifier: str) -> Member | None:
    """Return the member with that username or e-mail address, whatever its case.

    A username cannot contain an `@`, so the two never mean different people.
    """
    wanted = identifier.strip().lower()
    statement = select(Member).where(or_(func.lower(Member.username) == wanted, func.lower(Member.email) == wanted))
    return db.session.execute(statement).scalar_one_or_none()


def passkeys_of(member: Member) -> list[Passkey]:
    """Return the passkeys of `member`, the oldest first."""
    owned = select(Passkey).where(Passkey.member_id == member.id).order_by(Passkey.created_at, Passkey.id)
    return list(db.session.scalars(owned))


@dataclass(frozen=True)
class AuthRequirements:
    """What a member's roles require at login, and which second factors the member has."""

    staff: bool
    factor_required: bool
    has_totp: bool
    has_passkey: bool

    @property
    def has_factor(self) -> bool:
        """Whether a login needs a second factor."""
        return self.has_totp or self.has_passkey


@dataclass(frozen=True)
class LoginRecord:
    """All that a login needs to know of a typed name: its member or pending registration, if any, and the throttle."""

    member: Member | None
    registration: Registration | None
    requirements: AuthRequirements
    device_is_known: bool
    # The end of the lock: for all browsers, and for this one if the member has used it before.
    locked_until: datetime | None
    device_locked_until: datetime | None

    @property
    def password(self) -> str | None:
        """The stored hash of the password."""
        owner = self.member or self.registration
        return owner.password if owner is not None else None


def login_record(wanted: str, device_hash: str, key: str, device_key: str) -> LoginRecord:
    """Return who logs in as `wanted` (in lower case) from a device, and whether they may try now, in one statement.

    The statement is the same for known and unknown names, so that it takes the same time. `key` and `device_key` are those of the
    guard.
    """
    guard, device_guard = aliased(LoginThrottle), aliased(LoginThrottle)
    anybody = select(literal(1).label("one")).subquery()
    is_pending = and_(
        Registration.activated_at.is_(None),
        or_(func.lower(Registration.username) == wanted, func.lower(Registration.email) == wanted),
    )
    statement = (
        select(
            Member,
            Registration,
            TrustedDevice.id,
            guard.locked_until,
            device_guard.locked_until,
            *_auth_requirements(Member.id),
        )
        .select_from(anybody)
        .outerjoin(Member, or_(func.lower(Member.username) == wanted, func.lower(Member.email) == wanted))
        .outerjoin(Registration, and_(Member.id.is_(None), is_pending))
        .outerjoin(TrustedDevice, and_(TrustedDevice.member_id == Member.id, TrustedDevice.token_hash == device_hash))
        .outerjoin(guard, guard.key == key)
        .outerjoin(device_guard, device_guard.key == device_key)
    )
    # There is one row: usernames have no `@`, and e-mail addresses have one.
    row = db.session.execute(statement.limit(1)).one()
    return LoginRecord(row[0], row[1], AuthRequirements(*map(bool, row[5:])), row[2] is not None, row[3], row[4])


def auth_requirements(member_id: int) -> AuthRequirements:
    """Return what the roles of a member require at login."""
    statement: Select[Any] = select(*_auth_requirements(literal(member_id)))
    return AuthRequirements(*map(bool, db.session.execute(statement).one()))


def _auth_requirements(member_id: Any) -> tuple[Any, ...]:
    """Return the columns of an AuthRequirements."""
    held = select(Role.id).where(Role.id.in_(_role_ids(member_id).scalar_subquery()))
    return (
        held.where(Role.name.not_in(rules.ORDINARY_ROLES)).exists(),
        held.where(Role.second_factor_required).exists(),
        select(Totp.member_id).where(Totp.member_id == member_id, Totp.confirmed_at.is_not(None)).exists(),
        select(Passkey.id).where(Passkey.member_id == member_id).exists(),
    )


def _role_ids(member_id: Any) -> Any:
    return union(
        select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == member_id).correlate(Member),
        select(assoc_group_role.c.role_id)
        .join(assoc_user_group, assoc_user_group.c.group_id == assoc_group_role.c.group_id)
        .where(assoc_user_group.c.user_id == member_id)
        .correlate(Member),
    )


def permissions_of_member(member_id: int, public_role: str) -> Permissions:
    """Return the (permission, view) pairs of a member's roles, their groups' roles and the public role."""
    roles = _role_ids(member_id).subquery()
    statement = select(AccessVersion.version, roles.c.role_id).outerjoin(roles, literal(value=True))
    rows = db.session.execute(statement).all()
    if not rows:
        return NOTHING
    by_role, public_id = _roles_at(rows[0].version, public_role)
    role_ids = {row.role_id for row in rows} | {public_id}
    return frozenset().union(*(by_role.get(role_id, NOTHING) for role_id in role_ids if role_id))


def permissions_of_public(public_role: str) -> Permissions:
    """Return the (permission, view) pairs of visitors."""
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
