"""Another e-mail address: confirmed from the new one, and taken back from the old one."""

from flask_babel import lazy_gettext
from sqlalchemy import delete

from app import audit
from app.accounts import email_links, mail, queries, rules, tokens
from app.accounts.login import service as login_service
from app.accounts.models import Member, Token
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
    tokens.revoke(member, rules.CHANGE_EMAIL)
    token = tokens.issue(rules.CHANGE_EMAIL, member, data={"email": address})
    mail.change_email(member, address, token, owner=owner, silent=not few)
    if email_links.may_send(member.email, mail.EMAIL_CHANGE_NOTICE):
        mail.email_change_notice(member, address)
    audit.record("email_change_asked", "member", member, after={"email": address})


def confirm(link: str) -> Member:
    """Give the member of a link the address that it was sent to, and let the old one undo that for a week.

    Raises DomainError for a link that is no good, and IntegrityError when somebody else has the address by now.
    """
    token, member = email_links.consume(rules.CHANGE_EMAIL, link)
    old = member.email
    _move(member, token.data["email"])
    # Links that went to the old mailbox; it keeps the one to undo this.
    tokens.revoke(member, rules.RESET_PASSWORD, rules.CHANGE_EMAIL)
    mail.email_changed(member, old, tokens.issue(rules.UNDO_EMAIL, member, data={"email": old}))
    audit.record("email_changed", "member", member, actor=member, before={"email": old}, after={"email": member.email})
    return member


def undo(link: str) -> Member:
    """Give a member the address back that they had, and shut out whoever changed it.

    Nobody stays logged in, and the password, which that somebody must have known, opens nothing: a letter lets the
    owner choose another one. Raises as `confirm` does.
    """
    token, member = email_links.consume(rules.UNDO_EMAIL, link)
    displaced = member.email
    _move(member, token.data["email"])
    member.password = None
    login_service.end_sessions(member, login_service.BY_PASSWORD)
    tokens.revoke(member, rules.RESET_PASSWORD, rules.CHANGE_EMAIL)
    _revoke_later_undoing(token)
    if displaced != member.email:
        mail.email_change_undone(member, displaced)
    mail.reset_password(member, tokens.issue(rules.RESET_PASSWORD, member))
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
        Token.purpose == rules.UNDO_EMAIL,
        Token.id > token.id,
        Token.used_at.is_(None),
    )
    db.session.execute(later)
