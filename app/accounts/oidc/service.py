"""Who members are elsewhere: at the OpenID Connect provider of this site.

A provider vouches for an identity, never for an account here: an identity belongs to a member because they linked it
while they were logged in, or registered with it. An e-mail address that a provider tells proves nothing.
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
# Where Authlib keeps what belongs to a login that is under way.
STATES = f"_state_{CLIENT}_"
SCOPES = "openid email profile"
# Signatures that only the provider can make: neither none, nor one with a secret that both know.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
MAX_KEY_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH = 255, 254, 64


@dataclass(frozen=True)
class OidcIdentity:
    """Somebody at a provider, and what it tells about them to begin a registration with."""

    issuer: str
    subject: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return it as a session keeps it."""
        return asdict(self)


def is_configured() -> bool:
    """Whether this site has a provider."""
    return bool(current_app.config["OIDC_ISSUER"])


def provider() -> str:
    """Return what the provider is called."""
    return str(current_app.config["OIDC_DISPLAY_NAME"])


# -- there and back


def start_login(callback_url: str) -> Response:
    """Return the redirect to the provider, which sends the reader back to `callback_url`.

    Raises DomainError when the provider cannot be reached.
    """
    _forget_attempts()
    try:
        with release_request_lock():
            answer: Response = _client().authorize_redirect(callback_url)
    except Exception as error:
        raise _failure(error) from error
    return answer


def finish_login() -> OidcIdentity:
    """Return whom the provider has sent back with this request.

    Raises DomainError: when it said nothing, when the reader cancelled there, and for whatever does not hold.
    """
    try:
        _refuse_silence(request.args.get("error"), request.args.get("code"))
        with release_request_lock():
            return _identity()
    except DomainError:
        raise
    except Exception as error:
        # Whatever it was, it came from outside, or from whoever forged what should have.
        raise _failure(error) from error
    finally:
        _forget_attempts()


def _refuse_silence(problem: str | None, code: str | None) -> None:
    if problem == "access_denied":
        raise DomainError(_("You cancelled at %(provider)s. Nothing was changed.", provider=provider()), "warning")
    if not problem and not code:
        raise DomainError(_("No response from %(provider)s. Please try again.", provider=provider()), "warning")


def _identity() -> OidcIdentity:
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
        claims |= _told_apart(client, token, subject)
    return OidcIdentity(
        issuer,
        subject,
        email=_text(claims.get("email"), MAX_EMAIL_LENGTH),
        first_name=_text(claims.get("given_name"), MAX_NAME_LENGTH),
        last_name=_text(claims.get("family_name"), MAX_NAME_LENGTH),
    )


def _told_apart(client: Any, token: dict[str, Any], subject: str) -> dict[str, Any]:
    """Return what the provider tells about people at an address of its own; nobody needs it to come in."""
    try:
        told = dict(client.userinfo(token=token))
    except Exception as error:  # noqa: BLE001 - without it, the registration begins empty
        log.warning("%s returned no user information: %r", current_app.config["OIDC_ISSUER"], error)
        return {}
    return told if told.get("sub") == subject else {}


def _text(claim: object, longest: int) -> str:
    return (clean_line(claim) or "")[:longest] if isinstance(claim, str) else ""


def _client() -> Any:
    """Return Authlib's client, made when somebody first asks for it: few sites have a provider."""
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


def _forget_attempts() -> None:
    """Let an earlier attempt be over: the cookie has room for one."""
    for key in [key for key in session if key.startswith(STATES)]:
        del session[key]


# -- whose it is


def owner(identity: OidcIdentity) -> Member | None:
    """Return the member whom `identity` belongs to."""
    statement = select(Member).join(ExternalIdentity, ExternalIdentity.member_id == Member.id).where(_is(identity))
    return db.session.execute(statement).scalar_one_or_none()


def of(member: Member) -> list[ExternalIdentity]:
    """Return the identities of `member`, the oldest first."""
    statement = select(ExternalIdentity).where(ExternalIdentity.member_id == member.id)
    return list(db.session.scalars(statement.order_by(ExternalIdentity.created_at, ExternalIdentity.id)))


def link(member: Member, identity: OidcIdentity) -> None:
    """Let `member` log in as `identity`; raises DomainError when it is linked already, to them or to somebody else.

    Raises IntegrityError when somebody else links it at this moment.
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
    """Let `member` not log in any more as the identity of that number; raises DomainError when it is not theirs."""
    numbers = [identity.id for identity in of(member) if str(identity.id) == number]
    statement = delete(ExternalIdentity).where(ExternalIdentity.id.in_(numbers))
    issuer = db.session.execute(statement.returning(ExternalIdentity.issuer)).scalar_one_or_none()
    if issuer is None:
        raise DomainError(_("This link no longer exists."), "warning")
    audit.record("identity_unlinked", "member", member, before={"issuer": issuer})


def _is(identity: OidcIdentity) -> Any:
    return (ExternalIdentity.issuer == identity.issuer) & (ExternalIdentity.subject == identity.subject)
