"""What a provider sends when a person logs out there (OpenID Connect Back-Channel Logout 1.0)."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from joserfc.errors import JoseError

from app import clock
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.accounts.oidc.client import client_of
from app.accounts.oidc.providers import Provider
from app.accounts.sessions import provider_sessions
from app.http import release_request_lock

EVENT = "http://schemas.openid.net/event/backchannel-logout"
# A token is accepted for so long. It is remembered for longer (rules.TOKEN_LIFETIMES).
MAX_AGE_SECONDS, LEEWAY_SECONDS = 600, 120
MAX_LENGTH = 20_000


class InvalidLogoutTokenError(ValueError):
    """A logout token that is forged, broken, too old or of somebody else."""


class Logout(NamedTuple):
    """Who has logged out, or in which session; `token_id` is the name of the token."""

    subject: str | None
    sid: str | None
    token_id: str


def read(provider: Provider, token: str) -> Logout:
    """Return what a logout token says. Raises InvalidLogoutTokenError."""
    if len(token) > MAX_LENGTH:
        raise InvalidLogoutTokenError("it is too long")
    try:
        with release_request_lock():
            claims = client_of(provider).read_logout_token(token)
    except (JoseError, ValueError) as error:
        raise InvalidLogoutTokenError("its signature is not valid") from error
    problem = _problem(claims, provider.issuer, str(provider.remote_app["client_id"]))
    if problem:
        raise InvalidLogoutTokenError(problem)
    return Logout(claims.get("sub"), claims.get("sid"), claims["jti"])


def _problem(claims: Mapping[str, Any], issuer: str, client_id: str) -> str | None:
    """Return what is wrong with the claims (2.6), or None."""
    audience, events = claims.get("aud"), claims.get("events")
    now, issued, expires = clock.now().timestamp(), claims.get("iat"), claims.get("exp", math.inf)
    names = [claims[name] for name in ("sub", "sid") if name in claims]
    is_right = {
        "it is of another issuer": str(claims.get("iss")).rstrip("/") == issuer,
        "it is for another client": client_id in (audience if isinstance(audience, list) else [audience]),
        "it is not new": isinstance(issued, int | float) and -LEEWAY_SECONDS <= now - issued <= MAX_AGE_SECONDS,
        "it has expired": isinstance(expires, int | float) and now - LEEWAY_SECONDS < expires,
        "it is no logout token": isinstance(events, dict)
        and isinstance(events.get(EVENT), dict)
        and "nonce" not in claims,
        "it names nobody": bool(names) and all(isinstance(name, str) and name for name in (*names, claims.get("jti"))),
    }
    return next((problem for problem, right in is_right.items() if not right), None)


def end_sessions(provider: Provider, logout: Logout) -> int | None:
    """End the login sessions that a logout is about, and return how many; None if its token was used before.

    Raises IntegrityError when a simultaneous request uses it.
    """
    name = f"{provider.issuer}\n{logout.token_id}"
    if tokens.find(TokenPurpose.LOGOUT_TOKEN, name) is not None:
        return None
    tokens.issue(TokenPurpose.LOGOUT_TOKEN, value=name)
    return provider_sessions.end(provider.issuer, provider.label, subject=logout.subject, sid=logout.sid)
