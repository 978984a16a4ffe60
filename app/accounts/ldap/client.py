"""The LDAP client: search a person in the directory of an organisation, and bind with their password.

Passwords of the directory are not stored here. sync.py copies names and e-mail addresses to members.
"""

import logging
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import current_app
from flask_appbuilder.const import AUTH_LDAP
from flask_babel import gettext as _

from app.accounts import rules
from app.crud.fields import clean_line
from app.errors import DomainError
from app.http import release_request_lock
from app.outbox.rules import is_writable

log = logging.getLogger(__name__)

MAX_USERNAME_LENGTH, MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 64, 64, 254
MAX_IDENTIFIER_LENGTH = 320
# Result codes of a refused bind: wrong name or password, or not allowed to bind (RFC 4511, 4.1.9).
SUCCESS, SIZE_LIMIT_EXCEEDED = 0, 4
CONSTRAINT_VIOLATION, NO_SUCH_OBJECT, INVALID_DN_SYNTAX = 19, 32, 34
INAPPROPRIATE_AUTHENTICATION, INVALID_CREDENTIALS, INSUFFICIENT_ACCESS_RIGHTS, UNWILLING_TO_PERFORM = 48, 49, 50, 53
REFUSALS = {
    *(CONSTRAINT_VIOLATION, NO_SUCH_OBJECT, INVALID_DN_SYNTAX),
    *(INAPPROPRIATE_AUTHENTICATION, INVALID_CREDENTIALS, INSUFFICIENT_ACCESS_RIGHTS, UNWILLING_TO_PERFORM),
}
# Bound for unknown names, so that a login takes the same requests whether or not the name exists.
DUMMY_DN = "cn=unknown name"


class LdapUnreachableError(Exception):
    """The directory cannot be reached, or its response is invalid. The text is for the log."""


@dataclass(frozen=True)
class LdapPerson:
    """An authenticated person of the directory."""

    username: str
    email: str
    first_name: str
    last_name: str
    groups: tuple[str, ...]


@dataclass(frozen=True)
class LdapEntry:
    """An entry of the directory. `attributes` holds the values by the name of the attribute in lower case."""

    dn: str
    attributes: dict[str, list[str]]

    def all(self, field: str) -> list[str]:
        """Return the values of the attribute whose name is the setting `field`."""
        return self.attributes.get(_setting(field).lower(), [])

    def first(self, field: str, max_length: int) -> str:
        """Return the first value that is not empty, as one line, or an empty text."""
        return next((text for value in self.all(field) if (text := (clean_line(value) or "")[:max_length])), "")


def is_enabled() -> bool:
    """Whether members log in with the directory instead of a local password."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_LDAP)


def authenticate(identifier: str, password: str) -> LdapPerson | None:
    """Return the person with that username or e-mail address, and password, or None.

    Raises DomainError when the directory cannot be reached, or when the person's entry is incomplete.
    """
    # A bind with an empty password succeeds as an anonymous one (RFC 4513, 5.1.2). Some servers cut passwords at a NUL.
    if not identifier or not password or "\0" in password or len(password) > rules.MAX_PASSWORD_LENGTH:
        return None
    if not _is_text(identifier) or not _is_text(password):
        return None
    try:
        with release_request_lock():
            entry = _find_authenticated(identifier[:MAX_IDENTIFIER_LENGTH], password)
    except LdapUnreachableError as error:
        log.error("The LDAP directory cannot be queried: %s", error)  # noqa: TRY400 - its text says it all
        raise DomainError(
            _("The directory of your organisation cannot be reached. Please try again in a moment.")
        ) from error
    return _person(entry, identifier) if entry is not None else None


def _find_authenticated(identifier: str, password: str) -> LdapEntry | None:
    try:
        return _Connection().authenticate(identifier, password)
    except LdapUnreachableError:
        raise
    except Exception as error:
        # ldap3 raises various errors when the server is no directory, or when TLS is not configured correctly.
        raise LdapUnreachableError(repr(error)) from error


def _is_text(text: str) -> bool:
    """Whether `text` can be encoded. JSON can contain single surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


