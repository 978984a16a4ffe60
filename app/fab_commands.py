"""The commands of `flask fab` that would pass by the rules of this site, replaced under their names.

`flask fab` comes from Flask-AppBuilder's package, and starts before the application is loaded. So its commands keep their
options, and get other functions.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_appbuilder.cli import cast_int_like_to_int, fab
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import setup
from app.accounts import cli as accounts
from app.accounts import queries, rules
from app.accounts.ldap import client as ldap_client
from app.accounts.models import ADMIN, Member
from app.accounts.users import service as user_service
from app.address_key import address_key
from app.database import report_outage, transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.outbox.rules import is_writable


def create_admin(password: str, **person: str) -> None:
    """Add an administrator, unless there is one of that name."""
    if is_known_admin(person["username"], person["email"]):
        return
    refuse_with_directory()
    _add(ADMIN, password, **person)
    click.echo(f"Administrator {person['username']} added. Log in at {current_app.config['PUBLIC_URL']}/login/")


def refuse_with_directory() -> None:
    """Raise ClickException if a directory knows the passwords: an administrator added here could not log in."""
    if ldap_client.is_enabled():
        raise click.ClickException("Members log in with your directory here. Use: flask directory admin NAME")


def is_known_admin(username: str, email: str) -> bool:
    """Whether there is such an administrator, which is reported.

    Raises ClickException if the name or address cannot be used, or belongs to another user.
    """
    _refuse_names(username, email)
    existing = _existing(username, email)
    if existing is None:
        return False
    if existing.username_key != address_key(username):
        raise click.ClickException(_taken(username, email))
    if not any(role.name == ADMIN for role in existing.roles):
        raise click.ClickException(
            f"The user {username} already exists but is not an administrator. Assign the role in the web interface."
        )
    click.echo(f"The administrator {existing.username} already exists. Nothing was changed.")
    return True


def _create_user(role: str, password: str, **person: str) -> None:
    user_service.refuse_without_own_passwords()
    _refuse_names(person["username"], person["email"])
    if _existing(person["username"], person["email"]) is not None:
        raise click.ClickException(_taken(person["username"], person["email"]))
    _add(role, password, **person)
    click.echo(f"User {person['username']} created.")


def _refuse_names(username: str, email: str) -> None:
    """Raise BadParameter if a person cannot have that username or e-mail address."""
    if not rules.is_username(username):
        raise click.BadParameter("3 to 20 letters, digits, dots, dashes or underscores", param_hint="username")
    if not is_writable(email):
        raise click.BadParameter("not an e-mail address", param_hint="email")


def _add(role: str, password: str, *, username: str, email: str, **names: str) -> None:
    found = db.session.execute(select(Role).where(Role.name == role)).scalar_one_or_none()
    if found is None:
        raise click.ClickException(f"There is no role {role}.")
    first_name, last_name = names.get("firstname", "Admin"), names.get("lastname", "")
    member = Member(username=username, email=email, first_name=first_name, last_name=last_name, active=True)
    member.roles = [found]
    try:
        with transaction():
            db.session.add(member)
            user_service.add(member, password)
    except DomainError as refused:
        raise click.BadParameter(str(refused), param_hint=refused.field) from refused
    except IntegrityError as error:
        # Another process added it in the meantime.
        raise click.ClickException(_taken(username, email)) from error


def _existing(username: str, email: str) -> Member | None:
    return queries.member_by_name_or_email(username) or queries.member_by_name_or_email(email)


def _taken(username: str, email: str) -> str:
    return f"A user with the username {username} or the e-mail address {email} already exists."


def _reset_password(username: str, password: str) -> None:
    accounts.set_password(accounts.member(username), password)


def _create_db() -> None:
    with setup.alone():
        setup.prepare()
    click.echo("The database is up to date.")


def _create_permissions() -> None:
    setup.refuse_other_schema()
    with setup.alone(), transaction():
        setup.store_permissions(appbuilder_of())
    click.echo("The permissions and roles of the site are stored.")


def _export_roles(path: str | None = None, indent: str | None = None) -> None:
    try:
        appbuilder_of().sm.export_roles(path, cast_int_like_to_int(indent))
    except OSError as error:
        raise click.ClickException(f"The file cannot be written ({error.strerror}).") from error


def _import_roles(path: str) -> None:
    try:
        appbuilder_of().sm.import_roles(path)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read ({error.strerror}).") from error
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise click.ClickException(f"{path} is not a file of `flask fab export-roles`.") from error
    click.echo("The roles are imported.")


REPLACED: dict[str, Callable[..., None]] = {
    "create-admin": create_admin,
    "create-user": _create_user,
    "reset-password": _reset_password,
    "create-db": _create_db,
    "create-permissions": _create_permissions,
    "export-roles": _export_roles,
    "import-roles": _import_roles,
}
# The others, and what they do here.
KEPT = {
    "version": "Shows the version of Flask-AppBuilder.",
    "list-users": "Lists users with their e-mail addresses and roles.",
    "list-views": "Lists views with their paths and permissions.",
    "security-cleanup": "Removes permissions on views that are gone from the roles, each in the audit log.",
    "security-converge": "Moves permissions of renamed views to their new names, each in the audit log.",
    "collect-static": "Copies Flask-AppBuilder's static files to a folder; the site does not need it.",
    "create-app": "Downloads a skeleton for another application; it does nothing to this one.",
    "create-addon": "Downloads a skeleton for an add-on; see [Write a plug-in](tutorials/write-a-plugin.md).",
    "babel-extract": "Does not fit this site's folders: use `flask i18n`.",
    "babel-compile": "Not needed: catalogs are read as they are. Use `flask i18n check`.",
}
DESCRIBED = {
    "create-admin": "The same as `flask create-admin`: the rules for names and passwords hold, and the audit log tells it.",
    "create-user": "Adds a user with a role; the rules for names and passwords hold, and the audit log tells it.",
    "reset-password": "The same as `flask reset-password`: ends all sessions of the user, who gets an e-mail.",
    "create-db": "Upgrades the schema with Alembic, and stores permissions and roles, as `flask setup` does.",
    "create-permissions": "Stores the permissions and roles of the site, as `flask setup` does.",
    "export-roles": "Writes roles with their permissions into a JSON file.",
    "import-roles": "Adds roles and permissions from such a file, all or nothing, each role in the audit log.",
}


def _replace_functions() -> None:
    """Give the commands of `flask fab` their functions here."""
    for name, function in REPLACED.items():
        command = fab.commands[name]
        command.callback = with_appcontext(report_outage(_refused_in_a_sentence(function)))
        command.help = DESCRIBED[name]


def take_over() -> None:
    """If a command of `flask fab` has just loaded this application, and is about to invoke its own function, let it use ours."""
    running = click.get_current_context(silent=True)
    function = REPLACED.get(running.info_name or "") if running else None
    if running is not None and function is not None and running.command is fab.commands[running.info_name or ""]:
        replacement = report_outage(_refused_in_a_sentence(function))
        running.invoke = partial(_invoke_instead, running, replacement)  # type: ignore[method-assign]


def _invoke_instead(context: click.Context, replacement: Callable[..., Any], *_given: Any, **options: Any) -> Any:
    return click.Context.invoke(context, replacement, **options)


def _refused_in_a_sentence(function: Callable[..., None]) -> Callable[..., None]:
    def run(**options: Any) -> None:
        try:
            function(**options)
        except DomainError as refused:
            raise click.ClickException(str(refused)) from refused

    return run


def table() -> str:
    """Return the commands as a table in Markdown."""
    described = sorted({**KEPT, **DESCRIBED}.items())
    rows = [f"| `flask fab {name}` | {'ours' if name in REPLACED else 'theirs'} | {text} |" for name, text in described]
    return "\n".join(["| command | whose | here |", "|---|---|---|", *rows]) + "\n"


_replace_functions()
