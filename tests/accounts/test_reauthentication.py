"""Sensitive pages require a fresh login."""

from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app import clock
from app.accounts.models import LoginSession, Member, MemberInvitation
from app.extensions import appbuilder_of
from tests.support.factories import PASSWORD

ASKED = [("warning", "Please reauthenticate to access this page.")]
THANKS = [("info", "Thank you. You can continue.")]
MINUTE = timedelta(minutes=1)
PAGE = "/account/email/"


@pytest.fixture
def stale_login(client_of, cast):
    """The friend, whose login is no longer fresh but whose session is active."""
    start = clock.now()
    clock.set_now(start)
    friend = client_of(cast.friend)
    clock.set_now(start + 11 * MINUTE)
    return friend


def prove(visitor, page, password=PASSWORD):
    return visitor.submit(page.form("/login/again"), password=password)


def test_a_fresh_login_lasts_ten_minutes(client_of, cast):
    start = clock.now()
    clock.set_now(start)
    friend = client_of(cast.friend)
    clock.set_now(start + 10 * MINUTE)
    assert friend.get(PAGE).path == PAGE
    clock.set_now(start + 10 * MINUTE + timedelta(seconds=1))
    assert friend.get(PAGE).path == "/login/again"


def test_the_password_leads_to_the_requested_page(stale_login):
    page = stale_login.get(f"{PAGE}?from=menu")
    assert (page.path, page.flashes) == ("/login/again", ASKED)
    page = prove(stale_login, page)
    assert (urlsplit(page.url).path, page.flashes) == (PAGE, THANKS)
    assert parse_qs(urlsplit(page.url).query) == {"from": ["menu"]}
    clock.set_now(clock.now() + 9 * MINUTE)
    assert stale_login.get(PAGE).path == PAGE


@pytest.mark.parametrize(
    ("password", "status", "told"),
    [("wrong", 401, ("warning", "The password is incorrect.")),
     ("", 422, ("danger", "Please correct the fields that are marked."))],
)  # fmt: skip
def test_a_wrong_password_is_refused(stale_login, password, status, told):
    page = prove(stale_login, stale_login.get(PAGE), password)
    assert (page.status, page.flashes) == (status, [told])
    assert stale_login.get(PAGE).path == "/login/again"
    # The session itself continues.
    assert stale_login.get("/parties/new").path == "/parties/new"


def test_a_form_survives_reauthentication(client_of, cast, records):
    start = clock.now()
    clock.set_now(start)
    admin = client_of(cast.admin)
    address = f"/users/edit/{cast.friend.id}"
    form = admin.get(address).form(address)
    clock.set_now(start + 11 * MINUTE)
    page = admin.submit(form, first_name="Fanny")
    assert (page.status, page.flashes) == (401, ASKED)
    page = prove(admin, page, "wrong")
    assert page.status == 401
    page = prove(admin, page)
    assert page.flashes == THANKS
    assert records.fresh(cast.friend).first_name == "Friend"
    page = admin.submit(page.form(address))
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert records.fresh(cast.friend).first_name == "Fanny"


def test_secrets_in_the_form_have_to_be_typed_again(stale_login, records):
    page = stale_login.post(
        PAGE, {"email": "new@example.com", "password": PASSWORD}, headers={"Referer": f"http://localhost{PAGE}"}
    )
    assert (page.status, page.flashes) == (401, ASKED)
    assert PASSWORD not in page.text
    page = prove(stale_login, page)
    assert page.flashes == THANKS
    assert "Passwords are not kept. Please type it again." in page.text
    form = page.form(PAGE)
    assert (form.fields["email"], form.fields["password"]) == ("new@example.com", "")
    assert {member.email for member in records.all(Member)} == {f"{name}@example.com" for name in
                                                                ("host", "friend", "stranger", "boss", "translator")}  # fmt: skip


