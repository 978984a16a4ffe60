"""The served site: `python run.py` in its own processes."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import config
from tests.support.smtp import HOST, free_port

START_SECONDS, STOP_SECONDS = 60, 40


@dataclass
class RunningServer:
    """A server at `url`; `log` is the file of its output."""

    port: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def url(self) -> str:
        """The URL of the site, without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> int:
        """Stop it with a signal, as an operator does; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill it and its workers, as a power cut does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Servers(contextlib.ExitStack):
    """Servers on one database; those that are still running at the end are stopped."""

    def __init__(self, directory: Path, database_url: str) -> None:
        super().__init__()
        self.directory = directory
        self.database_url = database_url

    def __enter__(self) -> Self:
        return super().__enter__()

    def start(self, **environ: str) -> RunningServer:
        """Serve the site on a free port and wait until it responds; `environ` overrides the usual settings."""
        server = self.begin(**environ)
        _wait_until_ready(server)
        return server

    def begin(self, **environ: str) -> RunningServer:
        """Serve the site like `start`, without waiting for it."""
        port = free_port()
        settings = {
            "HOST": HOST,
            "PORT": str(port),
            "DATABASE_URL": self.database_url,
            "INSTANCE_PATH": str(self.directory / "instance"),
            "RATELIMIT_ENABLED": "no",
            **environ,
        }
        log = self.directory / f"server-{port}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "run.py"],
                cwd=config.ROOT,
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
                # Its own process group, so that `kill` reaches the workers, too.
                start_new_session=True,
            )
        server = RunningServer(port, process, log)
        self.callback(server.kill)
        self.callback(server.stop)
        return server


def _wait_until_ready(server: RunningServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server.port):
        if server.process.poll() is not None or time.monotonic() > deadline:
            msg = f"the site did not start:\n{server.log.read_text()}"
            raise RuntimeError(msg)
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/login/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()
