"""What administrators do with the accounts of others: add, change, ban, sign out, let in again.

Whoever does it is told by `by`, the key of that member, or None for a command. Every function here refuses by
DomainError what would leave the site without an administrator, or somebody without themselves.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from flask_appbuilder.security.sqla.models import Group, Role
from flask_babel import lazy_gettext
from sqlalchemy import exists, func, inspect, or_, select, update

from app import audit, clock
from app.accounts import login_throttle, mail, password_policy, rules, tokens
from app.accounts.api_keys import service as api_key_service
from app.accounts.enums import RequiredAction, SessionEndCause, TokenPurpose
from app.accounts.ldap import client as ldap_client
from app.accounts.login import authentication
from app.accounts.models import ADMIN, LoginSession, Member, Passkey, Totp
from app.accounts.sessions import service as session_service
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import force_locale

# What is written down of a change. Never the password.
COLUMNS = ("username", "email", "first_name", "last_name", "active", "locale", "timezone")
ROLES_CHANGED = lazy_gettext("Your roles were changed. Please log in again.")
# Links that were sent to an address, or asked for by somebody who may be kept out now.
LINKS = (TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)


# -- who must stay


def refuse_without_admin(leaving: set[int]) -> None:
    """Refuse to leave the site without an administrator who can come in, once the members of `leaving` are gone."""
    with db.session.no_autoflush:
        # Two administrators who remove each other at once must meet here: the role's row is the gate.
        # An UPDATE, because SQLite knows no FOR UPDATE.
        gate = update(Role).where(Role.name == ADMIN).values(name=ADMIN)
        db.session.execute(gate)
        remaining = (
            select(func.count())
            .select_from(Member)
            .where(
                Member.roles.any(Role.name == ADMIN),
                Member.active.is_(True),
                Member.banned_at.is_(None),
                Member.erased_at.is_(None),
                Member.id.not_in(leaving),
            )
        )
        if not db.session.execute(remaining).scalar_one():
            raise DomainError(lazy_gettext("The last administrator cannot be removed."))


def refuse_erased(members: Iterable[Member]) -> None:
    """Refuse to do anything with somebody who is not there any more."""
    if any(member.erased_at is not None for member in members):
        raise DomainError(
            lazy_gettext("The account of this person has been deleted and can no longer be changed."), "warning"
        )


def refuse_ban(members: Sequence[Member], by: int | None) -> None:
    """Refuse to ban whoever asks for it, or all who could take it back."""
    refuse_erased(members)
    if by in {member.id for member in members}:
        raise DomainError(lazy_gettext("You cannot ban yourself."))
    refuse_without_admin({member.id for member in members})


def refuse_deactivation(members: Sequence[Member], by: int | None) -> None:
    """Refuse to lock out whoever asks for it, or all who could let them in again."""
    refuse_erased(members)
    if by in {member.id for member in members}:
        raise DomainError(lazy_gettext("You cannot deactivate yourself."), field="active")
    refuse_without_admin({member.id for member in members})


# -- add, change, delete


def add(member: Member, password: str | None) -> None:
    """Store a new member with a password, or write to them where to choose one."""
    _lower(member)
    member.password = None
    if password:
        least = password_policy.min_length(staff=_is_staff(member.roles), second_factor=False)
        problem = password_policy.problem(password, names=password_policy.names_of(member), least=least)
        if problem is not None:
            raise DomainError(problem, field="password")
        member.password = password_policy.hash_password(password)
        member.password_changed_at = clock.now()
    db.session.flush()
    stored = {column: getattr(member, column) for column in COLUMNS}
    audit.record("member_created", "member", member, after={**stored, "roles": names(member.roles)})
    if not password:
        expires_at = clock.now() + rules.REGISTRATION_LIFETIME
        mail.account_created(
            member, tokens.issue(TokenPurpose.RESET_PASSWORD, member, expires_at=expires_at), expires_at
        )


def change(member: Member, by: int | None) -> None:
    """Store what was changed of a member, and draw the consequences.

    Whoever loses a role, gains one that asks for more than theirs did, or is deactivated is signed out everywhere and
    told so; whoever got another address cannot use links that went to the old one.
    """
    refuse_erased([member])
    _lower(member)
    before, after = _changes(member)
    if not member.active:
        refuse_deactivation([member], by)
    if not any(role.name == ADMIN for role in member.roles):
        refuse_without_admin({member.id})
    if not after:
        return
    audit.record("member_changed", "member", member, name=before.get("username", ""), before=before, after=after)
    if "email" in after:
        tokens.revoke(member, *LINKS)
    if "active" in after and not member.active:
        end_logins(member, lazy_gettext("Your account was deactivated."), by)
    elif {"roles", "memberships"}.intersection(after) and _are_stricter(member):
        end_logins(member, ROLES_CHANGED, by)


def delete(member: Member, by: int | None) -> None:
    """See to what must be before `member` is deleted."""
    if member.id == by:
        raise DomainError(lazy_gettext("You cannot delete yourself."))
    refuse_without_admin({member.id})
    audit.record("member_deleted", "member", member, before={"email": member.email, "roles": names(member.roles)})


def activate(members: Sequence[Member]) -> None:
    """Let people log in again."""
    refuse_erased(members)
    for member in members:
        if not member.active:
            member.active = True
            _note_active(member)


def deactivate(members: Sequence[Member], by: int | None) -> None:
    """Keep people from logging in."""
    refuse_deactivation(members, by)
    for member in members:
        if member.active:
            member.active = False
            _note_active(member)
            end_logins(member, lazy_gettext("Your account was deactivated."), by)


# -- keep out, let in


def ban(members: Sequence[Member], reason: str, by: int | None) -> None:
    """Keep people out, and tell them why when they next come with the right password.

    Their API keys are revoked for good: a key may be in anybody's hands, and lifting the ban lets in a person only.
    """
    refuse_ban(members, by)
    for member in members:
        before = {"reason": member.ban_reason} if member.banned_at else {}
        member.banned_at, member.ban_reason = clock.now(), reason
        tokens.revoke(member, *LINKS)
        api_key_service.revoke_all(member)
        session_service.end_sessions(member, SessionEndCause.BAN, reason=reason)
        audit.record("member_banned", "member", member, before=before, after={"reason": reason})


def unban(members: Sequence[Member]) -> int:
    """Let people in again who were banned; return how many were."""
    refuse_erased(members)
    banned = [member for member in members if member.banned_at is not None]
    for member in banned:
        audit.record("member_unbanned", "member", member, before={"reason": member.ban_reason})
        member.banned_at, member.ban_reason = None, ""
    return len(banned)


def sign_out(members: Sequence[Member], reason: str, by: int | None) -> None:
    """End all logins of people and tell them why; whoever asks for it keeps the one they ask with."""
    for member in members:
        ended = session_service.end_sessions(
            member, SessionEndCause.ADMINISTRATOR, reason=reason, keep=_own_session(member, by)
        )
        after = {"reason": reason, "sessions": ended}
        audit.record("member_signed_out", "member", member, after=after)


def refuse_in_directory() -> None:
    """Refuse to have passwords chosen here while they are kept elsewhere."""
    if ldap_client.is_enabled():
        raise DomainError(lazy_gettext("Accounts are managed in your organisation's directory. Nothing was changed."))


def send_password_link(member: Member) -> None:
    """Write to `member` where to choose a new password. The old one works until they do."""
    refuse_in_directory()
    if not member.is_active:
        raise DomainError(
            lazy_gettext(
                "%(name)s is not allowed to log in, so a new password would have no effect.", name=member.display_name
            ),
            "warning",
        )
    audit.record("password_reset_asked", "member", member)
    mail.reset_password(member, tokens.issue(TokenPurpose.RESET_PASSWORD, member))


def unlock(member: Member) -> None:
    """Forget how often somebody failed to prove to be `member`, in whatever place and browser."""
    authentication.forget_failures(member)
    login_throttle.clear(login_throttle.key_of("second_step", member.id))
    audit.record("unlocked", "member", member)


# -- roles


def changed_role(role: Role) -> None:
    """Write down what was changed of a role; whoever holds it must add a second factor if it asks for one now."""
    before, after = changes(role, ("name", "second_factor_required"))
    permissions = inspect(role).attrs.permissions.history
    if permissions.deleted:
        before["removed"] = sorted(map(str, permissions.deleted))
    if permissions.added:
        after["added"] = sorted(map(str, permissions.added))
    if not before and not after:
        return
    audit.record("role_changed", "role", role, name=before.get("name", role.name), before=before, after=after)
    if after.get("second_factor_required"):
        db.session.flush()
        _require_second_factor(role)


def _require_second_factor(role: Role) -> None:
    """Let the holders of `role` who have no second factor do nothing before they have added one."""
    is_it = Role.id == role.id
    holders = select(Member.id).where(or_(Member.roles.any(is_it), Member.memberships.any(Group.roles.any(is_it))))
    has_app = exists().where(Totp.member_id == LoginSession.member_id, Totp.confirmed_at.is_not(None))
    has_passkey = exists().where(Passkey.member_id == LoginSession.member_id)
    waiting = update(LoginSession).where(
        LoginSession.member_id.in_(holders), LoginSession.required_action.is_(None), ~has_app, ~has_passkey
    )
    db.session.execute(waiting.values(required_action=RequiredAction.ADD_SECOND_FACTOR))


# -- parts


def _changes(member: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is stored of `member` and what it is to become, as far as they differ."""
    before, after = changes(member, COLUMNS)
    attributes: Any = inspect(member).attrs
    for name in ("roles", "memberships"):
        history = attributes[name].history
        if history.has_changes():
            before[name], after[name] = names([*history.unchanged, *history.deleted]), names(getattr(member, name))
    return before, after


