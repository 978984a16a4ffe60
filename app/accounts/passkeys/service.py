"""Passkeys (WebAuthn): add one, authenticate with one.

Each ceremony has a challenge that works once. Using it is committed at once, whatever the response is worth. So is the
audit entry of a passkey that may have been copied.
"""

import hashlib
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import webauthn
from flask import current_app, request, session
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import delete, func, select, update
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.options_to_json_dict import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app import audit, clock
from app.accounts import mail, members, passkey_site, queries, rules, tokens
from app.accounts.enums import RequiredAction, TokenPurpose
from app.accounts.models import Member, Passkey
from app.accounts.second_factor import service as second_factor_service
from app.accounts.sessions import service as session_service
from app.database import insert_or_ignore, transaction
from app.errors import DomainError
from app.extensions import db

log = logging.getLogger(__name__)

CHALLENGE_KEY = "passkey_challenge"
# The purposes of challenges. A response is accepted for the same purpose only.
ADD, LOG_IN, SECOND_STEP, AGAIN = "add", "log in", "second step", "again"
MAX_PASSKEYS = 20
MAX_CREDENTIAL_LENGTH, MAX_ID_LENGTH = 50_000, 1023
MILLISECONDS = 1000
VERIFIED = UserVerificationRequirement.REQUIRED
# What WebAuthn asks sites to offer, the first that the authenticator knows is used: security keys know the first two, phones
# and computers the second, and those of Windows with an older TPM the third. Passkeys that were added with others still work.
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]

Parsed = TypeVar("Parsed")


def _require_support(purpose: str) -> None:
    reason = passkey_site.unsupported_reason()
    if reason is not None:
        raise DomainError(reason, "warning")
    if passkey_site.is_read_elsewhere():
        log.warning("Passkeys require pages at PUBLIC_URL, which is not %s", request.headers["Origin"])
        address = current_app.config["PUBLIC_URL"]
        raise DomainError(
            _("Your browser supports passkeys for this site only at %(address)s.", address=address), "warning"
        )
    if purpose == LOG_IN and not passkey_site.is_login_supported():
        raise DomainError(_("Log in with your password here. You can use a passkey as the second step."), "warning")


# -- passkeys of a member


def find(member: Member, passkey_id: int) -> Passkey:
    """Return a passkey of `member`. Raises DomainError when they have none with that key."""
    owned = select(Passkey).where(Passkey.id == passkey_id, Passkey.member_id == member.id)
    passkey = db.session.scalars(owned).one_or_none()
    if passkey is None:
        raise DomainError(_("This passkey no longer exists."), "info")
    return passkey


def rename(member: Member, passkey_id: int, name: str) -> None:
    """Rename a passkey of `member`."""
    passkey = find(member, passkey_id)
    before, passkey.name = passkey.name, name
    audit.record("passkey_renamed", "member", member, before={"name": before}, after={"name": name})


def remove(member: Member, passkey_id: int) -> str:
    """Remove a passkey of `member` and return its name. Raises DomainError when it is missing or required."""
    members.lock(member)
    passkey = find(member, passkey_id)
    name = passkey.name
    db.session.execute(delete(Passkey).where(Passkey.id == passkey.id))
    second_factor_service.after_removal(member)
    audit.record("passkey_removed", "member", member, before={"name": name})
    mail.second_factor_removed(member, "passkey", name)
    return name


# -- add one


def registration_options(member: Member) -> dict[str, Any]:
    """Return the WebAuthn options to create a passkey of `member`. Raises DomainError when that is not possible."""
    _require_support(ADD)
    _require_room(member)
    here = passkey_site.site()
    options = webauthn.generate_registration_options(
        rp_id=here.rp_id,
        rp_name=current_app.config["APP_NAME"],
        user_id=_handle(member.id),
        user_name=member.username,
        user_display_name=member.display_name,
        challenge=_challenge(ADD, member),
        timeout=_milliseconds(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=VERIFIED
        ),
        supported_pub_key_algs=ALGORITHMS,
        exclude_credentials=[_descriptor(passkey) for passkey in queries.passkeys_of(member)],
    )
    return options_to_json_dict(options)


def add(member: Member, response: str, name: str) -> None:
    """Add the passkey of a browser's response (JSON), and commit. Raises DomainError for an invalid response."""
    _require_support(ADD)
    here, challenge = passkey_site.site(), _use_challenge(ADD, member)
    credential = _parse(parse_registration_credential_json, response)
    verified = _verify(
        lambda: webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=here.rp_id,
            expected_origin=here.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
    )
    if len(verified.credential_id) > MAX_ID_LENGTH:
        raise _invalid()
    values = {
        "member_id": member.id,
        "name": name,
        "credential_id": bytes_to_base64url(verified.credential_id),
        "public_key": verified.credential_public_key,
        "sign_count": verified.sign_count,
        "transports": ",".join(sorted({transport.value for transport in credential.response.transports or []})),
        "backed_up": verified.credential_backed_up,
        "created_at": clock.now(),
    }
    with transaction():
        members.lock(member)
        _require_room(member)
        added = insert_or_ignore(Passkey, "credential_id").values(**values).returning(Passkey.id)
        if db.session.execute(added).first() is None:
            raise DomainError(_("This passkey has already been added."), "info")
        audit.record("passkey_added", "member", member, after={"name": name})
        mail.second_factor_added(member, "passkey", name)
        session_service.complete_required_action(RequiredAction.ADD_SECOND_FACTOR)


