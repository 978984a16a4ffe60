"""The people of the directory: find them as they type their names, check passwords, and read their groups.

Passwords of the directory are not stored here. sync.py copies names and e-mail addresses to members.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from flask_babel import gettext as _

from app import clock
from app.accounts import rules
from app.accounts.ldap import client
from app.accounts.ldap.client import Connection, setting
from app.accounts.ldap.entries import (
    STATE_FIELDS,
    UNIQUE_ID_FIELDS,
    Dn,
    LdapEntry,
    domain_of,
    escaped,
    filter_of,
    normalize_dn,
    suffix_of,
)
from app.accounts.ldap.problems import LdapUnreachableError, Problem
from app.accounts.ldap.refusals import Refusal, of_bind
from app.errors import DomainError
from app.outbox.rules import is_writable

log = logging.getLogger(__name__)

MAX_USERNAME_LENGTH, MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 64, 64, 254
MAX_IDENTIFIER_LENGTH = 320
# More than one is too many, but some of them may be no people.
MAX_MATCHES = 20
BATCH = 50
MAX_DEPTH = 10
# Bound for unknown names, so that a login takes the same requests whether or not the name exists.
DUMMY_DN = "cn=unknown name"
NO_ATTRIBUTES = ("1.1",)
# The rule of Active Directory that follows groups in groups.
IN_CHAIN = "1.2.840.113556.1.4.1941"
POLICY_SECONDS = 600.0
_policy: tuple[float, "Lockout"] | None = None


@dataclass(frozen=True)
class LdapPerson:
    """A person of the directory. `groups` are those of nested groups, too."""

    unique_ids: tuple[str, ...]
    dn: str
    username: str
    email: str
    first_name: str
    last_name: str
    groups: tuple[str, ...] = ()

    @property
    def unique_id(self) -> str:
        """The unique id that is stored."""
        return self.unique_ids[0]


@dataclass(frozen=True)
class Lockout:
    """After how many wrong passwords the directory locks an account, or 0 for never, and for how long it counts them."""

    threshold: int = 0
    window: timedelta = timedelta(minutes=30)


class RefusedError(DomainError):
    """The password is right, but the directory lets this person not log in."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.label)
        self.refusal = refusal


# -- log in


def find(identifier: str) -> LdapEntry | None:
    """Return the only person with that username or e-mail address, or None when there is none or more than one.

    Raises DomainError when the directory cannot be reached.
    """
    if not _is_text(identifier):
        return None
    found = _ask(lambda connection: matches(connection, identifier))
    if len(found) > 1:
        log.warning("The LDAP directory has more than one entry for %r: %s", identifier, [each.dn for each in found])
    return found[0] if len(found) == 1 else None


def find_by_id(unique_id: str) -> LdapEntry | None:
    """Return the person with a unique id. Raises DomainError when the directory cannot be reached."""
    found = _ask(lambda connection: _search(connection, filter_of(unique_id)))
    return found[0] if len(found) == 1 else None


def verify(entry: LdapEntry | None, identifier: str, password: str) -> LdapPerson | None:
    """Return the person of an entry if the directory accepts the password. Without an entry it is asked all the same.

    Raises DomainError when the directory cannot be reached, does not let the person log in although the password is
    right, or when the entry is incomplete.
    """
    # A bind with an empty password succeeds as an anonymous one (RFC 4513, 5.1.2). Some servers cut passwords at a NUL.
    if not password or "\0" in password or len(password) > rules.MAX_PASSWORD_LENGTH or not _is_text(password):
        return None
    verified = _ask(lambda connection: _verify(connection, entry, password))
    if isinstance(verified, Refusal):
        raise RefusedError(verified)
    return person_of(verified[0], verified[1], identifier) if verified else None


def _ask(question: Callable[[Connection], client.Result]) -> client.Result:
    try:
        return client.ask(question)
    except LdapUnreachableError as error:
        log.error("The LDAP directory cannot be queried: %s %s", error, error.problem.advice)  # noqa: TRY400 - its text says it all
        raise DomainError(
            _("The directory of your organisation cannot be reached. Please try again in a moment.")
        ) from error


