"""Set up a site: schema, permissions, roles, the first administrator. All of it can be repeated."""

import fcntl
import logging
import os
import re
import secrets
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import alembic.command
import flask_migrate
import psycopg
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from flask import current_app
from flask_appbuilder.security.sqla.models import Permission, PermissionView, Role, ViewMenu
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError

from app import audit, plugins
from app.accounts import members, password_policy, role_mapping
from app.accounts.ldap import client as ldap_client
from app.accounts.models import ADMIN, AccessVersion, Member
from app.dashboards import defaults
from app.database import is_unavailable, reason, transaction
from app.extensions import AppBuilder, appbuilder_of, db
from app.navigation import ROLES
from app.parties.hosting import clock_changes
from app.search_key import WORDS_INDEX
from config import ConfigurationError

RUN_SETUP = "run `.venv/bin/flask --app app setup` first (`make run` does this)."
UTF8 = "UTF8"
MAKE_UTF8 = "Make one that knows every name: createdb --encoding UTF8 --template template0 NAME"
SETUP_LOCK = 7306075  # any number, as long as nothing else in the database locks it
# The name of an attribute of Alembic's configuration, which migrations/env.py reads.
VERSION_TABLE = "version_table"
Pair = tuple[str, str]

logger = logging.getLogger(__name__)


@contextmanager
def alone() -> Iterator[None]:
    """Allow one process at a time to set up the site, also if several machines share a database."""
    if db.engine.dialect.name == "postgresql":
        _refuse_other_encoding()
        # Of the transaction: a pooler may give the connection to others afterwards.
        with db.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SETUP_LOCK})
            yield
        return
    path = Path(current_app.config["INSTANCE_PATH"]) / "setup.lock"
    try:
        lock = path.open("w")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written to ({error.strerror}).") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_other_encoding() -> None:
    # Whatever else is wrong is reported by SQLAlchemy.
    with suppress(psycopg.Error):
        if (encoding := server_encoding()) != UTF8:
            raise ConfigurationError(f"The database has the encoding {encoding}. {MAKE_UTF8}")


def server_encoding() -> str:
    """Return the encoding of a PostgreSQL database. If that is SQL_ASCII, texts are bytes, and SQLAlchemy cannot connect."""
    url = db.engine.url
    _arguments, options = url.get_dialect()().create_connect_args(url)
    with psycopg.connect(**options) as connection:
        return connection.info.parameter_status("server_encoding") or ""


def prepare() -> int:
    """Upgrade the schema, add missing permissions and roles, and a new site's dashboards; derive coming parties anew.

    Returns how many parties moved because time zone rules have changed.
    """
    _ensure_writable()
    flask_migrate.upgrade()
    for config in configs()[1:]:
        alembic.command.upgrade(config, "heads")
    with db.engine.connect() as connection:
        refuse_damaged_schema(connection)
    with transaction():
        store_permissions(appbuilder_of())
        _add_dashboards()
    return clock_changes.derive_anew()


def _add_dashboards() -> None:
    """Add the first dashboards of a new site: one without members. Who deletes them later does not get them again."""
    if db.session.scalar(select(Member.id).limit(1)) is None:
        defaults.add()


def refuse_damaged_schema(connection: Connection) -> None:
    """Raise ConfigurationError if the schema is not that of its version, and name what differs.

    Tables that no model has are left alone: a database may be shared.
    """
    if found := differences(connection):
        raise ConfigurationError(
            f"The database schema is not that of its version ({'; '.join(found)}). Something else changed"
            " it, or an older release was stopped while it upgraded. Restore a backup, or mend it by hand."
        )


def differences(connection: Connection) -> list[str]:
    """Return in words how the schema differs from that of this version."""
    options = current_app.extensions["migrate"].configure_args
    with warnings.catch_warnings():
        # SQLite does not reflect indexes on expressions.
        warnings.filterwarnings("ignore", "(?i).*expression-based index")
        found = compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata)
    missing = {facts[1].name for facts in found if facts[0] == "add_table"}
    return sorted(each for each in map(_difference, found) if each and each.rpartition(" of ")[2] not in missing)


def _difference(found: Any) -> str:
    """Return in words what Alembic found, or "" for a table that is not ours. Changes of one column are a list."""
    change, *facts = found[0] if isinstance(found, list) else found
    action, _, kind = change.partition("_")
    if action == "modify":
        return f"other {kind} of column {facts[1]}.{facts[2]}"
    if kind == "column":
        name = f"{facts[1]}.{facts[2].name}"
    elif kind == "table":
        if action == "remove":
            return ""
        name = facts[0].name
    elif str(facts[0].name).startswith(WORDS_INDEX):
        # It needs an extension, without which the site does.
        return ""
    else:
        name = f"{facts[0].name} of {facts[0].table.name}"
    return f"{'missing' if action == 'add' else 'unknown'} {kind} {name}"


def _ensure_writable() -> None:
    """Raise ConfigurationError if an SQLite database is not writable. SQLite's own error does not name the file."""
    url = db.engine.url
    if url.get_backend_name() != "sqlite":
        return
    path = Path(str(url.database))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise ConfigurationError(f"The database {path} is not writable.")


