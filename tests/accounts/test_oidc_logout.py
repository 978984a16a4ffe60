"""Logging out at a provider: from here, and from there (RP-initiated and back-channel logout)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests

from app import clock
from app.accounts import encryption
from app.accounts.models import ProviderSession, Totp
from app.accounts.second_factor import totp
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from tests.accounts.test_oidc import NAME, ada, is_logged_in, log_in, provider, running
from tests.support.factories import RegistrationFactory

__all__ = ["ada", "provider", "running"]

EVENTS = {"http://schemas.openid.net/event/backchannel-logout": {}}
ENDPOINT = "/backchannel-logout/openid"


@pytest.fixture
def known(provider):
    """The provider, with sessions."""
    provider.know("ada-at-kitchen", email="ada@example.com", sid="session-1")
    return provider


def claims(provider, **changes):
    now = int(clock.now().timestamp())
    usual = {"iss": provider.issuer, "aud": "dinner", "iat": now, "exp": now + 120, "jti": "1", "sid": "session-1",
             "sub": "ada-at-kitchen", "events": EVENTS}  # fmt: skip
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def enable_totp(app, member):
    """Add an authenticator app to a member, and return its secret."""
    secret = pyotp.random_base32()
    with app.app_context(), transaction():
        sealed = encryption.encrypt(totp.STORED, secret)
        db.session.add(Totp(member_id=member.id, secret=sealed, confirmed_at=clock.now()))
    return secret


def tell(visitor, token):
    return visitor.client.post(ENDPOINT, data={"logout_token": token})


# -- from here


def test_a_logout_goes_on_at_the_provider_and_comes_back(visitor, known, ada, records):
    log_in(visitor, known)
    [stored] = records.all(ProviderSession)
    assert stored.subject == "ada-at-kitchen"
    assert "." not in stored.id_token
    page = visitor.post("/logout/")
    assert (page.path, page.status, page.flashes) == ("/logout/provider", 200, [])
    url = page.headers["Refresh"].removeprefix("0; url=")
    assert f"Go on to {NAME}" in page.text
    asked = parse_qs(urlsplit(url).query)
    assert url.startswith(f"{known.issuer}/oauth2/end_session?")
    assert (asked["client_id"], asked["post_logout_redirect_uri"]) == (["dinner"], ["http://localhost:8080/"])
    assert len(asked["id_token_hint"][0].split(".")) == 3
    assert requests.get(url, timeout=5).ok
    assert records.count(ProviderSession) == 0
    back = visitor.get("/")
    assert back.flashes == [("info", "You are logged out.")]
    assert not is_logged_in(visitor)


@pytest.mark.parametrize("behaviour", ["break", "babble"])
def test_without_a_word_of_the_provider_a_logout_ends_here(visitor, known, ada, app, monkeypatch, behaviour):
    log_in(visitor, known)
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    known.behaviour = behaviour
    page = visitor.post("/logout/")
    assert (page.path, page.flashes) == ("/", [("info", "You are logged out.")])
    assert not is_logged_in(visitor)


def test_who_logged_in_with_a_password_is_not_sent_to_a_provider(client_of, cast, known):
    assert client_of(cast.friend).post("/logout/").path == "/"


def test_the_page_is_for_the_browser_that_logs_out_and_for_a_while(visitor, new_visitor, known, ada):
    log_in(visitor, known)
    assert visitor.post("/logout/").path == "/logout/provider"
    assert new_visitor().get("/logout/provider").path == "/"
    clock.set_now(clock.now() + timedelta(minutes=6))
    assert visitor.get("/logout/provider").path == "/"


# -- from there


@pytest.mark.parametrize("names", [{}, {"sub": None}, {"sid": None}], ids=["both", "sid", "sub"])
def test_a_logout_at_the_provider_ends_the_sessions_from_there(
    visitor, new_visitor, client_of, known, ada, names, records
):
    log_in(visitor, known)
    known.know("ada-at-kitchen", email="ada@example.com", sid="session-2")
    elsewhere, by_password = new_visitor(), client_of(ada)
    log_in(elsewhere, known)
    answer = tell(new_visitor(), known.sign(claims(known, **names)))
    assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (200, b"", "no-store")
    page = visitor.get("/parties/new")
    assert page.flashes[0] == ("danger", f"You were signed out because you logged out at {NAME}.")
    assert is_logged_in(elsewhere) is ("sid" not in names)
    assert is_logged_in(by_password)
    event = next(event for event in records.all(AuditEvent) if event.action == "sessions_ended")
    assert event.after == {"devices": 1 + ("sid" in names), "issuer": known.issuer}


def test_a_login_that_waits_for_its_second_factor_ends_too(visitor, new_visitor, known, ada, app):
    waiting = visitor
    secret = enable_totp(app, ada)
    assert log_in(waiting, known).path == "/login/second-step/"
    assert tell(new_visitor(), known.sign(claims(known))).status_code == 200
    page = waiting.get("/login/second-step/")
    assert page.path == "/login/"
    # A later login, completed with the factor, is one of the provider again.
    page = log_in(waiting, known)
    waiting.submit(page.form("/login/second-step/"), code=pyotp.TOTP(secret).at(clock.now()))
    assert is_logged_in(waiting)
    assert tell(new_visitor(), known.sign(claims(known, jti="2"))).status_code == 200
    assert not is_logged_in(waiting)


WRONG = {
    "another issuer": {"iss": "https://other.example"},
    "another client": {"aud": ["breakfast"]},
    "not new": {"iat": 1_000_000_000},
    "of tomorrow": {"iat": 4_000_000_000},
    "expired": {"exp": 1_000_000_000},
    "no event": {"events": {"http://schemas.openid.net/event/other": {}}},
    "an ID token": {"nonce": "1"},
    "nobody": {"sub": None, "sid": None},
    "no name": {"jti": None},
    "a number": {"sub": 7},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_token_that_says_something_else_ends_nothing(visitor, new_visitor, known, ada, case):
    log_in(visitor, known)
    answer = tell(new_visitor(), known.sign(claims(known, **WRONG[case])))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")
    assert is_logged_in(visitor)


def test_a_token_works_once(visitor, new_visitor, known, ada):
    token = known.sign(claims(known))
    assert [tell(new_visitor(), token).status_code for _again in range(2)] == [200, 400]
    log_in(visitor, known)
    assert tell(new_visitor(), token).status_code == 400
    assert is_logged_in(visitor)


def test_a_token_that_the_provider_has_not_signed_ends_nothing(visitor, known, ada):
    log_in(visitor, known)
    token = known.sign(claims(known))
    header, _dot, rest = token.partition(".")
    unsigned = "eyJhbGciOiJub25lIn0." + rest.partition(".")[0] + "."
    for forged in (token[:-8] + "AAAAAAAA", unsigned, header, "", "a.b.c", "x" * 30_000):
        assert tell(visitor, forged).status_code == 400
    assert is_logged_in(visitor)


def test_a_new_key_of_the_provider_is_read(visitor, known, ada):
    log_in(visitor, known)
    known.renew_keys()
    assert tell(visitor, known.sign(claims(known))).status_code == 200


def test_without_its_keys_a_provider_is_asked_to_try_again(visitor, known, ada):
    token = known.sign(claims(known))
    known.behaviour = "break"
    answer = tell(visitor, token)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


@pytest.mark.rate_limits
def test_refused_tokens_are_rate_limited_and_others_are_not(visitor, known, ada):
    accepted = [tell(visitor, known.sign(claims(known, jti=str(number)))).status_code for number in range(12)]
    refused = [tell(visitor, "a.b.c").status_code for _again in range(11)]
    assert (set(accepted), refused[9:]) == ({200}, [400, 429])


def test_only_providers_of_openid_connect_can_tell(visitor, known):
    for path in ("/backchannel-logout/nobody", "/backchannel-logout/"):
        assert visitor.client.post(path).status_code == 404
    assert visitor.client.get(ENDPOINT).status_code == 405


# -- other things that providers do


def test_an_odd_key_does_not_spoil_the_others(visitor, known, ada, caplog):
    known.behaviour = "odd"
    log_in(visitor, known)
    assert is_logged_in(visitor)
    assert "openid publishes 6 keys, of which 1 can be used" in caplog.text


def test_who_has_yet_to_activate_reads_that(visitor, known, app):
    RegistrationFactory(identity_issuer=known.issuer, identity_subject="ada-at-kitchen")
    page = log_in(visitor, known)
    assert page.path == "/login/"
    assert page.flashes[0][1].startswith("To use your account you have to activate it with the link")
