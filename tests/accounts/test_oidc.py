"""Logging in with OpenID Connect, and everything that can fail on the way."""

import threading
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from waitress.task import ThreadedTaskDispatcher
from werkzeug.test import Client

import config
from app import clock
from app.accounts.models import ExternalIdentity, LoginSession, Member
from app.accounts.oidc import providers
from app.audit.models import AuditEvent
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from app.server import Serialized
from tests.support import openid, required_services
from tests.support.client import SESSION_COOKIE
from tests.support.factories import PASSWORD, MemberFactory, RowFactory

START, CALLBACK = "/login/openid/", "/login/openid/callback"
NAME = "Kitchen ID"
FAILED = [("danger", f"{NAME} could not confirm your identity. Please try again in a moment.")]
CANCELLED = [("warning", f"You cancelled at {NAME}. Nothing was changed.")]
MISSING = [("warning", f"No response from {NAME}. Please try again.")]


class IdentityFactory(RowFactory):
    class Meta:
        model = ExternalIdentity


@pytest.fixture(scope="module")
def running():
    with openid.running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running, app, monkeypatch, tmp_path, request):
    """The site's provider, reset to its defaults."""
    required_services.used(request.config)["openid"] += 1
    environ = {
        "OIDC_ISSUER": running.issuer,
        "OIDC_CLIENT_ID": "dinner",
        "OIDC_CLIENT_SECRET": "x",
        "OIDC_DISPLAY_NAME": NAME,
    }
    for name, value in config.load({"INSTANCE_PATH": str(tmp_path), **environ}).items():
        if name.startswith("OIDC_"):
            monkeypatch.setitem(app.config, name, value)
    # Metadata cached by an earlier test.
    monkeypatch.setitem(app.extensions, "oauth_clients", {})
    running.behaviour = "work"
    running.released.clear()
    running.know("ada-at-kitchen", email="ada@example.com", given_name="Ada", family_name="Byron")
    running.calls.clear()
    running.asked.clear()
    return running


@pytest.fixture
def ada(provider):
    """A member with a linked identity."""
    member = MemberFactory(username="ada", first_name="Ada", last_name="Byron")
    link(member, provider)
    return member


def link(member, provider, subject="ada-at-kitchen"):
    return IdentityFactory(member_id=member.id, issuer=provider.issuer, subject=subject)


def start_login(visitor, path=START):
    """Start a login; return the URL at the provider."""
    page = visitor.get(path, follow=False)
    assert page.status == 302, page
    return page.location


def follow_callback(visitor, address):
    """Follow the provider's redirect to the callback of the site."""
    assert address.startswith("http://localhost:8080/login/openid/callback?")
    parts = urlsplit(address)
    return visitor.get(f"{parts.path}?{parts.query}")


def log_in(visitor, provider, subject="ada-at-kitchen", path=START):
    return follow_callback(visitor, provider.consent(start_login(visitor, path), subject))


def is_logged_in(visitor):
    return visitor.get("/parties/new").path == "/parties/new"


# -- without a provider


@pytest.mark.parametrize("path", [START, CALLBACK, f"{CALLBACK}?code=1&state=2", "/account/identities/"])
def test_without_a_provider_the_pages_are_not_found(client_of, cast, path):
    friend = client_of(cast.friend)
    assert friend.get(path).status == 404
    assert START not in friend.get("/account/data/").text
    assert friend.post("/account/identities/1/unlink").status == 404


def test_without_a_provider_no_page_links_to_it(visitor):
    page = visitor.get("/login/")
    assert (page.status, START in page.text) == (200, False)


# -- to the provider


