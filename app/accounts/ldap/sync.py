"""Copy a person of the directory to a member, at every login."""

import logging
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app import audit
from app.accounts import signals
from app.accounts.ldap.client import LdapPerson
from app.accounts.members import add_member
from app.accounts.models import ADMIN, GUEST, Member
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
        if member is not None and member.email.lower() == person.email:
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
    statement = select(Member).where(func.lower(Member.username) == person.username)
    return db.session.execute(statement.execution_options(populate_existing=True)).scalar_one_or_none()


def _add(person: LdapPerson) -> Member:
    member = add_member(
        username=person.username,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        password_hash=None,
        role=ADMIN if person.is_admin else GUEST,
        locale=current_locale(),
        timezone=known_timezone(),
    )
    audit.record("member_created", "member", member, actor=member, after={"directory": True})
    return member


def _update(member: Member, person: LdapPerson) -> None:
    before = _values(member)
    member.email, member.first_name, member.last_name = person.email, person.first_name, person.last_name
    if current_app.config["LDAP_ADMIN_GROUP"]:
        _update_admin_role(member, is_admin=person.is_admin)
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
        _tell(member, before, after)


def _tell(member: Member, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Tell packages what has changed."""
    if before["email"] != after["email"]:
        signals.send(signals.email_changed, member=member, old=before["email"])
    if before["roles"] != after["roles"]:
        had, has = set(before["roles"]), set(after["roles"])
        signals.send(signals.roles_changed, member=member, added=sorted(has - had), removed=sorted(had - has))


def _values(member: Member) -> dict[str, Any]:
    """Return the columns that the directory sets, for the audit log."""
    names = {name: getattr(member, name) for name in ("email", "first_name", "last_name")}
    return {**names, "roles": sorted(role.name for role in member.roles)}


def _update_admin_role(member: Member, *, is_admin: bool) -> None:
    """Add or remove the administrator role. All other roles are assigned on the site."""
    others = [role for role in member.roles if role.name != ADMIN]
    if is_admin == (len(others) < len(member.roles)):
        return
    wanted = ADMIN if is_admin else GUEST
    if wanted not in {role.name for role in others}:
        others += db.session.scalars(select(Role).where(Role.name == wanted))
    member.roles = others
