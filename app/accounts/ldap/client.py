"""The directory of an organisation (LDAP), where it is asked who people are instead of us.

People are looked up by a search, and are who they say when the directory lets them in (bind) with what they typed.
Their passwords are stored nowhere here; what becomes of their names and addresses says directory_members.py.
"""

import logging
import ssl
from collections.abc import Iterable
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

log = logging.getLogger(__name__)

MAX_USERNAME_LENGTH, MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 64, 64, 254
MAX_IDENTIFIER_LENGTH = 320
# What the directory answers to somebody who is not whom they say, or may not come in (RFC 4511, 4.1.9).
SUCCESS, CONSTRAINT, NOT_THERE, BAD_NAME, BAD_WAY, WRONG, NOT_ALLOWED, UNWILLING = 0, 19, 32, 34, 48, 49, 50, 53
REFUSALS = {CONSTRAINT, NOT_THERE, BAD_NAME, BAD_WAY, WRONG, NOT_ALLOWED, UNWILLING}
TOO_MANY = 4
# Asked for in place of somebody who is not there, so that both take the same questions.
NO_PERSON = "cn=nobody of that name"


class LdapUnreachableError(Exception):
    """The directory does not answer, or not as it should; the text is for the log."""


@dataclass(frozen=True)
class LdapPerson:
    """Somebody in the directory who has proved who they are."""

    username: str
    email: str
    first_name: str
    last_name: str
    is_admin: bool


@dataclass(frozen=True)
class LdapEntry:
    """What was found in the directory; values are the texts of an attribute, whose name is in lower case."""

    dn: str
    attributes: dict[str, list[str]]

    def all(self, field: str) -> list[str]:
        """Return the values of the attribute that is configured under `field`."""
        return self.attributes.get(_setting(field).lower(), [])

    def first(self, field: str, longest: int) -> str:
        """Return the first value as one line, or nothing."""
        return next((text for value in self.all(field) if (text := (clean_line(value) or "")[:longest])), "")


def is_enabled() -> bool:
    """Whether the directory, and not we, knows who people are."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_LDAP)


def authenticate(identifier: str, password: str) -> LdapPerson | None:
    """Return whom the directory knows by that name (or address) and password, or None.

    Raises DomainError when it cannot be asked, or knows too little about them.
    """
    # With an empty password a directory lets anybody in, as nobody (RFC 4513, 5.1.2); some end a password at its NUL.
    if not identifier or not password or "\0" in password or len(password) > rules.MAX_PASSWORD_LENGTH:
        return None
    if not _is_text(identifier) or not _is_text(password):
        return None
    try:
        with release_request_lock():
            entry = _prove(identifier[:MAX_IDENTIFIER_LENGTH], password)
    except LdapUnreachableError as error:
        log.error("The LDAP directory cannot be queried: %s", error)  # noqa: TRY400 - its text says it all
        raise DomainError(
            _("The directory of your organisation cannot be reached. Please try again in a moment.")
        ) from error
    return _person(entry, identifier) if entry is not None else None


def _is_text(text: str) -> bool:
    """Whether `text` can be sent: JSON can hold halves of characters."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _prove(identifier: str, password: str) -> LdapEntry | None:
    try:
        return _Connection().prove(identifier, password)
    except LdapUnreachableError:
        raise
    except Exception as error:
        # ldap3 raises whatever it stumbles over, when who answers is no directory.
        raise LdapUnreachableError(repr(error)) from error


