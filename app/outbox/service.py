"""Write e-mails to the outbox, and queue them again."""

import functools
import hashlib
import hmac
import logging
import secrets
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app, render_template
from markupsafe import escape
from sqlalchemy import BindParameter, Row, String, bindparam, event, literal, select, type_coerce, union_all, update
from sqlalchemy.orm import Session

from app import clock
from app.address_key import address_key
from app.database import BATCH, INSERTS
from app.extensions import EMAIL_WRITTEN, db
from app.i18n import locales
from app.i18n.selectors import force_locale
from app.jobs import broker
from app.outbox import rules, unreachable, unsubscribe, unsubscribe_token
from app.outbox.models import (
    SECRET,
    UNSUBSCRIBE,
    EmailPicture,
    EmailState,
    EmailTopic,
    OutboxEmail,
    UnreachableAddress,
    Unsubscription,
)
from app.outbox.rules import ORDINARY, URGENT

__all__ = [
    "ORDINARY",
    "SECRET",
    "URGENT",
    "EmailRequest",
    "enqueue",
    "enqueue_decoy",
    "enqueue_many",
    "resend",
    "supersede",
]

MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH = 130, 255
# Stands for the name of the recipient in what several of them get. Nobody can type it: it is another one in each process.
NAME = f"__name_{secrets.token_hex(8)}__"
# What a session keeps until it commits: lines for the log.
UNANNOUNCED = "unannounced e-mails"
# The domain of addresses that stand for none (RFC 2606).
NO_MAILBOX = ".invalid"
SUPERSEDED = "Superseded by a newer e-mail."

logger = logging.getLogger(__name__)

# It is called in the current transaction, and returns what writes an iCalendar object in the language of the recipient.
Calendar = Callable[[], Callable[[], str]]


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
    # The iCalendar object to attach.
    calendar: Calendar | None = None
    # The recipient can unsubscribe from a topic. Required e-mails must not have one.
    topic: EmailTopic | None = None
    # The address that replies go to, if that is not the site's.
    reply_to: str | None = None
    # PNG files by name. The HTML shows each as `cid:` and its `content_id`.
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def _one_by_one(calendars: Sequence[Calendar]) -> Iterable[Callable[[], str]]:
    return [calendar() for calendar in calendars]


def enqueue(request: EmailRequest) -> bool:
    """Write an e-mail to the outbox, in the current transaction. See `enqueue_many`."""
    return enqueue_many([request])[0]


def enqueue_many(
    requests: Sequence[EmailRequest],
    remember: Callable[[Sequence[Calendar]], Iterable[Callable[[], str]]] = _one_by_one,
) -> list[bool]:
    """Write e-mails to the outbox, in the current transaction; return of each whether its recipient gets it.

    Those who unsubscribed from the topic do not, nor do addresses without a mailbox. If the outbox has an e-mail with
    the same `dedupe_key`, none is added. It takes few statements, however many e-mails there are, if `remember` calls
    their calendars together.
    """
    unwanted = _unwanted(requests)
    wanted = [request for request, is_unwanted in zip(requests, unwanted, strict=True) if not is_unwanted]
    writers = iter(remember([request.calendar for request in wanted if request.calendar]))
    rows = _rendered(wanted, [next(writers) if request.calendar else None for request in wanted])
    if rows:
        _note(_insert(rows), {request.dedupe_key: request.pictures for request in wanted if request.pictures})
    return [not each for each in unwanted]


def _note(stored: Iterable[Row[Any]], pictures: Mapping[str, Mapping[str, bytes]]) -> None:
    """Store the pictures of e-mails that were just inserted, and remember to announce them."""
    fate = "will not be sent, because MAIL_SUPPRESS_SEND is set" if suppresses() else "is waiting in the outbox"
    is_announced, info = not delivers(), db.session().info
    for email in stored:
        info[EMAIL_WRITTEN] = True
        db.session.add_all(
            EmailPicture(email_id=email.id, name=name, content=png)
            for name, png in pictures.get(email.dedupe_key, {}).items()
        )
        if is_announced:
            url = f"{current_app.config['PUBLIC_URL']}/letters/show/{email.id}"
            info.setdefault(UNANNOUNCED, []).append(f"E-mail {email.id} ({email.kind}) {fate}: {url}")


def _unwanted(requests: Sequence[EmailRequest]) -> list[bool]:
    """Return of each e-mail whether its recipient unsubscribed from the topic, or the address has no mailbox."""
    keys = [address_key(request.to) for request in requests]
    asked = [key for key, each in zip(keys, requests, strict=True) if each.priority != URGENT or each.topic is not None]
    # The address and the topic, or nothing for one that has no mailbox.
    refused: set[tuple[str, str]] = set()
    for start in range(0, len(asked), BATCH):
        rows = db.session.connection().execute(REFUSED, {"keys": asked[start : start + BATCH]})
        refused.update((key, topic) for key, topic in rows)
    return [
        request.to.endswith(NO_MAILBOX)
        or (request.priority != URGENT and (key, "") in refused)
        or (request.topic is not None and (key, request.topic) in refused)
        for key, request in zip(keys, requests, strict=True)
    ]


