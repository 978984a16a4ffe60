"""The second factor: an authenticator app, recovery codes, and what may be taken away.

A failure to prove it is committed here, whatever becomes of the request.
"""

import logging
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyotp
import segno
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update

from app import audit, clock
from app.accounts import encryption, mail, queries, rules, tokens
from app.accounts.login import service as login_service
from app.accounts.login import throttle as login_throttle
from app.accounts.models import Member, Passkey, RecoveryCode, Totp
from app.database import insert_into, transaction
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

# What is encrypted: the secret of an app, and one that waits in a page for its first code.
STORED, OFFERED = "totp", "totp offer"
OFFER_LIFETIME = timedelta(minutes=30)
# Codes of the step before and after count as well: clocks are not that exact.
STEPS_AROUND = 1
CODE_DIGITS = 6
RECOVERY_CODES = 10
# 16 of 31 characters are 79 bits. Those that look like another one are left out.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
RECOVERY_LENGTH, GROUP = 16, 4

NONE, READY, UNREADABLE = "none", "ready", "unreadable"


@dataclass(frozen=True)
class Overview:
    """What a member can prove themselves with beside a password."""

    # One of NONE, READY and UNREADABLE: the site's secret was changed, and with it the key that read the app's.
    app: str
    app_since: datetime | None
    passkeys: list[Passkey]
    codes_left: int
    required: bool

    @property
    def has_factor(self) -> bool:
        """Whether there is anything that recovery codes can stand in for."""
        return self.app != NONE or bool(self.passkeys)


@dataclass(frozen=True)
class TotpSetup:
    """A new secret, as a page shows it: a picture, the text in groups of four, a link, and itself sealed."""

    qr: str
    groups: list[str]
    uri: str
    sealed: str


def overview(member: Member) -> Overview:
    """Return what `member` has."""
    totp = db.session.get(Totp, member.id)
    state = NONE
    if totp is not None and totp.confirmed_at is not None:
        state = READY if _secret_of(totp) else UNREADABLE
    return Overview(
        app=state,
        app_since=totp.confirmed_at if totp is not None else None,
        passkeys=passkeys_of(member),
        codes_left=codes_left(member),
        required=queries.auth_requirements(member.id).factor_required,
    )


def passkeys_of(member: Member) -> list[Passkey]:
    """Return the passkeys of `member`, the oldest first."""
    owned = select(Passkey).where(Passkey.member_id == member.id).order_by(Passkey.created_at, Passkey.id)
    return list(db.session.scalars(owned))


def codes_left(member: Member) -> int:
    """Return how many recovery codes of `member` were not used yet."""
    unused = select(func.count()).select_from(RecoveryCode)
    unused = unused.where(RecoveryCode.member_id == member.id, RecoveryCode.used_at.is_(None))
    return db.session.execute(unused).scalar_one()


# -- the authenticator app


def start_totp_setup(member: Member) -> TotpSetup:
    """Return a new secret for the app of `member`. Nothing is stored: the page that shows it carries it, sealed."""
    secret = pyotp.random_base32()
    return _shown(member, secret, encryption.encrypt(OFFERED, f"{member.id}:{secret}"))


def resume_totp_setup(member: Member, sealed: str) -> TotpSetup | None:
    """Return the secret that a page of `member` carries, or None when it is not theirs or too old."""
    secret = _offered(member, sealed)
    return _shown(member, secret, sealed) if secret else None


def add_totp(member: Member, sealed: str, code: str) -> list[str]:
    """Make the offered secret the one of `member`, in place of an earlier one; return new recovery codes.

    Raises DomainError when `code` is not the one that the app shows now.
    """
    secret = _offered(member, sealed)
    if secret is None:
        raise DomainError(_("That took too long. Please scan the new picture."), "warning")
    lock(member)
    earlier = db.session.get(Totp, member.id, populate_existing=True)
    if earlier is not None and _secret_of(earlier) == secret:
        raise DomainError(_("This authenticator app has already been added."), "info")
    step = _step_of(secret, _plain(code))
    if step is None:
        raise DomainError(
            _("This code does not match the app. Please check that the clock of the device is set correctly."),
            "warning",
            field="code",
        )
    now = clock.now()
    values = {"secret": encryption.encrypt(STORED, secret), "created_at": now, "confirmed_at": now, "last_step": step}
    stored = insert_into(Totp).values(member_id=member.id, **values)
    db.session.execute(stored.on_conflict_do_update(index_elements=["member_id"], set_=values))
    audit.record("totp_added", "member", member)
    mail.second_factor_added(member, "app")
    login_service.complete_required_action(rules.ADD_SECOND_FACTOR)
    return make_recovery_codes(member)


def remove_totp(member: Member) -> None:
    """Take the authenticator app of `member` away; raises DomainError when there is none, or it has to stay."""
    lock(member)
    gone = delete(Totp).where(Totp.member_id == member.id).returning(Totp.member_id)
    if db.session.execute(gone).first() is None:
        raise DomainError(_("The authenticator app has already been removed."), "info")
    after_removal(member)
    audit.record("totp_removed", "member", member)
    mail.second_factor_removed(member, "app")


def _shown(member: Member, secret: str, sealed: str) -> TotpSetup:
    uri = pyotp.TOTP(secret).provisioning_uri(name=member.username, issuer_name=current_app.config["APP_NAME"])
    # Dark on light in dark mode as well: not every camera reads it the other way round.
    qr = segno.make(uri, error="m").svg_data_uri(border=4, light="#fff", omitsize=True)
    return TotpSetup(qr, [secret[start : start + GROUP] for start in range(0, len(secret), GROUP)], uri, sealed)