def _require_room(member: Member) -> None:
    owned = select(func.count()).select_from(Passkey).where(Passkey.member_id == member.id)
    if db.session.execute(owned).scalar_one() >= MAX_PASSKEYS:
        raise DomainError(
            ngettext(
                "You already have %(num)d passkey. Remove one first.",
                "You already have %(num)d passkeys. Remove one first.",
                MAX_PASSKEYS,
            )
        )


# -- authenticate


def authentication_options(purpose: str, member: Member | None = None) -> dict[str, Any]:
    """Return the WebAuthn options to authenticate with a passkey of `member`, or with any passkey of the site."""
    _require_support(purpose)
    options = webauthn.generate_authentication_options(
        rp_id=passkey_site.site().rp_id,
        challenge=_challenge(purpose, member),
        timeout=_milliseconds(),
        allow_credentials=[_descriptor(passkey) for passkey in queries.passkeys_of(member)]
        if member is not None
        else [],
        user_verification=VERIFIED,
    )
    return options_to_json_dict(options)


def authenticate(purpose: str, response: str, member: Member | None = None) -> Member:
    """Return the member whose passkey has signed the response (JSON), and commit its counter.

    Raises DomainError for an invalid response, for a passkey that is unknown or not of `member`, and for one that may
    have been copied.
    """
    _require_support(purpose)
    here, challenge = passkey_site.site(), _use_challenge(purpose, member)
    credential = _parse(parse_authentication_credential_json, response)
    known = select(Passkey).where(Passkey.credential_id == bytes_to_base64url(credential.raw_id))
    passkey = db.session.scalars(known).one_or_none()
    handle = credential.response.user_handle
    if (
        passkey is None
        or (member and member.id != passkey.member_id)
        or (handle and handle != _handle(passkey.member_id))
    ):
        raise DomainError(_("This passkey is not known here. It may have been removed."), "warning")
    verified = _verify(
        lambda: webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=here.rp_id,
            expected_origin=here.origin,
            credential_public_key=passkey.public_key,
            # _count compares the counter, so that of two simultaneous requests one fails.
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    )
    owner = db.session.get_one(Member, passkey.member_id)
    with transaction():
        counted = _count(passkey, verified)
        if not counted:
            audit.record("passkey_refused", "member", owner, after={"name": passkey.name})
    if not counted:
        raise DomainError(
            _("This passkey was rejected because it may have been copied: someone else has used it in the meantime.")
        )
    return owner


def _count(passkey: Passkey, verified: VerifiedAuthentication) -> bool:
    """Store the use and the counter of a passkey. Return False when the counter shows that a copy is in use.

    Many passkeys do not count: their counter is always 0.
    """
    count = verified.new_sign_count
    use = update(Passkey).where(Passkey.id == passkey.id)
    use = use.where(Passkey.sign_count < count if count else Passkey.sign_count == 0)
    values = {"sign_count": count, "last_used_at": clock.now(), "backed_up": verified.credential_backed_up}
    return db.session.execute(use.values(values).returning(Passkey.id)).first() is not None


# -- challenges and responses


def _challenge(purpose: str, member: Member | None) -> bytes:
    value = tokens.issue(TokenPurpose.PASSKEY_CHALLENGE, member, data={"purpose": purpose})
    session[CHALLENGE_KEY] = value
    return base64url_to_bytes(value)


def _use_challenge(purpose: str, member: Member | None) -> bytes:
    value = str(session.pop(CHALLENGE_KEY, ""))
    with transaction():
        used = tokens.use(TokenPurpose.PASSKEY_CHALLENGE, value)
    if used is None or (used.data["purpose"], used.member_id) != (purpose, member.id if member is not None else None):
        raise DomainError(_("That took too long. Please try again."), "warning")
    return base64url_to_bytes(value)


def _milliseconds() -> int:
    return int(rules.TOKEN_LIFETIMES[TokenPurpose.PASSKEY_CHALLENGE].total_seconds()) * MILLISECONDS


def _handle(member_id: int) -> bytes:
    """Return the WebAuthn user handle of a member. It is a hash, so it does not reveal the member."""
    return hashlib.sha256(f"dinnerparty member {member_id}".encode()).digest()


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in passkey.transports.split(",") if name]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id), transports=transports)


def _parse(parse: Callable[[str], Parsed], response: str) -> Parsed:
    if len(response) > MAX_CREDENTIAL_LENGTH:
        raise _invalid()
    return _verify(lambda: parse(response))


def _verify(check: Callable[[], Parsed]) -> Parsed:
    """Return the result of `check`. Raise DomainError for whatever it raises.

    A response passes through parsers of JSON, CBOR, ASN.1 and keys, each with errors of its own.
    """
    try:
        return check()
    except Exception as error:
        log.info("A passkey was rejected: %r", error)
        raise _invalid() from error


def _invalid() -> DomainError:
    return DomainError(_("This passkey could not be verified. Please try again."), "warning")
