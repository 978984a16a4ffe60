"""A real OpenID Connect provider on the loopback interface, which can also fail, delay, lie and omit claims."""

import contextlib
import json
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urljoin
from wsgiref.types import StartResponse, WSGIEnvironment

import oidc_provider_mock
import requests
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from oidc_provider_mock import _app as provider_code
from werkzeug.serving import make_server
from werkzeug.test import Client
from werkzeug.wrappers import Response

# Authlib's own deprecation warnings.
with warnings.catch_warnings(record=True):
    import oidc_provider_mock
    from oidc_provider_mock import _app as provider_code

Behaviour = Literal["work", "break", "dawdle", "babble", "forge", "promise", "reticent", "odd"]
# A key of a kind to come, a broken one, one of a curve that is too new, and no key at all.
ODD_KEYS = [
    {"kty": "AKP", "alg": "ML-DSA-65", "kid": "a", "pub": "AQAB"},
    {"kty": "RSA", "kid": "b", "e": "AQAB"},
    {"kty": "EC", "crv": "P-1024", "kid": "c", "x": "AQAB", "y": "AQAB"},
    "key",
]
TOKEN, KEYS, DISCOVERY = "/oauth2/token", "/jwks", "/.well-known/openid-configuration"


class Provider:
    """The provider and its behaviour.

    break responds with 500, dawdle only when it is released, babble with something else than JSON; forge publishes
    other keys than those it signs with; promise to name itself in every response, which it does not; reticent has claims only at the userinfo endpoint.
    odd publishes keys that nobody can use before its own. `calls` are the requested paths.
    """

    def __init__(self, application: Flask) -> None:
        self.behaviour: Behaviour = "work"
        self.calls: list[str] = []
        self.issuer = ""
        self.asked = threading.Event()
        self.released = threading.Event()
        self._application = application
        self._other = oidc_provider_mock.app()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        path = environ["PATH_INFO"]
        self.calls.append(path)
        self.asked.set()
        if self.behaviour == "dawdle":
            self.released.wait(10)
        if self.behaviour == "break":
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"broken"]
        if self.behaviour == "babble":
            start_response("200 OK", [("Content-Type", "text/html")])
            return [b"<h1>Welcome to the wireless network of our hotel</h1>"]
        if self.behaviour == "forge" and path == KEYS:
            return Client(self._other).run_wsgi_app(environ)[0]
        if self.behaviour == "odd" and path == KEYS:
            keys = Client(self._application).get(KEYS).get_json()["keys"]
            odd = [*ODD_KEYS, {**keys[0], "use": "enc", "n": "AQAB"}]
            return Response(json.dumps({"keys": odd + keys}), mimetype="application/json")(environ, start_response)
        if self.behaviour == "promise" and path == DISCOVERY:
            described = Client(self._application).get(DISCOVERY, base_url=self.issuer).get_json()
            promised = {**described, "authorization_response_iss_parameter_supported": True}
            return Response(json.dumps(promised), mimetype="application/json")(environ, start_response)
        return self._application(environ, start_response)

    def sign(self, claims: Mapping[str, Any], algorithm: str = "RS256") -> str:
        """Return a token of the provider."""
        with self._application.test_request_context(KEYS):
            self._application.preprocess_request()
            key = provider_code.storage.jwk.as_dict(is_private=True)
        return jwt.encode(
            {"alg": algorithm, "typ": "logout+jwt"}, dict(claims), RSAKey.import_key(key), algorithms=[algorithm]
        )

    def renew_keys(self) -> None:
        """Sign with another key from now on, and forget everybody."""
        self._application = oidc_provider_mock.app(require_nonce=True)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the entry of OAUTH_PROVIDERS, as Flask-AppBuilder documents it."""
        return {
            "name": "kitchen",
            "label": "Kitchen ID",
            "icon": "fa-cutlery",
            "token_key": "access_token",
            "remote_app": {
                "client_id": "dinner",
                "client_secret": "x",
                "server_metadata_url": f"{self.issuer}{DISCOVERY}",
                "client_kwargs": {"scope": "email profile"},
            },
            **more,
        }

    def know(self, subject: str, **claims: Any) -> None:
        """Add a user."""
        requests.put(f"{self.issuer}/users/{subject}", json=claims, timeout=5).raise_for_status()

    def consent(self, address: str, subject: str) -> str:
        """Log in as `subject` on the page at `address`; return the URL of the redirect to the site."""
        return self._press(address, sub=subject)

    def cancel(self, address: str) -> str:
        """Press Deny on that page."""
        return self._press(address, action="deny")

    def _press(self, address: str, **fields: str) -> str:
        page = requests.get(address, timeout=5)
        page.raise_for_status()
        answer = requests.post(urljoin(address, page.url), data=fields, timeout=5, allow_redirects=False)
        assert answer.is_redirect, answer.text
        return answer.headers["Location"]


@contextlib.contextmanager
def running_provider() -> Iterator[Provider]:
    """Run a provider on a free port."""
    provider = Provider(oidc_provider_mock.app(require_nonce=True))
    server = make_server("localhost", 0, provider, threaded=True)
    provider.issuer = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def silent_about_people() -> Iterator[None]:
    """Make ID tokens contain the subject and no other claims."""
    stock = provider_code.OpenIDCode.generate_user_info

    def only_the_subject(_self: Any, user: Any, _scope: str) -> dict[str, str]:
        return {"sub": user.sub}

    provider_code.OpenIDCode.generate_user_info = only_the_subject
    try:
        yield
    finally:
        provider_code.OpenIDCode.generate_user_info = stock
