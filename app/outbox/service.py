"""Write letters, and put letters back into the queue."""

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, render_template
from markupsafe import escape
from sqlalchemy import Insert, event, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app import clock
from app.extensions import db
from app.i18n import locales
from app.i18n.selectors import force_locale
from app.outbox import rules, unsubscribe, unsubscribe_token
from app.outbox.models import SECRET, UNSUBSCRIBE, EmailState, EmailTopic, OutboxEmail

__all__ = ["ORDINARY", "SECRET", "URGENT", "enqueue", "enqueue_decoy", "resend", "supersede"]

URGENT, ORDINARY = 0, 5
MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH = 130, 255
INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
UNANNOUNCED = "unannounced letters"
SUPERSEDED = "A newer letter took its place."

logger = logging.getLogger(__name__)


def enqueue(  # noqa: PLR0913 - what a letter is
    kind: str,
    *,
    to: str,
    name: str,
    locale: str | None,
    timezone: str | None,
    context: Mapping[str, Any],
    dedupe_key: str,
    secret: str | None = None,
    expires_at: datetime | None = None,
    priority: int = ORDINARY,
    calendar: Callable[[], str] | None = None,
    topic: str | None = None,
    reply_to: str | None = None,
) -> OutboxEmail | None:
    """Write a letter in the transaction of the fact it tells, or return the one already written for `dedupe_key`.

    A letter with a `topic` need not be read: its reader can ask for no more of them, and then none is written and None
    returned. Never give one to what has to be known.

    It is rendered from `templates/mail/<kind>/` in the language and time zone of its recipient. Templates see
    `context`, `name`, `site_name`, `site_url` and `secret`: a mark that is replaced by the secret as the letter is
    sent. Past `expires_at` it is not sent any more. Letters of smaller `priority` go first. `calendar` returns the
    iCalendar object that goes with it; it is called in the language of the recipient, too. Answers go to `reply_to`.
    """
    if topic is not None and unsubscribe.find(to, topic) is not None:
        return None
    letter = _write(
        {
            **_rendered(kind, name, locale, timezone, context, topic),
            "recipient": to,
            "topic": topic,
            "reply_to": reply_to,
            "dedupe_key": dedupe_key,
            "message_id": message_id(dedupe_key),
            "secret": secret,
            "expires_at": expires_at,
            "priority": priority,
            "calendar": _appointment(calendar, locale, timezone),
        }
    )
    if letter is None:
        return db.session.scalars(select(OutboxEmail).where(OutboxEmail.dedupe_key == dedupe_key)).one()
    if not delivers():
        db.session().info.setdefault(UNANNOUNCED, []).append(_announcement(letter))
    return letter


def enqueue_decoy(kind: str, *, context: Mapping[str, Any]) -> None:
    """Write a letter and take it back: what is written to nobody takes as long as what is written to somebody."""
    key = f"rehearsal:{uuid.uuid4()}"
    letter = {
        **_rendered(kind, "", None, None, {"username": "", **context}),
        "recipient": "",
        "dedupe_key": key,
        "message_id": message_id(key),
        "secret": None,
        "expires_at": None,
        "priority": URGENT,
    }
    with db.session.begin_nested() as written:
        _write(letter)
        written.rollback()


def resend(letters: Iterable[OutboxEmail]) -> int:
    """Queue those of `letters` again that are over and still hold; return how many.

    What goes out a second time by somebody's wish gets a Message-ID of its own: servers drop what they have seen.
    """
    now = clock.now()
    again = [letter for letter in letters if may_resend(letter, now)]
    for letter in again:
        if letter.state == EmailState.SENT:
            letter.message_id = message_id(f"{letter.dedupe_key} {now.isoformat()}")
        letter.state, letter.attempts, letter.crashes = EmailState.QUEUED, 0, 0
        letter.not_before, letter.sent_at, letter.last_error = now, None, ""
    db.session.flush()
    return len(again)


def supersede(kind: str, to: str, key: str = "") -> None:
    """Give up the letters of one `kind` to one person that still wait: a newer one takes their place.

    With a `key`, only those whose `dedupe_key` begins so.
    """
    waiting = (
        (OutboxEmail.kind == kind)
        & (func.lower(OutboxEmail.recipient) == to.lower())
        & (OutboxEmail.state == EmailState.QUEUED)
    )
    if key:
        waiting &= OutboxEmail.dedupe_key.startswith(key, autoescape=True)
    statement = update(OutboxEmail).where(waiting).values(state=EmailState.FAILED, secret=None, last_error=SUPERSEDED)
    db.session.execute(statement)