def _verify(
    connection: Connection, entry: LdapEntry | None, password: str
) -> tuple[LdapEntry, tuple[str, ...]] | Refusal | None:
    is_bound = connection.bind(entry.dn if entry else f"{DUMMY_DN},{setting('AUTH_LDAP_SEARCH')}", password)
    if entry is None:
        return None
    refusal = of_bind(connection.result)
    if refusal is not None or not is_bound:
        return refusal
    if setting("AUTH_LDAP_BIND_USER"):
        connection.bind_service()
    else:
        # Without a service account, the entry can be read only after a bind as its owner.
        entry = next(iter(connection.search(entry.dn, "(objectClass=*)", fields(), scope="BASE")), entry)
    return entry, groups_of(connection, entry)


def _is_text(text: str) -> bool:
    """Whether `text` can be encoded. JSON can contain single surrogates."""
    return bool(text) and not any("\ud800" <= character <= "\udfff" for character in text)


# -- find people


def fields() -> tuple[str, ...]:
    """Return the attributes that are read of people."""
    configured = (setting(f"AUTH_LDAP_{field}_FIELD") for field in ("UID", "EMAIL", "FIRSTNAME", "LASTNAME", "GROUP"))
    return (*dict.fromkeys((*configured, *unique_id_fields(), *STATE_FIELDS)),)


def unique_id_fields() -> tuple[str, ...]:
    """Return the attributes that may hold a unique id, in the order in which they are taken."""
    chosen = setting("LDAP_UNIQUE_ID_FIELD")
    return (*dict.fromkeys([chosen, *UNIQUE_ID_FIELDS] if chosen else UNIQUE_ID_FIELDS),)


def unique_ids_of(entry: LdapEntry | None) -> tuple[str, ...]:
    """Return the unique ids of an entry, of which each is enough. The first one is stored.

    Which one that is may change: with LDAP_UNIQUE_ID_FIELD, or when the directory begins to have another.
    """
    found = (entry.unique_id([field]) for field in unique_id_fields()) if entry is not None else ()
    return tuple(filter(None, found))


def name_of(entry: LdapEntry | None) -> str:
    """Return the name under which failures of a person are counted."""
    return next(iter(unique_ids_of(entry)), entry.dn if entry is not None else "")


def is_active_directory() -> bool:
    """Whether the settings are those of Active Directory."""
    return setting("AUTH_LDAP_UID_FIELD").lower() in {"samaccountname", "userprincipalname"}


def matches(connection: Connection, identifier: str) -> list[LdapEntry]:
    """Return everybody who may be meant: by the username, the e-mail address, or as Windows people write names.

    Who has a username of somebody else is not found without them, however they are called.
    """
    # LAB\noor
    typed = identifier[:MAX_IDENTIFIER_LENGTH].rpartition("\\")[2] or identifier
    found = _search(connection, "".join(_criteria(typed)))
    best = min((_rank(entry, typed) for entry in found), default=0)
    found = [entry for entry in found if _rank(entry, typed) == best]
    if "@" not in typed or len(found) > 1:
        return found
    name = username_of(found[0]) if found else typed
    namesakes = _search(connection, _equals("AUTH_LDAP_UID_FIELD", name))
    return [*found, *(entry for entry in namesakes if found and entry.dn != found[0].dn)]


def _criteria(typed: str) -> Iterator[str]:
    yield f"(|{_equals('AUTH_LDAP_UID_FIELD', typed)}"
    if "@" in typed:
        yield _equals("AUTH_LDAP_EMAIL_FIELD", typed)
        local, _at, realm = typed.rpartition("@")
        if realm.lower() == domain_of(setting("AUTH_LDAP_SEARCH")) and local:
            yield _equals("AUTH_LDAP_UID_FIELD", local)
        if is_active_directory():
            yield f"(userPrincipalName={escaped(typed.encode())})"
    yield ")"


def _equals(field: str, value: str) -> str:
    from ldap3.utils.conv import escape_filter_chars

    return f"({setting(field)}={escape_filter_chars(value)})"


def _rank(entry: LdapEntry, typed: str) -> int:
    """Return how surely an entry is meant: names to log in with come before e-mail addresses, which people share.

    Last comes an account name at the domain of the directory alone: that may be the address of somebody else.
    """

    def values(name: str) -> set[str]:
        return {value.lower() for value in entry.all(name)}

    wanted, uids = typed.lower(), values(setting("AUTH_LDAP_UID_FIELD"))
    if wanted in uids | values("userPrincipalName"):
        return 0
    is_by_realm = wanted.rpartition("@")[0] in uids
    if wanted in values(setting("AUTH_LDAP_EMAIL_FIELD")):
        return 1 if is_by_realm else 2
    return 3 if is_by_realm else 2


