"""The HTTP server of one process: waitress, with limits for slow senders and an end that loses no response."""

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from socket import AF_UNIX, socket
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from app.http import REQUEST_LOCK_KEY, UNREAD_BODY_KEY

# One thread runs requests. Others are added for requests that wait for another server (app.http.release_request_lock).
MOST_WAITING, CONNECTIONS = 16, 1000
# An unused connection is closed, so is one whose request does not arrive. A large body may take longer: what a bad mobile
# connection carries.
IDLE_SECONDS, HEAD_SECONDS, BODY_SECONDS, LEAST_BYTES_PER_SECOND = 75, 10, 10, 16 * 1024
# How many requests of one address may be on their way at once.
BODIES_OF_ADDRESS = 16
# How much of a request that is too large is read, so that the client receives the error response.
MOST_READ = 32 * 1024 * 1024
REQUEST_TIMEOUT, TOO_MANY_REQUESTS = 408, 429
# When stopping, the current requests may take this long.
STOP_SECONDS = 20


class Server:
    """Serves an application on listening sockets, in this process, from `run` until `stop`."""

    def __init__(self, application: WSGIApplication, sockets: Sequence[socket], proxies: int = 0) -> None:
        """`proxies`: how many are in front of this server. They say whose request it is."""
        self._map: dict[int, Any] = {}
        settings = Adjustments(
            # Not used: the sockets exist already.
            listen="127.0.0.1:80",
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE_SECONDS,
            cleanup_interval=1,
            max_request_body_size=MOST_READ,
            asyncore_use_poll=True,
            # app.http knows which proxies are trusted.
            clear_untrusted_proxy_headers=False,
            ident="",
        )
        self._dispatcher = ThreadedTaskDispatcher()
        serialized = Serialized(application, self._dispatcher)
        self._listeners = [
            Listener(
                serialized,
                self._map,
                _sock=listening,
                dispatcher=self._dispatcher,
                adj=settings,
                sockinfo=(listening.family, listening.type, listening.proto, None),
                bind_socket=False,
            )
            for listening in sockets
        ]
        for listener in self._listeners:
            listener.proxies = proxies
        self._stop_at = 0.0

    def run(self) -> None:
        """Serve until `stop`; then finish the requests that have arrived, for STOP_SECONDS at most."""
        while not self._stop_at:
            self._turn()
        for listener in self._listeners:
            wasyncore.dispatcher.close(listener)
        while self._end_channels() and time.monotonic() < self._stop_at:
            self._turn()
        self._dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def stop(self) -> None:
        """End `run`. May be called by a signal handler or another thread."""
        if self._stop_at:
            return
        self._stop_at = time.monotonic() + STOP_SECONDS
        # Another thread may have ended already.
        with suppress(OSError):
            self._listeners[0].pull_trigger()

    def _turn(self) -> None:
        wasyncore.loop(timeout=1, use_poll=True, map=self._map, count=1)

    def _end_channels(self) -> int:
        """Close the connections that wait for clients; return on how many a response is on its way."""
        channels = [channel for listener in self._listeners for channel in list(listener.active_channels.values())]
        return sum(channel.end() for channel in channels)


