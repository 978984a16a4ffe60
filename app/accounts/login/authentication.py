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
from app.accounts.ldap import lockout as ldap_lockout
from app.accounts.ldap import people as ldap_people
from app.accounts.ldap import sync as ldap_sync
from app.accounts.ldap.entries import normalize_dn
from app.accounts.ldap.people import RefusedError
from app.accounts.models import DirectoryPerson, Member, TrustedDevice
from app.accounts.queries import AuthRequirements, LoginRecord
from app.accounts.sessions import trusted_devices
from app.accounts.sessions.provider_sessions import ProviderLogin
from app.address_key import address_key
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.outbox import texts as outbox_texts

# Where failures are counted: in all browsers together, in one that the member has used before, at reauthentication.
ANYWHERE, ON_DEVICE, REAUTHENTICATION = "login", "login on a device", "reauthenticate"
# Whose pauses end with a new password: those that were used last.
MAX_DEVICES = 100
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
    # Where they logged in, if not here.
    provider_login: ProviderLogin | None = None


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
    name = address_key(identifier)
    device_hash = rules.token_hash(trusted_devices.token())
    keys = login_throttle.key_of(ANYWHERE, name), login_throttle.key_of(ON_DEVICE, f"{device_hash}:{name}")
    found = queries.login_record(identifier, device_hash, *keys)
    key = keys[found.device_is_known]
    login_throttle.refuse_while_locked(found.device_locked_until if found.device_is_known else found.locked_until)
    owner = _known_to_package(identifier.strip().lower(), password)
    if owner is None and ldap_client.is_enabled():
        owner = _authenticate_in_directory(identifier.strip(), password, device_hash, key)
    elif owner is None and not _is_password_of(found, password):
        with transaction():
            _record_failure(found.member, key)
        raise DomainError(INVALID, "warning")
    else:
        login_throttle.record_success(key)
    # The password of a directory or a package is neither stored here nor measured by the rules for ours.
    own_password = password if owner is None else None
    if owner is not None:
        found = replace(found, member=owner, registration=None, requirements=queries.auth_requirements(owner.id))
    member = _ensure_member(found)
    _record_success(member, own_password)
    is_temporary = own_password is not None and member.password_is_temporary
    action = RequiredAction.CHOOSE_PASSWORD if is_temporary else required_action(found.requirements, own_password)
    return AuthResult(member, found.requirements, action)


def _known_to_package(identifier: str, password: str) -> Member | None:
    """Ask the packages that know passwords."""
    told = signals.send(signals.login_providing, identifier=identifier, password=password)
    return next((member for member in told if isinstance(member, Member)), None)


def _is_password_of(found: LoginRecord, password: str) -> bool:
    return password_policy.matches(found.password if auth_type.has_own_passwords() else None, password)


def _authenticate_in_directory(identifier: str, password: str, device_hash: str, key: str) -> Member:
    """Return the member whom the directory authenticates. Raises DomainError.

    Failures of a person are counted together, whichever of their names was typed. A name of nobody is counted by itself.
    """
    entry = ldap_people.find(identifier)
    # The same statements whether or not somebody is found.
    owner = ldap_sync.owner_of(ldap_people.unique_ids_of(entry))
    is_known = owner is not None and trusted_devices.is_known(owner, device_hash)
    by_person, limit = _directory_throttle(ldap_people.name_of(entry), is_known=is_known)
    key = by_person if entry is not None else key
    login_throttle.check(key)
    try:
        person = ldap_people.verify(entry, identifier, password)
    except RefusedError:
        with transaction():
            _note_failure(owner)
        raise
    if person is None:
        # Also for a name of nobody.
        with transaction():
            _record_failure(owner, key, limit)
        raise DomainError(INVALID, "warning")
    # Before anything is written.
    handover = ldap_sync.handover(person)
    login_throttle.record_success(key)
    member = ldap_sync.sync_member(person, handover)
    groups = role_mapping.groups(person.groups, normalize_dn)
    role_changes.assign(member, ldap_sync.roles_of(person, member), groups)
    return member


