"""Log in at a provider (OpenID Connect or OAuth 2), and link its identities with members.

An identity belongs to a member only when they have linked it while logged in, or registered with it. The e-mail address
that a provider tells proves nothing.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, request, session
from flask_appbuilder.security.sqla.models import Group, Role
from flask_babel import gettext as _
from sqlalchemy import delete, or_, select

from app import audit, clock
from app.accounts import auth_type, mail, role_changes, role_mapping, rules
from app.accounts.members import add_member, free_username
from app.accounts.models import ExternalIdentity, Member, Registration
from app.accounts.oidc import providers
from app.accounts.oidc.providers import Provider
from app.accounts.sessions.provider_sessions import ProviderLogin
from app.address_key import address_key
from app.crud.fields import clean_line
from app.errors import DomainError
from app.extensions import appbuilder_of, db
from app.http import release_request_lock
from app.i18n.selectors import current_locale, current_timezone

log = logging.getLogger(__name__)

# The prefix of the session keys in which Authlib stores pending logins.
STATE_PREFIX = "_state_"
MAX_KEY_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH = 255, 254, 64
# What is told of a person that is the same for ever. The e-mail address is not.
SUBJECT_KEYS = ("sub", "id", "username")
# How old a login at the provider may be that confirms who is at the keyboard.
MAX_AUTH_SECONDS = 300


@dataclass(frozen=True)
class OidcIdentity:
    """An identity at a provider, and what it tells of the person, which fills in the registration form."""

    issuer: str
    subject: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    # The session at the provider: the way back to it at a logout.
    provider_login: ProviderLogin | None = field(default=None, compare=False)
    # All that was told, for the mapping of roles. Not kept in the session.
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def as_dict(self) -> dict[str, str]:
        """Return what the registration form needs, for the session."""
        names = ("issuer", "subject", "email", "first_name", "last_name")
        return {name: getattr(self, name) for name in names}


def is_configured() -> bool:
    """Whether this site has a provider."""
    return bool(providers.configured())


# -- log in at a provider


def start_login(provider: Provider, callback_url: str, *, again: bool = False) -> Response:
    """Return the redirect to the provider, which sends the reader back to `callback_url`.

    With `again` the provider is asked to authenticate them anew. Raises DomainError when it cannot be reached.
    """
    _clear_pending_logins()
    anew = {"prompt": "login", "max_age": 0} if again and provider.speaks_openid else {}
    try:
        with release_request_lock():
            response: Response = _client(provider).authorize_redirect(callback_url, **anew)
    except Exception as error:
        raise _failure(provider, error) from error
    return response


def finish_login(provider: Provider, *, again: bool = False) -> OidcIdentity:
    """Return the identity that the provider's response in this request confirms.

    Raises DomainError when the response is empty or invalid, when the visitor has cancelled, and for an e-mail address
    that the provider's whitelist does not have.
    """
    try:
        _ensure_response(provider, request.args.get("error"), request.args.get("code"))
        with release_request_lock():
            return _read_identity(provider, again=again)
    except DomainError:
        raise
    except Exception as error:
        # Any error comes from the provider's data, which may be forged.
        raise _failure(provider, error) from error
    finally:
        _clear_pending_logins()


def _ensure_response(provider: Provider, problem: str | None, code: str | None) -> None:
    if problem == "access_denied":
        raise DomainError(_("You cancelled at %(provider)s. Nothing was changed.", provider=provider.label), "warning")
    if not problem and not code:
        raise DomainError(_("No response from %(provider)s. Please try again.", provider=provider.label), "warning")


def _read_identity(provider: Provider, *, again: bool) -> OidcIdentity:
    client = _client(provider)
    _ensure_issuer(provider, client)
    expected: dict[str, Any] = {"aud": {"essential": True, "value": provider.remote_app["client_id"]}}
    if provider.names_issuer:
        # Some issuers are written with a slash at their end.
        expected["iss"] = {"essential": True, "values": [provider.issuer, f"{provider.issuer}/"]}
    token = client.authorize_access_token(claims_options=expected)
    subject = token["userinfo"]["sub"] if provider.speaks_openid else None
    if again and provider.speaks_openid:
        _ensure_recent(token["userinfo"])
    told = dict(appbuilder_of().sm.oauth_user_info(provider.name, token) or {})
    if not provider.speaks_openid:
        subject = next((str(told[name]) for name in SUBJECT_KEYS if told.get(name)), None)
    if not isinstance(subject, str) or not subject.isprintable() or not 0 < len(subject) <= MAX_KEY_LENGTH:
        msg = "a subject must be a short text"
        raise ValueError(msg)
    identity = OidcIdentity(
        provider.issuer,
        subject,
        email=_text(told.get("email"), MAX_EMAIL_LENGTH),
        first_name=_text(told.get("first_name"), MAX_NAME_LENGTH),
        last_name=_text(told.get("last_name"), MAX_NAME_LENGTH),
        told=told,
        provider_login=_provider_login(provider, subject, token),
    )
    _ensure_whitelisted(provider, identity)
    return identity


def _provider_login(provider: Provider, subject: str, token: Mapping[str, Any]) -> ProviderLogin | None:
    if not provider.speaks_openid:
        return None
    return ProviderLogin.of(provider.issuer, subject, token["userinfo"].get("sid"), token["id_token"])


def _ensure_issuer(provider: Provider, client: Any) -> None:
    """Raise ValueError for a response of another provider (RFC 9207)."""
    if not provider.names_issuer:
        return
    given = request.args.get("iss")
    is_promised = client.load_server_metadata().get("authorization_response_iss_parameter_supported")
    if (given is None and is_promised) or (given is not None and given.rstrip("/") != provider.issuer):
        msg = f"the response says that it is of {given}"
        raise ValueError(msg)


def _ensure_recent(claims: Mapping[str, Any]) -> None:
    """Raise ValueError if the provider has not asked who is there, but says when it did before."""
    then = claims.get("auth_time")
    if then is not None and clock.now().timestamp() - float(then) > MAX_AUTH_SECONDS:
        msg = "the provider has not authenticated the person again"
        raise ValueError(msg)


def _ensure_whitelisted(provider: Provider, identity: OidcIdentity) -> None:
    if provider.whitelist and not (
        _is_vouched_for(identity) and any(re.search(f"(?:{end})$", identity.email) for end in provider.whitelist)
    ):
        raise DomainError(
            _("You cannot log in here with your e-mail address at %(provider)s.", provider=provider.label), "warning"
        )


def _is_vouched_for(identity: OidcIdentity) -> bool:
    """Whether the provider does not say that it has not checked the e-mail address."""
    return bool(identity.email) and identity.told.get("email_verified") is not False


def _text(claim: object, max_length: int) -> str:
    return (clean_line(claim) or "")[:max_length] if isinstance(claim, str) else ""


def _client(provider: Provider) -> Any:
    # Authlib takes a while to load, and few sites have a provider.
    from app.accounts.oidc.client import client_of

    return client_of(provider)


def _failure(provider: Provider, error: Exception) -> DomainError:
    log.warning("Login at the identity provider %s failed: %r", provider.issuer, error)
    return DomainError(
        _("%(provider)s could not confirm your identity. Please try again in a moment.", provider=provider.label)
    )


def _clear_pending_logins() -> None:
    """Remove earlier pending logins: the cookie has room for one."""
    for key in [key for key in session if key.startswith(STATE_PREFIX)]:
        del session[key]


# -- log out at a provider


def logout_url(issuer: str, id_token: str, back: str) -> str | None:
    """Return where a browser logs out at the provider, which sends it `back`; None if that is not possible.

    OpenID Connect RP-Initiated Logout 1.0.
    """
    provider = providers.by_issuer(issuer)
    if provider is None:
        return None
    try:
        with release_request_lock():
            client = _client(provider)
            if not client.load_server_metadata().get("end_session_endpoint"):
                return None
            url = client.create_logout_url(
                post_logout_redirect_uri=back,
                id_token_hint=id_token or None,
                client_id=provider.remote_app["client_id"],
            )["url"]
    except Exception as error:  # noqa: BLE001 - the provider is down: the person is logged out here all the same
        log.warning("No logout at the identity provider %s: %r", provider.issuer, error)
        return None
    return str(url) if str(url).startswith(("https://", "http://")) else None


# -- members of a site without passwords


def register(identity: OidcIdentity) -> Member | None:
    """Add the member of an identity that nobody has, without a password. Return None if that is not possible.

    The address must be vouched for, and must be nobody else's. Raises IntegrityError when a simultaneous request takes it.
    """
    told, email = _text(identity.told.get("username"), MAX_NAME_LENGTH), identity.email.lower()
    username, key = free_username(told, email), address_key(email)
    taken = select(Member.id).where(or_(Member.email_key == key, Member.username_key == key))
    if username is None or not _is_vouched_for(identity) or "@" not in email or db.session.execute(taken).first():
        log.warning("No member was added for %s at %s", identity.subject, identity.issuer)
        return None
    member = add_member(
        username=username,
        email=email,
        first_name=identity.first_name or username,
        last_name=identity.last_name,
        password_hash=None,
        role=roles_of(identity.told),
        locale=current_locale(),
        timezone=current_timezone(),
    )
    member.groups = sorted(groups_of(identity.told) or (), key=lambda group: str(group.name))
    db.session.add(ExternalIdentity(member_id=member.id, issuer=identity.issuer, subject=identity.subject))
    after = {"issuer": identity.issuer, "roles": role_changes.names(member.roles)}
    audit.record("member_created", "member", member, actor=member, after=after)
    db.session.flush()
    return member


def person_of(username: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the columns of a new member with that name, or None if they cannot be added.

    Their e-mail address must be vouched for.
    """
    email = _text(told.get("email"), MAX_EMAIL_LENGTH)
    is_name = len(username) <= MAX_NAME_LENGTH and not rules.is_forbidden_username(username)
    if not is_registration_open() or not is_name or "@" not in email or told.get("email_verified") is False:
        log.warning("No member was added for %s", username)
        return None
    names = {name: _text(told.get(name), MAX_NAME_LENGTH) for name in ("first_name", "last_name")}
    return {"username": username, "email": email, **names}


