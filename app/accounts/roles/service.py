"""Roles: copies, and their audit entries."""

from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import select

from app import audit
from app.extensions import db


def copy(role: Role) -> Role:
    """Store a role with the permissions of `role`, and a name that is free."""
    name = _free_name(_("Copy of %(role)s", role=role.name))
    made = Role(name=name, second_factor_required=role.second_factor_required, permissions=list(role.permissions))
    db.session.add(made)
    record_created(made)
    return made


def record_created(role: Role) -> None:
    """Write the audit entry of a new role, with its permissions."""
    db.session.flush()
    names = sorted(str(permission) for permission in role.permissions)
    after = {"second_factor_required": role.second_factor_required, "added": names}
    audit.record("role_created", "role", role, after=after)


def _free_name(wanted: str) -> str:
    """Return `wanted`, with a number if there is such a role, as long as the column allows."""
    longest = Role.__table__.c.name.type.length - 3
    taken = set(db.session.scalars(select(Role.name).where(Role.name.startswith(wanted[:longest], autoescape=True))))
    candidates = (wanted[:longest], *(f"{wanted[:longest]} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in candidates if name not in taken)