def may_resend(letter: OutboxEmail, now: datetime) -> bool:
    """Whether `letter` can be queued again."""
    if letter.topic is not None and unsubscribe.find(letter.recipient, letter.topic) is not None:
        return False
    return rules.may_resend(letter.state, secret_is_gone=letter.secret_is_gone, expires_at=letter.expires_at, now=now)


def delivers() -> bool:
    """Whether letters are sent; without a mail server they stay in the outbox, for the administrator to read."""
    return bool(current_app.config["MAIL_SERVER"]) and not current_app.config.get("MAIL_SUPPRESS_SEND")


def with_secret(letter: OutboxEmail) -> tuple[str, str]:
    """Return the text and the HTML of `letter` as its recipient reads them."""
    text, html = letter.text, letter.html
    if letter.topic is not None:
        token = unsubscribe_token.dump_token(letter.recipient, letter.topic)
        text, html = text.replace(UNSUBSCRIBE, token), html.replace(UNSUBSCRIBE, token)
    if letter.secret is None:
        return text, html
    return text.replace(SECRET, letter.secret), html.replace(SECRET, escape(letter.secret))


def message_id(key: str) -> str:
    """Return the same Message-ID for the same `key`: a server that gets a letter twice can tell."""
    return f"<{uuid.uuid5(uuid.NAMESPACE_URL, key)}@{mail_domain()}>"


def mail_domain() -> str:
    """Return the name we have in the world of mail: the public host, an address among brackets."""
    host = str(urlsplit(current_app.config["PUBLIC_URL"]).hostname)
    if ":" in host:
        return f"[IPv6:{host}]"
    return f"[{host}]" if host.replace(".", "").isdigit() else host


def _rendered(  # noqa: PLR0913, PLR0917 - what a letter is
    kind: str,
    name: str,
    locale: str | None,
    timezone: str | None,
    context: Mapping[str, Any],
    topic: str | None = None,
) -> dict[str, Any]:
    """Return what a letter says, and to whom in which language."""
    info = locales.match(locale) or locales.default()
    name = rules.one_line(name, MAX_NAME_LENGTH)
    return {
        "name": name,
        "kind": kind,
        "locale": info.key,
        "timezone": timezone or current_app.config["BABEL_DEFAULT_TIMEZONE"],
        **_render(kind, info.key, timezone, {"name": name, **_unsubscribe_context(topic), **context}),
    }


def _unsubscribe_context(topic: str | None) -> dict[str, Any]:
    """Return what the foot of a letter says of how to get no more of its kind."""
    return (
        {}
        if topic is None
        else {"topic": EmailTopic.labels()[topic], "unsubscribe_url": unsubscribe_token.stored_url()}
    )


def _appointment(calendar: Callable[[], str] | None, locale: str | None, timezone: str | None) -> str | None:
    if calendar is None:
        return None
    with force_locale((locales.match(locale) or locales.default()).key, timezone):
        return calendar()


def _write(values: dict[str, Any]) -> OutboxEmail | None:
    """Return the letter, or None when it was written before.

    Of two processes that write the same one at once, the database lets one do it and the other read it.
    """
    statement = _insert().values(**values).on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(OutboxEmail)
    return db.session.scalars(statement).one_or_none()


def _render(kind: str, locale: str, timezone: str | None, context: Mapping[str, Any]) -> dict[str, str]:
    settings = current_app.config
    given = {"site_name": settings["APP_NAME"], "site_url": settings["PUBLIC_URL"], "secret": SECRET, **context}
    with force_locale(locale, timezone):
        subject, text, html = (
            render_template(f"mail/{kind}/{part}", **given) for part in ("subject.txt", "body.txt", "body.html")
        )
    return {
        "subject": rules.one_line(subject, MAX_SUBJECT_LENGTH),
        "text": rules.body(text),
        "html": rules.body(html),
    }


def _insert() -> Any:
    statement: Insert = INSERTS[db.engine.dialect.name](OutboxEmail)
    return statement


def _announcement(letter: OutboxEmail) -> str:
    address = f"{current_app.config['PUBLIC_URL']}/letters/show/{letter.id}"
    return f"E-mail {letter.id} ({letter.kind}) is waiting in the outbox: {address}"


@event.listens_for(Session, "after_commit")
def _announce(session: Session) -> None:
    for announcement in session.info.pop(UNANNOUNCED, ()):
        logger.info(announcement)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop(UNANNOUNCED, None)
