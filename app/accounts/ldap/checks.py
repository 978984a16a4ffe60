"""Checks of the LDAP directory: its settings, each of its servers, and what a login of one person would do."""

import logging
from collections.abc import Iterator

from flask import current_app

from app import clock
from app.accounts import queries
from app.accounts.ldap import client, groups, people, sync
from app.accounts.ldap.client import Connection, setting
from app.accounts.ldap.entries import LdapEntry, normalize_dn
from app.accounts.ldap.problems import LdapUnreachableError, Problem
from app.accounts.models import DirectoryPerson
from app.doctor import Finding, Level, check, error, ok, warning
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

SAMPLE = 5


@check("directory settings", quick=True)
def settings() -> Iterator[Finding]:
    """Look at the settings alone."""
    if not client.is_enabled():
        return
    plain = [url for url in client.servers() if url.startswith("ldap:") and not current_app.config["AUTH_LDAP_USE_TLS"]]
    if any("//127.0.0.1" not in url and "//localhost" not in url and "//[::1]" not in url for url in plain):
        yield warning(
            f"Passwords cross the network as they are, to {' '.join(plain)}.", "Set LDAP_USE_TLS=yes, or use ldaps:."
        )
    if setting("AUTH_LDAP_TLS_CACERTFILE") and len(plain) == len(client.servers()):
        yield warning("LDAP_CA_FILE has no effect without TLS.", "Set LDAP_USE_TLS=yes, or use ldaps: in LDAP_SERVER.")
    if not setting("LDAP_ADMIN_GROUP") and not current_app.config.get("AUTH_ROLES_MAPPING"):
        yield ok("Administrators are made with `flask directory admin NAME`, as LDAP_ADMIN_GROUP is not set.")


@check("directory")
def servers() -> Iterator[Finding]:
    """Ask each server what a login needs."""
    if not client.is_enabled():
        return
    for url in client.servers():
        try:
            found = list(client.ask_one(url, _examine))
        except LdapUnreachableError as failed:
            yield error(f"{url}: {failed}", failed.problem.advice)
            continue
        yield from (Finding(each.level, f"{url}: {each.text}", each.advice) for each in found)


@check("directory questions")
def questions() -> Iterator[Finding]:
    """Tell who waits for the decision of an administrator."""
    waiting = db.session.query(DirectoryPerson).filter(DirectoryPerson.member_id.is_(None)).limit(SAMPLE).all()
    if waiting and client.is_enabled():
        names = ", ".join(row.username for row in waiting)
        yield warning(f"People of the directory wait for your decision: {names}.", "See Manage → Directory.")


def warn() -> None:
    """Write to the log what is wrong with the servers. It may take as long as they take to answer."""
    for finding in servers():
        if finding.level > Level.OK:
            log.error("The LDAP directory: %s %s", finding.text, finding.advice)


def _examine(connection: Connection) -> list[Finding]:
    found = []
    criteria = people.filtered(f"({setting('AUTH_LDAP_UID_FIELD')}=*)")
    # Active Directory has computers among people.
    sample = [
        entry
        for entry in connection.search(setting("AUTH_LDAP_SEARCH"), criteria, people.fields(), limit=SAMPLE * 10)
        if entry.is_person
    ]
    if sample:
        found.append(ok(f"it is asked, and has people such as {people.username_of(sample[0])}."))
    found += [error(problem.text, problem.advice) for problem in _problems_of(sample)]
    group = setting("LDAP_ADMIN_GROUP")
    if group and not _exists(connection, group):
        found.append(error(Problem.NO_ADMIN_GROUP.text, Problem.NO_ADMIN_GROUP.advice))
    return found


def _exists(connection: Connection, dn: str) -> bool:
    try:
        return bool(connection.search(dn, "(objectClass=*)", groups.NO_ATTRIBUTES, scope="BASE"))
    except LdapUnreachableError:
        return False