class _Connection:
    """One conversation with the directory, over TLS where that is configured."""

    def __init__(self) -> None:
        import ldap3

        url, timeout = _setting("AUTH_LDAP_SERVER"), current_app.config["LDAP_TIMEOUT"]
        # One that says how to verify: without it, ldap3 trusts anybody.
        tls = _verified_tls()(ca_certs_file=_setting("AUTH_LDAP_TLS_CACERTFILE") or None)
        server = ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=timeout)
        self._line = ldap3.Connection(
            server, read_only=True, check_names=False, auto_referrals=False, receive_timeout=timeout
        )

    def prove(self, identifier: str, password: str) -> LdapEntry | None:
        """Return the entry of whoever `identifier` names, if the directory lets them in with `password`."""
        try:
            self._line.open(read_server_info=False)
            wanted = current_app.config["AUTH_LDAP_USE_TLS"] and not self._line.server.ssl
            if wanted and not self._line.start_tls(read_server_info=False):
                _give_up(self._line.last_error)
            self._enter_as_ourselves()
            found = self._look_for(identifier)
            proved = self._enter(found.dn if found else f"{NO_PERSON},{_setting('AUTH_LDAP_SEARCH')}", password)
            if found is None or not proved:
                return None
            # Only its owner may read all of an entry, where nobody else is known to the directory.
            return found if _setting("AUTH_LDAP_BIND_USER") else self._read(found.dn)
        except LdapUnreachableError:
            raise
        except Exception as error:
            # ldap3 raises what it stumbles over, when whoever answers is no directory.
            raise LdapUnreachableError(repr(error)) from error
        finally:
            self._leave()

    def _leave(self) -> None:
        from ldap3.core.exceptions import LDAPExceptionError

        try:
            self._line.unbind()
        except (LDAPExceptionError, OSError):
            log.debug("The LDAP directory closed the connection first", exc_info=True)
        if self._line.socket is not None:
            # ldap3 leaves it open where it could not connect.
            self._line.socket.close()

    def _enter_as_ourselves(self) -> None:
        user, password = _setting("AUTH_LDAP_BIND_USER"), _setting("AUTH_LDAP_BIND_PASSWORD")
        if user and not self._enter(user, password):
            _give_up(f"it does not let us in as {user}")

    def _enter(self, dn: str, password: str) -> bool:
        # As bytes: ldap3 would prepare a text (RFC 4013), and could leave nothing of it.
        self._line.rebind(user=dn, password=password.encode(), read_server_info=False)
        code = self._code()
        if code not in {SUCCESS, *REFUSALS}:
            _give_up(self._line.result)
        return code == SUCCESS

    def _look_for(self, identifier: str) -> LdapEntry | None:
        """Return the one entry that `identifier` means; of two, nobody could say whose it is."""
        from ldap3.utils.conv import escape_filter_chars

        value = escape_filter_chars(identifier)
        wanted = f"({_setting('AUTH_LDAP_UID_FIELD')}={value})"
        if "@" in identifier:
            wanted = f"(|{wanted}({_setting('AUTH_LDAP_EMAIL_FIELD')}={value}))"
        if _setting("AUTH_LDAP_SEARCH_FILTER"):
            wanted = f"(&{_setting('AUTH_LDAP_SEARCH_FILTER')}{wanted})"
        found = self._search(_setting("AUTH_LDAP_SEARCH"), wanted, "SUBTREE")
        if len(found) > 1 or self._code() == TOO_MANY:
            log.warning("The LDAP directory has more than one entry for %r", identifier)
            return None
        return found[0] if found else None

    def _read(self, dn: str) -> LdapEntry | None:
        return next(iter(self._search(dn, "(objectClass=*)", "BASE")), None)

    def _search(self, base: str, wanted: str, scope: str) -> list[LdapEntry]:
        fields = ("UID", "EMAIL", "FIRSTNAME", "LASTNAME", "GROUP")
        attributes = [_setting(f"AUTH_LDAP_{field}_FIELD") for field in fields]
        self._line.search(base, wanted, search_scope=scope, attributes=attributes, size_limit=2)
        if self._code() not in {SUCCESS, TOO_MANY}:
            _give_up(self._line.result)
        return [
            LdapEntry(row["dn"], {name.lower(): _texts(values) for name, values in row["raw_attributes"].items()})
            for row in self._line.response
            if row["type"] == "searchResEntry"
        ]

    def _code(self) -> int:
        return int((self._line.result or {}).get("result", -1))


@cache
def _verified_tls() -> Any:
    """Return ldap3's TLS, with the certificate and the name in it verified by Python itself."""
    import ldap3

    class VerifiedTls(ldap3.Tls):
        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
            context = ssl.create_default_context(cafile=self.ca_certs_file)
            connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)

    return VerifiedTls


def _give_up(why: object) -> None:
    raise LdapUnreachableError(str(why))


def _setting(name: str) -> str:
    return str(current_app.config[name])


def _texts(values: Iterable[bytes]) -> list[str]:
    return [value.decode("utf-8", "replace") for value in values]


def _person(entry: LdapEntry, identifier: str) -> LdapPerson:
    names = [value.lower() for value in entry.all("AUTH_LDAP_UID_FIELD")]
    username = identifier.lower() if identifier.lower() in names else next(iter(names), "")
    if len(username) > MAX_USERNAME_LENGTH or not rules.USERNAME.fullmatch(username):
        log.warning("The LDAP username %r is not valid on this site", username)
        raise DomainError(_("Your username in the directory cannot be used here. Please ask your administrator."))
    email = entry.first("AUTH_LDAP_EMAIL_FIELD", MAX_EMAIL_LENGTH).lower()
    if not _is_address(email):
        log.warning("The LDAP directory has no e-mail address for %s", username)
        raise DomainError(_("The directory has no e-mail address for you. Please ask your administrator to add one."))
    return LdapPerson(
        username=username,
        email=email,
        first_name=entry.first("AUTH_LDAP_FIRSTNAME_FIELD", MAX_NAME_LENGTH),
        last_name=entry.first("AUTH_LDAP_LASTNAME_FIELD", MAX_NAME_LENGTH),
        is_admin=_is_admin(entry),
    )


def _is_address(text: str) -> bool:
    """Whether a letter can go there. Inside an organisation, domains need not be known to the world."""
    name, _at, domain = text.rpartition("@")
    return bool(name and domain) and "@" not in name and not any(character.isspace() for character in text)


def _is_admin(entry: LdapEntry) -> bool:
    group = _setting("LDAP_ADMIN_GROUP")
    return bool(group) and _same_name(group) in {_same_name(value) for value in entry.all("AUTH_LDAP_GROUP_FIELD")}


def _same_name(dn: str) -> tuple[tuple[str, str], ...] | str:
    """Return a name in the directory such that equal ones are equal: neither case nor spaces between its parts count."""
    from ldap3.core.exceptions import LDAPInvalidDnError
    from ldap3.utils.dn import parse_dn

    try:
        return tuple((part[0].lower(), part[1].lower()) for part in parse_dn(dn, strip=True))
    except LDAPInvalidDnError:
        return dn.lower()