def _search(connection: Connection, criteria: str) -> list[LdapEntry]:
    found = connection.search(setting("AUTH_LDAP_SEARCH"), filtered(criteria), fields(), limit=MAX_MATCHES)
    return [entry for entry in found if entry.is_person]


def filtered(criteria: str) -> str:
    """Return a filter together with LDAP_SEARCH_FILTER, which says who may log in."""
    chosen = setting("AUTH_LDAP_SEARCH_FILTER")
    return f"(&{chosen}{criteria})" if chosen else criteria


def look_up(unique_ids: Iterable[str], with_groups: Iterable[str] = ()) -> dict[str, tuple[LdapEntry, tuple[str, ...]]]:
    """Return the entries with these unique ids who may log in, and the groups of those `with_groups`.

    Raises LdapUnreachableError.
    """
    wanted, grouped = sorted(set(unique_ids)), set(with_groups)

    def question(connection: Connection) -> dict[str, tuple[LdapEntry, tuple[str, ...]]]:
        found = {}
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            criteria = filtered(f"(|{''.join(map(filter_of, batch))})")
            for entry in connection.search(setting("AUTH_LDAP_SEARCH"), criteria, fields()):
                for number in unique_ids_of(entry):
                    if number in batch and not entry.is_disabled(clock.now()):
                        found[number] = entry, groups_of(connection, entry) if number in grouped else ()
        return found

    return client.ask(question) if wanted else {}


# -- groups


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


# -- what is known of a person


def username_of(entry: LdapEntry, typed: str = "") -> str:
    """Return the username of an entry. It may have several: then the typed one."""
    names = [value.lower() for value in entry.all(setting("AUTH_LDAP_UID_FIELD"))]
    return typed.lower() if typed.lower() in names else next(iter(names), "")


def email_of(entry: LdapEntry) -> str:
    """Return the e-mail address of an entry, or an empty text."""
    return entry.first(setting("AUTH_LDAP_EMAIL_FIELD"), MAX_EMAIL_LENGTH).lower()


def person_of(entry: LdapEntry, groups: tuple[str, ...] = (), identifier: str = "") -> LdapPerson:
    """Return the person of an entry. Raises DomainError when the entry is incomplete."""
    username = username_of(entry, identifier)
    if len(username) > MAX_USERNAME_LENGTH or not rules.USERNAME.fullmatch(username):
        log.warning("The LDAP username %r is not valid on this site", username)
        raise DomainError(_("Your username in the directory cannot be used here. Please ask your administrator."))
    email = email_of(entry)
    if not is_writable(email):
        log.warning("The LDAP directory has no e-mail address for %s", username)
        raise DomainError(_("The directory has no e-mail address for you. Please ask your administrator to add one."))
    unique_ids = unique_ids_of(entry)
    if not unique_ids:
        log.error("%s: %s %s", entry.dn, Problem.NO_UNIQUE_ID.text, Problem.NO_UNIQUE_ID.advice)
        raise DomainError(
            _("The directory does not tell how to recognise you the next time. Please ask your administrator.")
        )
    return LdapPerson(
        unique_ids=unique_ids,
        dn=entry.dn,
        username=username,
        email=email,
        first_name=entry.first(setting("AUTH_LDAP_FIRSTNAME_FIELD"), MAX_NAME_LENGTH),
        last_name=entry.first(setting("AUTH_LDAP_LASTNAME_FIELD"), MAX_NAME_LENGTH),
        groups=groups,
    )


def lockout() -> Lockout:
    """Return when the directory locks accounts: LDAP_LOCKOUT_THRESHOLD, or what Active Directory tells of itself."""
    global _policy  # noqa: PLW0603 - one cache per process
    chosen = current_app.config["LDAP_LOCKOUT_THRESHOLD"]
    if chosen or not is_active_directory():
        return Lockout(chosen)
    if _policy is None or time.monotonic() - _policy[0] > POLICY_SECONDS:
        _policy = time.monotonic(), _ask(_read_lockout)
    return _policy[1]


def _read_lockout(connection: Connection) -> Lockout:
    names = ("lockoutThreshold", "lockOutObservationWindow")
    head = connection.search(suffix_of(setting("AUTH_LDAP_SEARCH")), "(objectClass=*)", names, scope="BASE")
    threshold, ticks = (head[0].number(name) for name in names) if head else (None, None)
    window = timedelta(microseconds=abs(ticks) // 10) if ticks else Lockout.window
    return Lockout(threshold or 0, min(window, timedelta(days=1)))
