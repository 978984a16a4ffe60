"""Copy a person of the directory to their member, at every login.

Members are found by the unique id of the person alone. Usernames and e-mail addresses are handed on: who has those of an
existing account for the first time is a question to the administrator, never its owner.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app import audit, clock
from app.accounts import role_mapping, signals
from app.accounts.ldap import people
from app.accounts.ldap.entries import normalize_dn
from app.accounts.ldap.people import LdapPerson
from app.accounts.ldap.problems import LdapUnreachableError
from app.accounts.members import add_member
from app.accounts.models import ADMIN, DirectoryPerson, ExternalIdentity, Member
from app.address_key import address_key
from app.database import run_with_retry
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import current_locale, known_timezone

log = logging.getLogger(__name__)

# The domain of the addresses of members who share theirs with another account (RFC 2606). Nothing is sent there.
NO_EMAIL = "directory.invalid"


class ContestedError(DomainError):
    """Somebody has the username or e-mail address of an account that may not be theirs."""

    def __init__(self, contested: Member | None) -> None:
        self.contested = contested
        super().__init__(
            _(
                "There is an account here with your username or your e-mail address, and it may belong to somebody else. "
                "Your administrator has to decide; please ask them."
            )
        )


def sync_member(person: LdapPerson, found: "Handover | None") -> Member:
    """Return the member of `person`, added or updated from the directory. `found` is what handover() has returned.

    Raises ContestedError when they are not known, and an account has their username or e-mail address.
    """
    try:
        return _sync_again_after_conflict(person, found)
    except ContestedError as error:
        ask(person, error.contested)
        raise


def _sync_again_after_conflict(person: LdapPerson, found: "Handover | None") -> Member:
    try:
        with db.session.begin_nested():
            return _sync(person, found)
    except IntegrityError:
        # Two simultaneous logins: the other one has added the member.
        return _sync(person, found)


def row_of(unique_ids: Sequence[str]) -> DirectoryPerson | None:
    """Return what is stored of the person with these unique ids."""
    statement = select(DirectoryPerson).where(DirectoryPerson.unique_id.in_(unique_ids))
    rows = db.session.scalars(statement.execution_options(populate_existing=True)).all()
    return min(rows, key=lambda row: unique_ids.index(row.unique_id), default=None)


def of_member(member: Member) -> DirectoryPerson | None:
    """Return the person of the directory whose account `member` is."""
    return db.session.execute(
        select(DirectoryPerson).where(DirectoryPerson.member_id == member.id)
    ).scalar_one_or_none()


def owner_of(unique_ids: Sequence[str]) -> Member | None:
    """Return the member of the person with these unique ids."""
    row = row_of(unique_ids)
    return row.member if row is not None else None


def _sync(person: LdapPerson, found: "Handover | None") -> Member:
    if found is not None:
        _hand_over(found)
    row = row_of(person.unique_ids)
    member = row.member if row is not None else None
    if member is None:
        member = _claim(person, is_known=row is not None)
        row = store_link(person, member)
    assert row is not None  # noqa: S101 - for the type checker
    _note(row, person)
    restore(row)
    _update(member, person)
    return member


def _claim(person: LdapPerson, *, is_known: bool) -> Member:
    """Return the member of a person who has none yet: a new one, or one that earlier versions have added for them."""
    namesake, holder = contested_by(person)
    if namesake is None and (holder is None or of_member(holder) is not None):
        return _add(person)
    if namesake is not None and not is_known and is_theirs(person):
        record_link(namesake, person)
        return namesake
    raise ContestedError(namesake or holder)


def contested_by(person: LdapPerson) -> tuple[Member | None, Member | None]:
    """Return the members with the username and with the e-mail address of a person."""
    return _by(Member.username_key, person.username), _by(Member.email_key, person.email)


def _by(column: Any, value: str) -> Member | None:
    statement = select(Member).where(column == address_key(value)).order_by(Member.duplicate)
    return db.session.scalars(statement).first()


def is_theirs(person: LdapPerson) -> bool:
    """Whether an earlier version, which stored no unique ids, has added a member for this person.

    Both the username and the e-mail address must be theirs still, and nobody can have registered with them.
    """
    member, holder = contested_by(person)
    return member is not None and member == holder and _is_of_directory(member)


def _is_of_directory(member: Member) -> bool:
    """Whether `member` was added from the directory, and no person is known for whom."""
    is_elsewhere = db.session.execute(
        select(ExternalIdentity.id).where(ExternalIdentity.member_id == member.id).limit(1)
    )
    return not member.password and member.erased_at is None and of_member(member) is None and not is_elsewhere.first()


def ask(person: LdapPerson, contested: Member | None) -> None:
    """Store the question whose account `contested` is. It stays, whatever becomes of the login."""
    db.session.rollback()
    run_with_retry(lambda: _store_question(person, contested))


def _store_question(person: LdapPerson, contested: Member | None) -> None:
    known = row_of(person.unique_ids)
    row = known or DirectoryPerson(unique_id=person.unique_id)
    if known is None or known.contested != contested:
        name = contested.username if contested is not None else ""
        log.error("%s cannot log in until an administrator decides whose account %s is", person.dn, name)
        audit.record("directory_contested", "member", contested, after={"dn": person.dn})
    row.contested = contested
    _note(row, person)
    db.session.add(row)


def record_link(member: Member, person: LdapPerson) -> None:
    """Write to the audit log that `member` is the account of a person."""
    audit.record("directory_linked", "member", member, after={"unique_id": person.unique_id, "dn": person.dn})


def store_link(person: LdapPerson, member: Member) -> DirectoryPerson:
    """Store that `member` is the account of a person."""
    row = row_of(person.unique_ids) or DirectoryPerson(unique_id=person.unique_id)
    row.member, row.contested = member, None
    _note(row, person)
    db.session.add(row)
    db.session.flush()
    return row


def _note(row: DirectoryPerson, person: LdapPerson) -> None:
    row.unique_id = person.unique_id
    row.username, row.email, row.dn = person.username, person.email, person.dn[:1000]
    row.name = f"{person.first_name} {person.last_name}".strip()
    row.checked_at = clock.now()


def restore(row: DirectoryPerson) -> None:
    """Let a member log in again whom the directory had not let in."""
    if row.lost_at is None:
        return
    row.lost_at = None
    if row.member is not None and not row.member.active:
        row.member.active = True
        audit.record("member_changed", "member", row.member, before={"active": False}, after={"active": True})


def _add(person: LdapPerson) -> Member:
    member = add_member(
        username=person.username,
        email=_free_email(person, None),
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
    if member.username_key != address_key(person.username):
        if _by(Member.username_key, person.username) is None:
            member.username = person.username
        else:
            log.warning("%s keeps this username: another account is called %s", member.username, person.username)
    if member.email_key != address_key(person.email):
        member.email = _free_email(person, member)
    member.first_name, member.last_name = person.first_name, person.last_name
    after = _values(member)
    if before == after:
        return
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
    return {name: getattr(member, name) for name in ("username", "email", "first_name", "last_name")}


# -- e-mail addresses of several accounts


@dataclass(frozen=True)
class Handover:
    """An account whose person has another e-mail address by now, or none, so that somebody else can have the old one."""

    unique_id: str
    email: str


def handover(person: LdapPerson) -> Handover | None:
    """Ask the directory whether another account has the e-mail address of a person wrongly.

    Call it before anything is written: the request waits for the directory.
    """
    holder = _by(Member.email_key, person.email)
    row = of_member(holder) if holder is not None else None
    if row is None or row.unique_id in person.unique_ids:
        return None
    unique_id = row.unique_id
    try:
        found = people.look_up([unique_id]).get(unique_id)
    except LdapUnreachableError as error:
        log.warning("The owner of the e-mail address of %s cannot be looked up: %s", person.username, error)
        return None
    email = people.email_of(found[0]) if found else ""
    return Handover(unique_id, email) if email != person.email else None


def _hand_over(found: Handover) -> None:
    row = row_of([found.unique_id])
    if row is None or row.member is None:
        return
    holder, old = row.member, row.member.email
    is_free = found.email and _by(Member.email_key, found.email) is None
    holder.email = found.email if is_free else placeholder(found.unique_id, holder.username)
    db.session.flush()
    audit.record("member_changed", "member", holder, before={"email": old}, after={"email": holder.email})
    signals.send(signals.email_changed, member=holder, old=old)


def _free_email(person: LdapPerson, member: Member | None) -> str:
    """Return the e-mail address of a person, or a placeholder while it is that of another account, too."""
    holder = _by(Member.email_key, person.email)
    if holder is None or holder == member:
        return person.email
    log.warning(
        "%s gets no e-mail: their address in the directory is that of %s, too", person.username, holder.username
    )
    return placeholder(person.unique_id, person.username)


def placeholder(unique_id: str, username: str) -> str:
    """Return an e-mail address of nobody."""
    return f"{username}-{hashlib.sha256(unique_id.encode()).hexdigest()[:8]}@{NO_EMAIL}"


# -- roles


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
    return role_mapping.mapped(person.groups, normalize_dn) | role_mapping.named([ADMIN] if is_admin(person) else ())


def is_admin(person: LdapPerson) -> bool:
    """Whether a person is in LDAP_ADMIN_GROUP."""
    admins = current_app.config["LDAP_ADMIN_GROUP"]
    return bool(admins) and normalize_dn(admins) in {normalize_dn(group) for group in person.groups}
