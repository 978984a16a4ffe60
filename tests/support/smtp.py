"""A real SMTP server on the loopback interface, which can also refuse, defer, hang and drop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Literal, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

Behaviour = Literal["accept", "refuse", "greylist", "hang", "drop", "refuse_sender", "close"]
ANSWERS = {"refuse": "550 5.1.1 no such mailbox", "greylist": "451 4.7.1 try again later"}
ANSWERS_TO_SENDER = {"refuse_sender": "550 5.7.1 who are you?", "close": "421 4.3.2 closing for the night"}
HOST = "127.0.0.1"


class MailServer:
    """A mail server with the messages that arrived, and its behaviour for the next one.

    refuse answers 550 and greylist 451 to the recipient; hang never answers to the data; drop accepts the message and
    closes the connection without an answer; refuse_sender answers 550 and close 421 to the sender.
    `behaviours` are for single recipients.
    """

    def __init__(self, port: int) -> None:
        self.host = HOST
        self.port = port
        self.behaviour: Behaviour = "accept"
        self.behaviours: dict[str, Behaviour] = {}
        self.messages: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        # The envelope senders, to which delivery reports would go.
        self.senders: list[str] = []
        # The client's end of each connection over which a message arrived.
        self.peers: list[object] = []
        self.attempts = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer to a sender."""
        if self.behaviour in ANSWERS_TO_SENDER:
            self.attempts += 1
            return ANSWERS_TO_SENDER[self.behaviour]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer to a recipient."""
        self.attempts += 1
        behaviour = self._behaviour(address)
        if behaviour in ANSWERS:
            return ANSWERS[behaviour]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Answer to a message."""
        behaviour = self._behaviour(envelope.rcpt_tos[0])
        if behaviour == "hang":
            await asyncio.sleep(3600)
        message = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        self.messages.append(message)
        self.recipients.append(envelope.rcpt_tos)
        self.senders.append(str(envelope.mail_from))
        self.peers.append(session.peer)
        if behaviour == "drop":
            cast("Any", server.transport).abort()
        return "250 OK"

    def _behaviour(self, recipient: str) -> Behaviour:
        return self.behaviours.get(recipient, self.behaviour)


@contextlib.contextmanager
def mail_server(port: int = 0) -> Iterator[MailServer]:
    """Run a mail server, on a free port if none is given."""
    server = MailServer(port or free_port())
    controller = Controller(server, hostname=HOST, port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])
