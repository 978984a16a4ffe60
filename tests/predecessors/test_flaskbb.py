"""FlaskBB's login: validators, activation, lockout, reauthentication, forced logout and moderation."""

from datetime import timedelta

import pytest

from app import clock
from app.accounts.models import Member
from app.accounts.registration.hooks import registration_validating
from tests.predecessors.conftest import PASSWORD as NEW_PASSWORD
from tests.support.factories import PASSWORD, RegistrationFactory

ACTIVATE_FIRST = "To use your account you have to activate it with the link we sent to your e-mail address."


def test_all_errors_of_a_registration_are_shown_at_once(new_visitor, register, says):
    page = register(new_visitor(), username="a", email="nowhere", password="short")
    says(page, "danger", "Please correct the fields that are marked.")
    assert page.text.count('class="error"') >= 3
    assert page.form("/register/form").fields["email"] == "nowhere"


@pytest.mark.parametrize("username", ["ab", "x" * 21, "Admin", "ROOT"])
def test_usernames_have_a_length_and_some_are_reserved(new_visitor, register, says, username):
    says(register(new_visitor(), username=username), "danger", "Please correct the fields that are marked.")


def test_an_account_that_is_not_activated_cannot_log_in(new_visitor, says):
    RegistrationFactory(username="ada", email="ada@example.com")
    visitor = new_visitor()
    page = visitor.log_in("ada", PASSWORD)
    says(page, "danger", ACTIVATE_FIRST)


def test_too_many_failures_lock_the_account_and_success_clears_them(new_visitor, member, app, locale):
    member(username="ada")
    visitor = new_visitor()
    for _attempt in range(4):
        assert visitor.log_in("ada", "wrong").flashes[0][0] == "warning"
    assert visitor.log_in("ada", PASSWORD).flashes[0][0] == "info"
    visitor.post("/logout/")
    for _attempt in range(5):
        page = visitor.log_in("ada", "wrong")
    page = visitor.log_in("ada", PASSWORD)
    assert page.flashes[0][0] in {"danger", "warning"}
    assert visitor.get("/parties/new").path == "/login/"
    clock.set_now(clock.now() + timedelta(hours=1))
    assert visitor.log_in("ada", PASSWORD).flashes[0][0] == "info"


def test_a_sensitive_page_asks_to_log_in_again(client_of, member, says):
    ada = client_of(member(username="ada", admin=True))
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = ada.get("/users/add")
    says(page, "warning", "Please reauthenticate to access this page.")
    form = page.form(page.path)
    assert ada.submit(form, password="wrong").flashes[0][0] in {"warning", "danger"}
    says(ada.submit(form, password=PASSWORD), "info", "Thank you. You can continue.")


def test_a_member_who_is_signed_out_by_an_administrator_sees_the_reason(admin, client_of, member, says):
    ada = member(username="ada")
    browser = client_of(ada)
    page = admin.post(f"/users/action/sign_out/{ada.id}", {"reason": "Cleaning up", "confirmed": "yes"})
    if page.flashes == []:
        page = admin.submit(page.form("sign_out/" + str(ada.id)), reason="Cleaning up")
    assert page.flashes[0][0] == "info"
    page = browser.get("/")
    assert [flash[0] for flash in page.flashes] == ["danger"]
    assert "Cleaning up" in page.flashes[0][1]


def test_logging_out_is_said(client_of, member, says):
    says(client_of(member()).post("/logout/"), "info", "You are logged out.")


def test_a_closed_registration_says_so(new_visitor, monkeypatch, app, locale):
    monkeypatch.setitem(app.config, "REGISTRATION", "closed")
    page = new_visitor().get("/register/form")
    assert [flash[0] for flash in page.flashes] == ["info"]
    assert page.path != "/register/form"


def test_a_forgotten_password_is_replaced_without_telling_who_has_an_account(new_visitor, member, says, link):
    ada = member(username="ada")
    for address in (ada.email, "nobody@example.com"):
        visitor = new_visitor()
        page = visitor.submit(visitor.get("/password/forgot").form("/password/forgot"), email=address)
        says(page, "info", "If the address is registered, a link is on its way.")
    path = link(ada.email, "/password/reset/")
    page = visitor.submit(visitor.get(path).form(path), new_password=NEW_PASSWORD)
    says(page, "info", "Your password has been updated. Other devices were signed out.")
    assert visitor.log_in("ada", NEW_PASSWORD).flashes[0][0] == "info"


