"""What a provider tells of a person, under the names that Flask-AppBuilder has for it."""

import logging
from collections.abc import Mapping
from typing import Any

from app.accounts import role_mapping
from app.accounts.oidc.client import Client, client_of
from app.accounts.oidc.providers import Provider

log = logging.getLogger(__name__)

GITHUB = frozenset({"github", "githublocal"})
# Claims with the groups of a person. Providers call them by one of these names.
GROUP_CLAIMS = ("groups", "roles")


def read(provider: Provider, token: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what `provider` tells, or None if there is no known way to ask it, or no checked ID token."""
    client = client_of(provider)
    if provider.speaks_openid:
        return _from_claims(_claims(provider, client, token)) if "userinfo" in token else None
    if provider.name in GITHUB:
        return _of_github(client)
    if provider.name == "google":
        return _from_claims(_json(client, "userinfo"))
    if client.server_metadata.get("userinfo_endpoint"):
        return _from_claims(dict(client.userinfo()))
    return None


def _claims(provider: Provider, client: Client, token: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the ID token, with those of the userinfo endpoint if some are missing."""
    claims = dict(token["userinfo"])
    has_groups = not role_mapping.mapping() or any(name in claims for name in GROUP_CLAIMS)
    if (claims.get("email") and has_groups) or not client.load_server_metadata().get("userinfo_endpoint"):
        return claims
    try:
        more = dict(client.userinfo(token=token))
    except Exception as error:  # noqa: BLE001 - a login works without them
        log.warning("%s returned no user information: %r", provider.issuer, error)
        return claims
    return {**more, **claims} if more.get("sub") == claims["sub"] else claims


def _from_claims(claims: Mapping[str, Any]) -> dict[str, Any]:
    groups = [claims[name] for name in GROUP_CLAIMS if isinstance(claims.get(name), list)]
    return {
        "sub": claims.get("sub"),
        "id": claims.get("id"),
        "username": claims.get("preferred_username"),
        # Azure has addresses as names of users. Google's older interface has names of its own.
        "email": claims.get("email") or claims.get("upn"),
        "email_verified": claims.get("email_verified", claims.get("verified_email")),
        "first_name": claims.get("given_name"),
        "last_name": claims.get("family_name"),
        "role_keys": [key for keys in groups for key in keys],
    }


def _of_github(client: Client) -> dict[str, Any]:
    """Return the account at GitHub. Its number stays, while its name can be given to somebody else."""
    person, addresses = _json(client, "user"), _json(client, "user/emails")
    verified = [each for each in addresses if each.get("verified")]
    first, _space, last = str(person.get("name") or "").partition(" ")
    return {
        "sub": str(person["id"]),
        "username": person.get("login"),
        "email": next((each["email"] for each in sorted(verified, key=lambda each: not each.get("primary"))), None),
        "first_name": first,
        "last_name": last,
        "role_keys": [],
    }


def _json(client: Client, path: str) -> Any:
    answer = client.get(path)
    answer.raise_for_status()
    return answer.json()