def test_the_login_page_redirects_to_the_provider(visitor, provider):
    page = visitor.get("/login/?next=/parties/new")
    assert f"Log in with {NAME}" in page.text
    assert f'href="{START}?next=/parties/new"' in page.text
    asked = parse_qs(urlsplit(start_login(visitor)).query)
    assert asked["redirect_uri"] == ["http://localhost:8080/login/openid/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert {*asked} >= {"state", "nonce", "code_challenge"}
    assert asked["scope"] == ["openid email profile"]


def test_repeated_starts_keep_the_cookie_small(visitor, provider):
    for _attempt in range(10):
        start_login(visitor)
    assert len(visitor.client.get_cookie(SESSION_COOKIE).value) < 2000


@pytest.mark.parametrize("behaviour", ["break", "babble"])
def test_a_broken_provider_is_reported_on_the_login_page(visitor, provider, behaviour):
    provider.behaviour = behaviour
    page = visitor.get(f"{START}?next=/parties/new")
    assert (page.path, page.status, page.flashes) == ("/login/", 200, FAILED)
    assert f'href="{START}?next=/parties/new"' in page.text
    provider.behaviour = "work"
    assert start_login(visitor).startswith(provider.issuer)


def test_an_unreachable_provider_is_reported(visitor, provider, app, monkeypatch):
    monkeypatch.setitem(app.config, "OIDC_ISSUER", "http://localhost:9")
    assert visitor.get(START).flashes == FAILED


def test_a_provider_that_does_not_respond_times_out(visitor, provider, app, monkeypatch):
    monkeypatch.setitem(app.config, "OIDC_TIMEOUT", 0.2)
    provider.behaviour = "dawdle"
    assert visitor.get(START).flashes == FAILED
    assert provider.calls == [openid.DISCOVERY]


def test_a_slow_provider_does_not_block_other_requests(app, provider):
    dispatcher = ThreadedTaskDispatcher()
    served = Serialized(app, dispatcher)
    provider.behaviour = "dawdle"
    waiting = threading.Thread(target=lambda: Client(served).get(START))
    waiting.start()
    assert provider.asked.wait(5)
    assert Client(served).get("/login/").status_code == 200
    assert waiting.is_alive()
    # Who waits leaves the thread of this process to others.
    assert len(dispatcher.threads) == 2
    provider.released.set()
    waiting.join()
    dispatcher.shutdown()


@pytest.mark.rate_limits
def test_starting_a_login_is_rate_limited(visitor, provider):
    answers = [visitor.get(START, follow=False).status for _attempt in range(31)]
    assert answers == [302] * 30 + [429]


# -- the callback


@pytest.mark.both_databases
def test_a_linked_identity_logs_in(visitor, provider, ada, records):
    page = log_in(visitor, provider, path=f"{START}?next=/parties/new")
    assert (page.path, page.flashes) == ("/parties/new", [("info", "Welcome, Ada Byron!")])
    assert records.one(LoginSession).member_id == ada.id
    assert records.fresh(ada).login_count == 1
    assert [event.action for event in records.all(AuditEvent)] == ["logged_in"]


def test_a_login_calls_the_hook_of_the_security_manager(app, visitor, provider, ada, monkeypatch):
    told = []
    monkeypatch.setattr(appbuilder_of(app).sm, "on_user_login", lambda user: told.append(user.username))
    log_in(visitor, provider)
    assert told == ["ada"]


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example"])
def test_next_never_redirects_to_another_site(visitor, provider, ada, target):
    assert log_in(visitor, provider, path=f"{START}?next={target}").path == "/"


def test_the_login_starts_a_new_session(visitor, provider, ada):
    visitor.get("/login/")
    start_login(visitor)
    before = visitor.client.get_cookie(SESSION_COOKIE).value
    log_in(visitor, provider)
    assert visitor.client.get_cookie(SESSION_COOKIE).value != before
    with visitor.client.session_transaction() as session:
        assert not [key for key in session if "openid" in key]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"banned_at": clock.now(), "ban_reason": "spilled the wine"}, "Your account was banned: spilled the wine"),
        ({"active": False}, "This account is not active."),
    ],
)
def test_a_blocked_member_is_refused_as_after_a_password(visitor, provider, ada, app, state, told):
    with app.app_context():
        for name, value in state.items():
            setattr(db.session.get(Member, ada.id), name, value)
        db.session.commit()
    page = log_in(visitor, provider)
    assert (page.path, page.flashes) == ("/login/", [("danger", told)])
    assert not is_logged_in(visitor)


