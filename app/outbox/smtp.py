"""SMTP with Flask-Mail, plus time-outs, verified certificates and safe headers."""

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

# RFC 2369 and RFC 8058: the unsubscribe URL, and that mail programs may POST to it.
LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST = "List-Unsubscribe", "List-Unsubscribe-Post"


class UrlHeader(UnstructuredHeader, BaseHeader):
    """A header with a URL. The standard library would encode a long one, which breaks it."""

    def fold(self, *, policy: Policy) -> str:
        """Return the header in one line; RFC 5322 lets it have 998 characters."""
        return f"{self.name}: {self}{policy.linesep}"


HEADERS = HeaderRegistry()
HEADERS.map_to_type(LIST_UNSUBSCRIBE, UrlHeader)
# Base64 or quoted-printable, so lines are short and in ASCII.
POLICY = SMTP.clone(cte_type="7bit", header_factory=HEADERS)


class Connection(flask_mail.Connection):
    """A connection to the mail server, made by `connect()`. Each step may take `timeout` seconds."""

    timeout: float

    @property
    def is_open(self) -> bool:
        """Whether the connection is open, as far as known."""
        return self.host is not None and self.host.sock is not None

    def close(self) -> None:
        """Send QUIT. If the server is gone, what it accepted is accepted."""
        if self.host is not None and self.is_open:
            try:
                self.host.quit()
            except OSError:
                self.host.close()

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Return a connected client: encrypted and logged in as configured."""
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
        """Send one e-mail. When this returns, the server has accepted it.

        Flask-Mail's own method may reconnect after the server accepted the e-mail, and fail then.
        """
        if self.host is None:
            raise smtplib.SMTPServerDisconnected
        sender = parseaddr(str(envelope_from or message.sender))[1]
        self.host.sendmail(sender, [rules.ascii_address(str(message.recipients[0]))], message.as_bytes())
        self.num_emails += 1


class OutboxMessage(flask_mail.Message):
    """The MIME message of an e-mail. Raises ValueError if the recipient is not an e-mail address."""

    def __init__(self, email: OutboxEmail) -> None:
        text, html = service.with_secret(email)
        super().__init__(subject=email.subject, recipients=[email.recipient], body=text, html=html)
        self.email = email

    def _message(self) -> EmailMessage:  # type: ignore[override]
        message = EmailMessage(policy=POLICY)
        name, address = parseaddr(str(self.sender))
        message["From"] = Address(name or current_app.config["APP_NAME"], addr_spec=address)
        message["To"] = Address(self.email.name, addr_spec=rules.ascii_address(self.email.recipient))
        message["Subject"] = self.subject
        message["Date"] = format_datetime(clock.now())
        message["Message-ID"] = self.email.message_id
        message["Auto-Submitted"] = "auto-generated"
        if self.email.reply_to:
            message["Reply-To"] = Address(addr_spec=rules.ascii_address(self.email.reply_to))
        if self.email.topic:
            # The recipient's mail program shows an unsubscribe button.
            url = unsubscribe_token.url(self.email.recipient, self.email.topic)
            message[LIST_UNSUBSCRIBE] = f"<{url}>"
            if url.startswith("https:"):
                # RFC 8058 requires https.
                message[LIST_UNSUBSCRIBE_POST] = "List-Unsubscribe=One-Click"
        message.set_content(self.body or "")
        message.add_alternative(self.html or "", subtype="html")
        if self.email.calendar:
            _add_calendar(message, self.email.calendar)
        # Last, because `set_content` removes all Content-* headers.
        message["Content-Language"] = self.email.locale.replace("_", "-")
        return message


def _add_calendar(message: EmailMessage, calendar: str) -> None:
    """Add an iCalendar object: inline for mail programs with a calendar (RFC 6047), and as an attachment for others."""
    method = next(line.partition(":")[2] for line in calendar.splitlines() if line.startswith("METHOD:"))
    message.add_alternative(calendar, subtype="calendar", params={"method": method})
    message.add_attachment(
        calendar.encode(), maintype="application", subtype="ics", filename="dinner.ics", disposition="attachment"
    )


def connect(timeout: float | None = None) -> Connection:
    """Return an open connection to the configured server; raises OSError, which smtplib's errors are."""
    connection = Connection(current_app.extensions["mail"])
    connection.timeout = timeout or current_app.config["MAIL_TIMEOUT"]
    connection.host = connection.configure_host()
    return connection
