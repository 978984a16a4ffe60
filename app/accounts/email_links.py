"""Links in e-mails: find the token of one, use it up, and limit how many are sent to a mailbox."""

from datetime import timedelta

from flask_babel import lazy_gettext
from sqlalchemy import func, select

from app import clock
from app.accounts import rules, tokens
from app.accounts.enums import LinkState, TokenPurpose
from app.accounts.models import Member, Token
from app.address_key import address_key
from app.errors import Category, DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail

REFUSALS: dict[LinkState, tuple[object, Category]] = {
    LinkState.USED: (lazy_gettext("This link has already been used."), "info"),
    LinkState.EXPIRED: (lazy_gettext("This link has expired. Request a new one."), "warning"),
    LinkState.UNKNOWN: (lazy_gettext("This link is not valid."), "danger"),
}
# A new link to undo a change cannot be requested.
TOO_LATE_TO_UNDO = lazy_gettext("This link has expired. Ask an administrator for help.")
AN_HOUR = timedelta(hours=1)


def peek(purpose: TokenPurpose, value: str) -> tuple[LinkState, Token | None]:
    """Return the state of a link, and its token if there is one.

    The link of a member who may not log in is unknown.
    """
    token = tokens.find(purpose, value)
    if token is None or token.member is None or not token.member.is_active:
        return LinkState.UNKNOWN, None
    if token.used_at is not None:
        return LinkState.USED, token
    return (LinkState.READY if tokens.is_valid(token) else LinkState.EXPIRED), token


def check(purpose: TokenPurpose, value: str) -> tuple[Token, Member]:
    """Return the token of a link and its member. Raises DomainError when the link was used, has expired or is unknown."""
    state, token = peek(purpose, value)
    if state != LinkState.READY or token is None or token.member is None:
        raise _refusal(purpose, state)
    return token, token.member


def consume(purpose: TokenPurpose, value: str) -> tuple[Token, Member]:
    """Use up a link, and return what `check` returns. Of simultaneous requests, one succeeds."""
    found = check(purpose, value)
    if tokens.use(purpose, value) is None:
        raise _refusal(purpose, LinkState.USED)
    return found


def may_send(address: str, *kinds: str) -> bool:
    """Whether e-mails of these kinds may be sent to a mailbox. The hourly limit protects it against floods."""
    sent = select(func.count()).where(
        OutboxEmail.recipient_key == address_key(address),
        OutboxEmail.kind.in_(kinds),
        OutboxEmail.created_at > clock.now() - AN_HOUR,
    )
    return db.session.execute(sent).scalar_one() < rules.EMAILS_PER_MAILBOX_AND_HOUR


def _refusal(purpose: TokenPurpose, state: LinkState) -> DomainError:
    message, category = REFUSALS[state]
    if purpose == TokenPurpose.UNDO_EMAIL and state == LinkState.EXPIRED:
        message = TOO_LATE_TO_UNDO
    return DomainError(message, category)
