"""Flask-Login: the login page, `next`, remember me, fresh logins and cookies."""

from datetime import timedelta

import pytest

from app import clock
from tests.support.client import SESSION_COOKIE, Visitor
from tests.support.factories import PASSWORD


def test_a_page_for_members_asks_to_log_in_and_leads_back(new_visitor, member, says):
    member(username="ada")
    visitor = new_visitor()
    page = visitor.get("/parties/new")
    says(page, "info", "Please log in to access this page.")
    page = visitor.submit(page.form("/login/"), username="ada", password=PASSWORD)
    assert page.path == "/parties/new"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_next_never_leads_to_another_site(new_visitor, member, target):
    member(username="ada")
    visitor = new_visitor()
    form = visitor.get("/login/").form("/login/")
    form.fields["next"] = target
    page = visitor.submit(form, username="ada", password=PASSWORD)
    assert (page.path, page.url.startswith("http://localhost")) == ("/", True)


@pytest.mark.parametrize(("remember", "stays"), [(None, False), ("y", True)])
def test_a_login_is_remembered_when_asked(new_visitor, member, remember, stays):
    member(username="ada")
    visitor = new_visitor()
    visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=PASSWORD, remember_me=remember)
    assert (visitor.client.get_cookie(SESSION_COOKIE).expires is not None) == stays
    clock.set_now(clock.now() + timedelta(days=10))
    assert (visitor.get("/parties/new").path == "/parties/new") == stays


@pytest.mark.parametrize("path", ["/account/email/", "/password/change", "/account/data/erase", "/account/keys/new"])
def test_sensitive_pages_need_a_fresh_login(client_of, member, says, path):
    ada = client_of(member())
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = ada.get(path)
    if page.path == path and page.status == 200:
        # These ask for the password in their own form.
        assert "password" in page.form(path).names
    else:
        says(page, "warning", "Please reauthenticate to access this page.")


def test_cookies_are_http_only_and_same_site(new_visitor, member):
    member(username="ada")
    visitor = new_visitor()
    page = visitor.submit(visitor.get("/login/").form("/login/"), follow=False, username="ada", password=PASSWORD)
    cookies = page.headers.getlist("Set-Cookie")
    assert cookies
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie for cookie in cookies)


def test_a_copied_cookie_ends_with_the_session(client_of, new_visitor, member, says):
    ada, thief = client_of(member()), new_visitor()
    thief.client.set_cookie(SESSION_COOKIE, ada.client.get_cookie(SESSION_COOKIE).value)
    assert thief.get("/parties/new").path == "/parties/new"
    says(ada.post("/logout/"), "info", "You are logged out.")
    assert thief.get("/parties/new").path == "/login/"


def test_cookies_are_secure_where_the_site_is(new_app, member, locale):
    member(username="ada")
    visitor = Visitor(
        new_app(PUBLIC_URL="https://dinner.example.org", SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyz")
    )
    at = {"base_url": "https://dinner.example.org", "headers": {"Referer": "https://dinner.example.org"}}
    fields = visitor.get("/login/", **at).form("/login/").fields.to_dict()
    typed = {**fields, "username": "ada", "password": PASSWORD}
    cookies = visitor.open("POST", "/login/", data=typed, follow=False, **at).headers.getlist("Set-Cookie")
    assert cookies
    assert all("Secure" in cookie and cookie.startswith("__Host-") for cookie in cookies)
