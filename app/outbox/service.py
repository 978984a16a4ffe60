"""Write e-mails to the outbox, and queue them again."""

import hashlib
import hmac
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app, render_template
from markupsafe import escape
from sqlalchemy import event, or_, select, update
from sqlalchemy.orm import Session

from app import clock
from app.address_key import address_key
from app.database import insert_or_ignore
from app.extensions import EMAIL_WRITTEN, db
from app.i18n import locales
from app.i18n.selectors import force_locale
from app.jobs import broker
from app.outbox import rules, unreachable, unsubscribe, unsubscribe_token
from app.outbox.models import SECRET, UNSUBSCRIBE, EmailPicture, EmailState, EmailTopic, OutboxEmail
from app.outbox.rules import ORDINARY, URGENT

__all__ = ["ORDINARY", "SECRET", "URGENT", "EmailRequest", "enqueue", "enqueue_decoy", "resend", "supersede"]

MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH = 130, 255
# What a session keeps until it commits: lines for the log.
UNANNOUNCED = "unannounced e-mails"
# The domain of addresses that stand for none (RFC 2606).
NO_MAILBOX = ".invalid"
SUPERSEDED = "Superseded by a newer e-mail."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EmailRequest:
    """An e-mail to be rendered and sent.

    The templates are in `templates/mail/<kind>/`. They see `context`, `name`, `site_name`, `site_url` and `secret`: a
    placeholder that is replaced by the secret when the e-mail is sent. They are rendered in `locale`, `timezone` and
    `hour_cycle`, which are the recipient's; None stands for the default of the site or the language.
    """

    kind: str
    _: KW_ONLY
    to: str
    context: Mapping[str, Any]
    # Two requests with the same key are one e-mail.
    dedupe_key: str
    name: str = ""
    locale: str | None = None
    timezone: str | None = None
    hour_cycle: str | None = None
    # A token in a link. The database keeps it apart from the text, and only until the e-mail is sent.
    secret: str | None = None
    # After that moment it is not sent any more.
    expires_at: datetime | None = None
    # E-mails with a smaller number are sent first.
    priority: int = ORDINARY
    # Called before the e-mail is rendered, in the current transaction. It returns what writes the iCalendar object to
    # attach, which is called in the language of the recipient.
    calendar: Callable[[], Callable[[], str]] | None = None
    # The recipient can unsubscribe from a topic. Required e-mails must not have one.
    topic: EmailTopic | None = None
    # The address that replies go to, if that is not the site's.
    reply_to: str | None = None
    # PNG files by name. The HTML shows each as `cid:` and its `content_id`.
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def enqueue(request: EmailRequest) -> OutboxEmail | None:
    """Write an e-mail to the outbox, in the current transaction, and return it.

    If the outbox has one with the same `dedupe_key`, that one is returned. If the recipient unsubscribed from the
    topic, or the address has no mailbox, none is written and None is returned.
    """
    if _is_unwanted(request):
        return None
    email = _insert(_rendered(request))
    if email is None:
        return db.session.scalars(select(OutboxEmail).where(OutboxEmail.dedupe_key == request.dedupe_key)).one()
    db.session.add_all(
        EmailPicture(email_id=email.id, name=name, content=png) for name, png in request.pictures.items()
    )
    db.session().info[EMAIL_WRITTEN] = True
    if not delivers():
        url = f"{current_app.config['PUBLIC_URL']}/letters/show/{email.id}"
        fate = "will not be sent, because MAIL_SUPPRESS_SEND is set" if suppresses() else "is waiting in the outbox"
        announcement = f"E-mail {email.id} ({email.kind}) {fate}: {url}"
        db.session().info.setdefault(UNANNOUNCED, []).append(announcement)
    return email