class _Connection:
    """A connection to the directory, with TLS where it is configured."""

    def __init__(self) -> None:
        import ldap3

        url, timeout = _setting("AUTH_LDAP_SERVER"), current_app.config["LDAP_TIMEOUT"]
        # Without `tls`, ldap3 does not verify certificates.
        tls = _verified_tls()(ca_certs_file=_setting("AUTH_LDAP_TLS_CACERTFILE") or None)
        server = ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=timeout)
        self._connection = ldap3.Connection(
            server, read_only=True, check_names=False, auto_referrals=False, receive_timeout=timeout
        )

    def authenticate(self, identifier: str, password: str) -> LdapEntry | None:
        """Return the entry of `identifier` if the directory accepts a bind with `password`."""
        try:
            self._connection.open(read_server_info=False)
            starts_tls = current_app.config["AUTH_LDAP_USE_TLS"] and not self._connection.server.ssl
            if starts_tls and not self._connection.start_tls(read_server_info=False):
                _fail(self._connection.last_error)
            service, service_password = _setting("AUTH_LDAP_BIND_USER"), _setting("AUTH_LDAP_BIND_PASSWORD")
            if service and not self._bind(service, service_password):
                _fail(f"it does not accept the bind as {service}")
            found = self._find(identifier)
            is_bound = self._bind(found.dn if found else f"{DUMMY_DN},{_setting('AUTH_LDAP_SEARCH')}", password)
            if found is None or not is_bound:
                return None
            # Without a service account, the entry can be read only after a bind as its owner.
            return found if service else next(iter(self._search(found.dn, "(objectClass=*)", "BASE")), None)
        finally:
            self._unbind()

    def _unbind(self) -> None:
        from ldap3.core.exceptions import LDAPExceptionError

        try:
            self._connection.unbind()
        except (LDAPExceptionError, OSError):
            log.debug("The LDAP directory closed the connection first", exc_info=True)
        if self._connection.socket is not None:
            # ldap3 leaves it open after a failed connect.
            self._connection.socket.close()

    def _bind(self, dn: str, password: str) -> bool:
        # As bytes: ldap3 would prepare a str with SASLprep (RFC 4013), which could make it empty.
        self._connection.rebind(user=dn, password=password.encode(), read_server_info=False)
        code = self._code()
        if code not in {SUCCESS, *REFUSALS}:
            _fail(self._connection.result)
        return code == SUCCESS

    def _find(self, identifier: str) -> LdapEntry | None:
        """Return the entry of `identifier`, or None when there is none or more than one."""
        from ldap3.utils.conv import escape_filter_chars

        value = escape_filter_chars(identifier)
        criteria = f"({_setting('AUTH_LDAP_UID_FIELD')}={value})"
        if "@" in identifier:
            criteria = f"(|{criteria}({_setting('AUTH_LDAP_EMAIL_FIELD')}={value}))"
        if _setting("AUTH_LDAP_SEARCH_FILTER"):
            criteria = f"(&{_setting('AUTH_LDAP_SEARCH_FILTER')}{criteria})"
        found = self._search(_setting("AUTH_LDAP_SEARCH"), criteria, "SUBTREE")
        if len(found) > 1 or self._code() == SIZE_LIMIT_EXCEEDED:
            log.warning("The LDAP directory has more than one entry for %r", identifier)
            return None
        return found[0] if found else None

    def _search(self, base: str, criteria: str, scope: str) -> list[LdapEntry]:
        fields = ("UID", "EMAIL", "FIRSTNAME", "LASTNAME", "GROUP")
        attributes = [_setting(f"AUTH_LDAP_{field}_FIELD") for field in fields]
        self._connection.search(base, criteria, search_scope=scope, attributes=attributes, size_limit=2)
        if self._code() not in {SUCCESS, SIZE_LIMIT_EXCEEDED}:
            _fail(self._connection.result)
        return [
            LdapEntry(
                row["dn"],
                {
                    name.lower(): [value.decode("utf-8", "replace") for value in values]
                    for name, values in row["raw_attributes"].items()
                },
            )
            for row in self._connection.response
            if row["type"] == "searchResEntry"
        ]

    def _code(self) -> int:
        return int((self._connection.result or {}).get("result", -1))


@cache
def _verified_tls() -> Any:
    """Return a subclass of ldap3.Tls in which Python verifies the certificate and its host name."""
    import ldap3

    class VerifiedTls(ldap3.Tls):
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
            context = ssl.create_default_context(cafile=self.ca_certs_file)
            connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)

    return VerifiedTls


def _fail(reason: object) -> None:
    raise LdapUnreachableError(str(reason))


def _setting(name: str) -> str:
    return str(current_app.config[name])


def _person(entry: LdapEntry, identifier: str) -> LdapPerson:
    names = [value.lower() for value in entry.all("AUTH_LDAP_UID_FIELD")]
    username = identifier.lower() if identifier.lower() in names else next(iter(names), "")
    if len(username) > MAX_USERNAME_LENGTH or not rules.USERNAME.fullmatch(username):
        log.warning("The LDAP username %r is not valid on this site", username)
        raise DomainError(_("Your username in the directory cannot be used here. Please ask your administrator."))
    email = entry.first("AUTH_LDAP_EMAIL_FIELD", MAX_EMAIL_LENGTH).lower()
    if not is_writable(email):
        log.warning("The LDAP directory has no e-mail address for %s", username)
        raise DomainError(_("The directory has no e-mail address for you. Please ask your administrator to add one."))
    return LdapPerson(
        username=username,
        email=email,
        first_name=entry.first("AUTH_LDAP_FIRSTNAME_FIELD", MAX_NAME_LENGTH),
        last_name=entry.first("AUTH_LDAP_LASTNAME_FIELD", MAX_NAME_LENGTH),
        groups=tuple(entry.all("AUTH_LDAP_GROUP_FIELD")),
    )


def normalize_dn(dn: str) -> tuple[tuple[str, str], ...] | str:
    """Return a distinguished name in a form to compare: case and spaces between its parts do not count."""
    from ldap3.core.exceptions import LDAPInvalidDnError
    from ldap3.utils.dn import parse_dn

    try:
        return tuple((part[0].lower(), part[1].lower()) for part in parse_dn(dn, strip=True))
    except LDAPInvalidDnError:
        return dn.lower()
