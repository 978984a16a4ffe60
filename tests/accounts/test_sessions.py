"""Sessions: cookies, timeouts, and how they end."""

from datetime import timedelta

import pytest
import time_machine

from app import clock
from app.accounts.enums import SessionEndCause
from app.accounts.models import LoginSession, Member
from app.accounts.sessions import service as session_service
from app.database import transaction
from app.extensions import db
from tests.support.client import DEVICE_COOKIE, SESSION_COOKIE, Visitor
from tests.support.factories import PASSWORD
from tests.support.statements import just_before

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ANOTHER = "another dinner, another word"
HTTPS = {"PUBLIC_URL": "https://dinner.example.org", "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz"}


def log_in(visitor, member, **more):
    return visitor.submit(visitor.get("/login/").form("/login/"), username=member.username, password=PASSWORD, **more)


def is_logged_in(visitor):
    return visitor.get("/account/devices/").path == "/account/devices/"


@pytest.fixture
def cookie_of(app):
    """Return a browser with a copy of the session cookie."""

    def make(visitor):
        thief = Visitor(app)
        thief.client.set_cookie(SESSION_COOKIE, visitor.client.get_cookie(SESSION_COOKIE).value)
        return thief

    return make


@pytest.fixture
def end(app):
    """End the sessions of a member, as a service does."""

    def end_sessions(member, *args, **options):
        with app.app_context(), transaction():
            return session_service.end_sessions(db.session.get(Member, member.id), *args, **options)

    return end_sessions


# -- cookie


def test_the_session_is_renewed_at_login_and_logout(visitor, cast):
    seen = []
    for act in (lambda: None, lambda: log_in(visitor, cast.friend), lambda: visitor.post("/logout/")):
        act()
        token = visitor.get("/password/forgot").form("/forgot").fields["csrf_token"]
        seen.append((visitor.client.get_cookie(SESSION_COOKIE).value, token))
    assert len({cookie for cookie, _token in seen}) == len({token for _cookie, token in seen}) == 3


def test_session_fixation_does_not_log_the_attacker_in(visitor, new_visitor, cast):
    attacker = new_visitor()
    attacker.get("/login/")
    visitor.client.set_cookie(SESSION_COOKIE, attacker.client.get_cookie(SESSION_COOKIE).value)
    log_in(visitor, cast.friend)
    assert is_logged_in(visitor)
    assert not is_logged_in(attacker)


def test_the_session_token_is_stored_as_a_hash(client_of, cast, records):
    friend = client_of(cast.friend)
    with friend.client.session_transaction() as session:
        token = session["login"]
    assert token not in str(records.dump())
    assert records.one(LoginSession).member_id == cast.friend.id


@pytest.mark.parametrize("change", [{"login": "guessed"}, {"login": None}, {"_user_id": "1"}, {"_user_id": "x"}])
def test_a_cookie_without_a_stored_session_is_not_logged_in(client_of, cast, change):
    friend = client_of(cast.friend)
    with friend.client.session_transaction() as session:
        session.update(change)
    assert is_logged_in(friend) == (change == {"_user_id": str(cast.friend.id)})


@pytest.mark.parametrize("remember", [False, True])
def test_cookies_are_httponly_and_samesite(visitor, cast, remember):
    log_in(visitor, cast.friend, remember_me="y" if remember else None)
    for name in (SESSION_COOKIE, DEVICE_COOKIE):
        cookie = visitor.client.get_cookie(name)
        assert (cookie.http_only, cookie.same_site, cookie.path) == (True, "Lax", "/")
    # One ends with the browser, the other lasts as long as a remembered session.
    expires = visitor.client.get_cookie(SESSION_COOKIE).expires
    assert (expires is not None) == remember
    if remember:
        assert expires - clock.now() > 89 * DAY


