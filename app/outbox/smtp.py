"""SMTP with Flask-Mail, plus time-outs, verified certificates and safe headers."""

import logging
import re
import smtplib
import ssl
import unicodedata
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import flask_mail
from flask import current_app

from app import clock
from app.inbound import addresses
from app.inbound.addresses import BOUNCE
from app.outbox import service, unsubscribe_token
from app.outbox.headers import POLICY
from app.outbox.models import OutboxEmail
from config import ascii_address

# RFC 2369 and RFC 8058: the unsubscribe URL, and that mail programs may POST to it.
CONTENT_ID = "Content-ID"
LIST_ID = "List-Id"
LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST = "List-Unsubscribe", "List-Unsubscribe-Post"


# RFC 3834: what a person wrote is not called automatic, although the site sends it.
WRITTEN_BY_PEOPLE = frozenset({"guest_message", "guest_question", "guest_reply", "host_reply"})

logger = logging.getLogger(__name__)


class Connection(flask_mail.Connection):
    """A connection to the mail server, made by `connect()`. Each step may take `timeout` seconds.

    With MAIL_SUPPRESS_SEND there is no server: e-mails only reach the receivers of `flask_mail.email_dispatched`.
    """

    timeout: float

    @property
    def is_open(self) -> bool:
        """Whether e-mails can be sent, as far as known."""
        return self.mail.suppress or (self.host is not None and self.host.sock is not None)

    @property
    def is_full(self) -> bool:
        """Whether another connection must be made, because servers limit the e-mails of one."""
        return bool(self.mail.max_emails) and self.num_emails >= self.mail.max_emails

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
        host.set_debuglevel(int(self.mail.debug))
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
        """Send one e-mail. When this returns, the server has accepted it, or sending is suppressed.

        Flask-Mail's own method may reconnect after the server accepted the e-mail, and fail then.
        """
        recipients = [ascii_address(str(each)) for each in message.recipients]
        content = message.as_bytes()
        if not self.mail.suppress:
            if self.host is None:
                raise smtplib.SMTPServerDisconnected
            sender = ascii_address(parseaddr(str(envelope_from or _return_path(message)))[1])
            self.host.sendmail(sender, recipients, content, message.mail_options, message.rcpt_options)
        self.num_emails += 1
        try:
            flask_mail.email_dispatched.send(current_app._get_current_object(), message=message)  # type: ignore[attr-defined]  # noqa: SLF001
        except Exception:
            # The e-mail is sent: a receiver that fails must not have it sent again.
            logger.exception("A receiver of email_dispatched failed")


def _return_path(message: flask_mail.Message) -> str:
    """Return where delivery reports go: to an address of the e-mail if the site receives e-mail."""
    number = message.number if isinstance(message, OutboxMessage) else None
    return (addresses.make(BOUNCE, str(number)) if number else None) or str(message.sender)


