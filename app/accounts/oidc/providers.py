"""The providers at which members can log in: that of OIDC_ISSUER, and those of OAUTH_PROVIDERS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

# The name of the provider of OIDC_ISSUER, and other parts of paths below /login/.
OWN = "openid"
RESERVED = frozenset({OWN, "again", "second-step"})
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
WELL_KNOWN = "/.well-known/"
# Providers that speak OpenID Connect: the ID token says who somebody is, also where its scope is not asked for.
OPENID_ONLY = frozenset({"auth0", "authentik", "azure", "keycloak", "keycloak_before_17", "okta"})
# What the settings of two providers do not say, as Flask-AppBuilder documents them.
AZURE_KEYS = "https://login.microsoftonline.com/common/discovery/keys"
KEYCLOAK_ENDPOINTS = "/protocol/openid-connect"
MAX_ISSUER_LENGTH = 255
SCOPES = "openid email profile"


@dataclass(frozen=True)
class Provider:
    """A provider. `remote_app` holds the arguments of Authlib; `issuer` is the first half of the key of an identity.

    One that speaks OpenID Connect signs who somebody is (ID token). Its keys are in `remote_app`, or in what it publishes
    about itself, which also says what the issuer in the token is called.
    """

    name: str
    label: str
    issuer: str
    speaks_openid: bool
    remote_app: Mapping[str, Any] = field(hash=False)
    # Patterns of which one must match the end of an e-mail address.
    whitelist: tuple[str, ...] = ()

    @property
    def url_values(self) -> dict[str, str]:
        """The values of its URLs. The provider of OIDC_ISSUER has URLs of its own."""
        return {} if self.name == OWN else {"provider": self.name}

    @property
    def names_issuer(self) -> bool:
        """Whether `issuer` is what the provider calls itself."""
        return self.speaks_openid and any(self.remote_app.get(key) for key in ("server_metadata_url", "issuer"))


def configured() -> list[Provider]:
    """Return the providers of this site, in the order in which they are shown."""
    config = current_app.config
    own = [_own(config)] if config["OIDC_ISSUER"] else []
    return own + [described(entry) for entry in config.get("OAUTH_PROVIDERS") or ()]


def find(name: str) -> Provider | None:
    """Return the provider with that name."""
    return next((provider for provider in configured() if provider.name == name), None)


def by_issuer(issuer: str) -> Provider | None:
    """Return the provider of OpenID Connect with that issuer."""
    return next((each for each in configured() if each.issuer == issuer and each.speaks_openid), None)


def label_of(issuer: str) -> str:
    """Return the name of the provider that has issued an identity."""
    return next((provider.label for provider in configured() if provider.issuer == issuer), issuer)


def _own(config: Mapping[str, Any]) -> Provider:
    issuer = str(config["OIDC_ISSUER"])
    return Provider(
        OWN,
        str(config["OIDC_DISPLAY_NAME"]),
        issuer,
        speaks_openid=True,
        remote_app={
            "client_id": config["OIDC_CLIENT_ID"],
            "client_secret": config["OIDC_CLIENT_SECRET"] or None,
            "server_metadata_url": f"{issuer}{WELL_KNOWN}openid-configuration",
            "client_kwargs": {"scope": SCOPES},
        },
    )


def described(entry: Mapping[str, Any]) -> Provider:
    """Return the provider of an entry of OAUTH_PROVIDERS. Raises ValueError, which says why, for one that cannot be used."""
    name = entry["name"]
    remote_app = _completed(name, entry["remote_app"])
    scope = str((remote_app.get("client_kwargs") or {}).get("scope") or "")
    is_described = "openid-configuration" in str(remote_app.get("server_metadata_url") or "")
    speaks_openid = is_described or name in OPENID_ONLY or "openid" in scope.split()
    issuer = _issuer(remote_app, is_described=is_described)
    problems = {
        "its `name` must be letters, digits, - and _": not NAME.fullmatch(name),
        "its `name` is taken by a page of the site": name in RESERVED,
        "its `remote_app` has no `client_id`": not isinstance(remote_app.get("client_id"), str)
        or not remote_app["client_id"],
        "it is of OAuth 1, which is not possible": remote_app.get("request_token_url"),
        "it requires a `server_metadata_url` that ends in /.well-known/openid-configuration, or a `jwks_uri`": speaks_openid
        and not (is_described or remote_app.get("jwks_uri")),
        "without `server_metadata_url` it requires `access_token_url` and `authorize_url`": not is_described
        and not all(remote_app.get(key) for key in ("access_token_url", "authorize_url")),
        "its `api_base_url`, or `server_metadata_url`, must be a URL of at most 255 characters": not re.match(
            r"https?://\S+$", issuer
        )
        or len(issuer) > MAX_ISSUER_LENGTH,
        "its certificate must be verified": (remote_app.get("client_kwargs") or {}).get("verify") is False,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)
    whitelist = tuple(entry.get("whitelist") or ())
    for pattern in whitelist:
        re.compile(pattern)
    label = str(entry.get("label") or name)
    return Provider(name, label, issuer, speaks_openid=speaks_openid, remote_app=remote_app, whitelist=whitelist)


def _completed(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of Authlib with what is known of that provider: without its keys nothing could be checked."""
    remote_app = dict(given)
    if remote_app.get("server_metadata_url"):
        return remote_app
    base = str(remote_app.get("api_base_url") or "").rstrip("/")
    if name == "azure":
        remote_app.setdefault("jwks_uri", AZURE_KEYS)
    if name.startswith("keycloak") and base.endswith(KEYCLOAK_ENDPOINTS):
        remote_app["server_metadata_url"] = f"{base.removesuffix(KEYCLOAK_ENDPOINTS)}{WELL_KNOWN}openid-configuration"
    return remote_app


def _issuer(remote_app: Mapping[str, Any], *, is_described: bool) -> str:
    """Return the issuer: a provider of OpenID Connect describes itself below it (OpenID Connect Discovery, 4.1)."""
    given = remote_app.get("issuer")
    if not given and is_described:
        given = str(remote_app["server_metadata_url"]).partition(WELL_KNOWN)[0]
    return str(given or remote_app.get("api_base_url") or "").rstrip("/")


def problem(entries: Any) -> str | None:
    """Return why OAUTH_PROVIDERS cannot have that value, or None if it can."""
    if not isinstance(entries, list | tuple):
        return "it must be a list"
    found: list[Provider] = []
    for number, entry in enumerate(entries, start=1):
        name = str(entry.get("name") or number) if isinstance(entry, Mapping) else str(number)
        why = _problem(entry)
        if why:
            return f"provider {name}: {why}"
        found.append(described(entry))
        if name in {provider.name for provider in found[:-1]}:
            return f"provider {name}: another one has the same `name`"
        same = [provider for provider in found[:-1] if provider.issuer == found[-1].issuer]
        if any(provider.speaks_openid != found[-1].speaks_openid for provider in same):
            return f"provider {name}: {same[0].name} knows the same people in another way"
    return None


def _problem(entry: Any) -> str | None:
    try:
        described(entry)
    except KeyError as error:
        return f"it has no `{error.args[0]}`"
    except re.error:
        return "its `whitelist` must have regular expressions"
    except (AttributeError, TypeError):
        return "a value is of the wrong type"
    except ValueError as error:
        return str(error)
    return None