def _directory_throttle(unique_id: str, *, is_known: bool) -> tuple[str, rules.FailureLimit]:
    """Return the key and the limit for failures of a person of the directory.

    All browsers that the person has used count together: the directory, too, counts them together.
    """
    policy = ldap_lockout.lockout()
    limits = rules.directory_limits(policy.threshold, policy.window)
    return login_throttle.key_of(ON_DEVICE if is_known else ANYWHERE, f"ldap:{unique_id}"), limits[is_known]


def trust_identity_provider(member: Member, provider_login: ProviderLogin | None = None) -> AuthResult:
    """Return the result for a member whom an identity provider has authenticated.

    Raises DomainError when they may not log in.
    """
    ensure_login_allowed(member)
    requirements = queries.auth_requirements(member.id)
    _record_success(member, None)
    return AuthResult(member, requirements, required_action(requirements), provider_login)


def reauthenticate(member: Member, password: str) -> None:
    """Check the password of a member who is logged in. Raises DomainError when it is wrong.

    A failure is committed at once, a success with the transaction of the caller.
    """
    with signals.reauthenticating(member):
        _reauthenticate(member, password)


def _reauthenticate(member: Member, password: str) -> None:
    row = ldap_sync.of_member(member) if ldap_client.is_enabled() else None
    key, limit = login_throttle.key_of(REAUTHENTICATION, member.id), rules.ORDINARY_LIMIT
    if row is not None:
        key, limit = _directory_throttle(row.unique_id, is_known=True)
    login_throttle.check(key)
    if not _is_password_of_member(member, row, password):
        with transaction():
            locked_until = login_throttle.record_failure(key, limit)
            _note_failure(member)
            if locked_until is not None:
                audit.record("locked_out", "member", member)
                mail.locked_out(member, locked_until)
        raise DomainError(_("The password is incorrect."), "warning", field="password")
    login_throttle.record_success(key)


def _is_password_of_member(member: Member, row: DirectoryPerson | None, password: str) -> bool:
    known = _known_to_package(member.username, password)
    if known is not None:
        return known.id == member.id
    if not ldap_client.is_enabled():
        return password_policy.matches(member.password if auth_type.has_own_passwords() else None, password)
    entry = ldap_people.find_by_id(row.unique_id) if row is not None else None
    return ldap_people.verify(entry, member.username, password) is not None


def record_login(member: Member) -> None:
    """Update the login counters of a member who logged in without a password."""
    db.session.execute(_update(member.id, _login_counters()))


def forget_failures(member: Member) -> None:
    """Reset the throttle of `member` in all browsers."""
    names = {address_key(member.username), address_key(member.email)}
    devices = select(TrustedDevice.token_hash).where(TrustedDevice.member_id == member.id)
    known = list(db.session.scalars(devices.order_by(TrustedDevice.last_seen_at.desc()).limit(MAX_DEVICES)))
    row = ldap_sync.of_member(member)
    of_directory = (
        [login_throttle.key_of(kind, f"ldap:{row.unique_id}") for kind in (ANYWHERE, ON_DEVICE)] if row else []
    )
    login_throttle.clear(
        login_throttle.key_of(REAUTHENTICATION, member.id),
        *of_directory,
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
    denial = not_activated() if member is None else login_denial(member) or _veto(member)
    if member is None or denial is not None:
        with transaction():
            _note_failure(member)
        raise denial or DomainError(INVALID)
    return member


def not_activated() -> DomainError:
    """Return why nobody can log in to an account that waits for its activation."""
    text, _category = outbox_texts.sent(NOT_ACTIVATED, otherwise=_("To use your account you have to activate it."))
    return DomainError(text)


# -- count


def _record_failure(member: Member | None, key: str, limit: rules.FailureLimit = rules.ORDINARY_LIMIT) -> None:
    """Count a failure. An unknown name takes the same statements, and an e-mail that is discarded.

    The throttle's row is locked first, here and at a success. In any other order, two requests could deadlock.
    """
    locked_until = login_throttle.record_failure(key, limit)
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
