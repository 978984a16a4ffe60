"""Reset a forgotten password by e-mail, change the current one, or set one as an administrator."""

from flask_babel import lazy_gettext

from app import audit, clock
from app.accounts import email_links, mail, password_policy, queries, signals, tokens
from app.accounts.enums import RequiredAction, SessionEndCause, TokenPurpose
from app.accounts.login import authentication
from app.accounts.models import Member
from app.accounts.sessions import service as session_service
from app.errors import DomainError

FIELD = "new_password"
UNCHANGED = lazy_gettext("The new password must differ from the current one.")


def send_reset_link(email: str) -> None:
    """Send a link to choose a new password, if a member who may log in has that address.

    Otherwise the same happens, except that the e-mail is discarded. So the response time reveals nothing.
    """
    member = queries.member_by_name_or_email(email)
    may_send = email_links.may_send(email, mail.RESET_PASSWORD)
    recipient = member if member is not None and member.is_active and may_send else None
    audit.record("password_reset_asked", "member", member)
    mail.reset_password(recipient, tokens.issue(TokenPurpose.RESET_PASSWORD, recipient))


def ensure_acceptable(member: Member, password: str, current: str | None = None) -> None:
    """Raise DomainError when `member` cannot use `password`. It must differ from `current`, the typed old password."""
    if current is not None and password_policy.same(current, password):
        raise DomainError(UNCHANGED, field=FIELD)
    problem = password_policy.problem(
        password, names=password_policy.names_of(member), least=password_policy.min_length_for(member)
    )
    if problem is not None:
        raise DomainError(problem, field=FIELD)


def reset(link: str, password: str) -> Member:
    """Set a new password by a link. It does not replace the second factor.

    Raises DomainError for an invalid link and, with a field, for a password that cannot be used.
    """
    _token, member = email_links.check(TokenPurpose.RESET_PASSWORD, link)
    ensure_acceptable(member, password)
    if password_policy.matches(member.password, password):
        raise DomainError(UNCHANGED, field=FIELD)
    # Hashing is slow, so it comes before the first write.
    hashed = password_policy.hash_password(password)
    email_links.consume(TokenPurpose.RESET_PASSWORD, link)
    _store(member, hashed)
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    authentication.forget_failures(member)
    audit.record("password_reset", "member", member, actor=member)
    return member


def change(member: Member, password: str) -> None:
    """Change the password of the member who is logged in. The caller has checked the old one."""
    ensure_acceptable(member, password)
    _store(member, password_policy.hash_password(password))
    session_service.end_sessions(member, SessionEndCause.PASSWORD, keep=session_service.current_login_id())
    session_service.renew()
    following = authentication.required_action(queries.auth_requirements(member.id))
    session_service.complete_required_action(RequiredAction.CHOOSE_PASSWORD, following)
    audit.record("password_changed", "member", member)


def set_temporary(member: Member, password: str) -> None:
    """Set a password that an administrator has chosen and tells the member, who chooses another one at the next login.

    Raises DomainError, at the field, for a password that cannot be used.
    """
    ensure_acceptable(member, password)
    _store(member, password_policy.hash_password(password))
    member.password_is_temporary = True
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    authentication.forget_failures(member)
    audit.record("password_set", "member", member)


def set_by_administrator(member: Member, password: str) -> None:
    """Set a password that an administrator has chosen."""
    ensure_acceptable(member, password)
    _store(member, password_policy.hash_password(password))
    session_service.end_sessions(member, SessionEndCause.PASSWORD)
    authentication.forget_failures(member)
    audit.record("password_changed", "member", member)


def _store(member: Member, hashed: str) -> None:
    member.password = hashed
    member.password_changed_at = clock.now()
    member.password_is_temporary = False
    # Links that an intruder may have requested.
    tokens.revoke(member, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    mail.password_changed(member)
    signals.send(signals.password_changed, member=member)
