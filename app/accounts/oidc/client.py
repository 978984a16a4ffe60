"""Authlib's clients of the providers."""

from typing import Any

from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import current_app
from joserfc.errors import ClaimError, JoseError

from app.accounts.oidc.providers import SCOPES, Provider

# Asymmetric signatures only: neither "none" nor those with a shared secret.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
ALGORITHMS = "id_token_signing_alg_values_supported"


class Client(FlaskOAuth2App):
    """A client that accepts strong signatures only, and reads the keys again before it takes one for wrong."""

    def load_server_metadata(self) -> dict[str, Any]:
        """Return what the provider says about itself."""
        metadata: dict[str, Any] = super().load_server_metadata()
        metadata[ALGORITHMS] = [name for name in metadata.get(ALGORITHMS) or SIGNATURES if name in SIGNATURES]
        return metadata

    def parse_id_token(self, *args: Any, **kwargs: Any) -> Any:
        """Return the claims of an ID token; raises JoseError for one that is not valid."""
        try:
            return super().parse_id_token(*args, **kwargs)
        except ClaimError:
            raise
        except JoseError:
            # A new key may have the name of an old one, and its own address.
            for name in ("_loaded_at", "jwks"):
                self.server_metadata.pop(name, None)
            return super().parse_id_token(*args, **kwargs)


class _Registry(OAuth):
    oauth2_client_cls = Client


def client_of(provider: Provider) -> Client:
    """Return the client of a provider. It is created on first use: few sites have one."""
    known: dict[str, Client] = current_app.extensions.setdefault("oauth_clients", {})
    key = repr(provider)
    if key not in known:
        known[key] = _Registry(current_app).register(provider.name, **_arguments(provider))
    return known[key]


def _arguments(provider: Provider) -> dict[str, Any]:
    given = dict(provider.remote_app.get("client_kwargs") or {})
    scope = str(given.get("scope") or (SCOPES if provider.speaks_openid else ""))
    if provider.speaks_openid and "openid" not in scope.split():
        scope = f"openid {scope}"
    usual = {"code_challenge_method": "S256", "default_timeout": current_app.config["OIDC_TIMEOUT"]}
    return {**provider.remote_app, "client_kwargs": {**usual, **given, "scope": scope}}
