"""Queries: members by name, what a login needs to know, and permissions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
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
from sqlalchemy import ColumnElement, Select, and_, bindparam, case, literal, or_, select, union
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
from app.address_key import address_key
from app.extensions import db

Permissions = frozenset[tuple[str, str]]
NOTHING: Permissions = frozenset()

# The permissions of each role, with the access version they were read at. The tuple is replaced as a whole, so that
# threads can read it at any time.
_known: tuple[str, dict[int, Permissions], int | None] = ("", {}, None)


@dataclass(frozen=True)
class HeldRoles:
    """The roles of a member, of their groups, and the access version at which they were read; None before the setup."""

    member_id: int
    version: str | None
    role_ids: frozenset[int]


def login(token_hash: str, member_id: int) -> tuple[LoginSession, HeldRoles] | None:
    """Return the login session of a cookie, with its member and what decides about their permissions, or None."""
    rows = db.session.execute(_login(), {"token_hash": token_hash, "held_by": member_id}).all()
    return (rows[0][0], _held(member_id, [row[1:] for row in rows])) if rows else None


@cache
def _login() -> Select[Any]:
    """Return the statement with which each request of a member begins."""
    roles = _role_ids(bindparam("held_by")).subquery()
    return (
        select(LoginSession, AccessVersion.version, roles.c.role_id)
        .select_from(LoginSession)
        .options(joinedload(LoginSession.member, innerjoin=True))
        .outerjoin(AccessVersion, literal(value=True))
        .outerjoin(roles, literal(value=True))
        .where(LoginSession.token_hash == bindparam("token_hash"), LoginSession.member_id == bindparam("held_by"))
    )


def _held(member_id: int, rows: Sequence[Any]) -> HeldRoles:
    role_ids = frozenset(role_id for _version, role_id in rows if role_id)
    return HeldRoles(member_id, rows[0][0] if rows else None, role_ids)


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
    return db.session.scalars(select(Member).where(_is_named(Member, identifier)).order_by(*_best(identifier))).first()


def _is_named(model: type[Member | Registration], identifier: str) -> ColumnElement[bool]:
    wanted = address_key(identifier)
    return or_(model.username_key == wanted, model.email_key == wanted)


def _best(identifier: str) -> tuple[Any, ...]:
    """Order members who had one name before names were compared by keys: who is spelled exactly so, then the oldest."""
    typed = identifier.strip()
    return case((or_(Member.username == typed, Member.email == typed), 0), else_=1), Member.duplicate


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


def login_record(identifier: str, device_hash: str, key: str, device_key: str) -> LoginRecord:
    """Return who logs in as `identifier` from a device, and whether they may try now, in one statement.

    The statement is the same for known and unknown names, so that it takes the same time. `key` and `device_key` are those of the
    guard.
    """
    guard, device_guard = aliased(LoginThrottle), aliased(LoginThrottle)
    anybody = select(literal(1).label("one")).subquery()
    is_pending = and_(
        Registration.activated_at.is_(None),
        _is_named(Registration, identifier),
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
        .outerjoin(Member, _is_named(Member, identifier))
        .outerjoin(Registration, and_(Member.id.is_(None), is_pending))
        .outerjoin(TrustedDevice, and_(TrustedDevice.member_id == Member.id, TrustedDevice.token_hash == device_hash))
        .outerjoin(guard, guard.key == key)
        .outerjoin(device_guard, device_guard.key == device_key)
    )
    row = db.session.execute(statement.order_by(*_best(identifier)).limit(1)).one()
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


def roles_of(member_id: int) -> HeldRoles:
    """Return what decides about the permissions of a member."""
    roles = _role_ids(member_id).subquery()
    statement = select(AccessVersion.version, roles.c.role_id).outerjoin(roles, literal(value=True))
    return _held(member_id, db.session.execute(statement).all())


def permissions_of(held: HeldRoles, public_role: str) -> Permissions:
    """Return the (permission, view) pairs of these roles and the public role."""
    if held.version is None:
        return NOTHING
    by_role, public_id = _roles_at(held.version, public_role)
    return frozenset().union(*(by_role.get(role_id, NOTHING) for role_id in held.role_ids | {public_id or 0}))


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
