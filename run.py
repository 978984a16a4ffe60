"""Serve the site: `python run.py` starts granian's workers and, beside them, who delivers letters and keeps house."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

import config
from app import create_app
from app.errors import ConfigurationError
from app.housekeeping import Housekeeper
from app.http import TURN
from app.outbox.delivery import Deliverer

__all__ = ["create_app"]

# Of one worker: connections, most of them idle browsers; and requests that arrive or wait for their turn.
CONNECTIONS, REQUESTS = 1000, 64
HEADERS_MILLISECONDS = 10_000
# What is read of a request that is too large to be taken, so that its sender gets to read why.
MOST_DISCARDED, CHUNK = 32 * 1024 * 1024, 256 * 1024
# Once we are asked to stop, a request in flight and then a letter at hand may take this long.
STOP_SECONDS, LETTER_SECONDS = 20, 10
PAUSE_BEFORE_RESTART_SECONDS = 5


class News(logging.Filter):
    """Leaves out what granian warns of and what is on purpose: its many threads mostly wait."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is worth a line."""
        return "allows spawning" not in record.getMessage()


LOGGING = {
    "filters": {"news": {"()": News}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["news"]}},
    "loggers": {name: {"handlers": ["console"], "level": "INFO", "propagate": False} for name in ("_granian", "app")},
    "root": {"handlers": ["console"], "level": "WARNING"},
}


def main() -> None:
    """Serve until SIGTERM or SIGINT; exits with 1 when that is not possible."""
    try:
        settings = config.load()
        _refuse_busy_port(settings["HOST"], settings["PORT"])
    except ConfigurationError as error:
        sys.exit(f"DinnerParty cannot start. {error}")
    server = _server(settings)
    office = BackOffice()
    server.on_startup(office.open)
    server.on_shutdown(office.close)
    print(f"{settings['APP_NAME']} is served at {settings['PUBLIC_URL']} (Ctrl-C stops it).", flush=True)  # noqa: T201
    server.serve(target_loader=load, wrap_loader=False)


def _server(settings: dict[str, Any]) -> Any:
    return Granian(
        "run:create_app",
        address=settings["HOST"],
        port=settings["PORT"],
        interface=Interfaces.WSGI,
        factory=True,
        websockets=False,
        workers=settings["WORKERS"],
        blocking_threads=REQUESTS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_MILLISECONDS),
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_dictconfig=LOGGING,
    )


def load() -> "OneAtATime":
    """Return what a worker serves."""
    app = create_app()
    return OneAtATime(app, app.config["MAX_CONTENT_LENGTH"])


class OneAtATime:
    """Waits for whole requests in many threads, and lets one at a time into the application.

    Slow senders keep nobody waiting but themselves; threads that share one interpreter would only lengthen the tail.
    Who waits for another server gives the turn back meanwhile (app.http.elsewhere).
    """

    def __init__(self, app: WSGIApplication, longest_body: int) -> None:
        self._app = app
        self._longest_body = longest_body
        self._turn = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        stream = environ["wsgi.input"]
        # One byte more than is allowed: the application sees that it is too large, and says so.
        environ["wsgi.input"] = BytesIO(stream.read(self._longest_body + 1))
        # Its end is that of the body, also where the sender did not announce a length.
        environ["wsgi.input_terminated"] = True
        for _ in range(MOST_DISCARDED // CHUNK):
            if not stream.read(CHUNK):
                break
        environ[TURN] = self._turn
        with self._turn:
            return self._app(environ, start_response)


class BackOffice:
    """Keeps one process beside the site: a process, because workers are forked and threads do not fork well."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._process: multiprocessing.Process | None = None

    def open(self) -> None:
        """Start working, and start again should the process end.

        The first one is forked here, before there are workers: forked beside one that is just being made, it would
        inherit the pipe by whose end the end of that worker is known, and stopping would wait for it in vain.
        """
        self._start()
        threading.Thread(target=self._keep_open, name="back office", daemon=True).start()

    def close(self) -> None:
        """Stop after the letter at hand. One that hangs is cut off, and sent when its lease is over."""
        self._closed.set()
        if self._process is not None:
            self._process.terminate()
            self._process.join(LETTER_SECONDS)
            self._process.kill()

    def _keep_open(self) -> None:
        while not self._closed.is_set():
            if self._process is not None:
                self._process.join()
            if not self._closed.wait(PAUSE_BEFORE_RESTART_SECONDS):
                self._start()

    def _start(self) -> None:
        self._process = multiprocessing.Process(target=work, args=(os.getpid(),), name="back office", daemon=True)
        self._process.start()


def work(parent: int) -> None:
    """Keep house, and where there is a mail server deliver letters, for as long as the process `parent` lives."""
    # Ctrl-C reaches us too, but the supervising process will tell us to stop; its handlers are not for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    app = create_app()
    workers: list[Housekeeper | Deliverer] = [
        Housekeeper(app),
        *([Deliverer(app)] if app.config["MAIL_SERVER"] else []),
    ]
    signal.signal(signal.SIGTERM, lambda *_: [worker.stop() for worker in workers])
    running = [
        threading.Thread(target=worker.run_forever, args=(lambda: os.getppid() == parent,)) for worker in workers
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


def _refuse_busy_port(host: str, port: int) -> None:
    """Raise ConfigurationError when the port cannot be had: granian's workers would share it with whoever has it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}); set PORT or HOST."
        ) from error


if __name__ == "__main__":
    main()
