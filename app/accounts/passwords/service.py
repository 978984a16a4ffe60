"""Another password: by a letter when the old one is forgotten, or by whoever knows the old one."""

from flask_babel import lazy_gettext

from app import audit, clock
from app.accounts import email_links, mail, password_policy, queries, tokens
from app.accounts.enums import RequiredAction, SessionEndCause, TokenPurpose
from app.accounts.login import authentication
from app.accounts.models import Member
from app.accounts.sessions import service as session_service
from app.errors import DomainError

FIELD = "new_password"


def send_reset_link(email: str) -> None:
    """Write to the member with that address how to choose a new password, if there is one and they may come in.

    For anybody else the same is done, but nobody reads the letter and nothing carries the token.
    """
    member = queries.member_by_name_or_email(email)
    few = email_links.may_send(email, mail.RESET_PASSWORD)
    reader = member if member is not None and member.is_active and few else None
    audit.record("password_reset_asked", "member", member)
    mail.reset_password(reader, tokens.issue(TokenPurpose.RESET_PASSWORD, reader))


def refuse(member: Member, password: str, current: str | None = None) -> None:
    """Raise DomainError when `password` will not do for `member`; `current` is what they typed as the one they have."""
    if current is not None and password_policy.same(current, password):
        raise DomainError(lazy_gettext("The new password must differ from the current one."), field=FIELD)
    problem = password_policy.problem(
        password, names=password_policy.names_of(member), least=password_policy.min_length_for(member)
    )
    if problem is not None:
        raise DomainError(problem, field=FIELD)


def reset(link: str, password: str) -> Member:
    """Give whoever reads the letter a new password. A second factor is still asked for when they log in.

    Raises DomainError for a link that is no good, and with a field for a password that will not do.
    """
    _token, member = email_links.check(TokenPurpose.RESET_PASSWORD, link)
    refuse(member, password)
    # Takes its time: not while the database waits for us.
    hashed = password_policy.hash_password(password)
    email_links.consume(TokenPurpose.RESET_PASSWORD, link)
    _store(member, hashed)
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    authentication.forget_failures(member)
    audit.record("password_reset", "member", member, actor=member)
    return member


def change(member: Member, password: str) -> None:
    """Give whoever is logged in, and has just proved the old one, a new password."""
    refuse(member, password)
    _store(member, password_policy.hash_password(password))
    login = session_service.current_login()
    session_service.end_sessions(member, SessionEndCause.PASSWORD, keep=login.id if login is not None else None)
    session_service.renew()
    session_service.complete_required_action(RequiredAction.CHOOSE_PASSWORD)
    audit.record("password_changed", "member", member)


def set_by_administrator(member: Member, password: str) -> None:
    """Give `member` a password that somebody who runs the site has chosen for them."""
    refuse(member, password)
    _store(member, password_policy.hash_password(password))
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    authentication.forget_failures(member)
    audit.record("password_changed", "member", member)


def _store(member: Member, hashed: str) -> None:
    member.password = hashed
    member.password_changed_at = clock.now()
    # What somebody else may have asked for meanwhile.
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    mail.password_changed(member)
