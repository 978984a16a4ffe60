"""The people of the directory: find them as they type their names, and check passwords.

Passwords of the directory are not stored here. sync.py copies names and e-mail addresses to members.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from flask_babel import gettext as _

from app import clock
from app.accounts import rules
from app.accounts.ldap import client
from app.accounts.ldap import groups as ldap_groups
from app.accounts.ldap.client import Connection, setting
from app.accounts.ldap.entries import (
    STATE_FIELDS,
    UNIQUE_ID_FIELDS,
    LdapEntry,
    domain_of,
    escaped,
    filter_of,
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
# Bound for unknown names, so that a login takes the same requests whether or not the name exists.
DUMMY_DN = "cn=unknown name"


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
    found = ask(lambda connection: matches(connection, identifier))
    if len(found) > 1:
        log.warning("The LDAP directory has more than one entry for %r: %s", identifier, [each.dn for each in found])
    return found[0] if len(found) == 1 else None


def find_by_id(unique_id: str) -> LdapEntry | None:
    """Return the person with a unique id. Raises DomainError when the directory cannot be reached."""
    found = ask(lambda connection: _search(connection, filter_of(unique_id)))
    return found[0] if len(found) == 1 else None


def verify(entry: LdapEntry | None, identifier: str, password: str) -> LdapPerson | None:
    """Return the person of an entry if the directory accepts the password. Without an entry it is asked all the same.

    Raises DomainError when the directory cannot be reached, does not let the person log in although the password is
    right, or when the entry is incomplete.
    """
    # A bind with an empty password succeeds as an anonymous one (RFC 4513, 5.1.2). Some servers cut passwords at a NUL.
    if not password or "\0" in password or len(password) > rules.MAX_PASSWORD_LENGTH or not _is_text(password):
        return None
    verified = ask(lambda connection: _verify(connection, entry, password))
    if isinstance(verified, Refusal):
        raise RefusedError(verified)
    return person_of(verified[0], verified[1], identifier) if verified else None


def ask(question: Callable[[Connection], client.Result]) -> client.Result:
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
    return entry, ldap_groups.groups_of(connection, entry)


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
        for start in range(0, len(wanted), ldap_groups.BATCH):
            batch = wanted[start : start + ldap_groups.BATCH]
            criteria = filtered(f"(|{''.join(map(filter_of, batch))})")
            for entry in connection.search(setting("AUTH_LDAP_SEARCH"), criteria, fields()):
                for number in unique_ids_of(entry):
                    if number in batch and not entry.is_disabled(clock.now()):
                        found[number] = entry, ldap_groups.groups_of(connection, entry) if number in grouped else ()
        return found

    return client.ask(question) if wanted else {}


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