class OutboxMessage(flask_mail.Message):
    """The message of an e-mail. Raises ValueError if the recipient is not an e-mail address."""

    def __init__(self, email: OutboxEmail) -> None:
        text, html = service.with_secret(email)
        super().__init__(
            subject=email.subject,
            recipients=[email.recipient],
            body=text,
            html=html,
            reply_to=email.reply_to,
            date=clock.now().timestamp(),
            extra_headers=_extra_headers(email),
        )
        self.number, self.name = email.id, email.name
        self.msgId = email.message_id
        if email.calendar:
            # Inline for mail programs with a calendar (RFC 6047), and as an attachment for others.
            self.alts["calendar"] = email.calendar
            self.attach("dinner.ics", "application/ics", email.calendar)
        for picture in service.pictures_of(email) if 'src="cid:' in html else ():
            self.attach(
                picture.name,
                "image/png",
                picture.content,
                disposition="inline",
                headers={CONTENT_ID: f"<{service.content_id(picture.name)}>"},
            )

    def _message(self) -> EmailMessage:  # type: ignore[override]
        message = EmailMessage(policy=POLICY)
        name, address = parseaddr(str(self.sender))
        message["From"] = Address(name or current_app.config["APP_NAME"], addr_spec=ascii_address(address))
        message["To"] = Address(self.name, addr_spec=ascii_address(str(self.recipients[0])))
        message["Subject"] = self.subject
        message["Date"] = format_datetime(datetime.fromtimestamp(self.date or 0, UTC))
        message["Message-ID"] = self.msgId
        if self.reply_to:
            message["Reply-To"] = Address(addr_spec=ascii_address(str(self.reply_to)))
        message.set_content(self.body or "")
        for subtype, content in self.alts.items():
            message.add_alternative(content, subtype=subtype, params=_calendar_method(subtype, content))
            if subtype == "html":
                _relate(message, self.attachments)
        for attachment in self.attachments:
            if CONTENT_ID not in attachment.headers:
                _attach(message, attachment)
        # Last, because `set_content` removes all Content-* headers.
        for header, value in (self.extra_headers or {}).items():
            message[header] = value
        return message


def _extra_headers(email: OutboxEmail) -> dict[str, str]:
    headers = {"Content-Language": email.locale.replace("_", "-")}
    if email.kind not in WRITTEN_BY_PEOPLE:
        headers["Auto-Submitted"] = "auto-generated"
    if email.topic:
        # RFC 2919
        headers[LIST_ID] = f"<{email.topic}.{_unbracketed(service.mail_domain())}>"
        # The recipient's mail program shows an unsubscribe button.
        url = unsubscribe_token.url(email.recipient, email.topic)
        headers[LIST_UNSUBSCRIBE] = f"<{url}>"
        if url.startswith("https:"):
            # RFC 8058 requires https.
            headers[LIST_UNSUBSCRIBE_POST] = "List-Unsubscribe=One-Click"
    return headers


def _unbracketed(domain: str) -> str:
    """Return a domain for a List-Id, which has no brackets: an IP address in it is not called one."""
    return domain.strip("[]").removeprefix("IPv6:").replace(":", ".")


def _calendar_method(subtype: str, content: str) -> dict[str, str] | None:
    """Return the parameter that mail programs with a calendar need, from the iCalendar object."""
    if subtype != "calendar":
        return None
    return {"method": next(line.partition(":")[2] for line in content.splitlines() if line.startswith("METHOD:"))}


def _relate(message: EmailMessage, attachments: list[flask_mail.Attachment]) -> None:
    """Put the pictures beside the HTML, which has just been added (RFC 2387)."""
    *_others, html = message.iter_parts()
    for attachment in attachments:
        if CONTENT_ID in attachment.headers:
            html.add_related(
                attachment.data,
                maintype="image",
                subtype="png",
                cid=attachment.headers[CONTENT_ID],
                filename=attachment.filename,
                disposition="inline",
            )


def _attach(message: EmailMessage, attachment: flask_mail.Attachment) -> None:
    main, _, subtype = attachment.content_type.partition("/")
    data, filename = attachment.data, attachment.filename
    if filename and current_app.extensions["mail"].ascii_attachments:
        plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode("ascii")
        filename = re.sub(r"\s+", " ", plain).strip()
    message.add_attachment(
        data.encode() if isinstance(data, str) else data,
        maintype=main,
        subtype=subtype,
        filename=filename,
        disposition=attachment.disposition,
        headers=[f"{name}: {value}" for name, value in attachment.headers.items()],
    )


def connect(timeout: float | None = None) -> Connection:
    """Return an open connection to the configured server; raises OSError, which smtplib's errors are."""
    connection = Connection(current_app.extensions["mail"])
    connection.timeout = timeout or current_app.config["MAIL_TIMEOUT"]
    connection.host = None if connection.mail.suppress else connection.configure_host()
    return connection