def _problems_of(sample: list[LdapEntry]) -> Iterator[Problem]:
    # Without a service account, people can be read only after a bind as one of them.
    if not sample and setting("AUTH_LDAP_BIND_USER"):
        yield Problem.NOBODY
    elif sample and not any(map(people.unique_ids_of, sample)):
        yield Problem.NO_UNIQUE_ID
    if sample and setting("AUTH_LDAP_BIND_USER") and not any(map(people.email_of, sample)):
        yield Problem.NO_EMAIL


# -- one person


@check("login", of_person=True)
def login(name: str) -> Iterator[Finding]:
    """Tell what a login of one person would do. Their password is not needed."""
    if not client.is_enabled():
        member = queries.member_by_name_or_email(name)
        yield ok(f"{name} is a member.") if member else error(f"No member is called {name}.", "Check the name.")
        return
    try:
        found = client.ask(lambda connection: _with_groups(connection, people.matches(connection, name)))
    except LdapUnreachableError as failed:
        yield error(str(failed), failed.problem.advice)
        return
    if not found:
        yield error(
            f"Nobody in the directory is called {name}.",
            "Check the name, LDAP_SEARCH_BASE, LDAP_SEARCH_FILTER and LDAP_UID_FIELD.",
        )
    elif len(found) > 1:
        names = "; ".join(entry.dn for entry, _groups in found)
        yield error(
            f"Several people have this username or e-mail address: {names}.",
            "Nobody of them is let in by it. Make it unique, or narrow LDAP_SEARCH_BASE or LDAP_SEARCH_FILTER.",
        )
    else:
        yield from _explain(*found[0], name)


def _with_groups(connection: Connection, found: list[LdapEntry]) -> list[tuple[LdapEntry, tuple[str, ...]]]:
    return [(entry, groups.groups_of(connection, entry)) for entry in found]


def _explain(entry: LdapEntry, groups: tuple[str, ...], name: str) -> Iterator[Finding]:
    yield ok(f"The entry is {entry.dn}.")
    direct = {normalize_dn(dn) for dn in entry.all(setting("AUTH_LDAP_GROUP_FIELD"))}
    for dn in groups:
        yield ok(f"In the group {dn}{'' if normalize_dn(dn) in direct else ', which the entry does not list itself'}.")
    if entry.is_disabled(clock.now()):
        yield error("The account is disabled or has expired in the directory.", "Enable it there.")
    try:
        person = people.person_of(entry, groups, name)
    except DomainError as refused:
        yield error(f"Refused: {refused}", "Complete the entry in the directory.")
        return
    yield ok(f"The unique id is {person.unique_id}.")
    if setting("LDAP_ADMIN_GROUP"):
        yield ok("Is an administrator by LDAP_ADMIN_GROUP." if sync.is_admin(person) else "Is not in LDAP_ADMIN_GROUP.")
    yield from _account_of(person)


def _account_of(person: people.LdapPerson) -> Iterator[Finding]:
    row = sync.row_of(person.unique_ids)
    member = row.member if row is not None else None
    if member is not None:
        yield ok(f"Logs in to the account {member.username} ({member.email}).")
        if member.banned_at is not None:
            yield error(f"The account is banned: {member.ban_reason}", "Lift the ban under Manage → Users.")
        elif not member.active and row is not None and row.lost_at is None:
            yield error("The account is not active.", "Activate it under Manage → Users.")
        return
    namesake, holder = sync.contested_by(person)
    contested = namesake or (holder if holder is not None and sync.of_member(holder) is None else None)
    if contested is None:
        yield ok("Gets a new account at the first login.")
    elif row is None and sync.is_theirs(person):
        yield ok(f"Gets the account {contested.username}, which an earlier version has added for them.")
    else:
        yield error(
            f"The account {contested.username} ({contested.email}) may belong to somebody else.",
            f"Decide under Manage → Directory, or with `flask directory link {contested.username} {person.username}`.",
        )
