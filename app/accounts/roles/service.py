"""Roles: copies, what may be changed, and the audit entries of changes."""

from collections.abc import Collection

from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from app import audit
from app.accounts import rules
from app.accounts.models import Member
from app.accounts.users import service as user_service
from app.errors import DomainError
from app.extensions import db


def add(role: Role) -> None:
    """Audit a new role, with its permissions."""
    db.session.flush()
    names = sorted(str(permission) for permission in role.permissions)
    audit.record(
        "role_created", "role", role, after={"second_factor_required": role.second_factor_required, "added": names}
    )


def change(role: Role) -> None:
    """Check and audit the changes of a role. Raises DomainError, at "name", for a new name of a built-in one."""
    with db.session.no_autoflush:
        stored = db.session.execute(select(Role.name).where(Role.id == role.id)).scalar_one()
    if stored in rules.FIXED_ROLES and role.name != stored:
        raise DomainError(lazy_gettext("This is a built-in role and cannot be renamed."), field="name")
    user_service.role_changed(role)


def set_members(role: Role, members: Collection[Member], by: int | None) -> None:
    """Give `role` to these members, and take it from all others, by the rules for members."""
    held = set(db.session.scalars(select(Member).where(Member.roles.any(Role.id == role.id))))
    # First those who get it: the site must not be without an administrator in between.
    for member in [*sorted(set(members) - held, key=_key), *sorted(held - set(members), key=_key)]:
        others = [each for each in member.roles if each.id != role.id]
        member.roles = [*others, role] if member in members else others
        user_service.change(member, by)
        db.session.flush()


def _key(member: Member) -> int:
    return member.id


def delete(role: Role) -> None:
    """Check and audit the deletion of a role. Raises DomainError for one that is built in or assigned."""
    if role.name in rules.FIXED_ROLES:
        raise DomainError(lazy_gettext("This is a built-in role and cannot be deleted."))
    if role.user or role.groups:
        raise DomainError(lazy_gettext("This role is assigned to users and cannot be deleted."))
    audit.record("role_deleted", "role", role)


def copy(role: Role) -> Role:
    """Store a role with the permissions of `role`, and a name that is free."""
    name = _free_name(_("Copy of %(role)s", role=role.name))
    made = Role(name=name, second_factor_required=role.second_factor_required, permissions=list(role.permissions))
    db.session.add(made)
    add(made)
    return made


def _free_name(wanted: str) -> str:
    """Return `wanted`, with a number if there is such a role, as long as the column allows."""
    longest = Role.__table__.c.name.type.length - 3
    taken = set(db.session.scalars(select(Role.name).where(Role.name.startswith(wanted[:longest], autoescape=True))))
    candidates = (wanted[:longest], *(f"{wanted[:longest]} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in candidates if name not in taken)
