"""What `flask doctor` says about the providers at which members log in."""

from datetime import timedelta

import pytest

from app import clock
from app.accounts.oidc import checks
from app.doctor import CHECKS, Level
from tests.accounts.test_oidc import NAME, provider, running

__all__ = ["provider", "running"]


def findings(app):
    with app.app_context():
        return [(finding.level, finding.text) for finding in CHECKS["login providers"].findings()]


def test_without_a_provider_there_is_nothing_to_check(app):
    assert findings(app) == []


def test_a_provider_that_works_is_named_with_the_redirect_uri(app, provider):
    callback = "http://localhost:8080/login/openid/callback"
    assert findings(app) == [(Level.OK, f"{NAME} answers. Its redirect URI for this site is {callback}")]


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("break", "is no description of a provider (status 500)."),
        ("babble", "is no description of a provider (status 200)."),
    ],
)
def test_a_provider_that_does_not_describe_itself_is_an_error(app, provider, behaviour, told):
    provider.behaviour = behaviour
    [(level, text)] = findings(app)
    assert (level, told in text) == (Level.ERROR, True)


def test_an_issuer_with_another_name_is_an_error(app, provider, monkeypatch):
    issuer = provider.issuer.replace("localhost", "127.0.0.1")
    monkeypatch.setitem(app.config, "OIDC_ISSUER", issuer)
    # The provider calls itself as it is called, except by the fixture.
    monkeypatch.setattr(provider, "behaviour", "promise")
    assert findings(app) == [
        (Level.ERROR, f"The provider calls itself {provider.issuer}, not {issuer}: every login fails.")
    ]


def test_a_provider_that_cannot_be_reached_is_an_error(app, provider, monkeypatch):
    monkeypatch.setitem(app.config, "OIDC_ISSUER", "http://localhost:1")
    [(level, text)] = findings(app)
    assert (level, "cannot be reached: ConnectionRefusedError" in text) == (Level.ERROR, True)


def test_a_clock_that_is_wrong_is_an_error(app, provider):
    clock.set_now(clock.now() + timedelta(minutes=5))
    [(level, text)] = findings(app)
    assert (level, f"The clock of {NAME}" in text) == (Level.ERROR, True)


def test_what_a_provider_lacks_is_said(app, provider):
    metadata = {
        "issuer": provider.issuer,
        "authorization_endpoint": "x",
        "id_token_signing_alg_values_supported": ["HS256"],
        "code_challenge_methods_supported": ["plain"],
    }
    with app.app_context():
        [own] = checks.providers.configured()
        texts = [finding.text for finding in checks.of_metadata(own, metadata)]
    assert texts == [
        f"{NAME} does not say its token_endpoint, jwks_uri.",
        f"{NAME} signs with HS256 only, which is not accepted.",
        f"{NAME} does not know PKCE with S256.",
    ]
