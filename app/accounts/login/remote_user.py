"""Log in whom the web server, or a proxy before it, has authenticated (AUTH_TYPE = AUTH_REMOTE_USER)."""

import logging

from flask import current_app, request
from flask_babel import gettext as _
from sqlalchemy import or_, select

from app import audit
from app.accounts import members, role_changes, role_mapping, rules, signals
from app.accounts.login import authentication
from app.accounts.login import service as login_service
from app.accounts.models import Member
from app.accounts.sessions import service as session_service
from app.address_key import address_key
from app.database import run_with_retry, transaction
from app.errors import DomainError
from app.extensions import db
from app.http import is_from_trusted_proxy
from app.i18n.selectors import current_locale, current_timezone

log = logging.getLogger(__name__)

HEADER_PREFIX = "HTTP_"
MAX_NAME_LENGTH = 64
# Nobody has an address there (RFC 2606), and the outbox keeps nothing for it.
NO_EMAIL = "remote-user.invalid"


def name() -> str:
    """Return the name of the person at the web server, or an empty text.

    A header is believed only of a trusted proxy, which replaces what the client has sent.
    """
    variable = str(current_app.config.get("AUTH_REMOTE_USER_ENV_VAR") or "REMOTE_USER")
    if variable.startswith(HEADER_PREFIX) and not is_from_trusted_proxy():
        return ""
    return str(request.environ.get(variable) or "").strip()


def log_in() -> bool:
    """Log in the person of this request. Return False when a second factor is needed first.

    Raises DomainError when the web server names nobody, or somebody who may not log in.
    """
    with signals.logging_in(_told_name()):
        member = _owner(_told_name()) or _register(_told_name())
        if member is None:
            raise DomainError(authentication.INVALID, "warning")
        with transaction():
            return login_service.log_in(authentication.trust_identity_provider(member), remember=False)


def reauthenticate(member: Member) -> None:
    """Mark the login as fresh. Raises DomainError unless the web server names the same person now."""
    with signals.reauthenticating(member):
        if not is_named(member, _told_name()):
            raise DomainError(authentication.INVALID, "warning")
        with transaction():
            session_service.refresh()


def contradicts(member: Member) -> bool:
    """Whether the web server names somebody else than the member who is logged in."""
    told = name()
    return bool(told) and not is_named(member, told)


def is_named(member: Member, told: str) -> bool:
    """Whether the web server calls `member` so: by the username, or by the e-mail address."""
    return address_key(told) == address_key(member.email if "@" in told else member.username)


def _told_name() -> str:
    told = name()
    if not told:
        raise DomainError(_("The web server has not told who you are. Please ask your administrator."))
    return told


def _owner(told: str) -> Member | None:
    key = Member.email_key if "@" in told else Member.username_key
    statement = select(Member).where(key == address_key(told)).order_by(Member.duplicate)
    return db.session.scalars(statement).first()


def _register(told: str) -> Member | None:
    """Add the member with that name, if registration is open. Return None if it cannot be a name here."""
    if current_app.config["REGISTRATION"] != "open":
        return None
    return run_with_retry(lambda: _owner(told) or _add(told.lower()))


def _add(told: str) -> Member | None:
    username = members.free_username(told) if "@" in told else told
    email = told if "@" in told else f"{told}@{NO_EMAIL}"
    taken = select(Member.id).where(or_(Member.username_key == username, Member.email_key == address_key(email)))
    is_name = username and len(username) <= MAX_NAME_LENGTH and rules.USERNAME.fullmatch(username)
    if not username or not is_name or len(email) > MAX_NAME_LENGTH * 4 or db.session.execute(taken).first():
        log.warning("The name %r of the web server cannot be used here", told)
        return None
    member = members.add_member(
        username=username,
        email=email,
        first_name=username,
        last_name="",
        password_hash=None,
        role=role_mapping.of_new_members(),
        locale=current_locale(),
        timezone=current_timezone(),
    )
    after = {"remote_user": told, "roles": role_changes.names(member.roles)}
    audit.record("member_created", "member", member, actor=member, after=after)
    return member