def test_with_https_cookies_have_the_host_prefix(new_app, app, cast):
    visitor = Visitor(new_app(**HTTPS))
    at = {"base_url": HTTPS["PUBLIC_URL"], "headers": {"Referer": HTTPS["PUBLIC_URL"]}}
    fields = visitor.get("/login/", **at).form("/login/").fields.to_dict()
    typed = {**fields, "username": "friend", "password": PASSWORD}
    set_cookies = visitor.open("POST", "/login/", data=typed, follow=False, **at).headers.getlist("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in set_cookies) == ["__Host-device", "__Host-session"]
    for cookie in set_cookies:
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "domain" not in cookie.lower()


def test_a_cookie_from_a_server_whose_clock_is_ahead_is_valid(new_app, app, cast):
    """Two machines serve one site, and their clocks differ by two seconds."""
    visitor = Visitor(new_app())
    with time_machine.travel(clock.now() + timedelta(seconds=2), tick=False):
        log_in(visitor, cast.friend)
    assert is_logged_in(visitor)


# -- timeouts


@pytest.mark.parametrize(
    ("who", "remember", "idle", "absolute"),
    [
        ("friend", False, 30 * MINUTE, 12 * HOUR),
        ("friend", True, 30 * DAY, 90 * DAY),
        ("translator", False, 30 * MINUTE, 12 * HOUR),
        ("admin", False, 15 * MINUTE, 8 * HOUR),
        ("admin", True, 15 * MINUTE, 8 * HOUR),
    ],
)
def test_a_session_ends_after_idle_and_absolute_timeouts(visitor, cast, who, remember, idle, absolute):
    start = clock.now()
    clock.set_now(start)
    log_in(visitor, getattr(cast, who), remember_me="y" if remember else None)
    moment = start
    while moment + idle < start + absolute:
        moment += idle - 2 * MINUTE
        clock.set_now(moment)
        assert is_logged_in(visitor), moment - start
    clock.set_now(start + absolute)
    assert is_logged_in(visitor)
    clock.set_now(start + absolute + MINUTE)
    assert not is_logged_in(visitor)
    log_in(visitor, getattr(cast, who))
    clock.set_now(clock.now() + idle + MINUTE)
    assert not is_logged_in(visitor)


def test_remember_me_is_not_available_to_administrators(visitor, cast, records):
    page = visitor.get("/login/")
    assert "Not available to administrators" in page.text
    log_in(visitor, cast.admin, remember_me="y")
    assert not records.one(LoginSession).remember
    assert visitor.client.get_cookie(SESSION_COOKIE).expires is None


def test_staff_who_ask_to_stay_logged_in_read_that_they_do_not(new_visitor, cast):
    told = "Welcome, Boss Doe! With your role, you do not stay logged in on this device."
    assert log_in(new_visitor(), cast.admin, remember_me="y").flashes == [("info", told)]
    assert log_in(new_visitor(), cast.admin).flashes == [("info", "Welcome, Boss Doe!")]


def test_guests_stay_logged_in_and_read_only_the_welcome(visitor, cast):
    assert log_in(visitor, cast.friend, remember_me="y").flashes == [("info", "Welcome, Friend Doe!")]


def test_reading_updates_the_last_activity_only_now_and_then(client_of, cast, records):
    friend = client_of(cast.friend)
    before = records.dump()
    is_logged_in(friend)
    assert records.dump() == before
    clock.set_now(clock.now() + 10 * MINUTE)
    is_logged_in(friend)
    assert records.one(LoginSession).last_seen_at == clock.now()


# -- ending sessions


def test_a_copied_cookie_is_invalid_after_the_logout(client_of, cast, cookie_of):
    friend = client_of(cast.friend)
    thief = cookie_of(friend)
    assert is_logged_in(thief)
    friend.post("/logout/")
    assert not is_logged_in(thief)


def test_a_copied_cookie_is_invalid_after_a_password_change(client_of, cast, cookie_of):
    friend = client_of(cast.friend)
    thief = cookie_of(friend)
    form = friend.get("/password/change").form("/change")
    page = friend.submit(form, password=PASSWORD, new_password=ANOTHER)
    assert page.flashes == [("info", "Your password has been updated. Other devices were signed out.")]
    assert is_logged_in(friend)
    assert not is_logged_in(thief)


@pytest.mark.parametrize(
    ("act", "more"),
    [
        ("action/ban", {"reason": "Threw the soup"}),
        ("action/sign_out", {"reason": "Forgot a phone"}),
        ("action/deactivate", {}),
        ("edit", {"roles": "Translator"}),
    ],
)
def test_a_copied_cookie_is_invalid_after_an_action_of_an_administrator(client_of, cast, cookie_of, act, more):
    friend = client_of(cast.friend)
    thief = cookie_of(friend)
    admin = client_of(cast.admin)
    address = f"/users/{act}/{cast.friend.id}"
    if act == "edit":
        form = admin.get(address).form(address)
        admin.submit(form, **{name: role_numbers(admin, address) for name in more})
    else:
        admin.post(address, more)
    assert not is_logged_in(friend)
    assert not is_logged_in(thief)


def role_numbers(admin, address):
    """Return the ID of the role Translator, as the form has it."""
    return [admin.get(address).text.split(">Translator")[0].rpartition('value="')[2].partition('"')[0]]


@pytest.mark.both_databases
def test_an_ended_session_says_why_once(client_of, cast, cookie_of, end):
    friend = client_of(cast.friend)
    thief = cookie_of(friend)
    assert end(cast.friend, SessionEndCause.ADMINISTRATOR, reason="You left your phone <here>") == 1
    page = friend.get("/")
    assert page.flashes == [("danger", "You were signed out by an administrator: You left your phone <here>")]
    assert friend.get("/").flashes == []
    assert friend.get("/parties/new").flashes == [("info", "Please log in to access this page.")]
    assert thief.get("/").flashes == []


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (SessionEndCause.PASSWORD, "You were signed out because your password was changed."),
        (SessionEndCause.OWNER, "You were signed out from another device of yours."),
        (SessionEndCause.BAN, "Your account was banned: Soup"),
    ],
)
def test_each_reason_has_a_text(client_of, cast, end, cause, told):
    friend = client_of(cast.friend)
    end(cast.friend, cause, reason="Soup")
    assert friend.get("/").flashes == [("danger", told)]