def _offered(member: Member, sealed: str) -> str | None:
    whose, _colon, secret = (encryption.decrypt(OFFERED, sealed, OFFER_LIFETIME) or "").partition(":")
    return secret if whose == str(member.id) else None


def _secret_of(totp: Totp) -> str | None:
    secret = encryption.decrypt(STORED, totp.secret)
    if secret is None:
        log.warning("The authenticator secret of user %s cannot be decrypted: SECRET_KEY was changed", totp.member_id)
    return secret


def _step_of(secret: str, code: str) -> int | None:
    """Return the step of 30 seconds whose code `code` is, if it is one of now."""
    if len(code) != CODE_DIGITS:
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=clock.now(), valid_window=STEPS_AROUND)
    except pyotp.OTPVerificationError:
        return None


# -- recovery codes


def make_recovery_codes(member: Member) -> list[str]:
    """Give `member` new recovery codes in place of the old ones, and return them: nobody can read them again."""
    lock(member)
    _forget_codes(member)
    codes = [_new_code() for _number in range(RECOVERY_CODES)]
    db.session.add_all(RecoveryCode(member_id=member.id, code_hash=_code_hash(member, code)) for code in codes)
    audit.record("recovery_codes_made", "member", member)
    db.session.flush()
    return ["-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP)) for code in codes]


def _new_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _letter in range(RECOVERY_LENGTH))


def _forget_codes(member: Member) -> None:
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.member_id == member.id))


def _code_hash(member: Member, code: str) -> str:
    # Random and long, so a fast hash is enough; not keyed, because codes outlive a change of the site's secret.
    return rules.token_hash(f"{member.id}:{code}")


# -- proving it


def verify_code(member: Member, code: str) -> None:
    """Use up a code that `member` typed: of their app, or a recovery code. Spaces and dashes do not count.

    A failure is counted at once; a success belongs to the transaction of whoever calls. Raises DomainError: for a wrong
    or used code, and guard.LockedOutError after too many of them.
    """
    key = login_throttle.key_of("second_step", member.id)
    login_throttle.check(key)
    typed = _plain(code)
    if _use_app_code(member, typed) or _use_recovery_code(member, typed):
        login_throttle.record_success(key)
        return
    with transaction():
        _note_failure(member, key)
    raise DomainError(_("This code is wrong or has already been used."), "warning", field="code")


def _plain(code: str) -> str:
    """Return what counts of a typed code: letters, and digits of whatever script as 0 to 9."""
    digits = (str(unicodedata.decimal(character, character)) for character in code)
    return "".join(character for character in digits if character.isalnum()).lower()


def _use_app_code(member: Member, code: str) -> bool:
    """Whether `code` is the app's and was not used; of any number of simultaneous requests one is told so."""
    totp = db.session.get(Totp, member.id) if len(code) == CODE_DIGITS else None
    if totp is None or totp.confirmed_at is None:
        return False
    secret = _secret_of(totp)
    step = _step_of(secret, code) if secret else None
    if step is None:
        return False
    use = update(Totp).where(Totp.member_id == member.id, Totp.secret == totp.secret, Totp.last_step < step)
    return was_changed(use.values(last_step=step).returning(Totp.member_id))


def _use_recovery_code(member: Member, code: str) -> bool:
    if len(code) != RECOVERY_LENGTH:
        return False
    use = update(RecoveryCode).where(
        RecoveryCode.member_id == member.id,
        RecoveryCode.code_hash == _code_hash(member, code),
        RecoveryCode.used_at.is_(None),
    )
    if not was_changed(use.values(used_at=clock.now()).returning(RecoveryCode.id)):
        return False
    audit.record("recovery_code_used", "member", member, actor=member)
    mail.recovery_code_used(member, codes_left(member))
    return True


def was_changed(statement: Any) -> bool:
    """Execute a guarded UPDATE that returns something, and return whether there was a row for it."""
    return db.session.execute(statement).first() is not None


def _note_failure(member: Member, key: str) -> None:
    locked_until = login_throttle.record_failure(key)
    audit.record("second_step_failed", "member", member)
    if locked_until is not None:
        audit.record("locked_out", "member", member)
        mail.second_step_locked(member, locked_until)


# -- taking factors away


def lock(member: Member) -> None:
    """Hold the member's row until the end of the transaction: of two factors removed at once, one is the last."""
    held = update(Member).where(Member.id == member.id).values(session_stamp=Member.session_stamp)
    db.session.execute(held)


def after_removal(member: Member) -> None:
    """See to what is left, once a factor of `member` is gone: recovery codes stand in for one, not for none.

    Raises DomainError when nothing usable is left and a role asks for a factor.
    """
    left = overview(member)
    if left.required and left.app != READY and not left.passkeys:
        raise DomainError(_("Your role requires a second factor. Add another one before you remove this one."))
    if not left.has_factor:
        _forget_codes(member)


def reset(member: Member) -> None:
    """Take every second factor of `member` away, for somebody who has lost them all.

    Raises DomainError when there was none.
    """
    lock(member)
    rows = 0
    for model in (Totp, Passkey, RecoveryCode):
        rows += len(
            db.session.execute(delete(model).where(model.member_id == member.id).returning(model.member_id)).all()
        )
    if not rows:
        raise DomainError(_("%(name)s has no second factor.", name=member.display_name), "info")
    tokens.revoke(member, rules.SECOND_STEP)
    audit.record("second_factor_reset", "member", member)
    mail.second_factor_reset(member)
