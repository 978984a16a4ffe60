"""The LDAP client: connections to the servers of a directory, searches and binds.

people.py asks it for people, refusals.py knows why a right password is refused, problems.py what an operator has set wrong.
"""

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from functools import cache
from types import TracebackType
from typing import Any, Self, TypeVar

from flask import current_app
from flask_appbuilder.const import AUTH_LDAP

from app.accounts.ldap.entries import LdapEntry
from app.accounts.ldap.problems import LdapUnreachableError, Problem
from app.accounts.ldap.refusals import POLICY_CONTROL, SUCCESS
from app.http import release_request_lock

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Result codes (RFC 4511, 4.1.9; the first one is of Active Directory for whoever has not bound).
OPERATIONS_ERROR, SIZE_LIMIT_EXCEEDED, STRONGER_AUTH_REQUIRED, REFERRAL, CONFIDENTIALITY_REQUIRED = 1, 4, 8, 10, 13
INAPPROPRIATE_MATCHING, CONSTRAINT_VIOLATION, NO_SUCH_OBJECT, INVALID_DN_SYNTAX = 18, 19, 32, 34
INAPPROPRIATE_AUTHENTICATION, INVALID_CREDENTIALS, INSUFFICIENT_ACCESS_RIGHTS = 48, 49, 50
BUSY, UNAVAILABLE, UNWILLING_TO_PERFORM = 51, 52, 53
# Of a refused bind: wrong name or password, or not allowed to bind.
REFUSALS = {
    *(CONSTRAINT_VIOLATION, NO_SUCH_OBJECT, INVALID_DN_SYNTAX),
    *(INAPPROPRIATE_AUTHENTICATION, INVALID_CREDENTIALS, INSUFFICIENT_ACCESS_RIGHTS, UNWILLING_TO_PERFORM),
}
PROBLEMS = {
    OPERATIONS_ERROR: Problem.NOT_ANONYMOUS,
    STRONGER_AUTH_REQUIRED: Problem.TLS_REQUIRED,
    CONFIDENTIALITY_REQUIRED: Problem.TLS_REQUIRED,
    NO_SUCH_OBJECT: Problem.BASE,
    INVALID_DN_SYNTAX: Problem.BASE,
    REFERRAL: Problem.BASE,
    INAPPROPRIATE_MATCHING: Problem.FILTER,
    INSUFFICIENT_ACCESS_RIGHTS: Problem.RIGHTS,
    BUSY: Problem.NO_ANSWER,
    UNAVAILABLE: Problem.NO_ANSWER,
}
PAGED_RESULTS, PAGE_SIZE = "1.2.840.113556.1.4.319", 500
# A server that has failed is asked last for so long.
AVOIDED_SECONDS = 60.0
_failed_at: dict[str, float] = {}


def is_enabled() -> bool:
    """Whether members log in with the directory instead of a local password."""
    return bool(current_app.config["AUTH_TYPE"] == AUTH_LDAP)


def setting(name: str) -> str:
    """Return a setting as text."""
    return str(current_app.config[name])


def servers() -> list[str]:
    """Return the URLs of the servers, those that have failed a moment ago last."""
    urls = setting("AUTH_LDAP_SERVER").replace(",", " ").split()
    now = time.monotonic()
    return sorted(urls, key=lambda url: now - _failed_at.get(url, -AVOIDED_SECONDS) < AVOIDED_SECONDS)


def ask(question: Callable[["Connection"], Result]) -> Result:
    """Return what `question` returns for a connection, to the next server if one fails.

    Raises LdapUnreachableError.
    """
    first: LdapUnreachableError | None = None
    with release_request_lock():
        for url in servers():
            try:
                return ask_one(url, question)
            except LdapUnreachableError as error:
                if not error.problem.is_of_one_server:
                    raise
                log.warning("The LDAP server %s cannot be used: %s", url, error)
                _failed_at[url] = time.monotonic()
                first = first or error
    raise first or LdapUnreachableError(Problem.HOST, "no server is set")


def ask_one(url: str, question: Callable[["Connection"], Result]) -> Result:
    """Return what `question` returns for a connection to one server. Raises LdapUnreachableError."""
    try:
        with Connection(url) as connection:
            return question(connection)
    except LdapUnreachableError:
        raise
    except Exception as error:
        # ldap3 raises various errors when the server is no directory, or goes away.
        raise LdapUnreachableError(Problem.NO_ANSWER, repr(error)) from error


