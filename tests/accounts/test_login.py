"""Logging in and out."""

from urllib.parse import urlencode, urlsplit

import pytest

from app.accounts.models import LoginSession, Member, TrustedDevice
from app.outbox.models import OutboxEmail
from tests.support.client import DEVICE_COOKIE
from tests.support.factories import PASSWORD, MemberFactory

WRONG = [("warning", "Invalid login. Please try again.")]


def log_in(visitor, name, password=PASSWORD, *, path="/login/", **more):
    page = visitor.get(path)
    return visitor.submit(page.form("/login/"), username=name, password=password, **more)


@pytest.mark.both_databases
@pytest.mark.parametrize("name", ["ada", "ADA", " ada ", "ada@example.com", "Ada@Example.com"])
def test_username_and_email_address_log_in_in_any_case(visitor, name):
    MemberFactory(username="ada", email="ada@example.com", first_name="Ada", last_name="Byron")
    assert log_in(visitor, name).flashes == [("info", "Welcome, Ada Byron!")]


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "\x00"), ("ada", "")])
def test_a_failed_login_keeps_the_username_in_the_form(visitor, name, password):
    MemberFactory(username="ada")
    page = log_in(visitor, name, password)
    assert page.status == 401
    assert page.flashes == WRONG
    assert f'value="{name}"' in page.text
    assert visitor.get("/users/list/").path == "/login/"


def test_known_and_unknown_usernames_get_the_same_response(visitor, new_visitor):
    MemberFactory(username="known-name")
    known, unknown = log_in(visitor, "known-name", "wrong"), log_in(new_visitor(), "unknown-name", "wrong")
    assert known.words.replace("known-name", "") == unknown.words.replace("unknown-name", "")


def test_the_login_leads_to_the_requested_page(visitor, cast):
    page = visitor.get("/parties/new")
    assert page.flashes == [("info", "Please log in to access this page.")]
    page = visitor.submit(page.form("/login/"), username=cast.friend.username, password=PASSWORD)
    assert page.path == "/parties/new"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "http:evil.example", "/%0d%0aLocation:evil", "///evil.example", "/\tevil", "", "\x00"],
)  # fmt: skip
def test_next_never_redirects_to_another_site(visitor, cast, target):
    visitor.get("/login/")
    page = visitor.post(
        f"/login/?{urlencode({'next': target})}",
        {"username": cast.friend.username, "password": PASSWORD},
        follow=False,
    )
    assert page.status == 303
    assert page.location.startswith("/")
    assert urlsplit(page.location).netloc == ""
    assert "\\" not in page.location


def test_logging_out_requires_a_post(visitor, client_of, cast):
    friend = client_of(cast.friend)
    assert friend.get("/logout/").status == 405
    assert friend.post("/logout/").flashes == [("info", "You are logged out.")]
    assert friend.get("/parties/new").path == "/login/"


@pytest.mark.both_databases
def test_logins_and_failures_are_counted(visitor, records):
    MemberFactory(username="ada")
    log_in(visitor, "ada", "wrong")
    log_in(visitor, "ada", "wrong")
    assert records.one(Member).fail_login_count == 2
    log_in(visitor, "ada")
    member = records.one(Member)
    assert (member.fail_login_count, member.login_count) == (0, 1)


def test_a_logged_in_member_is_redirected_from_the_login_page(client_of, cast):
    assert client_of(cast.friend).get("/login/").path == "/"


# -- double submits and two tabs


@pytest.mark.parametrize("names", [("friend", "friend"), ("friend", "host")])
def test_logging_in_in_two_tabs_keeps_the_first_session(visitor, cast, records, names):
    tabs = [visitor.get("/login/").form("/login/") for _name in names]
    pages = [visitor.submit(tab, username=name, password=PASSWORD) for tab, name in zip(tabs, names, strict=True)]
    assert [page.flashes for page in pages] == [
        [("info", "Welcome, Friend Doe!")],
        [("info", "You are already logged in.")],
    ]
    assert records.one(LoginSession).member_id == cast.friend.id


def test_the_form_can_be_used_again_after_a_failed_login(visitor, cast):
    form = visitor.get("/login/").form("/login/")
    page = visitor.submit(form, username="friend", password="wrong")
    assert visitor.submit(form, username="friend", password="wrong").flashes == WRONG
    assert visitor.submit(page.form("/login/"), username="friend", password=PASSWORD).status == 200


# -- trusted devices


@pytest.fixture
def emails(records):
    """Return the e-mails about new devices, the newest last."""
    return lambda: [letter for letter in records.all(OutboxEmail) if letter.kind == "new_device"]


@pytest.mark.both_databases
def test_a_login_from_a_new_device_is_emailed_to_the_member(new_visitor, cast, emails):
    first, second = new_visitor(), new_visitor()
    second.client.environ_base["HTTP_USER_AGENT"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
    log_in(first, "friend")
    assert emails() == []
    log_in(second, "friend")
    (letter,) = emails()
    assert letter.recipient == cast.friend.email
    assert "127.0.0.1" in letter.text
    assert "Firefox" in letter.text
    for browser in (first, second):
        browser.post("/logout/")
        log_in(browser, "friend")
    assert len(emails()) == 1


def test_two_members_in_one_browser_get_no_email(visitor, cast, emails, records):
    for name in ("friend", "stranger", "friend"):
        log_in(visitor, name)
        visitor.post("/logout/")
    assert emails() == []
    assert records.count(TrustedDevice) == 2


def test_the_device_cookie_is_stored_as_a_hash(visitor, cast, records):
    log_in(visitor, "friend")
    token = visitor.client.get_cookie(DEVICE_COOKIE).value
    assert len(token) >= 32
    assert token not in str(records.dump())


def test_the_device_cookie_alone_does_not_log_in(visitor, new_visitor, cast):
    log_in(visitor, "friend")
    thief = new_visitor()
    thief.client.set_cookie(DEVICE_COOKIE, visitor.client.get_cookie(DEVICE_COOKIE).value)
    assert thief.get("/parties/new").path == "/login/"
