"""The people of the LDAP directory and their accounts: what an administrator decides, and who has left.

Whom the directory does not let in any more is inactive here, too, until it does again: without sessions, tokens and keys.
"""

import logging
import time
from collections.abc import Iterable
from datetime import timedelta

from flask_appbuilder.security.sqla.models import ApiKey
from flask_babel import lazy_gettext
from sqlalchemy import or_, select

from app import audit, clock
from app.accounts import members, role_changes, role_mapping, rules, signals
from app.accounts.ldap import client, people, sync
from app.accounts.ldap.entries import LdapEntry
from app.accounts.ldap.people import LdapPerson
from app.accounts.ldap.problems import LdapUnreachableError
from app.accounts.models import ADMIN, DirectoryPerson, LoginSession, Member
from app.accounts.users import service as user_service
from app.address_key import address_key
from app.database import transaction
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

# The directory is asked about everybody who has a login after so long.
CHECK_AFTER = timedelta(minutes=3)
# A request asks by itself if nobody else has for so long. Each process looks once a minute.
OVERDUE_AFTER, LOOK_SECONDS = timedelta(minutes=6), 60.0
LEFT = lazy_gettext("Your organisation's directory does not let you log in any more.")
OTHER_PERSON = lazy_gettext("An administrator has changed who this account belongs to.")
NOT_IN_DIRECTORY = lazy_gettext("There is nobody of that name in the directory, or more than one.")
_looked_at: dict[int, float] = {}


# -- who has left


def check_due() -> int:
    """Ask the directory about everybody who may have a login, and return how many it does not let in any more.

    Call it outside a transaction. It may be repeated, and run by several processes at once.
    """
    return _check(due(clock.now() - CHECK_AFTER)) if client.is_enabled() else 0


def check_on_use(member: Member) -> None:
    """Ask the directory about a member who makes a request, if the worker has not done so for a while."""
    if not client.is_enabled() or time.monotonic() - _looked_at.get(member.id, -LOOK_SECONDS) < LOOK_SECONDS:
        return
    _looked_at[member.id] = time.monotonic()
    row = sync.of_member(member)
    if row is None or (row.checked_at is not None and row.checked_at > clock.now() - OVERDUE_AFTER):
        return
    _check([(row.id, row.unique_id, _needs_groups(member))])


def due(before: object) -> list[tuple[int, str, bool]]:
    """Return the keys and unique ids of people to ask about, and whether their groups matter."""
    now = clock.now()
    lately = (now - rules.SESSION_ABSOLUTE).replace(tzinfo=None)
    has_session = select(LoginSession.id).where(LoginSession.member_id == Member.id, LoginSession.ended_at.is_(None))
    has_key = select(ApiKey.id).where(
        ApiKey.user_id == Member.id, ApiKey.revoked_on.is_(None), ApiKey.expires_on > now.replace(tzinfo=None)
    )
    statement = (
        select(DirectoryPerson)
        .join(Member, Member.id == DirectoryPerson.member_id)
        .where(
            or_(DirectoryPerson.checked_at.is_(None), DirectoryPerson.checked_at <= before),
            Member.erased_at.is_(None),
            or_(
                DirectoryPerson.lost_at.is_not(None),
                Member.last_login >= lately,
                has_session.exists(),
                has_key.exists(),
            ),
        )
    )
    with transaction():
        rows = db.session.scalars(statement).all()
        return [(row.id, row.unique_id, row.member is not None and _needs_groups(row.member)) for row in rows]


def _needs_groups(member: Member) -> bool:
    """Whether a member has roles that the directory may have taken from them."""
    if role_mapping.is_synchronised():
        return True
    return any(role.name == ADMIN for role in member.roles)


def _check(asked: list[tuple[int, str, bool]]) -> int:
    if not asked:
        return 0
    try:
        found = people.look_up(
            [unique_id for _key, unique_id, _grouped in asked],
            [unique_id for _key, unique_id, grouped in asked if grouped],
        )
    except LdapUnreachableError as error:
        # Nobody is signed out by an outage.
        log.warning("The directory was not asked who has left: %s %s", error, error.problem.advice)
        return 0
    lost = 0
    for key, unique_id, grouped in asked:
        with transaction():
            row = db.session.get(DirectoryPerson, key, populate_existing=True)
            if row is not None and row.member is not None:
                lost += _apply(row, row.member, found.get(unique_id), grouped=grouped)
    return lost


def _apply(
    row: DirectoryPerson, member: Member, found: tuple[LdapEntry, tuple[str, ...]] | None, *, grouped: bool
) -> bool:
    """Store what the directory says of a member. Return whether they have left just now."""
    row.checked_at = clock.now()
    if found is None:
        return _lose(row, member)
    sync.restore(row)
    if grouped:
        try:
            person = people.person_of(*found)
        except DomainError:
            return False
        role_changes.assign(member, sync.roles_of(person, member))
    return False


