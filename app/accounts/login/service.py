"""Log members in: with a password, a second factor, or by other means that count as both."""

from flask import session
from flask_babel import gettext as _

from app.accounts import queries, tokens
from app.accounts.enums import RequiredAction, TokenPurpose
from app.accounts.login import authentication
from app.accounts.login.authentication import AuthResult
from app.accounts.models import Member, Token
from app.accounts.sessions import service as session_service
from app.accounts.sessions.provider_sessions import ProviderLogin
from app.database import transaction
from app.errors import DomainError

SECOND_STEP_KEY = "second_step"
KEPT_FORM_KEY = "kept_form"
# Logins that were waiting for their second factor when this key was renamed hold it under its old name.
REQUIRED_ACTION_KEY = "duty"


def log_in(proof: AuthResult, *, remember: bool, kept: str | None = None) -> bool:
    """Log in a member whose password was right. Return False when a second factor is needed first.

    The waiting login is stored as a token, and the token in the session: `second_step` reads it, `complete_second_step`
    uses it. `kept` is a form that was submitted without a login (form_resubmission.dump_form). It is stored there too,
    because it is too long for a URL.
    """
    if proof.requirements.has_factor:
        session_service.empty_session()
        provider = vars(proof.provider_login) if proof.provider_login is not None else None
        data = {"remember": remember, REQUIRED_ACTION_KEY: proof.required_action, "kept": kept, "provider": provider}
        session[SECOND_STEP_KEY] = tokens.issue(TokenPurpose.SECOND_STEP, proof.member, data=data)
        return False
    session_service.open_session(
        proof.member,
        proof.requirements,
        remember=remember,
        required_action=proof.required_action,
        provider_login=proof.provider_login,
    )
    return True


def log_in_verified(member: Member, *, remember: bool) -> None:
    """Log in a member who proved both factors at once, with a passkey. Raises DomainError when they may not log in."""
    authentication.ensure_login_allowed(member)
    requirements = queries.auth_requirements(member.id)
    authentication.record_login(member)
    action = authentication.required_action(requirements)
    session_service.open_session(member, requirements, remember=remember, required_action=action)


def second_step() -> Token | None:
    """Return the token of the login that waits for a second factor in this browser, while it is valid."""
    waiting = tokens.find(TokenPurpose.SECOND_STEP, str(session.get(SECOND_STEP_KEY, "")))
    if waiting is None or waiting.member is None or not tokens.is_valid(waiting):
        return None
    return waiting if waiting.member.is_active else None


def complete_second_step() -> Member:
    """Log in the member who has just proved the second factor. Raises DomainError when the first step is too old."""
    waiting = tokens.use(TokenPurpose.SECOND_STEP, str(session.get(SECOND_STEP_KEY, "")))
    if waiting is None or waiting.member is None or not waiting.member.is_active:
        raise DomainError(_("That took too long. Please log in again."), "warning")
    action, provider = waiting.data[REQUIRED_ACTION_KEY], waiting.data.get("provider")
    session_service.open_session(
        waiting.member,
        queries.auth_requirements(waiting.member.id),
        remember=waiting.data["remember"],
        required_action=RequiredAction(action) if action else None,
        provider_login=ProviderLogin(**provider) if provider else None,
    )
    return waiting.member


def keep_form(member: Member, kept: str) -> None:
    """Store a form that was submitted too late, while `member` reauthenticates at a provider: it is too long for a URL."""
    session[KEPT_FORM_KEY] = tokens.issue(TokenPurpose.KEPT_FORM, member, data={"kept": kept})


def take_kept_form(member: Member) -> str | None:
    """Return that form, once."""
    stored = tokens.use(TokenPurpose.KEPT_FORM, str(session.pop(KEPT_FORM_KEY, "")))
    return stored.data["kept"] if stored is not None and stored.member_id == member.id else None


def reauthenticate(member: Member, password: str) -> None:
    """Check the password again and mark the login as fresh. Raises DomainError when the password is wrong."""
    with transaction():
        authentication.reauthenticate(member, password)
        session_service.refresh()