def _is_unwanted(request: EmailRequest) -> bool:
    """Whether the recipient unsubscribed from the topic, or the address has no mailbox."""
    if request.to.endswith(NO_MAILBOX):
        return True
    conditions = []
    if request.priority != URGENT:
        conditions.append(unreachable.is_blocked(address_key(request.to)))
    if request.topic is not None:
        conditions.append(~unsubscribe.accepts(address_key(request.to), request.topic))
    return bool(conditions and db.session.scalar(select(or_(*conditions))))


class Rendered(NamedTuple):
    """An e-mail as its recipient would read it, without what is secret in its links."""

    name: str
    locale: str
    subject: str
    html: str


def render(request: EmailRequest) -> Rendered:
    """Return an e-mail that is not sent."""
    columns = _rendered(request)
    html = columns["html"].replace(SECRET, "…").replace(UNSUBSCRIBE, "…")
    return Rendered(columns["name"], columns["locale"], columns["subject"], html)


def enqueue_decoy(kind: str, *, context: Mapping[str, Any]) -> None:
    """Render and write an e-mail without a recipient, and roll it back.

    It takes as long as `enqueue`, so response times do not reveal whether an address belongs to an account.
    """
    decoy = EmailRequest(
        kind, to="", context={"username": "", **context}, dedupe_key=f"decoy:{uuid.uuid4()}", priority=URGENT
    )
    with db.session.begin_nested() as savepoint:
        _insert(_rendered(decoy))
        savepoint.rollback()


def resend(emails: Iterable[OutboxEmail]) -> int:
    """Queue those of `emails` again that were sent or failed and may be sent again; return how many.

    An e-mail that was already sent gets a new Message-ID: mail servers drop a message whose ID they know.
    """
    now = clock.now()
    again = [email for email in emails if may_resend(email, now)]
    for email in again:
        if email.state == EmailState.SENT:
            email.message_id = message_id(f"{email.dedupe_key} {now.isoformat()}")
        email.state, email.attempts, email.crashes = EmailState.QUEUED, 0, 0
        email.not_before, email.sent_at, email.last_error = now, None, ""
    if again:
        db.session().info[EMAIL_WRITTEN] = True
    # Whoever sends again wants the address to be tried again.
    unreachable.forget(*(email.recipient for email in again))
    db.session.flush()
    return len(again)


def supersede(kind: str, to: str, key: str = "") -> None:
    """Cancel the queued e-mails of a `kind` to one address, because a newer one follows.

    With a `key`, only those whose `dedupe_key` starts with it.
    """
    queued = (
        (OutboxEmail.kind == kind)
        & (OutboxEmail.recipient_key == address_key(to))
        & (OutboxEmail.state == EmailState.QUEUED)
    )
    if key:
        queued &= OutboxEmail.dedupe_key.startswith(key, autoescape=True)
    statement = update(OutboxEmail).where(queued).values(state=EmailState.FAILED, secret=None, last_error=SUPERSEDED)
    db.session.execute(statement)


def may_resend(email: OutboxEmail, now: datetime) -> bool:
    if email.topic is not None and unsubscribe.find(email.recipient, email.topic) is not None:
        return False
    return rules.may_resend(email.state, secret_is_gone=email.secret_is_gone, expires_at=email.expires_at, now=now)


def delivers() -> bool:
    """Whether e-mails reach people. Otherwise the administrator reads them in the outbox."""
    return bool(current_app.config["MAIL_SERVER"]) and not suppresses()


def suppresses() -> bool:
    """Whether MAIL_SUPPRESS_SEND is set. Then e-mails go to the receivers of `flask_mail.email_dispatched` only."""
    return bool(current_app.extensions["mail"].suppress)


def handles() -> bool:
    """Whether the outbox is emptied: e-mails are sent or suppressed. Otherwise they wait in it for a mail server."""
    return delivers() or suppresses()


def with_secret(email: OutboxEmail) -> tuple[str, str]:
    """Return the text and the HTML of `email` with its secret and its unsubscribe link filled in."""
    text, html = email.text, email.html
    if email.topic is not None:
        token = unsubscribe_token.dump_token(email.recipient, email.topic)
        text, html = text.replace(UNSUBSCRIBE, token), html.replace(UNSUBSCRIBE, token)
    if email.secret is None:
        return text, html
    return text.replace(SECRET, email.secret), html.replace(SECRET, escape(email.secret))


