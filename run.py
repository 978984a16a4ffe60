"""Serve the site: `python run.py` starts the server processes and, beside them, the background worker.

    run.py            supervises the others; it imports little, so it needs little memory
      fork server     has the application loaded (app/preload.py) and forks
        web workers   WORKERS processes that answer requests (app/server.py)
        worker        `flask worker`: delivers e-mail and runs the scheduler; unless BACKGROUND_WORKER=no

All web workers accept connections of the same listening sockets. The fork server has one thread, so forked processes
inherit no held locks and no pipes of other processes.
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
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection, forkserver, resource_tracker
from pathlib import Path
from typing import Any

import config
import logs
from config import STOP_SIGNALS, ConfigurationError

# How many connections the system keeps while all web workers are busy.
BACKLOG = 1024
# When stopping, the current requests and the current e-mail may take this long. A web worker ends a little earlier itself.
WEB_SECONDS, EMAIL_SECONDS = 22, 10
# A process that ends is started again: at once if it ran well, later if it just was.
RAN_WELL_SECONDS, RESTART_SECONDS, NOTICE_SECONDS = 60, 5, 0.1
# The path of a socket has 108 characters at most, and its name in the folder some 50.
MAX_FOLDER_LENGTH = 50
UNIX, UNIX_MODE = "unix:", 0o660
# systemd passes sockets from this number on, and says how many to whom.
FIRST_PASSED = 3
# Read by glibc, where a process starts. One that runs one request at a time needs one arena; what argon2 needs for a
# password (19 MiB) goes back to the system afterwards, while glibc would learn to keep it.
MALLOC = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(4 * 1024 * 1024)}
# On other systems there is no fork server.
PROCESSES: Any = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
logger = logging.getLogger("app.run")


class Supervised:
    """A process that is started again whenever it ends."""

    def __init__(self, name: str, target: Callable[..., None], *arguments: Any, stop_seconds: int) -> None:
        self.name = name
        self.stop_seconds = stop_seconds
        self._target, self._arguments = target, arguments
        self._process: Any = None
        self._started = 0.0
        self._start_at = 0.0

    def start_if_due(self) -> None:
        """Start the process if none runs and the time has come."""
        if self._process is not None or time.monotonic() < self._start_at:
            return
        process = PROCESSES.Process(name=self.name, target=self._target, args=self._arguments, daemon=True)
        try:
            process.start()
        except (OSError, EOFError) as error:
            # The fork server starts anew itself.
            self._restart_later(f"could not be started ({error})", NOTICE_SECONDS)
            return
        self._process, self._started = process, time.monotonic()
        logger.info("%s started with PID: %d", self.name, process.pid)

    @property
    def sentinels(self) -> list[int]:
        """What becomes ready when the process ends."""
        return [self._process.sentinel] if self._process is not None else []

    def notice_end(self) -> None:
        """Plan the next start if the process has ended."""
        if self._process is None or self._process.is_alive():
            return
        status, self._process = self._process.exitcode, None
        ran_well = time.monotonic() - self._started > RAN_WELL_SECONDS
        self._restart_later(f"ended with status {status}", NOTICE_SECONDS if ran_well else RESTART_SECONDS)

    def stop(self) -> None:
        """Ask the process to end."""
        if self._process is not None:
            self._process.terminate()

    def join(self, deadline: float) -> None:
        """Wait until it has ended, and kill it at `deadline`."""
        if self._process is None:
            return
        self._process.join(max(0.0, deadline - time.monotonic()))
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _restart_later(self, ended: str, seconds: float) -> None:
        logger.error("%s %s. It is started again in %g s", self.name, ended, seconds)
        self._start_at = time.monotonic() + seconds


def main() -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP; exit with status 1 if that is not possible."""
    config.load_dotenv()
    _configure_log()
    # Renamed here, so that child processes do not repeat the warnings.
    config.apply_renames(os.environ)
    try:
        settings = config.load()
        # That of the file, for the other processes, too.
        os.environ["LOG_FORMAT"] = settings["LOG_FORMAT"]
        _configure_log()
        sockets = passed_sockets() or listen(settings["HOST"], settings["PORT"])
    except ConfigurationError as error:
        sys.exit(f"DinnerParty cannot start. {error}")
    _start_fork_server()
    _check_in_child()
    processes = [
        Supervised(f"Web worker {number + 1}", serve, sockets, stop_seconds=WEB_SECONDS)
        for number in range(settings["WORKERS"])
    ]
    if settings["BACKGROUND_WORKER"]:
        processes.append(Supervised("Background worker", run_worker, stop_seconds=EMAIL_SECONDS))
    supervise(processes, lambda: logger.info("%(APP_NAME)s is served at %(PUBLIC_URL)s (Ctrl-C stops it)", settings))


