"""Another e-mail address: confirmed from the new one, and taken back from the old one."""

from flask_babel import lazy_gettext
from sqlalchemy import delete

from app import audit
from app.accounts import email_links, mail, queries, tokens
from app.accounts.enums import SessionEndCause, TokenPurpose
from app.accounts.models import Member, Token
from app.accounts.sessions import service as session_service
from app.errors import DomainError
from app.extensions import db
from app.outbox import unsubscribe


def ask(member: Member, address: str) -> None:
    """Write to both addresses of `member`; nothing changes before the new one answers.

    An address that is somebody else's is treated alike, but its owner gets the letter that they have an account. Raises
    DomainError for the address they have.
    """
    address = address.lower()
    if address == member.email.lower():
        raise DomainError(lazy_gettext("That is already your e-mail address."), field="email")
    owner = queries.member_by_name_or_email(address)
    few = email_links.may_send(address, mail.CHANGE_EMAIL, mail.ALREADY_REGISTERED)
    tokens.revoke(member, TokenPurpose.CHANGE_EMAIL)
    token = tokens.issue(TokenPurpose.CHANGE_EMAIL, member, data={"email": address})
    mail.change_email(member, address, token, owner=owner, silent=not few)
    if email_links.may_send(member.email, mail.EMAIL_CHANGE_NOTICE):
        mail.email_change_notice(member, address)
    audit.record("email_change_asked", "member", member, after={"email": address})


def confirm(link: str) -> Member:
    """Give the member of a link the address that it was sent to, and let the old one undo that for a week.

    Raises DomainError for a link that is no good, and IntegrityError when somebody else has the address by now.
    """
    token, member = email_links.consume(TokenPurpose.CHANGE_EMAIL, link)
    old = member.email
    _move(member, token.data["email"])
    # Links that went to the old mailbox; it keeps the one to undo this.
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    mail.email_changed(member, old, tokens.issue(TokenPurpose.UNDO_EMAIL, member, data={"email": old}))
    audit.record("email_changed", "member", member, actor=member, before={"email": old}, after={"email": member.email})
    return member


def undo(link: str) -> Member:
    """Give a member the address back that they had, and shut out whoever changed it.

    Nobody stays logged in, and the password, which that somebody must have known, opens nothing: a letter lets the
    owner choose another one. Raises as `confirm` does.
    """
    token, member = email_links.consume(TokenPurpose.UNDO_EMAIL, link)
    displaced = member.email
    _move(member, token.data["email"])
    member.password = None
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    _revoke_later_undoing(token)
    if displaced != member.email:
        mail.email_change_undone(member, displaced)
    mail.reset_password(member, tokens.issue(TokenPurpose.RESET_PASSWORD, member))
    audit.record(
        "email_change_undone",
        "member",
        member,
        actor=member,
        before={"email": displaced},
        after={"email": member.email},
    )
    return member


def _move(member: Member, address: str) -> None:
    """Give `member` another address; their answers to invitations, and which letters they want, follow it."""
    unsubscribe.rename_address(member.email, address)
    member.email = address
    db.session.flush()


def _revoke_later_undoing(token: Token) -> None:
    """Let nobody undo the changes that came after the one just undone: their old addresses were the intruder's.

    What was changed before that can still be undone.
    """
    later = delete(Token).where(
        Token.member_id == token.member_id,
        Token.purpose == TokenPurpose.UNDO_EMAIL,
        Token.id > token.id,
        Token.used_at.is_(None),
    )
    db.session.execute(later)
