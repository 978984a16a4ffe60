"""What a pooler before PostgreSQL looks like to a client: another number of the server's process than the server says."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

SOCKET = ".s.PGSQL.5432"
# BackendKeyData: its length, the number of the process, and a key.
KEY_DATA = b"K\x00\x00\x00\x0c"


@contextlib.contextmanager
def pooler_before(directory: Path) -> Iterator[Path]:
    """Pass connections on to the server in `directory`; yield the folder of the socket to connect to."""
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{name}/{SOCKET}")
        listener.listen()
        threading.Thread(target=_accept, args=(listener, directory / SOCKET), daemon=True).start()
        yield Path(name)
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: Path) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _address = listener.accept()
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(str(server))
            for source, target in ((client, upstream), (upstream, client)):
                threading.Thread(target=_pass_on, args=(source, target), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError), source, target:
        while content := source.recv(65536):
            before, key, after = content.partition(KEY_DATA)
            target.sendall(before + key + (bytes(4) + after[4:] if key else b""))