def test_a_logged_in_member_is_redirected(client_of, provider, ada):
    browser = client_of(ada)
    assert browser.get(f"{START}?next=/parties/new").path == "/parties/new"
    page = browser.get(f"{CALLBACK}?code=stale&state=stale")
    assert (page.path, page.flashes) == ("/", [("info", "You are already logged in.")])


# -- errors and forged callbacks


def test_cancelling_at_the_provider_is_no_error(visitor, provider, ada):
    page = follow_callback(visitor, provider.cancel(start_login(visitor, f"{START}?next=/parties/new")))
    assert (page.path, page.flashes) == ("/login/", CANCELLED)
    assert f'href="{START}?next=/parties/new"' in page.text


def test_a_callback_without_parameters_is_reported(visitor, provider):
    start_login(visitor)
    page = visitor.get(CALLBACK)
    assert (page.path, page.flashes) == ("/login/", MISSING)


@pytest.mark.parametrize(
    "query", ["error=server_error", "error=login_required&state=x", "code=x", "code=x&state=x", "code=%00&state=%00"]
)
def test_an_error_or_forged_callback_does_not_log_in(visitor, provider, ada, query):
    start_login(visitor)
    page = visitor.get(f"{CALLBACK}?{query}")
    assert (page.path, page.flashes) == ("/login/", FAILED)
    assert openid.TOKEN not in provider.calls
    assert not is_logged_in(visitor)


def test_a_callback_works_only_in_the_browser_that_started_it(visitor, new_visitor, provider, ada):
    """Login CSRF: a callback is bound to the browser that started the login."""
    attacker = new_visitor()
    answer = provider.consent(start_login(attacker), "ada-at-kitchen")
    start_login(visitor)
    assert follow_callback(visitor, answer).flashes == FAILED
    assert follow_callback(new_visitor(), answer).flashes == FAILED
    assert openid.TOKEN not in provider.calls


def test_a_callback_works_once(visitor, provider, ada):
    answer = provider.consent(start_login(visitor), "ada-at-kitchen")
    cookie = visitor.client.get_cookie(SESSION_COOKIE).value
    assert follow_callback(visitor, answer).flashes == [("info", "Welcome, Ada Byron!")]
    visitor.post("/logout/")
    # The provider leads back there.
    visitor.get("/")
    assert follow_callback(visitor, answer).flashes == FAILED
    # With the old cookie the state is valid again, but the provider refuses the used code.
    visitor.client.set_cookie(SESSION_COOKIE, cookie)
    assert follow_callback(visitor, answer).flashes == FAILED
    assert not is_logged_in(visitor)


@pytest.mark.parametrize("behaviour", ["break", "babble", "forge"])
def test_a_provider_failing_or_lying_at_the_token_endpoint_does_not_log_in(visitor, provider, ada, behaviour):
    answer = provider.consent(start_login(visitor), "ada-at-kitchen")
    provider.behaviour = behaviour
    page = follow_callback(visitor, answer)
    assert (page.path, page.flashes) == ("/login/", FAILED)
    assert openid.TOKEN in provider.calls
    assert not is_logged_in(visitor)


def go_on_with(app, monkeypatch, setting, value):
    """Change a setting between the start of a login and its callback, and nothing about the provider."""
    _key, client = app.extensions["oauth_clients"].popitem()
    monkeypatch.setitem(app.config, setting, value)
    with app.app_context():
        app.extensions["oauth_clients"][repr(providers.find(providers.OWN))] = client