def test_settings_are_saved(client_of, member, says):
    ada = client_of(member())
    says(ada.submit(ada.get("/account/profile/").form("/account/profile/")), "info", "Settings saved.")


def test_a_new_password_must_differ(client_of, member):
    ada = client_of(member())
    form = ada.get("/password/change").form("/password/change")
    page = ada.submit(form, password=PASSWORD, new_password=PASSWORD)
    assert (page.status, page.flashes[0][0]) == (422, "danger")


def test_administrators_ban_and_unban(admin, member, new_visitor, says, records):
    ada = member(username="ada")
    page = admin.post(f"/users/action/ban/{ada.id}", {"reason": "Spam"})
    page = page if page.flashes else admin.submit(page.form(f"ban/{ada.id}"), reason="Spam")
    says(page, "info", "%(num)d user banned.", "%(num)d users banned.", num=1)
    says(new_visitor().log_in("ada", PASSWORD), "danger", "Your account was banned: %(reason)s", reason="Spam")
    says(admin.post(f"/users/action/unban/{ada.id}"), "info", "%(num)d ban lifted.", "%(num)d bans lifted.", num=1)
    assert new_visitor().log_in("ada", PASSWORD).flashes[0][0] == "info"


def test_nobody_deletes_themselves(admin, records, says):
    boss = next(person for person in records.all(Member) if person.username == "boss")
    says(admin.post(f"/users/delete/{boss.id}"), "danger", "You cannot delete yourself.")


def test_a_bulk_action_shows_one_flash_with_the_number(admin, member, says):
    rows = [str(member().id) for _number in range(3)]
    page = admin.post("/users/action_post", {"action": "deactivate", "rowid": rows})
    says(page, "info", "%(num)d user deactivated.", "%(num)d users deactivated.", num=3)


@pytest.mark.rate_limits
def test_too_many_requests_are_told_when_to_come_back(new_visitor, locale):
    visitor = new_visitor()
    pages = [visitor.log_in(f"nobody{number}", "wrong") for number in range(110)]
    late = next(page for page in pages if page.status == 429)
    assert int(late.headers["Retry-After"]) > 0
    assert [flash[0] for flash in late.flashes] == ["warning"]
    assert f'lang="{locale}"' in late.text


def test_errors_of_packages_are_shown_with_those_of_the_site(app, new_visitor, register, says, monkeypatch):
    monkeypatch.setitem(app.config, "TERMS_URL", "https://dinner.example/terms")

    def refuse(_app, applicant):
        yield "email", "Use your address at work."

    with registration_validating.connected_to(refuse, sender=app):
        page = register(new_visitor(), password="short")
    says(page, "danger", "Please correct the fields that are marked.")
    assert "Use your address at work." in page.text
    assert page.text.count('class="error"') >= 3, "the package's, the password's and that of the terms"


@pytest.mark.parametrize(
    ("activation", "path", "text"),
    [
        ("none", "/login/", "If %(email)s can be registered, the account is ready and you can log in now."),
        ("auto-login", "/", "Welcome, %(name)s!"),
    ],
)
def test_an_account_is_activated_at_once_where_the_site_says_so(
    app, new_visitor, register, says, monkeypatch, activation, path, text
):
    monkeypatch.setitem(app.config, "ACTIVATION", activation)
    page = register(new_visitor())
    assert page.path == path
    values = {"email": "ada@example.com"} if activation == "none" else {"name": "Ada Byron"}
    says(page, "info", text, **values)


def test_failures_to_prove_who_one_is_are_counted_apart_from_those_of_the_login(client_of, member, new_visitor, says):
    ada = client_of(member(username="ada", admin=True))
    clock.set_now(clock.now() + timedelta(minutes=11))
    for _attempt in range(5):
        page = ada.get("/users/add")
        ada.submit(page.form(page.path), password="wrong")
    page = ada.get("/users/add")
    assert ada.submit(page.form(page.path), password=PASSWORD).path == page.path
    assert new_visitor().log_in("ada", PASSWORD).flashes[0][0] == "info"


def test_a_link_that_is_no_token_is_refused(new_visitor, says):
    page = new_visitor().post("/password/reset/no-token-at-all", {"new_password": NEW_PASSWORD})
    says(page, "danger", "This link is not valid.")