def test_logging_in_counts_as_reauthentication(visitor, cast):
    page = visitor.get(f"/login/again?{urlencode({'next': PAGE})}")
    assert (page.path, page.flashes) == ("/login/", [("info", "Please log in to access this page.")])
    page = visitor.submit(page.form("/login/"), username="friend", password=PASSWORD)
    assert page.path == PAGE


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "/\\evil.example", "\t//evil"])
def test_next_never_redirects_to_another_site(stale_login, target):
    address = f"/login/again?{urlencode({'next': target})}"
    page = stale_login.submit(stale_login.get(address).form("/login/again"), password=PASSWORD, follow=False)
    assert page.status == 303
    assert page.location == "/"


def test_reauthentication_applies_to_one_session_only(stale_login, client_of, cast):
    other = client_of(cast.friend)
    prove(stale_login, stale_login.get(PAGE))
    clock.set_now(clock.now() + 9 * MINUTE)
    assert stale_login.get(PAGE).path == PAGE
    clock.set_now(clock.now() + 2 * MINUTE)
    assert other.get(PAGE).path == "/login/again"


def test_every_sensitive_page_that_is_declared_exists(app):
    """A renamed page must stay sensitive."""
    for view in appbuilder_of(app).baseviews:
        for name in getattr(view, "fresh", ()):
            assert f"{view.endpoint}.{name}" in app.view_functions, f"{view.endpoint}.{name}"


@pytest.mark.parametrize(
    "endpoint",
    ["EmailChangeView.change", "SecondFactorView.app", "PasskeyView.add", "ApiKeyView.new", "MyDataView.export", "MyDataView.erase",
     "UserModelView.edit", "UserModelView.action_post", "RoleModelView.edit", "SessionView.sign_out_others",
     "MemberInvitationModelView.add", "MemberInvitationModelView.action_post", "AuditEventModelView.csv"],
)  # fmt: skip
def test_endpoints_that_could_give_an_account_away_are_sensitive(app, endpoint):
    views = {view.endpoint: view for view in appbuilder_of(app).baseviews}
    name, _dot, method = endpoint.partition(".")
    assert method in views[name].fresh


@pytest.fixture
def stale_admin(client_of, cast):
    start = clock.now()
    clock.set_now(start)
    admin = client_of(cast.admin)
    clock.set_now(start + 11 * MINUTE)
    return admin


def test_inviting_people_needs_a_fresh_login(stale_admin, records):
    assert stale_admin.get("/memberinvitations/list/").path == "/memberinvitations/list/"
    assert stale_admin.get("/memberinvitations/add").path == "/login/again"
    page = stale_admin.post("/memberinvitations/add", {"email": "new@example.com", "locale": "en"})
    assert (page.status, page.flashes[-1:]) == (401, ASKED)
    assert records.count(MemberInvitation) == 0
    page = prove(stale_admin, page)
    page = stale_admin.submit(page.form("/memberinvitations/add"))
    assert page.flashes == [("info", "Invitation sent to new@example.com.")]


def test_downloading_the_audit_log_needs_a_fresh_login(stale_admin):
    assert stale_admin.get("/audit/list/").path == "/audit/list/"
    page = stale_admin.get("/audit/csv?_flt_0_actor=boss")
    assert (page.path, page.flashes) == ("/login/again", ASKED)
    assert prove(stale_admin, page).response.mimetype == "text/csv"


def test_signing_out_another_device_needs_a_fresh_login_and_logging_out_does_not(client_of, cast, stale_login, records):
    client_of(cast.friend)
    current, other = (login.id for login in records.all(LoginSession))
    for action in (f"/account/devices/{other}/sign-out", "/account/devices/sign-out-others"):
        page = stale_login.post(action, headers={"Referer": "http://localhost/account/devices/"})
        assert (page.path, page.flashes) == ("/login/again", ASKED)
    assert [login.ended_at for login in records.all(LoginSession)] == [None, None]
    page = stale_login.post(f"/account/devices/{current}/sign-out")
    assert page.flashes == [("info", "You are logged out.")]