class Connection:
    """A connection to one server, with TLS where it is configured, bound as the service account if there is one."""

    def __init__(self, url: str) -> None:
        import ldap3

        timeout = current_app.config["LDAP_TIMEOUT"]
        # Without `tls`, ldap3 does not verify certificates.
        tls = _verified_tls()(ca_certs_file=setting("AUTH_LDAP_TLS_CACERTFILE") or None)
        server = ldap3.Server(url, tls=tls, get_info=ldap3.NONE, connect_timeout=timeout)
        self._ldap = ldap3.Connection(
            server, read_only=True, check_names=False, auto_referrals=False, receive_timeout=timeout
        )

    def __enter__(self) -> Self:
        try:
            self._open()
            self.bind_service()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._close()

    def _open(self) -> None:
        server = self._ldap.server
        try:
            socket.getaddrinfo(server.host, server.port)
        except (OSError, UnicodeError) as error:
            raise LdapUnreachableError(Problem.HOST, str(error)) from error
        try:
            self._ldap.open(read_server_info=False)
            starts_tls = current_app.config["AUTH_LDAP_USE_TLS"] and not server.ssl
            is_refused = starts_tls and not self._ldap.start_tls(read_server_info=False)
        except Exception as error:
            # ldap3 raises various errors when TLS is not configured correctly.
            raise self._why_not_open(error) from error
        if is_refused:
            raise LdapUnreachableError(Problem.STARTTLS, str(self._ldap.last_error or self._ldap.result))

    def _why_not_open(self, error: Exception) -> LdapUnreachableError:
        from ldap3.core.exceptions import LDAPStartTLSError

        failed = server_tls_failure(self._ldap)
        if isinstance(failed, ssl.SSLCertVerificationError):
            return LdapUnreachableError(Problem.CERTIFICATE, failed.verify_message)
        if failed is not None:
            return LdapUnreachableError(Problem.TLS, str(failed))
        if isinstance(error, LDAPStartTLSError):
            return LdapUnreachableError(Problem.STARTTLS, str(error))
        is_refused = "refused" in str(error)
        return LdapUnreachableError(Problem.PORT if is_refused else Problem.NO_ANSWER, str(error))

    def _close(self) -> None:
        from ldap3.core.exceptions import LDAPExceptionError

        try:
            self._ldap.unbind()
        except (LDAPExceptionError, OSError):
            log.debug("The LDAP directory closed the connection first", exc_info=True)
        if self._ldap.socket is not None:
            # ldap3 leaves it open after a failed connect.
            self._ldap.socket.close()

    def bind_service(self) -> None:
        """Bind as the service account. Raises LdapUnreachableError if the directory does not accept it."""
        service = setting("AUTH_LDAP_BIND_USER")
        if not service or self.bind(service, setting("AUTH_LDAP_BIND_PASSWORD")):
            return
        # Active Directory has a code for an unknown name. OpenLDAP does not tell which of both is wrong.
        is_name = self._code() in {NO_SUCH_OBJECT, INVALID_DN_SYNTAX} or "data 525" in str(self.result.get("message"))
        raise LdapUnreachableError(Problem.BIND_NAME if is_name else Problem.BIND_PASSWORD, self._told())

    def bind(self, dn: str, password: str) -> bool:
        """Whether the directory accepts a bind. `result` tells more."""
        # As bytes: ldap3 would prepare a str with SASLprep (RFC 4013), which could make it empty.
        self._ldap.rebind(
            user=dn, password=password.encode(), read_server_info=False, controls=[(POLICY_CONTROL, False, None)]
        )
        if self._code() not in {SUCCESS, *REFUSALS}:
            raise self._failure()
        return self._code() == SUCCESS

    def search(
        self, base: str, criteria: str, attributes: Iterable[str], *, scope: str = "SUBTREE", limit: int = 0
    ) -> list[LdapEntry]:
        """Return the entries that match; at most about `limit` of them, or all, page by page."""
        from ldap3.core.exceptions import LDAPInvalidFilterError

        found: list[LdapEntry] = []
        cookie: bytes | None = None
        while True:
            paging = {"size_limit": limit} if limit else {"paged_size": PAGE_SIZE, "paged_cookie": cookie}
            try:
                self._ldap.search(base, criteria, search_scope=scope, attributes=list(attributes), **paging)
            except LDAPInvalidFilterError as error:
                raise LdapUnreachableError(Problem.FILTER, str(error)) from error
            if self._code() not in {SUCCESS, SIZE_LIMIT_EXCEEDED}:
                raise self._failure()
            found += [_entry(row) for row in self._ldap.response if row["type"] == "searchResEntry"]
            paged = (self.result.get("controls") or {}).get(PAGED_RESULTS, {}).get("value")
            cookie = paged["cookie"] if isinstance(paged, dict) else None
            if limit or not cookie:
                return found

    @property
    def result(self) -> dict[str, Any]:
        """What the server has answered last."""
        return dict(self._ldap.result or {})

    def _code(self) -> int:
        return int(self.result.get("result", -1))

    def _told(self) -> str:
        told = self.result
        return " ".join(str(told.get(name) or "") for name in ("description", "message")).strip()

    def _failure(self) -> LdapUnreachableError:
        return LdapUnreachableError(PROBLEMS.get(self._code(), Problem.OTHER), self._told())


def server_tls_failure(connection: Any) -> Exception | None:
    """Return the error of the TLS handshake of a connection, which ldap3 turns into a text."""
    failed: Exception | None = getattr(connection.server.tls, "failure", None)
    return failed


def _entry(row: dict[str, Any]) -> LdapEntry:
    return LdapEntry(row["dn"], {name.lower(): list(values) for name, values in row["raw_attributes"].items()})


@cache
def _verified_tls() -> Any:
    """Return a subclass of ldap3.Tls in which Python verifies the certificate and its host name."""
    import ldap3

    class VerifiedTls(ldap3.Tls):
        failure: Exception | None = None

        def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
            try:
                context = ssl.create_default_context(cafile=self.ca_certs_file)
                connection.socket = context.wrap_socket(connection.socket, server_hostname=connection.server.host)
            except (OSError, ValueError) as error:
                self.failure = error
                raise

    return VerifiedTls
