"""SMTP by way of Flask-Mail, with what it lacks: time-outs, verified certificates, headers nobody can break."""

import smtplib
import ssl
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr

import flask_mail
from flask import current_app

from app import clock
from app.outbox import rules, service, unsubscribe_token
from app.outbox.models import OutboxEmail

# RFC 2369 and RFC 8058: where a mail program asks for no more of such letters, and that it may do so by itself.
LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST = "List-Unsubscribe", "List-Unsubscribe-Post"


class AddressHeader(UnstructuredHeader, BaseHeader):
    """A header with an address of the web, which the standard library would encode as soon as it is long."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header in one line; RFC 5322 lets it have 998 characters."""
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type(LIST_UNSUBSCRIBE, AddressHeader)
# Base64 or quoted-printable: lines stay short and seven bits wide, whatever somebody wrote.
POLICY = SMTP.clone(cte_type="7bit", header_factory=HEADERS)


class Connection(flask_mail.Connection):
    """A conversation with the mail server; get one from `connect()`. Each step may take `timeout` seconds."""

    timeout: float

    @property
    def is_open(self) -> bool:
        """Whether the server is still there, as far as we know."""
        return self.host is not None and self.host.sock is not None

    def close(self) -> None:
        """Say good-bye. A server that went without a word has kept what it took."""
        if self.host is not None and self.is_open:
            try:
                self.host.quit()
            except OSError:
                self.host.close()

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Return a server that is ready for letters."""
        host = self._connect()
        try:
            host.ehlo_or_helo_if_needed()
            if self.mail.use_tls:
                host.starttls(context=ssl.create_default_context())
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
        except BaseException:
            host.close()
            raise
        return host

    def _connect(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        server, port, name, timeout = self.mail.server, self.mail.port, service.mail_domain(), self.timeout
        if self.mail.use_ssl:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(server, port, local_hostname=name, timeout=timeout, context=context)
        return smtplib.SMTP(server, port, local_hostname=name, timeout=timeout)

    def send(self, message: flask_mail.Message, envelope_from: str | tuple[str, str] | None = None) -> None:
        """Hand one letter over: when this returns, the server has taken it.

        Not Flask-Mail's: that one may connect anew after the server took the letter, and fail.
        """
        if self.host is None:
            raise smtplib.SMTPServerDisconnected
        sender = parseaddr(str(envelope_from or message.sender))[1]
        self.host.sendmail(sender, [rules.ascii_address(str(message.recipients[0]))], message.as_bytes())
        self.num_emails += 1


class OutboxMessage(flask_mail.Message):
    """A letter as it travels. Raises ValueError when its recipient is no address."""

    def __init__(self, letter: OutboxEmail) -> None:
        text, html = service.with_secret(letter)
        super().__init__(subject=letter.subject, recipients=[letter.recipient], body=text, html=html)
        self.letter = letter

    def _message(self) -> EmailMessage:  # type: ignore[override]
        message = EmailMessage(policy=POLICY)
        name, address = parseaddr(str(self.sender))
        message["From"] = Address(name or current_app.config["APP_NAME"], addr_spec=address)
        message["To"] = Address(self.letter.name, addr_spec=rules.ascii_address(self.letter.recipient))
        message["Subject"] = self.subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = self.letter.message_id
        message["Auto-Submitted"] = "auto-generated"
        if self.letter.reply_to:
            message["Reply-To"] = Address(addr_spec=rules.ascii_address(self.letter.reply_to))
        if self.letter.topic:
            _add_unsubscribe_headers(message, unsubscribe_token.url(self.letter.recipient, self.letter.topic))
        message.set_content(self.body or "")
        message.add_alternative(self.html or "", subtype="html")
        if self.letter.calendar:
            _add_calendar(message, self.letter.calendar)
        # Not earlier: content that is set takes all headers called Content-* away.
        message["Content-Language"] = self.letter.locale.replace("_", "-")
        return message


def _add_unsubscribe_headers(message: EmailMessage, address: str) -> None:
    """Let the reader's mail program show a button that asks for no more of such letters."""
    message[LIST_UNSUBSCRIBE] = f"<{address}>"
    if address.startswith("https:"):
        # By plain http nobody would do it by themselves.
        message[LIST_UNSUBSCRIBE_POST] = "List-Unsubscribe=One-Click"


def _add_calendar(message: EmailMessage, calendar: str) -> None:
    """Add an appointment: as a part that calendars act upon (RFC 6047), and as a file for all other programs."""
    method = next(line.partition(":")[2] for line in calendar.splitlines() if line.startswith("METHOD:"))
    message.add_alternative(calendar, subtype="calendar", params={"method": method})
    message.add_attachment(
        calendar.encode(), maintype="application", subtype="ics", filename="dinner.ics", disposition="attachment"
    )


def connect(timeout: float | None = None) -> Connection:
    """Return an open conversation with the configured server; raises OSError, as smtplib's errors are."""
    connection = Connection(current_app.extensions["mail"])
    connection.timeout = timeout or current_app.config["MAIL_TIMEOUT"]
    connection.host = connection.configure_host()
    return connection
