"""A small real IMAP server (RFC 3501) on the loopback interface: one mailbox, and the commands that reading it takes."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

USER, PASSWORD = "dinner", "s3cret word"


class ImapServer(socketserver.ThreadingTCPServer):
    """The messages of the mailbox, and which of them are read."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.seen: set[int] = set()
        super().__init__(("127.0.0.1", 0), Connection)

    @property
    def port(self) -> int:
        """The port."""
        return int(self.server_address[1])


class Connection(socketserver.StreamRequestHandler):
    """Answers the commands of one client."""

    server: ImapServer

    def handle(self) -> None:
        """Answer until LOGOUT."""
        self._tell("* OK ready")
        for line in self.rfile:
            tag, _, rest = line.decode().strip().partition(" ")
            command = rest.upper()
            if command.startswith("LOGIN"):
                is_right = rest.split(" ", 2)[1:] == [f'"{USER}"', f'"{PASSWORD}"']
                self._tell(f"{tag} OK done" if is_right else f"{tag} NO wrong")
                continue
            self._answer(command)
            self._tell(f"{tag} OK done")
            if command == "LOGOUT":
                return

    def _answer(self, command: str) -> None:
        if command == "CAPABILITY":
            self._tell("* CAPABILITY IMAP4REV1")
        elif command.startswith("SELECT"):
            self._tell(f"* {len(self.server.messages)} EXISTS")
        elif command.startswith("UID SEARCH"):
            wanted = re.search(r"UID (\d+)", command[3:])
            found = [int(wanted[1])] if wanted else self._unseen()
            self._tell(" ".join(["* SEARCH", *map(str, found)]))
        elif command.startswith("UID FETCH"):
            self._fetch(int(command.split()[2]), headers_only="HEADER" in command)
        elif command.startswith("UID STORE"):
            self.server.seen.add(int(command.split()[2]))
        elif command == "LOGOUT":
            self._tell("* BYE")

    def _unseen(self) -> list[int]:
        return [uid for uid in range(1, len(self.server.messages) + 1) if uid not in self.server.seen]

    def _fetch(self, uid: int, *, headers_only: bool) -> None:
        message = self.server.messages[uid - 1]
        part, name = (
            (message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "BODY[HEADER]") if headers_only else (message, "BODY[]")
        )
        self._tell(f"* {uid} FETCH (UID {uid} RFC822.SIZE {len(message)} FLAGS () {name} {{{len(part)}}}")
        self.wfile.write(part + b")\r\n")

    def _tell(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")


@contextmanager
def imap_server() -> Iterator[ImapServer]:
    """Run a server on a free port."""
    with ImapServer() as server:
        thread: Any = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
