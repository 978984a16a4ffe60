"""The process of the directories: `python -m tests.support.ldap_server certificate ...`, one for each of MODES."""

import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from ldaptor import inmemory, interfaces
from ldaptor.protocols import pureldap
from ldaptor.protocols.ldap import ldaperrors
from ldaptor.protocols.ldap.ldapserver import LDAPServer
from twisted.internet import protocol, ssl
from twisted.internet import reactor as installed_reactor
from twisted.python import components

from tests.support.ldap import BABBLING, FALSE_NAME, HANGING, LDAPS, MODES, PEOPLE, PRIVATE, STARTTLS
from tests.support.smtp import HOST

# Chosen at import, which type checkers cannot know.
reactor: Any = installed_reactor
register_adapter: Any = components.registerAdapter
load_certificate: Any = ssl.PrivateCertificate.loadPEM


class Server(LDAPServer):
    """Ldaptor's server with access control for searches, and TLS."""

    secure = False

    def dataReceived(self, data: bytes) -> None:  # noqa: N802 - Twisted's name
        """Read what was sent."""
        if self.factory.mode == BABBLING:
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif self.factory.mode != HANGING:
            super().dataReceived(data)

    def handle_LDAPBindRequest(self, request: Any, controls: Any, reply: Any) -> Any:  # noqa: N802 - ldaptor's names
        """Handle a bind."""
        if self.factory.mode in {STARTTLS, FALSE_NAME} and not self.secure:
            raise ldaperrors.LDAPConfidentialityRequired
        if request.dn and not request.auth:
            # An unauthenticated bind (RFC 4513) succeeds as anonymous.
            self.boundUser = None
            return pureldap.LDAPBindResponse(resultCode=0)
        answered = super().handle_LDAPBindRequest(request, controls, reply)
        return answered.addCallback(self._refuse) if hasattr(answered, "addCallback") else answered

    def _refuse(self, response: Any) -> Any:
        """Refuse a right password as Active Directory does, with the text in the description of the entry."""
        person: Any = self.boundUser
        reasons: list[Any] = person.get("description", []) if person is not None else []
        for reason in map(bytes, reasons):
            self.boundUser = None
            return pureldap.LDAPBindResponse(resultCode=49, errorMessage=reason)
        return response

    def handle_LDAPSearchRequest(self, request: Any, controls: Any, reply: Any) -> Any:  # noqa: N802
        """Handle a search, if it is allowed."""
        if self.factory.mode == PRIVATE and self.boundUser is None:
            raise ldaperrors.LDAPInsufficientAccessRights
        return super().handle_LDAPSearchRequest(request, controls, reply)

    def handle_LDAPExtendedRequest(self, request: Any, controls: Any, reply: Any) -> Any:  # noqa: N802
        """Start TLS."""
        wanted = request.requestName == pureldap.LDAPStartTLSRequest.oid
        if not wanted or self.factory.mode not in {STARTTLS, FALSE_NAME}:
            return super().handle_LDAPExtendedRequest(request, controls, reply)
        reply(pureldap.LDAPStartTLSResponse(resultCode=0))
        self.transport.startTLS(self.factory.identity.options())
        self.secure = True
        return None


class Factory(protocol.ServerFactory):
    """A directory with the entries under `root`."""

    def __init__(self, root: Any, mode: str, certificate: str) -> None:
        self.root, self.mode = root, mode
        self.identity = load_certificate(Path(certificate).read_bytes())

    def buildProtocol(self, _address: Any) -> Any:  # noqa: N802 - Twisted's name
        """Return the protocol for one client."""
        server = Server()
        server.factory = self
        return server

    def listen(self) -> Any:
        """Listen on a free port."""
        if self.mode == LDAPS:
            return reactor.listenSSL(0, self, self.identity.options(), interface=HOST)
        return reactor.listenTCP(0, self, interface=HOST)


def start(root: Any) -> None:
    """Listen in every mode, and print the ports."""
    factories = [Factory(root, *pair) for pair in zip(MODES, sys.argv[1:], strict=True)]
    print(*(factory.listen().getHost().port for factory in factories), flush=True)  # noqa: T201 - our parent reads it


if __name__ == "__main__":
    register_adapter(lambda factory: factory.root, Factory, interfaces.IConnectedLDAPEntry)
    inmemory.fromLDIFFile(BytesIO(PEOPLE.encode())).addCallback(start)
    reactor.run()