class Serialized:
    """Passes requests to the application one at a time.

    Running requests in parallel in one interpreter would only make the slowest responses slower. A request that waits for
    another server releases its turn meanwhile (app.http.release_request_lock).
    """

    def __init__(self, application: WSGIApplication, dispatcher: ThreadedTaskDispatcher) -> None:
        self._application = application
        self._dispatcher = dispatcher
        self._turn = threading.Lock()
        self._counting = threading.Lock()
        self._waiting = 0
        self._set_threads(0)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Wait for the turn and run the application."""
        environ[REQUEST_LOCK_KEY] = self
        with self._turn:
            return self._application(environ, start_response)

    def release(self) -> None:
        """Let other requests run, in a thread more."""
        self._turn.release()
        self._set_threads(+1)

    def acquire(self) -> None:
        """Wait for the turn again."""
        self._turn.acquire()
        self._set_threads(-1)

    def _set_threads(self, change: int) -> None:
        with self._counting:
            self._waiting += change
            self._dispatcher.set_thread_count(1 + min(self._waiting, MOST_WAITING))


class Request(HTTPRequestParser):
    """A request, which knows since when it arrives. `unread` is the status of the answer if its body did not."""

    unread = 0

    def __init__(self, adj: Adjustments) -> None:
        super().__init__(adj)
        self._started = time.monotonic()

    def is_late(self) -> bool:
        """Whether it takes longer than a request of its size may take."""
        seconds = time.monotonic() - self._started
        if not self.headers_finished:
            return seconds > HEAD_SECONDS
        size = self.content_length or self.body_bytes_received
        return seconds > BODY_SECONDS + size / LEAST_BYTES_PER_SECOND


class Task(WSGITask):
    """Passes a request to the application."""

    def get_environment(self) -> WSGIEnvironment:
        """Return the WSGI environment; of a request that did not arrive, without a body."""
        environ: WSGIEnvironment = super().get_environment()
        if self.request.unread:
            environ[UNREAD_BODY_KEY] = self.request.unread
            environ["wsgi.input"] = BytesIO()
            environ["CONTENT_LENGTH"] = "0"
        return environ


class Channel(HTTPChannel):
    """The connection of a client."""

    parser_class, task_class = Request, Task
    # The one that is arriving.
    request: Request | None = None

    def received(self, data: bytes) -> bool:
        """Take what has arrived. An address from which many bodies arrive already is refused."""
        taken: bool = super().received(data)
        if self._is_receiving_body():
            receiving = filter(Channel._is_receiving_body, self.server.active_channels.values())
            if sum(other.client == self.client for other in receiving) > BODIES_OF_ADDRESS:
                self._answer(TOO_MANY_REQUESTS)
        return taken

    def give_up(self) -> None:
        """Close the connection if its request is late; if the request was understood, with an answer."""
        if self.request is None or not self.request.is_late():
            return
        if self.request.headers_finished:
            self._answer(REQUEST_TIMEOUT)
        else:
            self.will_close = True

    def end(self) -> bool:
        """Close the connection if it waits for the client; return whether a response is on its way."""
        if self.requests or self.total_outbufs_len:
            self.close_when_flushed = not self.requests
            return True
        self.will_close = True
        return False

    @property
    def client(self) -> str:
        """Whose request is arriving: behind proxies, the address that the outermost of them has seen."""
        told = (
            self.request.headers.get("X_FORWARDED_FOR", "").split(",") if self.request and self.server.proxies else []
        )
        if told and len(told) >= self.server.proxies:
            return told[-self.server.proxies].strip()
        return str(self.addr[0])

    def _is_receiving_body(self) -> bool:
        return self.request is not None and self.request.headers_finished

    def _answer(self, status: int) -> None:
        """Let the application answer a request whose body is not waited for, and close the connection afterwards."""
        with self.requests_lock:
            request, self.request = self.request, None
            if request is None:
                return
            request.unread = status
            request.headers["CONNECTION"] = "close"
            self.requests.append(request)
            if len(self.requests) == 1:
                self.server.add_task(self)


class Listener(TcpWSGIServer):
    """A listening socket, and the connections that it accepted."""

    channel_class = Channel
    proxies = 0

    def maintenance(self, now: float) -> None:
        """Close connections that are unused or whose requests are late. waitress calls this each second."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            channel.give_up()

    def getsockname(self) -> tuple[str, str]:
        """Return the address and the port, which a Unix socket has not."""
        if self.family == AF_UNIX:
            return "localhost", "80"
        address: tuple[str, str] = super().getsockname()
        return address

    def set_socket_options(self, conn: socket) -> None:
        """Set what waitress sets, on connections that have it."""
        if self.family != AF_UNIX:
            super().set_socket_options(conn)

    def fix_addr(self, addr: Any) -> Any:
        """Return the address of a client. Those of a Unix socket are on this machine."""
        return addr or ("127.0.0.1", None)
