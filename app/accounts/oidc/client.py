"""Authlib's clients of the providers."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from authlib.integrations.flask_client import FlaskOAuth2App, OAuth
from flask import current_app
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from app.accounts.oidc.providers import SCOPES, Provider

# Asymmetric signatures only: neither "none" nor those with a shared secret.
SIGNATURES = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
ALGORITHMS = "id_token_signing_alg_values_supported"

Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Client(FlaskOAuth2App):
    """A client that accepts strong signatures only, and reads the keys again before it takes one for wrong."""

    def load_server_metadata(self) -> dict[str, Any]:
        """Return what the provider says about itself."""
        metadata: dict[str, Any] = super().load_server_metadata()
        metadata[ALGORITHMS] = [name for name in metadata.get(ALGORITHMS) or SIGNATURES if name in SIGNATURES]
        return metadata

    def parse_id_token(self, *args: Any, **kwargs: Any) -> Any:
        """Return the claims of an ID token; raises JoseError for one that is not valid."""
        parse = super().parse_id_token
        return self._with_new_keys(lambda: parse(*args, **kwargs))

    def read_logout_token(self, token: str) -> dict[str, Any]:
        """Return the claims of a signed logout token, which are not checked; raises JoseError for one that is not signed."""
        return self._with_new_keys(lambda: self._signed_claims(token))

    def _signed_claims(self, token: str) -> dict[str, Any]:
        registry = JWSRegistry(algorithms=self.load_server_metadata()[ALGORITHMS], strict_check_header=False)
        keys = KeySet.import_key_set(self.fetch_jwk_set())
        return dict(jwt.decode(token, key=keys, registry=registry).claims)

    def _with_new_keys(self, read: Callable[[], Result]) -> Result:
        """Read a token; if its signature is not valid, once more with keys that are read again."""
        try:
            return read()
        except ClaimError:
            raise
        except JoseError:
            # A new key may have the name of an old one, and its own address.
            for name in ("_loaded_at", "jwks"):
                self.server_metadata.pop(name, None)
            return read()

    def fetch_jwk_set(self, force: bool = False) -> Any:  # noqa: FBT001, FBT002 - Authlib's signature
        """Return the keys of the provider that can be used. One that cannot does not keep the others from it."""
        known = self.server_metadata.get("jwks")
        if known and not force:
            return known
        keys = super().fetch_jwk_set(force=force)["keys"]
        usable = {"keys": [key for key in keys if is_usable_key(key)]}
        if len(usable["keys"]) < len(keys):
            log.warning("%s publishes %s keys, of which %s can be used", self.name, len(keys), len(usable["keys"]))
        self.server_metadata["jwks"] = usable
        return usable


def is_usable_key(key: Any) -> bool:
    """Whether a key is one for signatures that is understood here."""
    try:
        KeySet.import_key_set({"keys": [key]})
    except (JoseError, AttributeError, KeyError, TypeError, ValueError):
        return False
    return bool(key.get("use", "sig") == "sig")


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
