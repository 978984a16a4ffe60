"""Serve the site: `python run.py` starts granian's server processes and, beside them, the background worker.

    run.py            supervises the others; it imports little, so it needs little memory
      fork server     has the application loaded (app/preload.py) and forks
        granian       WORKERS processes that answer requests
        worker        `flask worker`: delivers e-mail and runs the scheduler; unless BACKGROUND_WORKER=no

The fork server has one thread, so forked processes inherit no held locks and no pipes of other processes. Forking from
run.py, which has threads, sometimes makes the stop hang.
"""

import contextlib
import logging
import logging.config
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from multiprocessing import forkserver, resource_tracker
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import mp

import config
import zone_rules
from config import STOP_SIGNALS, ConfigurationError

# Per server process: connections, most of them idle; and requests that are being read or wait for the lock.
CONNECTIONS, REQUESTS = 1000, 64
HEADERS_MILLISECONDS = 10_000
# How much of a request that is too large is read, so that the client receives the error response.
MAX_DISCARDED, CHUNK = 32 * 1024 * 1024, 256 * 1024
# When stopping, the current requests and the current e-mail may take this long.
STOP_SECONDS, EMAIL_SECONDS = 20, 10
RESTART_SECONDS, NOTICE_SECONDS = 5, 0.1
START_ATTEMPTS = 50
# The path of a socket has 108 characters at most, and its name in the folder some 50.
MAX_FOLDER_LENGTH = 50
# On other systems granian passes a socket by its number, which does not work with a fork server.
PROCESSES: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")

logger = logging.getLogger("app.run")


class GranianLogFilter(logging.Filter):
    """Drops granian's warning about many threads, which are intended: most of them wait."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "allows spawning" not in record.getMessage()


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"granian": {"()": GranianLogFilter}},
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["granian"]}},
    "loggers": {name: {"handlers": ["console"], "level": "INFO", "propagate": False} for name in ("_granian", "app")},
    "root": {"handlers": ["console"], "level": "WARNING"},
}


class Process(PROCESSES.Process):
    """A process that can be started while the fork server restarts: it tries again."""

    def start(self) -> None:
        """Start the process; raises OSError or EOFError if all attempts fail."""
        for _attempt in range(START_ATTEMPTS):
            with contextlib.suppress(OSError, EOFError):
                super().start()
                return
            time.sleep(NOTICE_SECONDS)
        super().start()


class Server(mp.MPServer):
    """granian's server, which would reload its workers on SIGHUP; here SIGHUP stops it."""

    signal_handler_reload = mp.MPServer.signal_handler_interrupt


class ForkedWorker(mp.WorkerProcess):
    """A granian worker that is forked. granian would spawn it, and it would load the application again."""

    def _spawn(self, target: Any, args: Any) -> None:
        self.inner = Process(name="granian-worker", target=target, args=args)