def sync_roles(member: Member, told: Mapping[str, Any]) -> None:
    """Give a member the roles and groups that a provider tells, if the settings say so for every login."""
    roles = roles_of(told) if role_mapping.is_synchronised() else None
    role_changes.assign(member, roles, groups_of(told))


def roles_of(told: Mapping[str, Any]) -> set[Role]:
    """Return the roles of somebody's groups, and those of new members where people register by themselves."""
    by_groups = role_mapping.mapped(_keys(told.get("role_keys")))
    return by_groups | (role_mapping.of_new_members(told) if is_registration_open() else set())


def groups_of(told: Mapping[str, Any]) -> set[Group] | None:
    """Return the groups that a provider tells, or None if they are kept on the site."""
    return role_mapping.groups(_keys(told.get("groups", told.get("role_keys"))))


def is_registration_open() -> bool:
    """Whether the first login of somebody whom only the provider knows adds a member."""
    return bool(auth_type.is_by_providers() and current_app.config["REGISTRATION"] == "open")


def _keys(told: object) -> list[str]:
    return [str(key) for key in told] if isinstance(told, list | tuple | set) else []


# -- identities of members


def owner(identity: OidcIdentity) -> Member | None:
    """Return the member with whom `identity` is linked."""
    statement = select(Member).join(ExternalIdentity, ExternalIdentity.member_id == Member.id).where(_is(identity))
    return db.session.execute(statement).scalar_one_or_none()


