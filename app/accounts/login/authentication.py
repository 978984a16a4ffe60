"""Check passwords, and decide whether a member may log in.

Failures are counted and committed at once, whatever becomes of the request.
"""

from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import Update, func, select, update

from app import audit, clock
from app.accounts import (
    auth_type,
    login_throttle,
    mail,
    password_policy,
    queries,
    role_changes,
    role_mapping,
    rules,
    signals,
)
from app.accounts.enums import RequiredAction
from app.accounts.ldap import client as ldap_client
from app.accounts.ldap import sync as ldap_sync
from app.accounts.models import Member, TrustedDevice
from app.accounts.queries import AuthRequirements, LoginRecord
from app.accounts.sessions import trusted_devices
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.outbox import texts as outbox_texts

# Where failures are counted: in all browsers together, in one that the member has used before, at reauthentication.
ANYWHERE, ON_DEVICE, REAUTHENTICATION = "login", "login on a device", "reauthenticate"
INVALID = lazy_gettext("Invalid login. Please try again.")
NOT_ACTIVATED = lazy_gettext(
    "To use your account you have to activate it with the link we sent to your e-mail address."
)


@dataclass(frozen=True)
class AuthResult:
    """A member whose password was right, and the required action of that login, if any."""

    member: Member
    requirements: AuthRequirements
    required_action: RequiredAction | None


# -- check who it is


def authenticate(identifier: str, password: str) -> AuthResult:
    """Return the member with that username or e-mail address, and password. Packages may know more of them.

    A failure is committed at once, a success with the transaction of the caller. Raises DomainError for a wrong name or
    password, LockedOutError after too many failures, and, after a right password, DomainError for an account that is
    not activated, not active or banned.
    """
    with signals.logging_in(identifier):
        return _authenticate(identifier, password)


def _authenticate(identifier: str, password: str) -> AuthResult:
    typed = identifier.strip().lower()
    device_hash = rules.token_hash(trusted_devices.token())
    keys = login_throttle.key_of(ANYWHERE, typed), login_throttle.key_of(ON_DEVICE, f"{device_hash}:{typed}")
    found = queries.login_record(typed, device_hash, *keys)
    key = keys[found.device_is_known]
    login_throttle.refuse_while_locked(found.device_locked_until if found.device_is_known else found.locked_until)
    verified = _verify_password(found.password, typed, password)
    if not verified:
        with transaction():
            _record_failure(found, key)
        raise DomainError(INVALID, "warning")
    login_throttle.record_success(key)
    # The password of a directory or a package is neither stored here nor measured by the rules for ours.
    own_password: str | None = password
    if not isinstance(verified, bool):
        owner = verified if isinstance(verified, Member) else _of_directory(verified)
        requirements = queries.auth_requirements(owner.id)
        found = replace(found, member=owner, registration=None, requirements=requirements)
        own_password = None
    member = _ensure_member(found)
    _record_success(member, own_password)
    is_temporary = own_password is not None and member.password_is_temporary
    action = RequiredAction.CHOOSE_PASSWORD if is_temporary else required_action(found.requirements, own_password)
    return AuthResult(member, found.requirements, action)


def _verify_password(
    stored: str | None, identifier: str, password: str
) -> bool | Member | ldap_client.LdapPerson | None:
    """Ask the packages that know passwords, then compare `password` with the stored hash, or ask the directory.

    A package returns the member, and the directory the person.
    """
    for member in signals.send(signals.login_providing, identifier=identifier, password=password):
        if isinstance(member, Member):
            return member
    if ldap_client.is_enabled():
        return ldap_client.authenticate(identifier, password)
    return password_policy.matches(stored if auth_type.has_own_passwords() else None, password)


def _of_directory(person: ldap_client.LdapPerson) -> Member:
    """Return the member of a person of the directory, with the roles and groups that they have there."""
    member = ldap_sync.sync_member(person)
    groups = role_mapping.groups(person.groups, ldap_client.normalize_dn)
    role_changes.assign(member, ldap_sync.roles_of(person, member), groups)
    return member


def trust_identity_provider(member: Member) -> AuthResult:
    """Return the result for a member whom an identity provider has authenticated.

    Raises DomainError when they may not log in.
    """
    ensure_login_allowed(member)
    requirements = queries.auth_requirements(member.id)
    _record_success(member, None)
    return AuthResult(member, requirements, required_action(requirements))


def reauthenticate(member: Member, password: str) -> None:
    """Check the password of a member who is logged in. Raises DomainError when it is wrong.

    A failure is committed at once, a success with the transaction of the caller.
    """
    with signals.reauthenticating(member):
        _reauthenticate(member, password)


