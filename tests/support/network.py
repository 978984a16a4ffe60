"""No test uses the network: connections other than loopback and Unix sockets are refused in every library."""

import ipaddress
import sys
from typing import Any

# Names that resolve to this machine.
LOCAL_NAMES = {None, "", "localhost", b"localhost"}
GUARDED = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0}

_installed = False


class NetworkError(RuntimeError):
    """A test tried to connect to another machine."""


def guard() -> None:
    """Refuse every connection of this process to another machine, for as long as it lives."""
    global _installed  # noqa: PLW0603 - an audit hook cannot be taken away
    if not _installed:
        sys.addaudithook(_refuse_outside)
        _installed = True


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    position = GUARDED.get(event)
    if position is None:
        return
    address = arguments[position]
    # An address of the internet family is a tuple; a socket in the file system is a path.
    host = address[0] if isinstance(address, tuple) else None if position else address
    if not _is_local(host):
        msg = f"{event}: no test may reach {host!r}"
        raise NetworkError(msg)


def _is_local(host: Any) -> bool:
    if host in LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    # The unspecified address is that of a server of this machine.
    return address.is_loopback or address.is_unspecified