def supervise(processes: Sequence[Supervised], on_start: Callable[[], object]) -> None:
    """Keep `processes` running until a stop signal arrives; then stop them."""
    stop, stopped = os.pipe()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: os.write(stopped, b"."))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    for process in processes:
        process.start_if_due()
    on_start()
    ready: Sequence[object] = ()
    while stop not in ready:
        sentinels = [sentinel for process in processes for sentinel in process.sentinels]
        ready = connection.wait([stop, *sentinels], timeout=1)
        if stop not in ready and ready:
            # All processes may be stopped at once. Then it is no error that some have ended.
            ready = connection.wait([stop], timeout=NOTICE_SECONDS)
        if stop not in ready:
            for process in processes:
                process.notice_end()
                process.start_if_due()
    began = time.monotonic()
    for process in processes:
        process.stop()
    for process in processes:
        process.join(began + process.stop_seconds)


def _start_fork_server() -> None:
    # The fork server imports app.preload, but run.py may be started from any directory.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(config.ROOT), os.environ.get("PYTHONPATH")]))
    os.environ.update(MALLOC | os.environ)
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
    attempt = PROCESSES.Process(target=check)
    attempt.start()
    attempt.join()
    if attempt.exitcode:
        sys.exit(1)


def check() -> None:
    """Exit with a message if the site cannot be served."""
    _configure_log()
    try:
        from app import doctor, setup, zone_rules
        from app.preload import application

        with application().app_context():
            setup.refuse_other_schema()
            doctor.warn()
        logger.info("Time zone rules: %s", zone_rules.described())
    except ConfigurationError as error:
        sys.exit(f"DinnerParty cannot start. {error}")


# -- the processes


def serve(sockets: Sequence[socket.socket]) -> None:
    """Answer requests on `sockets` until SIGTERM or the end of run.py."""
    _begin_process()
    from app.preload import application, server

    app = application()
    serving = server.Server(app, sockets, app.config["TRUSTED_PROXY_COUNT"])
    signal.signal(signal.SIGTERM, lambda *_: serving.stop())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    serving.run()


def run_worker() -> None:
    """Run the background worker (`flask worker`) until SIGTERM or the end of run.py."""
    _begin_process()
    from app.preload import application, worker

    parent = multiprocessing.parent_process()
    worker.run(application(), {signal.SIGTERM}, lambda: parent is None or parent.is_alive())


def _begin_process() -> None:
    # Ctrl-C and a closed terminal signal this process, too, but run.py stops it.
    for number in STOP_SIGNALS - {signal.SIGTERM}:
        signal.signal(number, signal.SIG_IGN)
    _configure_log()


def _configure_log() -> None:
    logging.config.dictConfig(logs.settings(os.environ.get("LOG_FORMAT", "")))


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


# -- the sockets


def passed_sockets() -> list[socket.socket]:
    """Return the sockets that systemd listens on for this process (socket activation)."""
    if os.environ.pop("LISTEN_PID", None) != str(os.getpid()):
        return []
    numbers = range(FIRST_PASSED, FIRST_PASSED + int(os.environ.pop("LISTEN_FDS", "0")))
    return [socket.socket(fileno=number) for number in numbers]


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on a host name, an IPv4 or IPv6 address, or `unix:` and a path; raises ConfigurationError."""
    place = host if host.startswith(UNIX) else f"{host}:{port}"
    try:
        return [_listen_unix(Path(host.removeprefix(UNIX))) if host.startswith(UNIX) else _listen_tcp(host, port)]
    except (OSError, UnicodeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or "not a host name"
        raise ConfigurationError(f"{place} cannot be listened on ({reason}); set PORT or HOST.") from error


def _listen_tcp(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with _closed_on_error(socket.socket(family, kind, protocol)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == "::":
            # Clients with IPv4 come, too.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listening.bind(address)
        listening.listen(BACKLOG)
    return listening


def _listen_unix(path: Path) -> socket.socket:
    # One that a killed process left is in the way; one that somebody listens on stays.
    if path.is_socket() and not _is_answered(path):
        path.unlink()
    with _closed_on_error(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listening:
        listening.bind(str(path))
        path.chmod(UNIX_MODE)
        listening.listen(BACKLOG)
    return listening


def _is_answered(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


@contextlib.contextmanager
def _closed_on_error(opened: socket.socket) -> Iterator[socket.socket]:
    try:
        yield opened
    except BaseException:
        opened.close()
        raise


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
