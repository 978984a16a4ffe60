"""Checks of the providers at which members log in, by asking them."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from flask import current_app

from app import clock
from app.accounts.oidc import providers
from app.accounts.oidc.providers import Provider
from app.doctor import Finding, check, error, ok, warning
from app.http import public_url

# Authlib accepts tokens that are off by two minutes.
MAX_CLOCK_SECONDS = 60
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


@check("login providers")
def login_providers() -> Iterator[Finding]:
    """Read what each provider says about itself, and its keys."""
    for provider in providers.configured():
        found = list(_examined(provider))
        yield from found
        if not found:
            callback = public_url("OidcView.callback", **provider.url_values)
            yield ok(f"{provider.label} answers. Its redirect URI for this site is {callback}")


def _examined(provider: Provider) -> Iterator[Finding]:
    """Yield what is wrong with a provider."""
    parts = urlsplit(provider.issuer)
    if parts.scheme == "http" and parts.hostname not in LOCAL:
        yield error(
            f"{provider.label} is used without TLS.",
            "Use its https:// URL: anybody on the way could log in as anybody.",
        )
    openid = provider.speaks_openid
    url = str(provider.remote_app["server_metadata_url" if openid else "authorize_url"])
    response = _get(url, allow_redirects=openid)
    if isinstance(response, str):
        yield error(f"{url} cannot be reached: {response}", "Check the URL, the firewall and the certificate.")
        return
    yield from _clocks(provider, response)
    if not openid:
        return
    metadata = _json(response)
    if not response.ok or metadata is None:
        yield error(
            f"{url} is no description of a provider (status {response.status_code}).",
            "OIDC_ISSUER, or server_metadata_url, must be the provider's own name for itself, often with a realm or tenant.",
        )
        return
    yield from of_metadata(provider, metadata)
    yield from _keys(str(metadata.get("jwks_uri") or ""))


def of_metadata(provider: Provider, metadata: dict[str, Any]) -> Iterator[Finding]:
    """Yield what is wrong with what a provider says about itself."""
    from app.accounts.oidc.client import ALGORITHMS, SIGNATURES

    told = str(metadata.get("issuer") or "")
    if told.rstrip("/") != provider.issuer:
        yield error(
            f"The provider calls itself {told}, not {provider.issuer}: every login fails.",
            "Use its own name as the issuer.",
        )
    missing = [name for name in NEEDED if not metadata.get(name)]
    if missing:
        yield error(f"{provider.label} does not say its {', '.join(missing)}.", "Is it a provider of OpenID Connect?")
    offered = metadata.get(ALGORITHMS) or SIGNATURES
    if not set(offered) & set(SIGNATURES):
        yield error(
            f"{provider.label} signs with {', '.join(offered)} only, which is not accepted.",
            "Choose RS256 or ES256 there.",
        )
    challenges = metadata.get("code_challenge_methods_supported")
    if challenges and "S256" not in challenges:
        yield warning(f"{provider.label} does not know PKCE with S256.", "Switch it on there, or update the provider.")


def _keys(url: str) -> Iterator[Finding]:
    from app.accounts.oidc.client import is_usable_key

    if not url:
        return
    response = _get(url)
    if isinstance(response, str):
        yield error(f"The keys at {url} cannot be read: {response}", "Check the firewall and the certificate.")
        return
    keys = (_json(response) or {}).get("keys")
    if not isinstance(keys, list) or not any(map(is_usable_key, keys)):
        yield error(f"There are no keys at {url} that can be used here.", "Create one for RS256 or ES256 there.")


def _clocks(provider: Provider, response: Any) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(response.headers["Date"])
        seconds = abs((clock.now() - theirs).total_seconds())
    except (KeyError, TypeError, ValueError):
        return
    if seconds > MAX_CLOCK_SECONDS:
        yield error(
            f"The clock of {provider.label} and that of this machine differ by {seconds:.0f} s: logins fail.",
            "Let both follow a time server (NTP).",
        )


def _json(response: Any) -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _get(url: str, *, allow_redirects: bool = True) -> Any:
    """Return the response, or the innermost reason why there is none, which says most."""
    import requests

    try:
        return requests.get(url, timeout=current_app.config["OIDC_TIMEOUT"], allow_redirects=allow_redirects)
    except requests.RequestException as error_of_library:
        failure: BaseException = error_of_library
        while failure.__context__ is not None:
            failure = failure.__context__
        return f"{type(failure).__name__}: {failure}"[:200]
