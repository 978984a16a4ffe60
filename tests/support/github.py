"""A provider of OAuth 2 without OpenID Connect, with the endpoints of GitHub, on the loopback interface."""

import base64
import contextlib
import hashlib
import secrets
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import flask
from werkzeug.serving import make_server


class GitHub:
    """The provider: `person` and `addresses` are who says yes there. A code works once, with its PKCE verifier."""

    def __init__(self) -> None:
        self.url = ""
        self.person: dict[str, Any] = {"id": 42, "login": "ada-l", "name": "Ada Byron"}
        self.addresses: list[dict[str, Any]] = [
            {"email": "not-proven@example.com", "verified": False, "primary": False},
            {"email": "other@example.com", "verified": True, "primary": False},
            {"email": "ada@example.com", "verified": True, "primary": True},
        ]
        # As Google's older interface tells of a person.
        self.at_google = {"id": "7", "email": "ada@example.com", "verified_email": True, "given_name": "Ada"}
        self._challenges: dict[str, str] = {}
        self._tokens: set[str] = set()

    def app(self) -> flask.Flask:
        """Return its application."""
        app = flask.Flask("github")
        app.add_url_rule("/login/oauth/authorize", view_func=self.authorize)
        app.add_url_rule("/login/oauth/access_token", view_func=self.access_token, methods=["POST"])
        app.add_url_rule("/user", view_func=lambda: self.told(self.person), endpoint="user")
        app.add_url_rule("/userinfo", view_func=lambda: self.told(self.at_google), endpoint="userinfo")
        app.add_url_rule("/user/emails", view_func=lambda: self.told(self.addresses), endpoint="emails")
        return app

    def authorize(self) -> Any:
        """Say yes at once."""
        asked, code = flask.request.args, secrets.token_hex(8)
        self._challenges[code] = asked["code_challenge"]
        answer = urlencode({"code": code, "state": asked["state"], "iss": "https://example.com/login/oauth"})
        return flask.redirect(f"{asked['redirect_uri']}?{answer}")

    def access_token(self) -> Any:
        """Return a token for a code."""
        verifier = flask.request.form["code_verifier"].encode()
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if self._challenges.pop(flask.request.form["code"], None) != digest:
            return {"error": "bad_verification_code"}
        token = secrets.token_hex(8)
        self._tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "scope": "user:email"}

    def told(self, what: Any) -> Any:
        """Return something to who has a token."""
        scheme, _space, token = flask.request.headers.get("Authorization", "").partition(" ")
        return flask.jsonify(what) if scheme == "Bearer" and token in self._tokens else ("", 401)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the entry of OAUTH_PROVIDERS, as Flask-AppBuilder documents it."""
        return {
            "name": "github",
            "icon": "fa-github",
            "token_key": "access_token",
            "remote_app": {
                "client_id": "dinner",
                "client_secret": "x",
                "api_base_url": f"{self.url}/",
                "client_kwargs": {"scope": "read:user user:email"},
                "access_token_url": f"{self.url}/login/oauth/access_token",
                "authorize_url": f"{self.url}/login/oauth/authorize",
                "request_token_url": None,
            },
            **more,
        }


@contextlib.contextmanager
def running_github() -> Iterator[GitHub]:
    """Run one on a free port."""
    github = GitHub()
    server = make_server("localhost", 0, github.app(), threaded=True)
    github.url = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
