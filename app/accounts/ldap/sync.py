"""Copy a person of the directory to a member, at every login."""

import logging
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import audit
from app.accounts import role_mapping, signals
from app.accounts.ldap.client import LdapPerson, normalize_dn
from app.accounts.members import add_member
from app.accounts.models import ADMIN, Member
from app.address_key import address_key
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import current_locale, known_timezone

log = logging.getLogger(__name__)


def sync_member(person: LdapPerson) -> Member:
    """Return the member of `person`, added or updated from the directory.

    Raises DomainError when another member has their e-mail address.
    """
    try:
        with db.session.begin_nested():
            member = _member(person)
            if member is None:
                return _add(person)
            _update(member, person)
            return member
    except IntegrityError as error:
        member = _member(person)
        if member is not None and address_key(member.email) == address_key(person.email):
            # Two simultaneous logins: the other one has added the member.
            return member
        log.warning("The e-mail address of %s in the directory belongs to another user", person.username)
        raise DomainError(
            _(
                "Your e-mail address in the directory belongs to another account on this site. Please ask "
                "your administrator."
            )
        ) from error


def _member(person: LdapPerson) -> Member | None:
    statement = select(Member).where(Member.username_key == address_key(person.username)).order_by(Member.duplicate)
    return db.session.scalars(statement.execution_options(populate_existing=True)).first()


def _add(person: LdapPerson) -> Member:
    member = add_member(
        username=person.username,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        password_hash=None,
        role=_roles_by_groups(person) or role_mapping.of_new_members(),
        locale=current_locale(),
        timezone=known_timezone(),
    )
    audit.record("member_created", "member", member, actor=member, after={"directory": True})
    return member


def _update(member: Member, person: LdapPerson) -> None:
    before = _values(member)
    member.email, member.first_name, member.last_name = person.email, person.first_name, person.last_name
    after = _values(member)
    if before != after:
        db.session.flush()
        changed = [name for name in before if before[name] != after[name]]
        audit.record(
            "member_changed",
            "member",
            member,
            actor=member,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
        if before["email"] != after["email"]:
            signals.send(signals.email_changed, member=member, old=before["email"])


def _values(member: Member) -> dict[str, Any]:
    """Return the columns that the directory sets, for the audit log."""
    return {name: getattr(member, name) for name in ("email", "first_name", "last_name")}


def roles_of(person: LdapPerson, member: Member) -> set[Role]:
    """Return the roles that `member` has from now on.

    Their groups give all of them with AUTH_ROLES_SYNC_AT_LOGIN, and none but the administrator's with LDAP_ADMIN_GROUP
    alone: then others are given on the site.
    """
    by_groups, current = _roles_by_groups(person), set(member.roles)
    if role_mapping.is_synchronised():
        return by_groups or role_mapping.of_new_members()
    if not current_app.config["LDAP_ADMIN_GROUP"]:
        return current
    admins = {role for role in by_groups if role.name == ADMIN}
    others = {role for role in current if role.name != ADMIN}
    if len(current) == len(others) and not admins:
        return current
    return others | (admins or role_mapping.of_new_members())


def _roles_by_groups(person: LdapPerson) -> set[Role]:
    admins = current_app.config["LDAP_ADMIN_GROUP"]
    is_admin = bool(admins) and normalize_dn(admins) in {normalize_dn(group) for group in person.groups}
    return role_mapping.mapped(person.groups, normalize_dn) | role_mapping.named([ADMIN] if is_admin else ())
