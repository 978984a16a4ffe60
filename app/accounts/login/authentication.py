"""Find out who somebody is, and whether they may come in.

What is counted against somebody is committed here, whatever becomes of the request.
"""

from dataclasses import dataclass, replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import Update, func, select, update

from app import audit, clock
from app.accounts import mail, queries, rules
from app.accounts.ldap import client as ldap_client
from app.accounts.ldap import sync as ldap_sync
from app.accounts.login import throttle as login_throttle
from app.accounts.models import Member, TrustedDevice
from app.accounts.passwords import policy as password_policy
from app.accounts.queries import AuthRequirements, LoginRecord
from app.accounts.sessions import trusted_devices
from app.database import transaction
from app.errors import DomainError
from app.extensions import db

# Where failures are counted: in all browsers together, in one that a member has used before, and when asked again.
ANYWHERE, ON_DEVICE, AGAIN = "login", "login on a device", "reauthenticate"
INVALID = lazy_gettext("Invalid login. Please try again.")
NOT_ACTIVATED = lazy_gettext(
    "To use your account you have to activate it with the link we sent to your e-mail address."
)


@dataclass(frozen=True)
class AuthResult:
    """Somebody whose password was right, and what that login will have to do first, if anything."""

    member: Member
    standing: AuthRequirements
    required_action: str | None


# -- who is it


def authenticate(identifier: str, password: str) -> AuthResult:
    """Return the member with that name (or address) and password.

    A failure is counted at once; a success belongs to the transaction of whoever calls. Raises DomainError: for a wrong
    name or password, for a lockout (guard.LockedOutError), and, once the password was right, for an account that is not
    activated, not active or banned.
    """
    typed = identifier.strip().lower()
    device_hash = rules.token_hash(trusted_devices.token())
    keys = login_throttle.key_of(ANYWHERE, typed), login_throttle.key_of(ON_DEVICE, f"{device_hash}:{typed}")
    found = queries.login_record(typed, device_hash, *keys)
    key = keys[found.device_is_known]
    login_throttle.refuse_while_locked(found.device_locked_until if found.device_is_known else found.locked_until)
    proved = _ask_directory(found.password, typed, password)
    if not proved:
        with transaction():
            _note_failure(found, key)
        raise DomainError(INVALID, "warning")
    login_throttle.record_success(key)
    # What is typed for a directory is not ours to store, or to judge.
    ours: str | None = password
    if isinstance(proved, ldap_client.LdapPerson):
        found, ours = _sync_from_directory(found, proved), None
    member = _result(found)
    _note_success(member, ours)
    return AuthResult(member, found.standing, required_action(found.standing, ours))


def _ask_directory(stored: str | None, identifier: str, password: str) -> bool | ldap_client.LdapPerson | None:
    """Ask the hash, or the directory, whether `password` is right; the directory says whose it is, too."""
    return (
        ldap_client.authenticate(identifier, password)
        if ldap_client.is_enabled()
        else password_policy.matches(stored, password)
    )


def _sync_from_directory(found: LoginRecord, person: ldap_client.LdapPerson) -> LoginRecord:
    member = ldap_sync.sync_member(person)
    return replace(found, member=member, registration=None, standing=queries.auth_requirements(member.id))


def trust_identity_provider(member: Member) -> AuthResult:
    """Return the proof of a member whom a provider vouches for; raises DomainError when they may not come in."""
    ensure_login_allowed(member)
    standing = queries.auth_requirements(member.id)
    _note_success(member, None)
    return AuthResult(member, standing, required_action(standing))


def reauthenticate(member: Member, password: str) -> None:
    """Ask for the password of somebody who is logged in; raises DomainError when it is wrong.

    A failure is counted at once; a success belongs to the transaction of whoever calls.
    """
    key = login_throttle.key_of(AGAIN, member.id)
    login_throttle.check(key)
    if not _ask_directory(member.password, member.username, password):
        with transaction():
            locked_until = login_throttle.record_failure(key)
            audit.record("login_failed", "member", member)
            if locked_until is not None:
                audit.record("locked_out", "member", member)
                mail.locked_out(member, locked_until)
        raise DomainError(_("The password is incorrect."), "warning", field="password")
    login_throttle.record_success(key)