def test_a_token_for_another_audience_does_not_log_in(visitor, provider, ada, app, monkeypatch):
    answer = provider.consent(start_login(visitor), "ada-at-kitchen")
    go_on_with(app, monkeypatch, "OIDC_CLIENT_ID", "lunch")
    assert follow_callback(visitor, answer).flashes == FAILED


def test_a_token_of_another_issuer_does_not_log_in(visitor, provider, ada, app, monkeypatch):
    answer = provider.consent(start_login(visitor), "ada-at-kitchen")
    go_on_with(app, monkeypatch, "OIDC_ISSUER", "https://other.example")
    assert follow_callback(visitor, answer).flashes == FAILED


# -- unknown identities


def test_an_unknown_identity_leads_to_registration(visitor, provider, records):
    """An equal e-mail address proves nothing: the member who has it is not changed."""
    owner = MemberFactory(username="ada", email="ada@example.com")
    page = log_in(visitor, provider)
    assert page.path == "/register/form"
    assert [category for category, _text in page.flashes] == ["info"]
    assert "Complete your registration" in page.flashes[0][1]
    with visitor.client.session_transaction() as session:
        assert session["openid"] == {
            "issuer": provider.issuer,
            "subject": "ada-at-kitchen",
            "email": "ada@example.com",
            "first_name": "Ada",
            "last_name": "Byron",
        }
    assert records.count(ExternalIdentity) == records.count(LoginSession) == 0
    assert records.fresh(owner).login_count is None


def test_missing_claims_are_read_from_the_userinfo_endpoint(visitor, provider):
    with openid.silent_about_people():
        log_in(visitor, provider)
    with visitor.client.session_transaction() as session:
        assert (session["openid"]["email"], session["openid"]["first_name"]) == ("ada@example.com", "Ada")


def test_long_claims_are_truncated(visitor, provider):
    provider.know("strange", email=["not", "a text"], given_name="A\x00\n " + "d" * 100, family_name=7)
    log_in(visitor, provider, "strange")
    with visitor.client.session_transaction() as session:
        assert session["openid"]["email"] == session["openid"]["last_name"] == ""
        assert session["openid"]["first_name"] == "A " + "d" * 62


@pytest.mark.parametrize("subject", ["x" * 256, "line\nbreak"])
def test_an_invalid_subject_is_refused(visitor, provider, subject):
    assert log_in(visitor, provider, subject).flashes == FAILED


def test_with_registration_closed_an_unknown_identity_reads_what_to_do(visitor, provider, app, monkeypatch):
    monkeypatch.setitem(app.config, "REGISTRATION", "closed")
    page = log_in(visitor, provider)
    assert page.path == "/login/"
    assert page.flashes[0][0] == "warning"
    assert "link it in your account" in page.flashes[0][1]


# -- linking and unlinking


@pytest.fixture
def friend(client_of, cast, provider):
    return client_of(cast.friend)


def way_to_link(browser):
    """Return the URL of the link button on the page of identities."""
    page = browser.get("/account/identities/")
    assert page.path == "/account/identities/", page
    return page.text.split(f'href="{START}')[1].split('"')[0].join([START, ""])


@pytest.mark.both_databases
def test_a_member_links_an_identity_and_logs_in_with_it(friend, visitor, provider, cast, records):
    page = log_in(friend, provider, path=way_to_link(friend))
    assert (page.path, page.flashes) == (
        "/account/identities/",
        [("info", f"You can now log in with {NAME}.")],
    )
    assert records.one(ExternalIdentity).member_id == cast.friend.id
    event = records.all(AuditEvent)[-1]
    assert (event.action, event.subject_id, event.after) == (
        "identity_linked",
        cast.friend.id,
        {"issuer": provider.issuer},
    )
    letter = records.one(OutboxEmail)
    assert (letter.recipient, letter.subject) == (
        cast.friend.email,
        "A new way to log in to your account at DinnerParty",
    )
    assert f"use your login at {NAME} to access your account friend" in letter.text
    assert log_in(visitor, provider).flashes == [("info", "Welcome, Friend Doe!")]