def changes(row: Any, columns: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is stored in some columns of a row and what is to be, as far as they differ."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column in columns:
        history = inspect(row).attrs[column].history
        if history.has_changes():
            before[column], after[column] = (history.deleted or [None])[0], history.added[0]
    return before, after


def _are_stricter(member: Member) -> bool:
    """Whether the roles that `member` is to have take something away, or ask for more than those they had."""
    attributes: Any = inspect(member).attrs
    roles, groups = attributes.roles.history, attributes.memberships.history
    had = _all_roles([*roles.unchanged, *roles.deleted], [*groups.unchanged, *groups.deleted])
    has = _all_roles(member.roles, member.memberships)
    asks_for_more = any(asks(has) and not asks(had) for asks in (_is_staff, _asks_for_factor))
    return bool(had - has) or asks_for_more


def _all_roles(roles: Iterable[Role], groups: Iterable[Group]) -> set[Role]:
    """Return the roles that come of roles and groups."""
    return {*roles, *(role for group in groups for role in group.roles)}


def _is_staff(roles: Iterable[Role]) -> bool:
    return any(role.name not in rules.ORDINARY_ROLES for role in roles)


def _asks_for_factor(roles: Iterable[Role]) -> bool:
    return any(role.second_factor_required for role in roles)


def end_logins(member: Member, reason: object, by: int | None) -> None:
    """End the logins of `member` and say why in their language; whoever does this to themselves stays."""
    with force_locale(member.locale, member.timezone):
        told = str(reason)
    session_service.end_sessions(member, SessionEndCause.ADMINISTRATOR, reason=told, keep=_own_session(member, by))


def _own_session(member: Member, by: int | None) -> int | None:
    login = session_service.current_login() if member.id == by else None
    return login.id if login is not None else None


def _note_active(member: Member) -> None:
    audit.record(
        "member_changed", "member", member, before={"active": not member.active}, after={"active": member.active}
    )


def names(named: Iterable[Role | Group]) -> list[str]:
    """Return what some roles or groups are called."""
    return sorted(str(each.name) for each in named)


def _lower(member: Member) -> None:
    """Names are compared without case, so they are kept in one."""
    member.username, member.email = member.username.lower(), member.email.lower()
