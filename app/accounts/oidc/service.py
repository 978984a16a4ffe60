"""OpenID Connect: log in at the provider of this site, and link its identities with members.

An identity belongs to a member only when they have linked it while logged in, or registered with it. The e-mail address
in a provider's claims proves nothing.
"""

import logging
from dataclasses import asdict, dataclass
from typing import Any

from flask import Response, current_app, request, session
from flask_babel import gettext as _
from sqlalchemy import delete, select

from app import audit
from app.accounts import mail
from app.accounts.models import ExternalIdentity, Member
from app.crud.fields import clean_line
from app.errors import DomainError
from app.extensions import db
from app.http import release_request_lock

log = logging.getLogger(__name__)

CLIENT = "openid"
# The prefix of the session keys in which Authlib stores pending logins.
STATE_PREFIX = f"_state_{CLIENT}_"
SCOPES = "openid email profile"
# Asymmetric signatures only: neither "none" nor those with a shared secret.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
MAX_KEY_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH = 255, 254, 64


@dataclass(frozen=True)
class OidcIdentity:
    """An identity at a provider, and its claims that fill in the registration form."""

    issuer: str
    subject: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the fields, for the session."""
        return asdict(self)


def is_configured() -> bool:
    """Whether this site has a provider."""
    return bool(current_app.config["OIDC_ISSUER"])


def provider() -> str:
    """Return the display name of the provider."""
    return str(current_app.config["OIDC_DISPLAY_NAME"])


# -- log in at the provider


def start_login(callback_url: str) -> Response:
    """Return the redirect to the provider, which sends the reader back to `callback_url`.

    Raises DomainError when the provider cannot be reached.
    """
    _clear_pending_logins()
    try:
        with release_request_lock():
            response: Response = _client().authorize_redirect(callback_url)
    except Exception as error:
        raise _failure(error) from error
    return response


def finish_login() -> OidcIdentity:
    """Return the identity that the provider's response in this request confirms.

    Raises DomainError when the response is empty or invalid, and when the visitor has cancelled.
    """
    try:
        _ensure_response(request.args.get("error"), request.args.get("code"))
        with release_request_lock():
            return _read_identity()
    except DomainError:
        raise
    except Exception as error:
        # Any error comes from the provider's data, which may be forged.
        raise _failure(error) from error
    finally:
        _clear_pending_logins()


def _ensure_response(problem: str | None, code: str | None) -> None:
    if problem == "access_denied":
        raise DomainError(_("You cancelled at %(provider)s. Nothing was changed.", provider=provider()), "warning")
    if not problem and not code:
        raise DomainError(_("No response from %(provider)s. Please try again.", provider=provider()), "warning")


def _read_identity() -> OidcIdentity:
    client, issuer = _client(), str(current_app.config["OIDC_ISSUER"])
    expected = {
        # Some issuers are written with a slash at their end.
        "iss": {"essential": True, "values": [issuer, f"{issuer}/"]},
        "aud": {"essential": True, "value": current_app.config["OIDC_CLIENT_ID"]},
    }
    token = client.authorize_access_token(claims_options=expected)
    claims = dict(token["userinfo"])
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject.isprintable() or not 0 < len(subject) <= MAX_KEY_LENGTH:
        msg = "a subject must be a short text"
        raise ValueError(msg)
    if not claims.get("email"):
        claims |= _userinfo(client, token, subject)
    return OidcIdentity(
        issuer,
        subject,
        email=_text(claims.get("email"), MAX_EMAIL_LENGTH),
        first_name=_text(claims.get("given_name"), MAX_NAME_LENGTH),
        last_name=_text(claims.get("family_name"), MAX_NAME_LENGTH),
    )


def _userinfo(client: Any, token: dict[str, Any], subject: str) -> dict[str, Any]:
    """Return the claims of the userinfo endpoint. A login works without them."""
    try:
        claims = dict(client.userinfo(token=token))
    except Exception as error:  # noqa: BLE001 - without it, the registration form is empty
        log.warning("%s returned no user information: %r", current_app.config["OIDC_ISSUER"], error)
        return {}
    return claims if claims.get("sub") == subject else {}


def _text(claim: object, max_length: int) -> str:
    return (clean_line(claim) or "")[:max_length] if isinstance(claim, str) else ""


def _client() -> Any:
    """Return Authlib's client. It is created on first use, because few sites have a provider."""
    from authlib.integrations.flask_client import OAuth

    config = current_app.config
    settings = (config["OIDC_ISSUER"], config["OIDC_CLIENT_ID"], config["OIDC_CLIENT_SECRET"])
    known = current_app.extensions.setdefault("openid", {})
    if settings not in known:
        issuer, client_id, secret = settings
        known[settings] = OAuth(current_app).register(
            CLIENT,
            client_id=client_id,
            client_secret=secret or None,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPES,
                "code_challenge_method": "S256",
                "default_timeout": config["OIDC_TIMEOUT"],
            },
        )
    client = known[settings]
    metadata = client.load_server_metadata()
    signatures = metadata.get("id_token_signing_alg_values_supported") or SIGNATURES
    metadata["id_token_signing_alg_values_supported"] = [name for name in signatures if name in SIGNATURES]
    return client