def _lose(row: DirectoryPerson, member: Member) -> bool:
    if row.lost_at is not None or not member.active:
        return False
    row.lost_at, member.active = clock.now(), False
    audit.record("member_changed", "member", member, before={"active": True}, after={"active": False, "reason": "LDAP"})
    user_service.end_logins(member, LEFT, None)
    log.warning("The directory does not let %s log in any more: signed out", member.username)
    if not role_changes.is_admin_left(set()):
        log.error("Nobody who may log in is an administrator any more")
    return True


# -- what an administrator decides


def change_owner(row: DirectoryPerson, member: Member | None) -> None:
    """Let a person of the directory use another account than before, or none until an administrator decides.

    Both accounts are signed out. Raises DomainError when the account is another person's, or deleted.
    """
    before = row.member
    if member is not None:
        user_service.refuse_erased([member])
        other = sync.of_member(member)
        if other is not None and other.id != row.id:
            raise DomainError(
                lazy_gettext(
                    "%(name)s is the account of another person of the directory. Unlink that person first.",
                    name=member.username,
                ),
                field="member",
            )
    if before is not None and before != member:
        sync.restore(row)
        user_service.end_logins(before, OTHER_PERSON, None)
        audit.record("directory_unlinked", "member", before, before={"unique_id": row.unique_id, "dn": row.dn})
    row.member, row.contested = member, None if member is not None else before
    db.session.flush()
    if member is not None and member != before:
        user_service.end_logins(member, OTHER_PERSON, None)
        audit.record("directory_linked", "member", member, after={"unique_id": row.unique_id, "dn": row.dn})


def confirm(row: DirectoryPerson) -> Member:
    """Answer that the contested account is this person's: whose it was is unlinked."""
    member = row.contested
    if row.member is not None or member is None:
        raise DomainError(lazy_gettext("Nothing is to be decided about this person."), "warning")
    other = sync.of_member(member)
    if other is not None:
        change_owner(other, None)
    change_owner(row, member)
    return member


def separate(row: DirectoryPerson) -> None:
    """Answer that the contested account is somebody else's: it gives up the username and e-mail address.

    The person gets an account of their own at the next login.
    """
    member = row.contested
    if row.member is not None or member is None:
        raise DomainError(lazy_gettext("Nothing is to be decided about this person."), "warning")
    before = {"username": member.username, "email": member.email}
    if member.username_key == address_key(row.username):
        name = members.free_username(row.username)
        if name is None:
            raise DomainError(lazy_gettext("No similar username is free."))
        member.username = name
    if member.email_key == address_key(row.email):
        member.email = sync.placeholder(f"former:{member.id}", member.username)
    after = {"username": member.username, "email": member.email}
    user_service.end_logins(member, OTHER_PERSON, None)
    db.session.delete(row)
    db.session.flush()
    audit.record("member_changed", "member", member, before=before, after=after)
    if before["email"] != after["email"]:
        signals.send(signals.email_changed, member=member, old=before["email"])


def find(name: str) -> LdapPerson:
    """Return the person of the directory whose username or e-mail address `name` is. Raises DomainError."""
    entry = people.find(name)
    if entry is None:
        raise DomainError(NOT_IN_DIRECTORY)
    return people.person_of(entry, (), name)


def link(member: Member, person: LdapPerson) -> None:
    """Let a person of the directory use the account of `member`. Who used it before is unlinked."""
    user_service.refuse_erased([member])
    other = sync.of_member(member)
    row = sync.row_of(person.unique_ids)
    if row is not None and row.member == member:
        raise DomainError(lazy_gettext("This is the account of that person already."), "info")
    if other is not None:
        change_owner(other, None)
    if row is None:
        row = DirectoryPerson(unique_id=person.unique_id, username=person.username, email=person.email, dn=person.dn)
        db.session.add(row)
        db.session.flush()
    change_owner(row, member)


def link_all(everybody: Iterable[Member]) -> list[Member]:
    """Link everybody without a person whose username and e-mail address are those of one, and return them."""
    linked = []
    for member in everybody:
        if sync.of_member(member) is not None or member.erased_at is not None:
            continue
        try:
            person = find(member.username)
        except DomainError:
            continue
        if (person.username, person.email) != (member.username.lower(), member.email.lower()):
            continue
        row = sync.row_of(person.unique_ids)
        if row is None or row.member is None:
            link(member, person)
            linked.append(member)
    return linked


def make_admin(person: LdapPerson) -> Member:
    """Give a person of the directory the role of administrators, adding their account if they have none."""
    member = sync.sync_member(person, sync.handover(person))
    admins = role_mapping.named([ADMIN])
    had = set(member.roles)
    if had >= admins:
        raise DomainError(lazy_gettext("%(name)s is an administrator already.", name=member.username), "info")
    role_changes.assign(member, had | admins)
    return member