def test_the_account_pages_link_to_the_identities(friend):
    assert 'href="/account/identities/"' in friend.get("/account/identities/").text


def test_linking_an_identity_again_changes_nothing(friend, provider, cast, records):
    link(cast.friend, provider)
    page = log_in(friend, provider, path=way_to_link(friend))
    assert page.flashes == [("info", f"You can already log in with {NAME}.")]
    assert records.count(ExternalIdentity) == 1


def test_an_identity_of_another_member_cannot_be_linked(friend, provider, ada, records):
    page = log_in(friend, provider, path=way_to_link(friend))
    assert page.flashes == [("danger", f"This login at {NAME} is linked with another account here.")]
    assert records.one(ExternalIdentity).member_id == ada.id


def test_cancelling_and_errors_lead_back_to_the_identities(friend, provider):
    page = follow_callback(friend, provider.cancel(start_login(friend, way_to_link(friend))))
    assert (page.path, page.flashes) == ("/account/identities/", CANCELLED)
    provider.behaviour = "break"
    answer = friend.get(f"{CALLBACK}?code=1&state=2")
    assert answer.path == "/"
    go_there = way_to_link(friend)
    provider.behaviour = "work"
    address = provider.consent(start_login(friend, go_there), "ada-at-kitchen")
    provider.behaviour = "break"
    page = follow_callback(friend, address)
    assert (page.path, page.flashes) == ("/account/identities/", FAILED)


@pytest.mark.parametrize("key", ["", "1", "forged.key"])
def test_an_invalid_link_token_cannot_start_linking(friend, provider, key):
    page = friend.get(f"{START}?link={key}")
    assert page.path == "/account/identities/"
    assert provider.calls == []


def test_the_link_token_of_another_session_is_refused(friend, client_of, cast, provider):
    path = way_to_link(client_of(cast.stranger))
    assert friend.get(path).path == "/account/identities/"
    assert openid.DISCOVERY not in provider.calls


def test_linking_requires_reauthentication(friend, provider):
    path = way_to_link(friend)
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = friend.get(path)
    assert (page.path, page.flashes) == ("/login/again", [("warning", "Please reauthenticate to access this page.")])
    page = friend.submit(page.form("/login/again"), password=PASSWORD)
    assert page.path == "/account/identities/"


def test_a_callback_after_the_logout_links_nothing(friend, provider, records):
    address = provider.consent(start_login(friend, way_to_link(friend)), "ada-at-kitchen")
    cookie = friend.client.get_cookie(SESSION_COOKIE).value
    friend.post("/logout/")
    friend.client.set_cookie(SESSION_COOKIE, cookie)
    page = follow_callback(friend, address)
    assert (page.path, page.flashes) == ("/login/", [("warning", "That took too long. Please log in again.")])
    assert records.count(ExternalIdentity) == 0


def test_an_unlinked_identity_does_not_log_in(friend, visitor, provider, cast, records):
    link(cast.friend, provider)
    page = friend.submit(friend.get("/account/identities/").form("/unlink"))
    assert (page.path, page.flashes) == (
        "/account/identities/",
        [("info", "You can no longer use this login for your account.")],
    )
    assert records.count(ExternalIdentity) == 0
    assert records.all(AuditEvent)[-1].action == "identity_unlinked"
    assert log_in(visitor, provider).path == "/register/form"


def test_unlinking_an_unknown_or_foreign_identity_is_refused(friend, provider, ada, records):
    number = records.one(ExternalIdentity).id
    for wanted in (number, 999, 10**30):
        page = friend.post(f"/account/identities/{wanted}/unlink")
        assert page.flashes == [("warning", "This link no longer exists.")]
    assert records.count(ExternalIdentity) == 1