def _failure(error: Exception) -> DomainError:
    log.warning("Login at the identity provider %s failed: %r", current_app.config["OIDC_ISSUER"], error)
    return DomainError(
        _("%(provider)s could not confirm your identity. Please try again in a moment.", provider=provider())
    )


def _clear_pending_logins() -> None:
    """Remove earlier pending logins: the cookie has room for one."""
    for key in [key for key in session if key.startswith(STATE_PREFIX)]:
        del session[key]


# -- identities of members


def owner(identity: OidcIdentity) -> Member | None:
    """Return the member with whom `identity` is linked."""
    statement = select(Member).join(ExternalIdentity, ExternalIdentity.member_id == Member.id).where(_is(identity))
    return db.session.execute(statement).scalar_one_or_none()


def of(member: Member) -> list[ExternalIdentity]:
    """Return the identities of `member`, the oldest first."""
    statement = select(ExternalIdentity).where(ExternalIdentity.member_id == member.id)
    return list(db.session.scalars(statement.order_by(ExternalIdentity.created_at, ExternalIdentity.id)))


def link(member: Member, identity: OidcIdentity) -> None:
    """Link `identity` with `member`. Raises DomainError when it is linked already, with them or another member.

    Raises IntegrityError when a simultaneous request links it.
    """
    known = db.session.execute(select(ExternalIdentity.member_id).where(_is(identity))).scalar_one_or_none()
    if known == member.id:
        raise DomainError(_("You can already log in with %(provider)s.", provider=provider()), "info")
    if known is not None:
        raise DomainError(_("This login at %(provider)s is linked with another account here.", provider=provider()))
    db.session.add(ExternalIdentity(member_id=member.id, issuer=identity.issuer, subject=identity.subject))
    audit.record("identity_linked", "member", member, after={"issuer": identity.issuer})
    mail.identity_linked(member, provider())
    db.session.flush()


def unlink(member: Member, number: str) -> None:
    """Unlink the identity with that key from `member`. Raises DomainError when they have no such identity."""
    numbers = [identity.id for identity in of(member) if str(identity.id) == number]
    statement = delete(ExternalIdentity).where(ExternalIdentity.id.in_(numbers))
    issuer = db.session.execute(statement.returning(ExternalIdentity.issuer)).scalar_one_or_none()
    if issuer is None:
        raise DomainError(_("This link no longer exists."), "warning")
    audit.record("identity_unlinked", "member", member, before={"issuer": issuer})


def _is(identity: OidcIdentity) -> Any:
    return (ExternalIdentity.issuer == identity.issuer) & (ExternalIdentity.subject == identity.subject)