def pictures_of(email: OutboxEmail) -> list[EmailPicture]:
    """Return the pictures in the HTML of an e-mail."""
    statement = select(EmailPicture).where(EmailPicture.email_id == email.id).order_by(EmailPicture.id)
    return list(db.session.scalars(statement))


def content_id(name: str) -> str:
    """Return what the HTML calls a picture (RFC 2392). It has to be unique in one e-mail only."""
    return f"{name}@picture{NO_MAILBOX}"


def message_id(key: str) -> str:
    """Return the Message-ID for a `key`, always the same one: so a server recognises an e-mail that is sent twice.

    It contains a secret: only those who got an e-mail can write a delivery report about it.
    """
    secret: str | bytes = current_app.config["SECRET_KEY"]
    digest = hmac.digest(
        secret.encode() if isinstance(secret, str) else secret, f"message-id:{key}".encode(), hashlib.sha256
    )
    return f"<{uuid.UUID(bytes=digest[:16], version=4)}@{mail_domain()}>"


def mail_domain() -> str:
    """Return the public host as SMTP writes it: an IP address stands in brackets."""
    host = str(urlsplit(current_app.config["PUBLIC_URL"]).hostname)
    if ":" in host:
        return f"[IPv6:{host}]"
    return f"[{host}]" if host.replace(".", "").isdigit() else host


def _rendered(request: EmailRequest) -> dict[str, Any]:
    """Return the columns of an e-mail, rendered in the language and time zone of its recipient."""
    settings = current_app.config
    locale = (locales.match(request.locale) or locales.default()).key
    name = rules.one_line(request.name, MAX_NAME_LENGTH)
    context = {
        "site_name": settings["APP_NAME"],
        "site_url": settings["PUBLIC_URL"],
        "secret": SECRET,
        "name": name,
    }
    if request.topic is not None:
        context |= {"topic": request.topic.label, "unsubscribe_url": unsubscribe_token.stored_url()}
    context |= request.context
    write_calendar = request.calendar() if request.calendar else None
    with force_locale(locale, request.timezone, request.hour_cycle):
        subject, text, html = (
            render_template(f"mail/{request.kind}/{part}", **context)
            for part in ("subject.txt", "body.txt", "body.html")
        )
        calendar = write_calendar() if write_calendar else None
    return {
        "recipient": request.to,
        "name": name,
        "kind": request.kind,
        "locale": locale,
        "timezone": request.timezone or settings["BABEL_DEFAULT_TIMEZONE"],
        "subject": rules.one_line(subject, MAX_SUBJECT_LENGTH),
        "text": rules.body(text),
        "html": rules.body(html),
        "calendar": calendar,
        "topic": request.topic,
        "reply_to": request.reply_to,
        "dedupe_key": request.dedupe_key,
        "message_id": message_id(request.dedupe_key),
        "secret": request.secret,
        "expires_at": request.expires_at,
        "priority": request.priority,
    }


def _insert(values: dict[str, Any]) -> OutboxEmail | None:
    """Insert an e-mail and return it, or None if the outbox has one with this key.

    Of two processes that insert the same e-mail at once, one inserts it, and the other gets None.
    """
    statement = insert_or_ignore(OutboxEmail, "dedupe_key").values(**values).returning(OutboxEmail)
    return db.session.scalars(statement).one_or_none()


@event.listens_for(Session, "after_commit")
def _announce(session: Session) -> None:
    for announcement in session.info.pop(UNANNOUNCED, ()):
        logger.info(announcement)
    if session.info.pop(EMAIL_WRITTEN, False):
        broker.hint()


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(UNANNOUNCED, None)
    session.info.pop(EMAIL_WRITTEN, None)