def _reauthenticate(member: Member, password: str) -> None:
    key = login_throttle.key_of(REAUTHENTICATION, member.id)
    login_throttle.check(key)
    verified = _verify_password(member.password, member.username, password)
    if not verified or (isinstance(verified, Member) and verified.id != member.id):
        with transaction():
            locked_until = login_throttle.record_failure(key)
            _note_failure(member)
            if locked_until is not None:
                audit.record("locked_out", "member", member)
                mail.locked_out(member, locked_until)
        raise DomainError(_("The password is incorrect."), "warning", field="password")
    login_throttle.record_success(key)


def record_login(member: Member) -> None:
    """Update the login counters of a member who logged in without a password."""
    db.session.execute(_update(member.id, _login_counters()))


def forget_failures(member: Member) -> None:
    """Reset the throttle of `member` in all browsers."""
    names = {member.username.lower(), member.email.lower()}
    known = list(db.session.scalars(select(TrustedDevice.token_hash).where(TrustedDevice.member_id == member.id)))
    login_throttle.clear(
        login_throttle.key_of(REAUTHENTICATION, member.id),
        *(login_throttle.key_of(ANYWHERE, name) for name in names),
        *(login_throttle.key_of(ON_DEVICE, f"{device_hash}:{name}") for device_hash in known for name in names),
    )


# -- may they log in


def required_action(requirements: AuthRequirements, password: str | None = None) -> RequiredAction | None:
    """Return what the member must do before any other page is shown. `password` is None when it is not stored here."""
    if requirements.factor_required and not requirements.has_factor:
        return RequiredAction.ADD_SECOND_FACTOR
    least = password_policy.min_length(staff=requirements.staff, second_factor=requirements.has_factor)
    return RequiredAction.CHOOSE_PASSWORD if password is not None and len(password) < least else None


def _note_failure(member: Member | None) -> None:
    """Write a failed login to the audit log, and tell Flask-AppBuilder's hook of one whose name is known."""
    audit.record("login_failed", "member", member)
    if member is not None:
        appbuilder_of().sm.on_user_login_failed(member)


def login_denial(member: Member) -> DomainError | None:
    """Return why an authenticated member may not log in, or None when they may."""
    if member.banned_at is not None:
        return DomainError(_("Your account was banned: %(reason)s", reason=member.ban_reason))
    return None if member.is_active else DomainError(_("This account is not active."))


def ensure_login_allowed(member: Member) -> None:
    """Raise DomainError when an authenticated member may not log in."""
    denial = login_denial(member) or _veto(member)
    if denial is not None:
        with transaction():
            _note_failure(member)
        raise denial


def _veto(member: Member) -> DomainError | None:
    """Return why a package does not let a member log in, or None."""
    try:
        signals.send(signals.login_verified, member=member)
    except DomainError as error:
        return error
    return None


def _ensure_member(found: LoginRecord) -> Member:
    """Return the member whose password was right. Raises DomainError when they may not log in."""
    member = found.member
    denial = _not_activated() if member is None else login_denial(member) or _veto(member)
    if member is None or denial is not None:
        with transaction():
            _note_failure(member)
        raise denial or DomainError(INVALID)
    return member


def _not_activated() -> DomainError:
    text, _category = outbox_texts.sent(NOT_ACTIVATED, otherwise=_("To use your account you have to activate it."))
    return DomainError(text)


# -- count


def _record_failure(found: LoginRecord, key: str) -> None:
    """Count a failure. An unknown name takes the same statements, and an e-mail that is discarded.

    The throttle's row is locked first, here and at a success. In any other order, two requests could deadlock.
    """
    member = found.member
    locked_until = login_throttle.record_failure(key)
    failed = {"fail_login_count": func.coalesce(Member.fail_login_count, 0) + 1}
    db.session.execute(_update(member.id if member else 0, failed))
    _note_failure(member)
    if locked_until is not None:
        audit.record("locked_out", "member", member)
        mail.locked_out(member, locked_until)


def _record_success(member: Member, password: str | None) -> None:
    """Update the login counters, and the password's hash when it is outdated.

    Raises DomainError when all sessions of `member` were ended since the password was read. `password` is None when it
    is not stored here.
    """
    values = _login_counters()
    if password is not None and password_policy.is_outdated(member.password):
        values["password"] = password_policy.hash_password(password)
    unchanged = _update(member.id, values).where(Member.session_stamp == member.session_stamp)
    if db.session.execute(unchanged.returning(Member.id)).first() is None:
        raise DomainError(INVALID, "warning")


def _login_counters() -> dict[str, Any]:
    return {
        "login_count": func.coalesce(Member.login_count, 0) + 1,
        "fail_login_count": 0,
        # Flask-AppBuilder's columns hold naive times.
        "last_login": clock.now().replace(tzinfo=None),
    }


def _update(member_id: int, values: dict[str, Any]) -> Update:
    return update(Member).where(Member.id == member_id).values(values)