def record_login(member: Member) -> None:
    """Count a success of `member`, who proved who they are by other means than a password."""
    db.session.execute(_change(member.id, _counted()))


def forget_failures(member: Member) -> None:
    """Let `member` try again at once, in whatever browser: they have proved who they are in another way."""
    names = {member.username.lower(), member.email.lower()}
    known = list(db.session.scalars(select(TrustedDevice.token_hash).where(TrustedDevice.member_id == member.id)))
    login_throttle.clear(
        login_throttle.key_of(AGAIN, member.id),
        *(login_throttle.key_of(ANYWHERE, name) for name in names),
        *(login_throttle.key_of(ON_DEVICE, f"{device_hash}:{name}") for device_hash in known for name in names),
    )


def required_action(standing: AuthRequirements, password: str | None = None) -> str | None:
    """Return what a login must do before anything else: one of rules.DUTIES, or None."""
    if standing.factor_required and not standing.has_factor:
        return rules.ADD_SECOND_FACTOR
    least = password_policy.min_length(staff=standing.staff, second_factor=standing.has_factor)
    return rules.CHOOSE_PASSWORD if password is not None and len(password) < least else None


def _result(found: LoginRecord) -> Member:
    """Return whoever typed the right password; raises DomainError when they may not come in all the same."""
    member = found.member
    if member is None:
        raise _refused(None, DomainError(NOT_ACTIVATED))
    why = login_denial(member)
    if why is not None:
        raise _refused(member, why)
    return member


def _refused(member: Member | None, why: DomainError) -> DomainError:
    with transaction():
        audit.record("login_failed", "member", member)
    return why


def login_denial(member: Member) -> DomainError | None:
    """Return why a member who proved who they are may not come in, if they may not."""
    if member.banned_at is not None:
        return DomainError(_("Your account was banned: %(reason)s", reason=member.ban_reason))
    return None if member.is_active else DomainError(_("This account is not active."))


def ensure_login_allowed(member: Member) -> None:
    """Raise DomainError for a member who proved who they are and may not come in."""
    refused = login_denial(member)
    if refused is not None:
        raise refused


def _note_failure(found: LoginRecord, key: str) -> None:
    """Count a failure. For nobody these are the same statements, and the same letter, which is thrown away.

    The guard goes first, here and where somebody succeeds: two who wait for each other's rows would wait for ever.
    """
    member = found.member
    locked_until = login_throttle.record_failure(key)
    failed = {"fail_login_count": func.coalesce(Member.fail_login_count, 0) + 1}
    db.session.execute(_change(member.id if member else 0, failed))
    audit.record("login_failed", "member", member)
    if locked_until is not None:
        audit.record("locked_out", "member", member)
        mail.locked_out(member, locked_until)


def _note_success(member: Member, password: str | None) -> None:
    """Count a success, unless everybody who came in as `member` was told to leave since the password was read.

    `password` is what was typed, where it is ours to keep.
    """
    values = _counted()
    if password is not None and password_policy.is_outdated(member.password):
        values["password"] = password_policy.hash_password(password)
    as_read = _change(member.id, values).where(Member.session_stamp == member.session_stamp)
    if db.session.execute(as_read.returning(Member.id)).first() is None:
        raise DomainError(INVALID, "warning")


def _counted() -> dict[str, Any]:
    """Return the columns of somebody who has just proved who they are."""
    return {
        "login_count": func.coalesce(Member.login_count, 0) + 1,
        "fail_login_count": 0,
        # FAB's own columns hold naive times.
        "last_login": clock.now().replace(tzinfo=None),
    }


def _change(member_id: int, values: dict[str, Any]) -> Update:
    statement = update(Member).where(Member.id == member_id).values(values)
    return statement