def is_pending(identity: OidcIdentity) -> bool:
    """Whether somebody has registered with `identity`, and has yet to activate the account."""
    statement = select(Registration.id).where(
        Registration.identity_issuer == identity.issuer,
        Registration.identity_subject == identity.subject,
        Registration.activated_at.is_(None),
        Registration.expires_at > clock.now(),
    )
    return db.session.execute(statement.limit(1)).first() is not None


def of(member: Member) -> list[ExternalIdentity]:
    """Return the identities of `member`, the oldest first."""
    statement = select(ExternalIdentity).where(ExternalIdentity.member_id == member.id)
    return list(db.session.scalars(statement.order_by(ExternalIdentity.created_at, ExternalIdentity.id)))


def link(member: Member, identity: OidcIdentity) -> None:
    """Link `identity` with `member`. Raises DomainError when it is linked already, with them or another member.

    Raises IntegrityError when a simultaneous request links it.
    """
    label = providers.label_of(identity.issuer)
    known = db.session.execute(select(ExternalIdentity.member_id).where(_is(identity))).scalar_one_or_none()
    if known == member.id:
        raise DomainError(_("You can already log in with %(provider)s.", provider=label), "info")
    if known is not None:
        raise DomainError(_("This login at %(provider)s is linked with another account here.", provider=label))
    db.session.add(ExternalIdentity(member_id=member.id, issuer=identity.issuer, subject=identity.subject))
    audit.record("identity_linked", "member", member, after={"issuer": identity.issuer})
    mail.identity_linked(member, label)
    db.session.flush()


def unlink(member: Member, number: str) -> None:
    """Unlink the identity with that key from `member`. Raises DomainError if it is not theirs, or their only login."""
    owned = of(member)
    numbers = [identity.id for identity in owned if str(identity.id) == number]
    if numbers and len(owned) == 1 and auth_type.is_by_providers():
        raise DomainError(_("This is your only way to log in. Link another login first."), "warning")
    statement = delete(ExternalIdentity).where(ExternalIdentity.id.in_(numbers))
    issuer = db.session.execute(statement.returning(ExternalIdentity.issuer)).scalar_one_or_none()
    if issuer is None:
        raise DomainError(_("This link no longer exists."), "warning")
    audit.record("identity_unlinked", "member", member, before={"issuer": issuer})


def _is(identity: OidcIdentity) -> Any:
    return (ExternalIdentity.issuer == identity.issuer) & (ExternalIdentity.subject == identity.subject)
