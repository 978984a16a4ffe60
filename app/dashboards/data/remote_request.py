"""One GET of JSON from a listed host: in bounds of time and size, at an address that was checked, without redirects."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Container
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from app.dashboards.data import remote_hosts
from app.dashboards.data.models import RemoteProblem
from app.dashboards.data.remote_hosts import Target

SECONDS, MAX_BYTES = 5.0, 1024 * 1024
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "DinnerParty"}


class RemoteError(Exception):
    """There is no answer, for this reason."""

    def __init__(self, problem: RemoteProblem) -> None:
        super().__init__(problem)
        self.problem = problem


def fetch(url: str, listed: Container[str]) -> str:
    """Return the JSON text that a URL answers with. Raises RemoteError."""
    target = remote_hosts.target(url, listed)
    if target is None:
        raise RemoteError(RemoteProblem.NOT_LISTED)
    deadline = time.monotonic() + SECONDS
    line = _prepared(target, _connected(_addresses(target, deadline), deadline))
    # Each read has a limit of its own; a host that sends a byte now and then is stopped by this.
    stopped = threading.Event()
    watch = threading.Timer(max(deadline - time.monotonic(), 0), _stop, [line, stopped])
    watch.daemon = True
    watch.start()
    try:
        return _answer(target, line)
    except ssl.SSLCertVerificationError as error:
        raise RemoteError(RemoteProblem.CERTIFICATE) from error
    except (OSError, HTTPException, ValueError) as error:
        is_slow = stopped.is_set() or isinstance(error, TimeoutError)
        raise RemoteError(RemoteProblem.SLOW if is_slow else RemoteProblem.UNREACHABLE) from error
    finally:
        watch.cancel()
        line.close()


def _stop(line: socket.socket, stopped: threading.Event) -> None:
    stopped.set()
    # Not the method of TLS, which would first say goodbye.
    try:
        socket.socket.shutdown(line, socket.SHUT_RDWR)
    except OSError:
        return


def _addresses(target: Target, deadline: float) -> list[tuple[Any, ...]]:
    """Return the addresses of a host, all of which are public. What an operator has listed by its address is theirs to know."""
    if remote_hosts.literal(target.host):
        return _resolved(target)
    found: list[tuple[Any, ...]] = []
    # The resolver of the system has times of its own.
    asking = threading.Thread(target=lambda: found.extend(_resolved(target)), daemon=True)
    asking.start()
    asking.join(max(deadline - time.monotonic(), 0))
    if asking.is_alive():
        raise RemoteError(RemoteProblem.SLOW)
    if not found:
        raise RemoteError(RemoteProblem.NO_ADDRESS)
    if not all(remote_hosts.is_public(address[4][0]) for address in found):
        raise RemoteError(RemoteProblem.PRIVATE)
    return found


def _resolved(target: Target) -> list[tuple[Any, ...]]:
    try:
        return socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []


def _connected(addresses: list[tuple[Any, ...]], deadline: float) -> socket.socket:
    """Return a connection to the first address that answers. The name is not resolved again."""
    problem = RemoteProblem.UNREACHABLE
    for family, kind, protocol, _name, place in addresses:
        line = socket.socket(family, kind, protocol)
        line.settimeout(max(deadline - time.monotonic(), 0.01))
        try:
            line.connect(place)
        except OSError as error:
            line.close()
            problem = RemoteProblem.SLOW if isinstance(error, TimeoutError) else problem
            continue
        return line
    raise RemoteError(problem)


def _prepared(target: Target, line: socket.socket) -> socket.socket:
    """Return a connection that speaks TLS, if it has to. The certificate must be that of the host's name."""
    if target.scheme != "https":
        return line
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    # The certificates of the system, or of SSL_CERT_FILE, and those that come with the packages.
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context.wrap_socket(line, server_hostname=target.host, do_handshake_on_connect=False)


def _answer(target: Target, line: socket.socket) -> str:
    if isinstance(line, ssl.SSLSocket):
        line.do_handshake()
    kind = HTTPSConnection if target.scheme == "https" else HTTPConnection
    # It knows the name for the header Host. It connects nowhere: it has a connection.
    connection = kind(target.host, target.port)
    connection.sock = line
    connection.request("GET", target.path, headers=HEADERS)
    with closing(connection.getresponse()) as response:
        if response.status != 200:
            raise RemoteError(RemoteProblem.STATUS)
        body = response.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise RemoteError(RemoteProblem.LARGE)
    return _json(body)


def _json(body: bytes) -> str:
    """Return a text that is JSON, of which every value can be stored and drawn."""
    try:
        text = body.decode("utf-8-sig")
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise RemoteError(RemoteProblem.NO_JSON) from error
    return text


def _refuse(name: str) -> None:
    raise ValueError(name)
