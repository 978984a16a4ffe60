"""Receive e-mail by LMTP or SMTP on a local port, from the mail server of the site.

The answer to each message is given when its transaction is committed. So the mail server keeps what could not be stored,
and hands it over again.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from app.database import transaction
from app.inbound import service
from app.inbound.service import Outcome

MAX_BYTES = 1024 * 1024
# For each command of the mail server.
TIMEOUT_SECONDS = 60
MAX_RECIPIENTS = 20
STOP_CHECK_SECONDS = 0.5
# After the port was taken, as by a process that is about to end.
RETRY_SECONDS = 5.0
IDENTITY = "inbound door"
ANSWERS = {
    Outcome.HANDLED: "250 2.0.0 OK",
    Outcome.DROPPED: "250 2.0.0 OK",
    Outcome.KEPT: "250 2.0.0 OK",
    Outcome.UNREADABLE: "554 5.6.0 The message cannot be read",
    Outcome.UNKNOWN_ADDRESS: "550 5.1.1 No such mailbox",
    Outcome.TOO_MANY: "451 4.7.1 Too many messages, try again later",
}
FAILED = "451 4.3.0 The message cannot be stored now"
# With several recipients, SMTP has one answer: the worst one that lets the mail server try again.
WORST_FIRST = (FAILED, ANSWERS[Outcome.TOO_MANY], ANSWERS[Outcome.UNREADABLE])

logger = logging.getLogger(__name__)


class Handler:
    """Answers the commands of the mail server."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        # One message at a time: the door must not take the site's connections to the database.
        self._executor = ThreadPoolExecutor(1, "inbound")

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take an address of the site."""
        with self._app.app_context():
            is_known = service.knows(address)
        if not is_known:
            return ANSWERS[Outcome.UNKNOWN_ADDRESS]
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a message. LMTP has an answer for each recipient (RFC 2033)."""
        loop = asyncio.get_running_loop()
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape")
        answers = [
            await loop.run_in_executor(self._executor, self._receive, data, recipient, envelope.mail_from or "")
            for recipient in envelope.rcpt_tos
        ]
        if isinstance(server, LMTP):
            return "\r\n".join(answers)
        return next((answer for answer in WORST_FIRST if answer in answers), answers[0])

    def _receive(self, data: bytes, recipient: str, sender: str) -> str:
        try:
            with self._app.app_context(), transaction():
                return ANSWERS[service.receive(data, recipient, sender)]
        except Exception:
            logger.exception("A message could not be stored")
            return FAILED

    def close(self) -> None:
        self._executor.shutdown()


class DoorController(Controller):
    """Listens in a thread of its own."""

    def __init__(self, handler: Handler, protocol: type[SMTP], host: str, port: int) -> None:
        self._protocol = protocol
        super().__init__(handler, hostname=host, port=port)

    def factory(self) -> SMTP:
        """Return the server of one connection."""
        return self._protocol(
            self.handler, data_size_limit=MAX_BYTES, timeout=TIMEOUT_SECONDS, ident=IDENTITY, hostname="localhost"
        )


class Listener:
    """Receives e-mail in a loop, as the other loops of the background worker run."""

    def __init__(self, app: Flask) -> None:
        self._stop = threading.Event()
        parts = urlsplit(app.config["INBOUND_LISTEN"])
        self._protocol = LMTP if parts.scheme == "lmtp" else SMTP
        self._host, self._port = str(parts.hostname), parts.port or 0
        self._handler = Handler(app)
        self.is_listening = False

    def stop(self) -> None:
        """Stop; returns at once."""
        self._stop.set()

    def run_forever(self, wanted: Callable[[], bool] = lambda: True) -> None:
        """Listen until `stop()` is called or `wanted` returns False. While the port is taken, try again."""
        last_error = ""
        while wanted() and not self._stop.is_set():
            try:
                controller = self._start()
            except (OSError, TimeoutError) as error:
                if str(error) != last_error:
                    logger.error("E-mail cannot be received at %s:%d: %s", self._host, self._port, error)  # noqa: TRY400 - one line
                last_error = str(error)
                self._stop.wait(RETRY_SECONDS)
                continue
            self._listen(controller, wanted)
        self._handler.close()

    def _start(self) -> Any:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # A controller that cannot listen says so late, and leaves its loop open.
        socket.create_server((self._host, self._port), family=family).close()
        controller: Any = DoorController(self._handler, self._protocol, self._host, self._port)
        controller.start()
        return controller

    def _listen(self, controller: Any, wanted: Callable[[], bool]) -> None:
        logger.info("E-mail is received at %s:%d", self._host, self._port)
        self.is_listening = True
        while wanted() and not self._stop.wait(STOP_CHECK_SECONDS):
            pass
        self.is_listening = False
        controller.stop(no_assert=True)