def main() -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; exit with status 1 if that is not possible."""
    logging.config.dictConfig(LOGGING)
    config.load_dotenv()
    # Renamed here, so that child processes do not repeat the warnings.
    config.apply_renames(os.environ)
    try:
        settings = config.load()
        address = _free_address(settings["HOST"], settings["PORT"])
    except ConfigurationError as error:
        sys.exit(f"DinnerParty cannot start. {error}")
    logger.info("Time zone rules: %s", zone_rules.described())
    _start_fork_server()
    _check_in_child()
    server = _server(settings, address)
    server.on_startup(lambda: logger.info("%(APP_NAME)s is served at %(PUBLIC_URL)s (Ctrl-C stops it)", settings))
    if settings["BACKGROUND_WORKER"]:
        # All processes may be stopped at once. Then it is no error that the worker ended.
        worker = WorkerProcess(is_stopping=lambda: server.interrupt_signal)
        server.on_startup(worker.start)
        server.on_shutdown(worker.stop)
    server.serve(target_loader=load, wrap_loader=False)


def _start_fork_server() -> None:
    mp.WorkerProcess = ForkedWorker  # type: ignore[misc]
    # The fork server imports app.preload, but run.py may be started from any directory.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(config.ROOT), os.environ.get("PYTHONPATH")]))
    PROCESSES.set_forkserver_preload(["app.preload"])
    if len(tempfile.gettempdir()) > MAX_FOLDER_LENGTH:
        tempfile.tempdir = "/tmp"  # noqa: S108 - multiprocessing makes a folder of its own in it
    if PROCESSES.get_start_method() != "forkserver":
        return
    # The fork server ignores stop signals from its start (see app/preload.py): it ends when this process ends.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _check_in_child() -> None:
    """Exit if the application cannot be created or its database is not set up. The child process prints the reason."""
    attempt = Process(target=check)
    attempt.start()
    attempt.join()
    if attempt.exitcode:
        sys.exit(1)


def check() -> None:
    """Exit with a message if the site cannot be served."""
    try:
        from app import setup
        from app.preload import application

        with application().app_context():
            setup.refuse_other_schema()
    except ConfigurationError as error:
        sys.exit(f"DinnerParty cannot start. {error}")


def _server(settings: dict[str, Any], address: str) -> Server:
    return Server(
        "run:load",
        address=address,
        port=settings["PORT"],
        interface=Interfaces.WSGI,
        websockets=False,
        workers=settings["WORKERS"],
        blocking_threads=REQUESTS,
        backpressure=CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_MILLISECONDS),
        workers_kill_timeout=STOP_SECONDS,
        respawn_failed_workers=True,
        log_dictconfig=LOGGING,
    )


def load() -> "SerializedWsgi":
    """Return the WSGI application of a granian worker. The worker ends when its parent process ends."""
    from app.http import REQUEST_LOCK_KEY
    from app.preload import application

    # Later threads inherit this.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    served = SerializedWsgi(application(), application().config["MAX_CONTENT_LENGTH"], REQUEST_LOCK_KEY)
    threading.Thread(target=_stop_once, args=(served,), daemon=True).start()
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    return served


def _stop_once(served: "SerializedWsgi") -> None:
    """Wait for a stop signal in a thread, and pass it to granian once; exit at once if no request was served yet.

    Ctrl-C and systemd signal all processes, and run.py signals the workers again. A granian worker sometimes misses a
    signal that arrives with another one or before it serves. Then run.py would wait for STOP_SECONDS.
    """
    number = signal.sigwait(STOP_SIGNALS)
    # run.py would report a failure if this process ended before run.py received its own signal.
    time.sleep(NOTICE_SECONDS)
    handler = signal.getsignal(signal.SIGTERM)
    if served.is_used and callable(handler):
        handler(number, None)
    else:
        os._exit(0)


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


class SerializedWsgi:
    """Reads requests in many threads, and passes them to the application one at a time.

    Slow clients do not block others. Running requests in parallel in one interpreter would only make the slowest
    responses slower. A request that waits for another server releases the lock meanwhile (app.http.release_request_lock).
    """

    def __init__(self, app: WSGIApplication, max_body_size: int, lock_key: str) -> None:
        self._app = app
        self._max_body_size = max_body_size
        self._lock_key = lock_key
        self._lock = threading.Lock()
        self.is_used = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Read the whole request, then wait for the lock and run the application."""
        self.is_used = True
        stream = environ["wsgi.input"]
        # One byte more than allowed, so that the application sees that the body is too large.
        environ["wsgi.input"] = BytesIO(stream.read(self._max_body_size + 1))
        # The stream ends with the body, also for chunked requests.
        environ["wsgi.input_terminated"] = True
        for _ in range(MAX_DISCARDED // CHUNK):
            if not stream.read(CHUNK):
                break
        environ[self._lock_key] = self._lock
        with self._lock:
            return self._app(environ, start_response)


class WorkerProcess:
    """Keeps the background worker running in a process beside the server."""

    def __init__(self, is_stopping: Callable[[], bool]) -> None:
        self._is_stopping = is_stopping
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process: Any = None
        # Only this thread starts the process and waits for it.
        self._watcher = threading.Thread(target=self._keep_running, name="background worker", daemon=True)

    def start(self) -> None:
        """Start the worker, and restart it whenever it ends."""
        self._watcher.start()

    def stop(self) -> None:
        """Stop after the current e-mail. If sending hangs, the process is killed and the e-mail sent after its lease."""
        with self._starting:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()
        self._watcher.join(EMAIL_SECONDS)
        if self._watcher.is_alive() and self._process is not None:
            self._process.kill()
            self._watcher.join(EMAIL_SECONDS)

    def _keep_running(self) -> None:
        while not self._is_over():
            try:
                ended = self._run_once()
            except (OSError, EOFError) as error:
                ended = f"could not be started ({error})"
            self._stopping.wait(NOTICE_SECONDS)
            if not self._is_over():
                logger.error("The background worker %s. It is started again in %d s", ended, RESTART_SECONDS)
                self._stopping.wait(RESTART_SECONDS)

    def _is_over(self) -> bool:
        return self._stopping.is_set() or self._is_stopping()

    def _run_once(self) -> str:
        """Run one process until it ends, and return how it ended."""
        with self._starting:
            if self._is_over():
                return ""
            process = Process(target=run_worker, name="background worker", daemon=True)
            process.start()
            self._process = process
            logger.info("Background worker started with PID: %d", process.pid)
        process.join()
        return f"ended with status {process.exitcode}"


def run_worker() -> None:
    """Run the background worker (`flask worker`) until SIGTERM or the end of run.py."""
    # Ctrl-C and a closed terminal signal this process, too, but run.py stops it.
    for number in STOP_SIGNALS - {signal.SIGTERM}:
        signal.signal(number, signal.SIG_IGN)
    logging.config.dictConfig(LOGGING)
    from app.preload import application, worker

    parent = multiprocessing.parent_process()
    worker.run(application(), {signal.SIGTERM}, lambda: parent is None or parent.is_alive())


def _free_address(host: str, port: int) -> str:
    """Return the IP address of `host` to listen on, because granian accepts no host names.

    Raises ConfigurationError if the port is in use: granian would share it with the other program.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
        return str(address[0])
    except (OSError, UnicodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not a host name"
        raise ConfigurationError(f"{host}:{port} cannot be listened on ({reason}); set PORT or HOST.") from error


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