def refuse_other_schema() -> None:
    """Raise ConfigurationError if `flask setup` has to run before the site can be served.

    A newer schema is accepted: each version runs on the schema of the next one. So is a database server that is down:
    it may come back.
    """
    url = db.engine.url
    is_file = url.get_backend_name() == "sqlite"
    if is_file and not Path(str(url.database)).exists():
        raise ConfigurationError(f"The database {url.database} does not exist: {RUN_SETUP}")
    try:
        with db.engine.connect() as connection:
            outdated = is_outdated(connection)
    except SQLAlchemyError as error:
        if is_file or not is_unavailable(error):
            raise ConfigurationError(f"The database cannot be used ({reason(error)}).") from error
        logger.warning("The database is not available yet (%s)", reason(error))
        return
    finally:
        db.engine.dispose()
    if outdated:
        raise ConfigurationError(f"The database schema does not match this version: {RUN_SETUP}")
    _refuse_unknown_roles("AUTH_USER_REGISTRATION_ROLE", {current_app.config["AUTH_USER_REGISTRATION_ROLE"]})
    mapping = role_mapping.mapping()
    _refuse_unknown_roles("AUTH_ROLES_MAPPING", {name for names in mapping.values() for name in names})
    clock_changes.warn_of_newer_rules()
    db.engine.dispose()


def _refuse_unknown_roles(setting: str, names: set[str]) -> None:
    """Raise ConfigurationError if members would not get a role that a setting names."""
    if not names:
        return
    with db.engine.connect() as connection:
        known = set(connection.scalars(select(Role.name).where(Role.name.in_(names))))
    db.engine.dispose()
    for name in sorted(names - known):
        raise ConfigurationError(f"{setting}: there is no role {name}. Add it under Manage → Roles, or to FAB_ROLES.")


def is_outdated(connection: Connection) -> bool:
    """Whether the schema of the site or of a plug-in is older than its migrations."""
    return any(_is_older(connection, config) for config in configs())


def _is_older(connection: Connection, config: Config) -> bool:
    found = heads(connection, config)
    return found <= revisions(config) and found != set(ScriptDirectory.from_config(config).get_heads())


def pending(connection: Connection, config: Config) -> list[Script]:
    """Return the migrations that have not run, the next one first; raises ConfigurationError for a newer schema."""
    found = heads(connection, config)
    if unknown := found - revisions(config):
        raise ConfigurationError(f"The schema ({', '.join(sorted(unknown))}) is newer than this version.")
    script = ScriptDirectory.from_config(config)
    missing = script.iterate_revisions("heads", tuple(found) or "base", implicit_base=True)
    return [each for each in reversed(list(missing)) if each.revision not in found]


def upgrade(connection: Connection, config: Config, revision: str = "heads") -> None:
    """Run migrations on another database than that of the site."""
    config.attributes["connection"] = connection
    alembic.command.upgrade(config, revision)


def heads(connection: Connection, config: Config) -> set[str]:
    """Return the revisions that a database is at."""
    options = {"version_table": config.attributes.get(VERSION_TABLE, "alembic_version")}
    return set(MigrationContext.configure(connection, opts=options).get_current_heads())


def configs() -> list[Config]:
    """Return Alembic's configuration of the site, and those of the plug-ins."""
    return [_config(), *(_plugin_config(migrations) for migrations in plugins.migrations_of(current_app))]


def revisions(config: Config) -> set[str]:
    """Return the revisions that this version knows."""
    return {revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()}


def _config() -> Config:
    config: Config = current_app.extensions["migrate"].migrate.get_config()
    return config


def _plugin_config(migrations: plugins.Migrations) -> Config:
    """Return Alembic's configuration for a plug-in: its own folder and table of versions, our environment."""
    config = _config()
    config.set_main_option("version_locations", str(migrations.folder).replace("%", "%%"))
    # A folder may have spaces in its name.
    config.set_main_option("path_separator", "newline")
    config.attributes[VERSION_TABLE] = migrations.version_table
    return config


def first_admin() -> tuple[str, str] | None:
    """Add an administrator if there is none; return the username and the password, of which only a hash is stored.

    Where a directory knows the passwords, there is none: a password of this site would open nothing.
    """
    if ldap_client.is_enabled():
        return None
    admins = select(func.count()).select_from(Member).where(Member.roles.any(Role.name == ADMIN))
    if db.session.execute(admins).scalar_one():
        return None
    password = secrets.token_urlsafe(12)
    admin = members.add_member(
        username="admin",
        email="admin@example.com",
        first_name="Admin",
        last_name="",
        password_hash=password_policy.hash_password(password),
        role=ADMIN,
    )
    audit.record("member_created", "member", admin, after={"roles": [ADMIN]})
    return "admin", password


def store_permissions(appbuilder: AppBuilder) -> None:
    """Store missing permissions and roles in a few statements.

    Other roles than Admin get their permissions when they are created, and later only permissions that are new in a
    version: administrators may have changed the rest. Admin always has all permissions.
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
    for name, patterns in current_app.config.get("FAB_ROLES", {}).items():
        _store_patterns(roles.get(name) or Role(name=name), patterns, pairs)
    held = {item.id for item in roles[ADMIN].permissions}
    roles[ADMIN].permissions.extend(
        item for pair, item in sorted(pairs.items()) if pair in wanted and item.id not in held
    )
    db.session.flush()


def _store_patterns(role: Role, patterns: list[Pair], pairs: Mapping[Pair, PermissionView]) -> None:
    """Give `role` exactly the permissions whose view and name match one of `patterns` from their beginning."""
    granted = [
        item
        for (permission, view), item in sorted(pairs.items())
        if any(re.match(of_view, view) and re.match(named, permission) for of_view, named in patterns)
    ]
    if set(role.permissions) != set(granted):
        role.permissions = granted
    db.session.add(role)


def _declared(appbuilder: AppBuilder) -> set[Pair]:
    """Return every (permission, view) that a registered view, API or menu entry requires."""
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