def test_the_reason_is_shown_beside_the_flash_of_the_page(client_of, cast, end):
    friend = client_of(cast.friend)
    end(cast.friend, SessionEndCause.OWNER)
    assert [kind for kind, _text in friend.get("/parties/new").flashes] == ["danger", "info"]


def test_a_form_sent_to_an_ended_session_is_kept(client_of, cast, end):
    friend = client_of(cast.friend)
    form = friend.get("/parties/new").form("/parties/new")
    end(cast.friend, SessionEndCause.OWNER)
    page = friend.submit(form, title="Fondue", starts_at="2040-01-01T19:00", number_seats="4")
    assert ("danger", "You were signed out from another device of yours.") in page.flashes
    assert page.form("/login/").fields["kept"]


def test_ending_one_session_or_all_but_one_keeps_the_others(client_of, cast, records, end):
    browsers = [client_of(cast.friend) for _number in range(3)]
    keys = [login.id for login in records.all(LoginSession)]
    assert end(cast.friend, SessionEndCause.OWNER, only=keys[0]) == 1
    assert [is_logged_in(browser) for browser in browsers] == [False, True, True]
    assert end(cast.friend, SessionEndCause.OWNER, keep=keys[2]) == 1
    assert [is_logged_in(browser) for browser in browsers] == [False, False, True]


def test_signing_out_everywhere_else_keeps_this_device(client_of, cast, cookie_of):
    here, there = client_of(cast.friend), client_of(cast.friend)
    page = here.get("/account/devices/")
    here.submit(page.form("/sign-out-others"))
    assert is_logged_in(here)
    assert there.get("/").flashes == [("danger", "You were signed out from another device of yours.")]


def test_a_deactivated_member_is_signed_out_at_once(app, client_of, cast):
    friend = client_of(cast.friend)
    with app.app_context(), transaction():
        db.session.get(Member, cast.friend.id).active = False
    assert not is_logged_in(friend)


@pytest.mark.both_databases
def test_a_password_changed_during_the_login_does_not_log_in(app, visitor, cast, records, end):
    """All sessions are ended between the check of the old password and the start of the new session."""
    with just_before("DELETE FROM login_guard", lambda: end(cast.friend, SessionEndCause.PASSWORD)):
        page = log_in(visitor, cast.friend)
    assert (page.status, page.flashes) == (401, [("warning", "Invalid login. Please try again.")])
    assert records.count(LoginSession) == 0


# -- the API uses no cookies


def test_the_api_neither_accepts_nor_sets_cookies(client_of, visitor, cast):
    admin = client_of(cast.admin)
    answers = [
        admin.client.get("/api/v1/dinnerparties/"),
        admin.client.post("/api/v1/security/login", json={"username": "friend", "password": PASSWORD}),
        admin.client.post("/api/v1/security/refresh"),
    ]
    assert [answer.status_code for answer in answers] == [401, 200, 401]
    assert not [answer.headers.getlist("Set-Cookie") for answer in answers if "Set-Cookie" in answer.headers]
    assert visitor.client.get("/api/v1/dinnerparties/").get_json() == answers[0].get_json()


def test_a_remembered_login_sets_its_cookie_once(visitor, cast):
    log_in(visitor, cast.friend, remember_me="y")
    for path in ("/static/app.css", "/parties/", "/account/devices/"):
        assert "Set-Cookie" not in visitor.get(path).headers
