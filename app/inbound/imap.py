"""Read e-mail from a mailbox, for sites that have no mail server of their own. The mailbox belongs to the site alone."""

import logging
from email.utils import getaddresses
from typing import Any, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from flask import current_app
from imap_tools import AND, BaseMailBox, MailBox, MailboxLoginError, MailBoxUnencrypted, MailMessage, MailMessageFlags
from imap_tools.errors import ImapToolsError

from app.database import transaction
from app.inbound import addresses, service
from app.inbound.server import MAX_BYTES
from app.inbound.service import Outcome

TIMEOUT_SECONDS = 20
# In one round. The others follow in the next one.
MAX_MESSAGES = 50
# Where mail servers note the address that a message was delivered to, and where its writer did.
RECIPIENT_HEADERS = ("Delivered-To", "X-Original-To", "X-Envelope-To", "Envelope-To", "To", "Cc")

logger = logging.getLogger(__name__)


class RawMessage(MailMessage):
    """A message with its bytes."""

    def __init__(self, fetch_data: list[Any]) -> None:
        super().__init__(fetch_data)
        self.data = bytes(self._get_message_data_parts(fetch_data)[0])


class _Mailbox(MailBox):
    email_message_class = RawMessage


class _LocalMailbox(MailBoxUnencrypted):
    email_message_class = RawMessage


class ImapSettings(NamedTuple):
    """The parts of INBOUND_IMAP."""

    is_encrypted: bool
    host: str
    port: int
    username: str
    password: str
    folder: str


def poll() -> int:
    """Receive the unread messages of the mailbox, if one is configured; return how many. Call it outside a transaction.

    What was received is marked as read. An error of the mailbox is logged.
    """
    if not current_app.config["INBOUND_IMAP"]:
        return 0
    settings = _settings(current_app.config["INBOUND_IMAP"])
    try:
        with _open(settings) as mailbox:
            return _receive_all(mailbox)
    except (OSError, ImapToolsError, MailboxLoginError) as error:
        # The error of a login may repeat the command with its password.
        reason = "the login was refused" if isinstance(error, MailboxLoginError) else f"{type(error).__name__}: {error}"
        logger.warning("The mailbox at %s cannot be read: %s", settings.host, reason)
        return 0


def _settings(url: str) -> ImapSettings:
    parts = urlsplit(url)
    is_encrypted = parts.scheme == "imaps"
    return ImapSettings(
        is_encrypted,
        str(parts.hostname),
        parts.port or (993 if is_encrypted else 143),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        unquote(parts.path.strip("/")) or "INBOX",
    )


def _open(settings: ImapSettings) -> BaseMailBox:
    kind = _Mailbox if settings.is_encrypted else _LocalMailbox
    mailbox: BaseMailBox = kind(settings.host, settings.port, timeout=TIMEOUT_SECONDS)
    try:
        # LOGIN takes ASCII only.
        is_ascii = (settings.username + settings.password).isascii()
        login = mailbox.login if is_ascii else mailbox.login_utf8
        return login(settings.username, settings.password, settings.folder)
    except BaseException:
        mailbox.client.shutdown()
        raise


def _receive_all(mailbox: BaseMailBox) -> int:
    received = 0
    for uid in mailbox.uids(AND(seen=False))[:MAX_MESSAGES]:
        outcome = _receive_one(mailbox, uid)
        if outcome is Outcome.TOO_MANY:
            # It stays unread until the next round.
            return received
        mailbox.flag(uid, MailMessageFlags.SEEN, value=True)
        received += 1
    return received


def _receive_one(mailbox: BaseMailBox, uid: str) -> Outcome | None:
    """Receive a message and return what was done with it; None if it is gone."""
    heads = list(mailbox.fetch(AND(uid=uid), mark_seen=False, headers_only=True))
    if heads and heads[0].size_rfc822 > MAX_BYTES:
        logger.warning("A message in the mailbox was left there: it has %d bytes", heads[0].size_rfc822)
        return Outcome.UNREADABLE
    for message in mailbox.fetch(AND(uid=uid), mark_seen=False):
        sender = _headers(message, "Return-Path")
        data = cast("RawMessage", message).data
        with transaction():
            return service.receive(data, _recipient(message), "" if sender == ["<>"] else None)
    return None


def _recipient(message: MailMessage) -> str:
    """Return the first address of a message that has a valid token, or the site's address."""
    values = [value for name in RECIPIENT_HEADERS for value in _headers(message, name)]
    signed = (address for _name, address in getaddresses(values) if addresses.parse(address))
    return next(signed, str(current_app.config["INBOUND_ADDRESS"]))


def _headers(message: MailMessage, name: str) -> list[str]:
    return [str(value).strip() for value in message.obj.get_all(name, [])]
