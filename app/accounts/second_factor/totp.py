"""Authenticator apps (TOTP, RFC 6238): set one up, verify its codes."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import pyotp
import segno
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import delete, update

from app import clock
from app.accounts import encryption
from app.accounts.models import Member, Totp
from app.database import insert_into
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

# Purposes of encryption: the stored secret, and a new one that waits in a page for its first code.
STORED, OFFERED = "totp", "totp offer"
SETUP_LIFETIME = timedelta(minutes=30)
# Codes of the previous and the next step are accepted too: clocks are not exact.
STEPS_AROUND = 1
CODE_DIGITS, GROUP_LENGTH = 6, 4


class TotpState(StrEnum):
    """Whether a member has an authenticator app. Its secret is unreadable after a change of SECRET_KEY."""

    NONE = "none"
    READY = "ready"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class TotpSetup:
    """A new secret for an app: as a QR code (data URL), as text in groups, as an otpauth URI, and encrypted."""

    qr: str
    groups: list[str]
    uri: str
    sealed: str


def is_readable(stored: str) -> bool:
    """Whether the secret of an app was encrypted with this SECRET_KEY."""
    return encryption.decrypt(STORED, stored) is not None


def state_of(totp: Totp | None) -> TotpState:
    """Return whether the app can be used to log in."""
    if totp is None or totp.confirmed_at is None:
        return TotpState.NONE
    return TotpState.READY if _secret_of(totp) else TotpState.UNREADABLE


def start_setup(member: Member) -> TotpSetup:
    """Return a new secret. Nothing is stored: the page that shows the secret carries it, encrypted."""
    secret = pyotp.random_base32()
    return _setup(member, secret, encryption.encrypt(OFFERED, f"{member.id}:{secret}"))


def resume_setup(member: Member, sealed: str) -> TotpSetup | None:
    """Return the secret that a page of `member` carries, or None when it is another member's or has expired."""
    secret = _decrypt_setup(member, sealed)
    return _setup(member, secret, sealed) if secret else None


def store(member: Member, sealed: str, code: str) -> None:
    """Store the secret of a page as the app of `member`, in place of an earlier one.

    Raises DomainError when the page has expired, when the same app was added before, and, with the field "code", when
    `code` is not the one that the app shows now.
    """
    secret = _decrypt_setup(member, sealed)
    if secret is None:
        raise DomainError(_("That took too long. Please scan the new picture."), "warning")
    earlier = db.session.get(Totp, member.id, populate_existing=True)
    if earlier is not None and _secret_of(earlier) == secret:
        raise DomainError(_("This authenticator app has already been added."), "info")
    step = _step_of(secret, code)
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


def remove(member: Member) -> bool:
    """Delete the app of `member`. Return False when there is none."""
    removed = delete(Totp).where(Totp.member_id == member.id).returning(Totp.member_id)
    return db.session.execute(removed).first() is not None


def use(member: Member, code: str) -> bool:
    """Use up a code of the app. Return False when it is wrong or was used before.

    Of simultaneous requests with the same code, one succeeds.
    """
    totp = db.session.get(Totp, member.id) if len(code) == CODE_DIGITS else None
    if totp is None or totp.confirmed_at is None:
        return False
    secret = _secret_of(totp)
    step = _step_of(secret, code) if secret else None
    if step is None:
        return False
    claim = update(Totp).where(Totp.member_id == member.id, Totp.secret == totp.secret, Totp.last_step < step)
    return db.session.execute(claim.values(last_step=step).returning(Totp.member_id)).first() is not None


def _setup(member: Member, secret: str, sealed: str) -> TotpSetup:
    uri = pyotp.TOTP(secret).provisioning_uri(name=member.username, issuer_name=current_app.config["APP_NAME"])
    # Dark on light in dark mode as well: not every camera reads inverted codes.
    qr = segno.make(uri, error="m").svg_data_uri(border=4, light="#fff", omitsize=True)
    groups = [secret[start : start + GROUP_LENGTH] for start in range(0, len(secret), GROUP_LENGTH)]
    return TotpSetup(qr, groups, uri, sealed)


def _decrypt_setup(member: Member, sealed: str) -> str | None:
    member_id, _colon, secret = (encryption.decrypt(OFFERED, sealed, SETUP_LIFETIME) or "").partition(":")
    return secret if member_id == str(member.id) else None


def _secret_of(totp: Totp) -> str | None:
    secret = encryption.decrypt(STORED, totp.secret)
    if secret is None:
        log.warning("The authenticator app of member %s cannot be decrypted: SECRET_KEY was changed", totp.member_id)
    return secret


def _step_of(secret: str, code: str) -> int | None:
    """Return the number of the 30-second step that `code` belongs to, or None when it is no current code."""
    if len(code) != CODE_DIGITS:
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(code, for_time=clock.now(), valid_window=STEPS_AROUND)
    except pyotp.OTPVerificationError:
        return None