_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
REFUSED = union_all(
    select(UnreachableAddress.email, literal("")).where(
        UnreachableAddress.email.in_(_KEYS), UnreachableAddress.problem.in_(rules.BLOCKING)
    ),
    select(Unsubscription.email_key, type_coerce(Unsubscription.topic, String)).where(
        Unsubscription.email_key.in_(_KEYS)
    ),
)


class Rendered(NamedTuple):
    """An e-mail as its recipient would read it, without what is secret in its links."""

    name: str
    locale: str
    subject: str
    html: str


def render(request: EmailRequest) -> Rendered:
    """Return an e-mail that is not sent."""
    (columns,) = _rendered([request], [None])
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
        _insert(_rendered([decoy], [None]))
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


class _Letter(NamedTuple):
    """What all recipients read for whom an e-mail is the same but for their name, for which there is a placeholder."""

    subject: str
    text: str
    html: str


def _rendered(requests: Sequence[EmailRequest], writers: Sequence[Callable[[], str] | None]) -> list[dict[str, Any]]:
    """Return the columns of e-mails, rendered in the language and time zone of their recipients."""
    letters: dict[Hashable, _Letter] = {}
    rows: dict[int, dict[str, Any]] = {}
    readers = [_reader(request) for request in requests]
    for reader, numbers in groupby(sorted(range(len(requests)), key=readers.__getitem__), key=readers.__getitem__):
        with force_locale(*reader):
            for number in numbers:
                request, write = requests[number], writers[number]
                name = rules.one_line(request.name, MAX_NAME_LENGTH)
                letter = _letter(request, (reader, request.kind, request.topic, bool(name)), letters)
                rows[number] = _columns(request, name, reader[0], letter, write and write())
    return [rows[number] for number in range(len(requests))]


def _reader(request: EmailRequest) -> tuple[str, str, str]:
    """Return the language, time zone and hour cycle of a recipient; what is not known is empty."""
    locale = (locales.match(request.locale) or locales.default()).key
    return locale, request.timezone or "", request.hour_cycle or ""


def _letter(request: EmailRequest, reader: tuple[Hashable, ...], known: dict[Hashable, _Letter]) -> _Letter:
    """Return an e-mail in the current language. It is rendered once for all recipients who read the same."""
    key, has_name = (reader, _frozen(request.context)), bool(reader[-1])
    try:
        letter = known.get(key)
    except TypeError:
        # Something in it cannot be compared.
        return _render(request, has_name=has_name)
    if letter is None:
        letter = known[key] = _render(request, has_name=has_name)
    return letter


def _frozen(value: Any) -> Any:
    """Return what is equal for values of which a template shows the same in the current language."""
    if isinstance(value, dict):
        return tuple([(name, _frozen(each)) for name, each in value.items()])
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value


def _render(request: EmailRequest, *, has_name: bool) -> _Letter:
    settings = current_app.config
    context = {
        "site_name": settings["APP_NAME"],
        "site_url": settings["PUBLIC_URL"],
        "secret": SECRET,
        "name": NAME if has_name else "",
    }
    if request.topic is not None:
        context |= {"topic": request.topic.label, "unsubscribe_url": unsubscribe_token.stored_url()}
    context |= request.context
    subject, text, html = (
        render_template(f"mail/{request.kind}/{part}", **context) for part in ("subject.txt", "body.txt", "body.html")
    )
    return _Letter(subject, rules.body(text), rules.body(html))


def _columns(request: EmailRequest, name: str, locale: str, letter: _Letter, calendar: str | None) -> dict[str, Any]:
    return {
        "recipient": request.to,
        "recipient_key": address_key(request.to),
        "name": name,
        "kind": request.kind,
        "locale": locale,
        "timezone": request.timezone or current_app.config["BABEL_DEFAULT_TIMEZONE"],
        "subject": rules.one_line(letter.subject.replace(NAME, name), MAX_SUBJECT_LENGTH),
        "text": letter.text.replace(NAME, name),
        "html": letter.html.replace(NAME, escape(name)),
        "calendar": calendar,
        "topic": request.topic,
        "reply_to": request.reply_to,
        "dedupe_key": request.dedupe_key,
        "message_id": message_id(request.dedupe_key),
        "secret": request.secret,
        "expires_at": request.expires_at,
        "priority": request.priority,
    }


def _insert(rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
    """Insert e-mails, except for those whose keys the outbox has; return the ID, key and kind of the others.

    Of two processes that insert the same e-mail at once, one inserts it.
    """
    connection = db.session.connection()
    return connection.execute(_insertion(connection.dialect.name), rows).all()


@functools.cache
def _insertion(dialect: str) -> Any:
    table = OutboxEmail.__table__
    statement = INSERTS[dialect](table).on_conflict_do_nothing(index_elements=["dedupe_key"])
    return statement.returning(table.c.id, table.c.dedupe_key, table.c.kind)


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
