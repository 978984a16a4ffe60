"""Logging in and out, and what a login is worth afterwards."""

from datetime import timedelta
from urllib.parse import urlencode, urlsplit

import pytest

from app import clock
from app.accounts.models import LoginSession, Member
from app.extensions import db
from tests.support.factories import PASSWORD, MemberFactory

pytestmark = pytest.mark.both_databases
WRONG = [("warning", "Invalid login. Please try again.")]


def log_in(visitor, name, password=PASSWORD, *, path="/login/", **more):
    page = visitor.get(path)
    return visitor.submit(page.form("/login/"), username=name, password=password, **more)


@pytest.mark.parametrize("name", ["ada", "ADA", " ada ", "ada@example.com", "Ada@Example.com"])
def test_one_logs_in_by_username_or_address_in_any_case(visitor, name):
    MemberFactory(username="ada", email="ada@example.com", first_name="Ada", last_name="Byron")
    assert log_in(visitor, name).flashes == [("info", "Welcome, Ada Byron!")]


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong"), ("nobody", PASSWORD), ("ada", "\x00"), ("ada", "")])
def test_a_wrong_login_is_refused_and_keeps_the_name(visitor, name, password):
    MemberFactory(username="ada")
    page = log_in(visitor, name, password)
    assert page.status == 401
    assert page.flashes == WRONG
    assert f'value="{name}"' in page.text
    assert visitor.get("/users/list/").path == "/login/"


def test_known_and_unknown_names_get_the_same_answer(visitor, new_visitor):
    MemberFactory(username="known-name")
    known, unknown = log_in(visitor, "known-name", "wrong"), log_in(new_visitor(), "unknown-name", "wrong")
    assert known.words.replace("known-name", "") == unknown.words.replace("unknown-name", "")


def test_who_is_not_active_cannot_log_in(visitor):
    MemberFactory(username="ada", inactive=True)
    assert log_in(visitor, "ada").flashes == WRONG


def test_a_page_that_needs_a_login_comes_after_it(visitor, cast):
    page = visitor.get("/parties/new")
    assert page.flashes == [("info", "Please log in to access this page.")]
    page = visitor.submit(page.form("/login/"), username=cast.friend.username, password=PASSWORD)
    assert page.path == "/parties/new"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example/", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
     "http:evil.example", "/%0d%0aLocation:evil", "///evil.example", "/\tevil", "", "\x00"],
)  # fmt: skip
def test_next_never_leads_off_the_site(visitor, cast, target):
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


def test_logging_out_is_a_post(visitor, client_of, cast):
    friend = client_of(cast.friend)
    assert friend.get("/logout/").status == 405
    assert friend.post("/logout/").flashes == [("info", "You are logged out.")]
    assert friend.get("/parties/new").path == "/login/"


def test_a_cookie_from_before_the_logout_opens_nothing(client_of, cast, new_visitor):
    friend = client_of(cast.friend)
    copied = friend.client.get_cookie("session").value
    friend.post("/logout/")
    thief = new_visitor()
    thief.client.set_cookie("session", copied)
    assert thief.get("/parties/new").path == "/login/"


def test_a_session_is_new_at_login(visitor, cast):
    visitor.get("/login/")
    before = visitor.client.get_cookie("session").value
    log_in(visitor, cast.friend.username)
    assert visitor.client.get_cookie("session").value != before


def test_the_token_of_a_login_is_kept_as_a_hash(client_of, cast, records):
    friend = client_of(cast.friend)
    with friend.client.session_transaction() as session:
        token = session["login"]
    assert token not in str(records.dump())
    assert records.one(LoginSession).member_id == cast.friend.id


@pytest.mark.parametrize(
    ("remember", "still_in", "out"),
    [
        (False, timedelta(minutes=29), timedelta(minutes=31)),
        (True, timedelta(days=29), timedelta(days=31)),
    ],
)
def test_a_login_ends_when_it_was_idle_for_too_long(visitor, cast, remember, still_in, out):
    log_in(visitor, cast.friend.username, **({"remember_me": "y"} if remember else {}))
    start = clock.now()
    clock.set_now(start + still_in)
    assert visitor.get("/parties/new").path == "/parties/new"
    clock.set_now(start + still_in + out)
    assert visitor.get("/parties/new").path == "/login/"


def test_a_login_ends_after_twelve_hours_of_work(visitor, cast):
    log_in(visitor, cast.friend.username)
    start = clock.now()
    for half_hours in range(1, 25):
        clock.set_now(start + timedelta(minutes=29 * half_hours))
        assert visitor.get("/parties/new").path == "/parties/new"
    clock.set_now(start + timedelta(hours=12, minutes=1))
    assert visitor.get("/parties/new").path == "/login/"


def test_who_is_deactivated_is_out_at_once(app, client_of, cast):
    friend = client_of(cast.friend)
    with app.app_context():
        db.session.get(Member, cast.friend.id).active = False
        db.session.commit()
    assert friend.get("/parties/new").path == "/login/"


def test_logins_and_failures_are_counted(visitor, records):
    MemberFactory(username="ada")
    log_in(visitor, "ada", "wrong")
    log_in(visitor, "ada", "wrong")
    assert records.one(Member).fail_login_count == 2
    log_in(visitor, "ada")
    member = records.one(Member)
    assert (member.fail_login_count, member.login_count) == (0, 1)


def test_who_is_logged_in_needs_no_login_page(client_of, cast):
    assert client_of(cast.friend).get("/login/").path == "/"


@pytest.mark.rate_limits
def test_guessing_one_account_is_limited_and_says_when_to_try_again(visitor, cast):
    for _attempt in range(10):
        assert log_in(visitor, cast.friend.username, "wrong").status == 401
    page = visitor.post("/login/", {"username": cast.friend.username, "password": PASSWORD})
    assert page.status == 429
    assert int(page.headers["Retry-After"]) > 0
    assert visitor.post("/login/", {"username": cast.host.username, "password": PASSWORD}).status == 200


@pytest.mark.rate_limits
def test_guessing_through_the_api_is_limited_too(visitor, cast):
    body = {"username": cast.friend.username, "password": "wrong", "provider": "db"}
    answers = [visitor.client.post("/api/v1/security/login", json=body).status_code for _attempt in range(11)]
    assert answers == [401] * 10 + [429]
