"""The groups of a person of the directory."""

import logging
from collections.abc import Iterator

from flask import current_app

from app.accounts.ldap.client import Connection, setting
from app.accounts.ldap.entries import Dn, LdapEntry, escaped, normalize_dn, suffix_of
from app.accounts.ldap.problems import LdapUnreachableError

log = logging.getLogger(__name__)

BATCH = 50
MAX_DEPTH, MAX_USERNAME_LENGTH = 10, 64
NO_ATTRIBUTES = ("1.1",)
# The rule of Active Directory that follows groups in groups.
IN_CHAIN = "1.2.840.113556.1.4.1941"


def groups_of(connection: Connection, entry: LdapEntry) -> tuple[str, ...]:
    """Return the names (DN) of all groups of a person: direct, nested, and the primary one; none if no setting asks."""
    if not setting("LDAP_ADMIN_GROUP") and not current_app.config.get("AUTH_ROLES_MAPPING"):
        return ()
    listed = entry.all(setting("AUTH_LDAP_GROUP_FIELD"))
    try:
        further = list(_in_chain(connection, entry) if entry.raw("objectSid") else _nested(connection, entry, listed))
    except LdapUnreachableError as error:
        if error.problem.is_of_one_server or setting("LDAP_GROUP_BASE"):
            raise
        # The service account may not be allowed to search the whole directory.
        log.warning("Nested groups cannot be read: %s Set LDAP_GROUP_BASE.", error)
        further = []
    return tuple({normalize_dn(dn): dn for dn in (*listed, *further)}.values())


def group_base() -> str:
    """Return where groups are: by default in the whole directory."""
    return setting("LDAP_GROUP_BASE") or suffix_of(setting("AUTH_LDAP_SEARCH"))


def _in_chain(connection: Connection, entry: LdapEntry) -> Iterator[str]:
    """Yield the groups of a person of Active Directory."""
    holders = [entry.dn]
    if sid := entry.primary_group():
        holders += _names(connection, f"(objectSid={escaped(sid)})")
        yield from holders[1:]
    for dn in holders:
        yield from _names(connection, f"(member:{IN_CHAIN}:={escaped(dn.encode())})")


def _nested(connection: Connection, entry: LdapEntry, listed: list[str]) -> Iterator[str]:
    """Yield the groups that have the person, or one of their groups, as a member, level by level."""
    uid = entry.first(setting("AUTH_LDAP_UID_FIELD"), MAX_USERNAME_LENGTH)
    known: set[Dn | str] = {normalize_dn(dn) for dn in (entry.dn, *listed)}
    level = [entry.dn, *(dn for dn in listed if not isinstance(normalize_dn(dn), str))]
    for depth in range(MAX_DEPTH):
        found = []
        for start in range(0, len(level), BATCH):
            members = [escaped(dn.encode()) for dn in level[start : start + BATCH]]
            criteria = [f"(member={dn})(uniqueMember={dn})" for dn in members]
            if depth == start == 0:
                criteria.append(f"(memberUid={escaped(uid.encode())})")
            found += _names(connection, f"(|{''.join(criteria)})")
        level = [dn for dn in found if normalize_dn(dn) not in known]
        known.update(map(normalize_dn, level))
        yield from level
        if not level:
            return


def _names(connection: Connection, criteria: str) -> list[str]:
    return [entry.dn for entry in connection.search(group_base(), criteria, NO_ATTRIBUTES)]
