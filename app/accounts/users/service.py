"""Member administration: add, change, deactivate, ban and sign out members.

`by` is the key of the administrator who acts, or None for a command. All functions raise DomainError for what would
leave the site without an administrator, and for administrators who would lock themselves out.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from flask_appbuilder.security.sqla.models import Group, Role
from flask_babel import lazy_gettext
from sqlalchemy import exists, inspect, or_, select, update

from app import audit, clock
from app.accounts import auth_type, login_throttle, mail, password_policy, role_changes, rules, signals, tokens
from app.accounts.api_keys import service as api_key_service
from app.accounts.enums import RequiredAction, SessionEndCause, TokenPurpose
from app.accounts.ldap import client as ldap_client
from app.accounts.login import authentication
from app.accounts.models import ADMIN, DirectoryPerson, LoginSession, Member, Passkey, Totp
from app.accounts.profile.service import CHANGED
from app.accounts.sessions import service as session_service
from app.errors import DomainError
from app.extensions import db
from app.i18n.selectors import force_locale

# The columns that the audit log shows. Never the password.
COLUMNS = ("username", "email", "first_name", "last_name", "active", "locale", "timezone")
# Links that stop working when the e-mail address changes, or when the member is banned.
LINKS = (TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)


# -- refusals


def refuse_without_admin(leaving: Iterable[Member]) -> None:
    """Raise DomainError when no administrator could log in without the administrators among `leaving`."""
    admins = {member.id for member in leaving if _was_admin(member)}
    if admins and not role_changes.is_admin_left(admins):
        raise DomainError(lazy_gettext("The last administrator cannot be removed."))


def refuse_erased(members: Iterable[Member]) -> None:
    """Raise DomainError when an account has been deleted."""
    if any(member.erased_at is not None for member in members):
        raise DomainError(
            lazy_gettext("The account of this person has been deleted and can no longer be changed."), "warning"
        )


def refuse_ban(members: Sequence[Member], by: int | None) -> None:
    """Raise DomainError for a ban of oneself, or of all administrators."""
    refuse_erased(members)
    if by in {member.id for member in members}:
        raise DomainError(lazy_gettext("You cannot ban yourself."))
    refuse_without_admin(members)


def refuse_deactivation(members: Sequence[Member], by: int | None) -> None:
    """Raise DomainError for a deactivation of oneself, or of all administrators."""
    refuse_erased(members)
    if by in {member.id for member in members}:
        raise DomainError(lazy_gettext("You cannot deactivate yourself."), field="active")
    refuse_without_admin(members)


# -- add, change, delete


def add(member: Member, password: str | None, password_hash: str = "") -> None:
    """Add a member. Without a password or the hash of one, they get an e-mail with a link to choose one."""
    _lower(member)
    member.password = password_hash or None
    if password:
        least = password_policy.min_length(staff=role_changes.are_staff(member.roles), second_factor=False)
        problem = password_policy.problem(password, names=password_policy.names_of(member), least=least)
        if problem is not None:
            raise DomainError(problem, field="password")
        member.password = password_policy.hash_password(password)
        member.password_changed_at = clock.now()
    db.session.flush()
    stored = {column: getattr(member, column) for column in COLUMNS}
    audit.record("member_created", "member", member, after={**stored, "roles": role_changes.names(member.roles)})
    if not member.password and auth_type.has_own_passwords():
        expires_at = clock.now() + rules.REGISTRATION_LIFETIME
        mail.account_created(
            member, tokens.issue(TokenPurpose.RESET_PASSWORD, member, expires_at=expires_at), expires_at
        )


def change(member: Member, by: int | None) -> None:
    """Store the changes of a member.

    A member is signed out everywhere when they lose a role, gain one with stricter requirements, or are deactivated. A
    new e-mail address makes links invalid that were sent to the old one.
    """
    refuse_erased([member])
    _lower(member)
    before, after = _changes(member)
    if not member.active:
        refuse_deactivation([member], by)
    if not any(role.name == ADMIN for role in member.roles):
        refuse_without_admin([member])
    if not after:
        return
    audit.record("member_changed", "member", member, name=before.get("username", ""), before=before, after=after)
    are_roles_new = not {"roles", "groups"}.isdisjoint(after)
    # Flask-AppBuilder's column, without a time zone. It sets it for roles only.
    member.changed_on = clock.now().replace(tzinfo=None)
    had, has = _old_and_new_roles(member) if are_roles_new else (set(), set())
    if "email" in after:
        tokens.revoke(member, *LINKS)
        signals.send(signals.email_changed, member=member, old=before["email"])
    if "active" in after and not member.active:
        end_logins(member, lazy_gettext("Your account was deactivated."), by)
    elif role_changes.are_stricter(had, has):
        end_logins(member, role_changes.ROLES_CHANGED, by)
    if had != has:
        role_changes.tell(member, had, has)


def set_members(role: Role, wanted: Iterable[Member], by: int | None) -> None:
    """Give a role to these members, and take it from all others."""
    has = set(wanted)
    had = set(db.session.scalars(select(Member).where(Member.roles.any(Role.id == role.id))))
    # First those who get it, so that the role of administrators can pass to others at once.
    for member in (*sorted(has - had, key=lambda each: each.id), *sorted(had - has, key=lambda each: each.id)):
        member.roles = [*member.roles, role] if member in has else [each for each in member.roles if each != role]
        change(member, by)
        db.session.flush()


def delete(member: Member, by: int | None) -> None:
    """Check that `member` may be deleted, and write the audit entry."""
    if member.id == by:
        raise DomainError(lazy_gettext("You cannot delete yourself."))
    refuse_without_admin([member])
    audit.record(
        "member_deleted", "member", member, before={"email": member.email, "roles": role_changes.names(member.roles)}
    )


def activate(members: Sequence[Member]) -> None:
    """Let members log in again."""
    refuse_erased(members)
    for member in members:
        if not member.active:
            member.active = True
            _audit_active(member)


def deactivate(members: Sequence[Member], by: int | None) -> None:
    """Keep members from logging in, and sign them out."""
    refuse_deactivation(members, by)
    for member in members:
        _keep_inactive(member)
        if member.active:
            member.active = False
            _audit_active(member)
            end_logins(member, lazy_gettext("Your account was deactivated."), by)


def _keep_inactive(member: Member) -> None:
    """Do not activate a member again as soon as the directory lets them log in again."""
    statement = update(DirectoryPerson).where(DirectoryPerson.member_id == member.id)
    db.session.execute(statement.values(lost_at=None))


# -- ban, sign out, unlock


def ban(members: Sequence[Member], reason: str, by: int | None) -> None:
    """Ban members. They see the reason when they try to log in.

    Their API keys are revoked for good, and stay so when the ban is lifted: others may have copies of them.
    """
    refuse_ban(members, by)
    for member in members:
        before = {"reason": member.ban_reason} if member.banned_at else {}
        member.banned_at, member.ban_reason = clock.now(), reason
        tokens.revoke(member, *LINKS)
        api_key_service.revoke_all(member)
        session_service.end_sessions(member, SessionEndCause.BAN, reason=reason)
        audit.record("member_banned", "member", member, before=before, after={"reason": reason})
        signals.send(signals.member_banned, member=member, reason=reason)


def unban(members: Sequence[Member]) -> int:
    """Lift the bans of members, and return how many were banned."""
    refuse_erased(members)
    banned = [member for member in members if member.banned_at is not None]
    for member in banned:
        audit.record("member_unbanned", "member", member, before={"reason": member.ban_reason})
        member.banned_at, member.ban_reason = None, ""
        signals.send(signals.member_unbanned, member=member)
    return len(banned)


def sign_out(members: Sequence[Member], reason: str, by: int | None) -> None:
    """End all login sessions of members, who see the reason. Administrators keep their own current session."""
    for member in members:
        ended = session_service.end_sessions(
            member, SessionEndCause.ADMINISTRATOR, reason=reason, keep=_own_session(member, by)
        )
        after = {"reason": reason, "sessions": ended}
        audit.record("member_signed_out", "member", member, after=after)


def refuse_without_own_passwords() -> None:
    """Raise DomainError while a directory, providers or the web server know the passwords instead of this site."""
    if ldap_client.is_enabled():
        raise DomainError(lazy_gettext("Accounts are managed in your organisation's directory. Nothing was changed."))
    if not auth_type.has_own_passwords():
        raise DomainError(auth_type.NO_PASSWORDS)


def send_password_link(member: Member) -> None:
    """Send `member` a link to choose a new password. The old one works until then."""
    refuse_new_password(member)
    audit.record("password_reset_asked", "member", member)
    mail.reset_password(member, tokens.issue(TokenPurpose.RESET_PASSWORD, member))


def refuse_new_password(member: Member) -> None:
    """Raise DomainError when `member` could not log in with a new password."""
    refuse_without_own_passwords()
    if not member.is_active:
        raise DomainError(
            lazy_gettext(
                "%(name)s is not allowed to log in, so a new password would have no effect.", name=member.display_name
            ),
            "warning",
        )


def unlock(member: Member) -> None:
    """Reset all login throttles of `member`."""
    authentication.forget_failures(member)
    login_throttle.clear(login_throttle.key_of("second_step", member.id))
    audit.record("unlocked", "member", member)


# -- roles


def role_changed(role: Role) -> None:
    """Write the changes of a role to the audit log. Require a second factor of its members if the role does so now."""
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
    """Make adding a second factor a required action for members with `role` who have none."""
    is_role = Role.id == role.id
    holders = select(Member.id).where(or_(Member.roles.any(is_role), Member.groups.any(Group.roles.any(is_role))))
    has_app = exists().where(Totp.member_id == LoginSession.member_id, Totp.confirmed_at.is_not(None))
    has_passkey = exists().where(Passkey.member_id == LoginSession.member_id)
    sessions = update(LoginSession).where(
        LoginSession.member_id.in_(holders), LoginSession.required_action.is_(None), ~has_app, ~has_passkey
    )
    db.session.execute(sessions.values(required_action=RequiredAction.ADD_SECOND_FACTOR))


# -- helpers


def _was_admin(member: Member) -> bool:
    roles: Any = inspect(member).attrs.roles.history
    return any(role.name == ADMIN for role in (*member.roles, *roles.deleted))


def _changes(member: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the old and the new values of the changed columns, roles and groups of `member`."""
    before, after = changes(member, COLUMNS)
    attributes: Any = inspect(member).attrs
    for name in ("roles", "groups"):
        history = attributes[name].history
        if history.has_changes():
            before[name], after[name] = (
                role_changes.names([*history.unchanged, *history.deleted]),
                role_changes.names(getattr(member, name)),
            )
    if attributes.picture.history.has_changes():
        # The audit log does not store what the file is called.
        after["picture"] = CHANGED
    return before, after


