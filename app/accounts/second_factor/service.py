"""What spans authenticator apps, passkeys and recovery codes: the overview, verifying a code, adding and removing.

A wrong code is counted and committed at once, whatever becomes of the request.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy import delete

from app import audit
from app.accounts import login_throttle, mail, members, queries, tokens
from app.accounts.enums import RequiredAction, TokenPurpose
from app.accounts.models import Member, Passkey, RecoveryCode, Totp
from app.accounts.second_factor import recovery_codes, totp
from app.accounts.second_factor.totp import TotpState
from app.accounts.sessions import service as session_service
from app.database import transaction
from app.errors import DomainError
from app.extensions import appbuilder_of, db


@dataclass(frozen=True)
class Overview:
    """The second factors of a member, and whether a role of theirs requires one."""

    app: TotpState
    app_since: datetime | None
    passkeys: list[Passkey]
    codes_left: int
    required: bool

    @property
    def has_factor(self) -> bool:
        """Whether the member has an authenticator app or a passkey. Recovery codes alone do not count."""
        return self.app != TotpState.NONE or bool(self.passkeys)

    @property
    def has_usable_factor(self) -> bool:
        """Whether the member can log in with one of their second factors."""
        return self.app == TotpState.READY or bool(self.passkeys)


def overview(member: Member) -> Overview:
    """Return the second factors of `member`."""
    app = db.session.get(Totp, member.id)
    return Overview(
        app=totp.state_of(app),
        app_since=app.confirmed_at if app is not None else None,
        passkeys=queries.passkeys_of(member),
        codes_left=recovery_codes.count_unused(member),
        required=queries.auth_requirements(member.id).factor_required,
    )


# -- verify a code


def verify_code(member: Member, code: str) -> None:
    """Use up a code of the member's app, or a recovery code. Spaces and dashes do not count.

    A failure is committed at once, a success with the transaction of the caller. Raises DomainError for a code that is
    wrong or was used, and LockedOutError after too many of them.
    """
    key = login_throttle.key_of("second_step", member.id)
    login_throttle.check(key)
    typed = _normalize(code)
    if totp.use(member, typed) or recovery_codes.use(member, typed):
        login_throttle.record_success(key)
        return
    with transaction():
        locked_until = login_throttle.record_failure(key)
        audit.record("second_step_failed", "member", member)
        appbuilder_of().sm.on_user_login_failed(member)
        if locked_until is not None:
            audit.record("locked_out", "member", member)
            mail.second_step_locked(member, locked_until)
    raise DomainError(_("This code is wrong or has already been used."), "warning", field="code")


def _normalize(code: str) -> str:
    """Return a typed code as lower-case letters and digits. Digits of any script become 0 to 9."""
    digits = (str(unicodedata.decimal(character, character)) for character in code)
    return "".join(character for character in digits if character.isalnum()).lower()


# -- add and remove


def add_totp(member: Member, sealed: str, code: str) -> list[str]:
    """Add the authenticator app whose secret a page has shown. Return new recovery codes.

    Raises what totp.store raises.
    """
    members.lock(member)
    totp.store(member, sealed, _normalize(code))
    audit.record("totp_added", "member", member)
    mail.second_factor_added(member, "app")
    session_service.complete_required_action(RequiredAction.ADD_SECOND_FACTOR)
    return recovery_codes.create(member)


def remove_totp(member: Member) -> None:
    """Remove the authenticator app. Raises DomainError when there is none, or when it is required."""
    members.lock(member)
    if not totp.remove(member):
        raise DomainError(_("The authenticator app has already been removed."), "info")
    after_removal(member)
    audit.record("totp_removed", "member", member)
    mail.second_factor_removed(member, "app")


def after_removal(member: Member) -> None:
    """Delete the recovery codes when the last factor is gone: they replace a factor once, they are none themselves.

    Raises DomainError when a role of `member` requires a factor and no usable one is left.
    """
    left = overview(member)
    if left.required and not left.has_usable_factor:
        raise DomainError(_("Your role requires a second factor. Add another one before you remove this one."))
    if not left.has_factor:
        recovery_codes.delete_all(member)


def reset(member: Member) -> None:
    """Remove all second factors of a member who has lost them. Raises DomainError when there are none."""
    members.lock(member)
    rows = 0
    for model in (Totp, Passkey, RecoveryCode):
        removed = delete(model).where(model.member_id == member.id).returning(model.member_id)
        rows += len(db.session.execute(removed).all())
    if not rows:
        raise DomainError(_("%(name)s has no second factor.", name=member.display_name), "info")
    tokens.revoke(member, TokenPurpose.SECOND_STEP)
    audit.record("second_factor_reset", "member", member)
    mail.second_factor_reset(member)
