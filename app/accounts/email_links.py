"""Links in letters: what is behind one, using one up, and how many of them a mailbox gets."""

from datetime import timedelta

from flask_babel import lazy_gettext
from sqlalchemy import func, select

from app import clock
from app.accounts import rules, tokens
from app.accounts.models import Member, Token
from app.errors import Category, DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail

READY, USED, EXPIRED, UNKNOWN = "ready", "used", "expired", "unknown"
REFUSALS: dict[str, tuple[object, Category]] = {
    USED: (lazy_gettext("This link has already been used."), "info"),
    EXPIRED: (lazy_gettext("This link has expired. Request a new one."), "warning"),
    UNKNOWN: (lazy_gettext("This link is not valid."), "danger"),
}
# Nobody can request this one.
TOO_LATE_TO_UNDO = lazy_gettext("This link has expired. Ask an administrator for help.")
AN_HOUR = timedelta(hours=1)


def peek(purpose: str, value: str) -> tuple[str, Token | None]:
    """Return what becomes of whoever opens the link now (READY, USED, EXPIRED or UNKNOWN), and its token if there is one.

    A link of somebody who may not come in is as good as unknown.
    """
    token = tokens.find(purpose, value)
    if token is None or token.member is None or not token.member.is_active:
        return UNKNOWN, None
    if token.used_at is not None:
        return USED, token
    return (READY if tokens.is_valid(token) else EXPIRED), token


def check(purpose: str, value: str) -> tuple[Token, Member]:
    """Return the token of a link and whose it is; raises DomainError for one that was used, is too old or unknown."""
    state, token = peek(purpose, value)
    if state != READY or token is None or token.member is None:
        raise _refusal(purpose, state)
    return token, token.member


def consume(purpose: str, value: str) -> tuple[Token, Member]:
    """Use a link up, and return what `check` does. Of any number of simultaneous requests, one gets it."""
    found = check(purpose, value)
    if tokens.use(purpose, value) is None:
        raise _refusal(purpose, USED)
    return found


def may_send(address: str, *kinds: str) -> bool:
    """Whether a mailbox has not had its share of such letters within the hour: nobody is bombed through our forms."""
    letters = select(func.count()).where(
        func.lower(OutboxEmail.recipient) == address.lower(),
        OutboxEmail.kind.in_(kinds),
        OutboxEmail.created_at > clock.now() - AN_HOUR,
    )
    return db.session.execute(letters).scalar_one() < rules.EMAILS_PER_MAILBOX_AND_HOUR


def _refusal(purpose: str, state: str) -> DomainError:
    message, category = REFUSALS[state]
    if purpose == rules.UNDO_EMAIL and state == EXPIRED:
        message = TOO_LATE_TO_UNDO
    return DomainError(message, category)
