"""Set a site up: schema, permissions, roles, the first administrator. Everything here may be done again."""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flask_migrate
from flask import current_app
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import func, insert, select, text

from app.accounts.models import ADMIN, AccessVersion, Member
from app.accounts.service import members, passwords
from app.database import transaction
from app.extensions import AppBuilder, appbuilder_of, db
from app.navigation import ROLES

SETUP_LOCK = 7306075  # any number, as long as nothing else in the database locks it
Pair = tuple[str, str]


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time set the site up, also when several machines share a database."""
    if db.engine.dialect.name == "postgresql":
        with db.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": SETUP_LOCK})
            # Closing the connection to the pool would keep the lock: give it back ourselves.
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": SETUP_LOCK})
        return
    with (Path(current_app.config["INSTANCE_PATH"]) / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare() -> None:
    """Bring the schema to the newest version, and permissions and roles to what the site map says."""
    flask_migrate.upgrade()
    with transaction():
        _store_permissions(appbuilder_of())


def add_admin(username: str, email: str, password: str) -> Member:
    """Add an administrator; raises IntegrityError when the name or the address is taken."""
    return members.add_member(
        username=username,
        email=email,
        first_name="Admin",
        last_name="",
        password_hash=passwords.hash_password(password),
        role=ADMIN,
    )


def first_admin() -> tuple[str, str] | None:
    """Add an administrator when there is none; return the name and the password, which is kept nowhere."""
    admins = select(func.count()).select_from(Member).where(Member.roles.any(Role.name == ADMIN))
    if db.session.execute(admins).scalar_one():
        return None
    password = secrets.token_urlsafe(12)
    add_admin("admin", "admin@example.com", password)
    return "admin", password


def _store_permissions(appbuilder: AppBuilder) -> None:
    """Store what is missing of permissions and roles, in a handful of statements.

    Roles other than Admin get their permissions when they are made, and those that a new version brings along when
    it does: otherwise they belong to the administrator, who may have changed them. Admin always has all.
    """
    wanted = _declared(appbuilder)
    permissions = _by_name(Permission, {permission for permission, _view in wanted})
    views = _by_name(ViewMenu, {view for _permission, view in wanted})
    pairs = _pairs()
    new = wanted - pairs.keys()
    if new:
        missing = [
            {"permission_id": permissions[permission], "view_menu_id": views[view]} for permission, view in sorted(new)
        ]
        db.session.execute(insert(PermissionView), missing)
        pairs = _pairs()
    if db.session.execute(select(AccessVersion.id)).first() is None:
        db.session.add(AccessVersion(id=1))
    roles = {role.name: role for role in db.session.scalars(select(Role))}
    for name, granted in ROLES.items():
        if name not in roles:
            roles[name] = Role(name=name, permissions=[pairs[pair] for pair in sorted(granted)])
            db.session.add(roles[name])
        elif granted & new:
            roles[name].permissions.extend(pairs[pair] for pair in sorted(granted & new))
    held = {item.id for item in roles[ADMIN].permissions}
    roles[ADMIN].permissions.extend(
        item for pair, item in sorted(pairs.items()) if pair in wanted and item.id not in held
    )
    db.session.flush()


def _declared(appbuilder: AppBuilder) -> set[Pair]:
    """Return every (permission, view) that a registered view, API or menu entry asks for."""
    declared = {
        (permission, view.class_permission_name)
        for view in appbuilder.baseviews
        for permission in view.base_permissions
    }
    for entry in appbuilder.menu.get_list():
        declared |= {("menu_access", item.name) for item in (entry, *entry.childs) if item.name != "-"}
    return declared


def _by_name(model: type[Permission] | type[ViewMenu], names: set[str]) -> dict[str, int]:
    known = set(db.session.scalars(select(model.name)))
    if names - known:
        db.session.execute(insert(model), [{"name": name} for name in sorted(names - known)])
    return {row.name: row.id for row in db.session.execute(select(model.id, model.name))}


def _pairs() -> dict[Pair, PermissionView]:
    return {(item.permission.name, item.view_menu.name): item for item in db.session.scalars(select(PermissionView))}
