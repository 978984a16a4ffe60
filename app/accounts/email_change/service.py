"""Change the e-mail address of an account: confirm it at the new address, undo it from the old one."""

from flask_babel import lazy_gettext
from sqlalchemy import delete

from app import audit
from app.accounts import auth_type, email_links, mail, queries, signals, tokens
from app.accounts.enums import SessionEndCause, TokenPurpose
from app.accounts.login import remote_user
from app.accounts.models import Member, Token
from app.accounts.sessions import service as session_service
from app.address_key import address_key
from app.errors import DomainError
from app.extensions import db
from app.outbox import unsubscribe


def request_change(member: Member, address: str) -> None:
    """Send a link to the new address of `member`, and a notice to the old one. The link makes the change.

    When the new address has an account, its owner is notified instead, and the visitor sees the same page. Raises
    DomainError for the current address, and where the web server knows the member by it.
    """
    if auth_type.is_by_remote_user() and "@" in remote_user.name():
        raise DomainError(
            lazy_gettext("The web server knows you by your e-mail address, so it cannot be changed here."),
            field="email",
        )
    address = address.lower()
    if address_key(address) == address_key(member.email):
        raise DomainError(lazy_gettext("That is already your e-mail address."), field="email")
    owner = queries.member_by_name_or_email(address)
    may_send = email_links.may_send(address, mail.CHANGE_EMAIL, mail.ALREADY_REGISTERED)
    tokens.revoke(member, TokenPurpose.CHANGE_EMAIL)
    token = tokens.issue(TokenPurpose.CHANGE_EMAIL, member, data={"email": address})
    mail.change_email(member, address, token, owner=owner, silent=not may_send)
    if email_links.may_send(member.email, mail.EMAIL_CHANGE_NOTICE):
        mail.email_change_notice(member, address)
    audit.record("email_change_asked", "member", member, after={"email": address})


def confirm(link: str) -> Member:
    """Change the address of a link's member to the one that the link was sent to. The old one can undo that for a week.

    Raises DomainError for an invalid link, and IntegrityError when another member has the address by now.
    """
    token, member = email_links.consume(TokenPurpose.CHANGE_EMAIL, link)
    old = member.email
    _set_address(member, token.data["email"])
    # The links that were sent to the old address, except the one to undo this.
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    mail.email_changed(member, old, tokens.issue(TokenPurpose.UNDO_EMAIL, member, data={"email": old}))
    audit.record("email_changed", "member", member, actor=member, before={"email": old}, after={"email": member.email})
    return member


def undo(link: str) -> Member:
    """Restore the previous address of a member, and lock out whoever has changed it.

    All login sessions end. The password is deleted, because an intruder must have known it, and the owner gets a link to
    choose a new one. Raises what `confirm` raises.
    """
    token, member = email_links.consume(TokenPurpose.UNDO_EMAIL, link)
    displaced = member.email
    _set_address(member, token.data["email"])
    member.password = None
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    # The addresses before later changes may be an intruder's. Earlier changes can still be undone.
    later = delete(Token).where(
        Token.member_id == token.member_id,
        Token.purpose == TokenPurpose.UNDO_EMAIL,
        Token.id > token.id,
        Token.used_at.is_(None),
    )
    db.session.execute(later)
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


def _set_address(member: Member, address: str) -> None:
    """Change the address of `member`. Their RSVPs and e-mail preferences follow it."""
    old = member.email
    unsubscribe.rename_address(old, address)
    member.email = address
    db.session.flush()
    signals.send(signals.email_changed, member=member, old=old)