def changes(row: Any, columns: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the old and the new values of those `columns` of a row that have changed."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column in columns:
        history = inspect(row).attrs[column].history
        if history.has_changes():
            before[column], after[column] = (history.deleted or [None])[0], history.added[0]
    return before, after


def _old_and_new_roles(member: Member) -> tuple[set[Role], set[Role]]:
    """Return the roles that `member` had and has, with those of groups."""
    attributes: Any = inspect(member).attrs
    roles, groups = attributes.roles.history, attributes.groups.history
    had = role_changes.with_groups([*roles.unchanged, *roles.deleted], [*groups.unchanged, *groups.deleted])
    return had, role_changes.with_groups(member.roles, member.groups)


def end_logins(member: Member, reason: object, by: int | None) -> None:
    """End the login sessions of `member`, with a reason in their language. Their own current session stays."""
    with force_locale(member.locale, member.timezone, member.hour_cycle):
        translated = str(reason)
    session_service.end_sessions(
        member, SessionEndCause.ADMINISTRATOR, reason=translated, keep=_own_session(member, by)
    )


def _own_session(member: Member, by: int | None) -> int | None:
    login = session_service.current_login() if member.id == by else None
    return login.id if login is not None else None


def _audit_active(member: Member) -> None:
    audit.record(
        "member_changed", "member", member, before={"active": not member.active}, after={"active": member.active}
    )


def _lower(member: Member) -> None:
    """Store names in lower case, because they are compared without case."""
    member.username, member.email = member.username.lower(), member.email.lower()
