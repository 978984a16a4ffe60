"""Passkeys in a real browser, whose authenticator is Chromium's virtual one."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from webauthn.helpers import parse_cbor

from app.accounts.models import Passkey
from tests.support.browser import NAME
from tests.support.smtp import HOST

OVERVIEW, STEP = "/account/second-factor/", "/login/second-step/"


@pytest.fixture
def site(site, app, monkeypatch):
    """The site under a host name, because passkeys do not work with an IP address."""
    named = site.replace(HOST, NAME)
    monkeypatch.setitem(app.config, "PUBLIC_URL", named)
    return named


class UserPresence:
    """The virtual authenticator of a page, and whether its user is present."""

    def __init__(self, page):
        self.devtools = page.context.new_cdp_session(page)
        self.devtools.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                   "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
        answer = self.devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.id = answer["authenticatorId"]

    @property
    def passkeys(self):
        """What it keeps."""
        return self.devtools.send("WebAuthn.getCredentials", {"authenticatorId": self.id})["credentials"]

    def is_known(self, *, known):
        self.devtools.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": known})


@pytest.fixture
def user_presence(page):
    return UserPresence(page)


def flash(page, text):
    expect(page.locator(".flash p")).to_have_text([text])


def add(page, name):
    page.goto("/passkeys/add")
    page.fill("main [name=name]", name)
    page.get_by_role("button", name="Add a passkey").click()


def log_out(page):
    page.get_by_role("button", name="Log out").click()
    flash(page, "You are logged out.")


def test_the_lifecycle_of_a_passkey(page, user_presence, log_in, cast, records, accessible):
    log_in(page, cast.host)
    add(page, "Laptop")
    flash(page, "Passkey “Laptop” added. Create recovery codes now in case you lose it.")
    accessible(page)
    add(page, "Laptop again")
    expect(page.get_by_role("alert")).to_have_text("This device already has a passkey for your account.")
    accessible(page)
    page.goto(OVERVIEW)
    log_out(page)

    page.goto("/login/?next=/parties/new")
    page.check("[name=remember_me]")
    page.get_by_role("button", name="Log in with a passkey").click()
    flash(page, "Welcome, Host Doe!")
    assert urlsplit(page.url).path == "/parties/new"
    assert any(cookie["name"].startswith("session-") and cookie["expires"] > 0 for cookie in page.context.cookies())
    log_out(page)

    log_in(page, cast.host)
    assert urlsplit(page.url).path == STEP
    accessible(page)
    user_presence.is_known(known=False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Nothing was done: the request was cancelled or timed out. Please try again."
    )
    user_presence.is_known(known=True)
    page.get_by_role("button", name="Use a passkey").click()
    flash(page, "Welcome, Host Doe!")

    page.goto(OVERVIEW)
    page.get_by_role("link", name="Remove").click()
    page.click("dialog [value=ok]")
    flash(page, "Passkey “Laptop” removed.")
    assert records.count(Passkey) == 0


@pytest.mark.parametrize("wrong", ["port", "scheme"])
def test_a_wrong_address_of_the_site_is_said_and_leaves_no_passkey(
    page, user_presence, log_in, cast, app, monkeypatch, wrong
):
    """The browser itself would create one: the domain is right."""
    log_in(page, cast.host)
    page.goto("/passkeys/add")
    given = {"port": f"http://{NAME}:1", "scheme": f"https://{NAME}:{urlsplit(page.url).port}"}[wrong]
    monkeypatch.setitem(app.config, "PUBLIC_URL", given)
    told = f"Your browser supports passkeys for this site only at {given}."
    # The page is older than the setting: the server says it.
    page.fill("main [name=name]", "Laptop")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("alert")).to_have_text(told)
    page.goto("/passkeys/add")
    expect(page.get_by_role("alert")).to_have_text(told)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("alert")).to_have_text(told)
    assert user_presence.passkeys == []


def test_a_passkey_without_a_name_is_not_created(page, user_presence, log_in, cast, records):
    log_in(page, cast.host)
    page.goto("/passkeys/add")
    page.get_by_role("button", name="Add a passkey").click()
    flash(page, "Please correct the fields that are marked.")
    assert user_presence.passkeys == []
    add(page, "Laptop")
    expect(page.locator(".flash p")).to_contain_text(["Passkey “Laptop” added."])
    algorithm = parse_cbor(records.one(Passkey).public_key)[3]
    assert algorithm in {-8, -7, -257}
    assert len(user_presence.passkeys) == 1


def test_without_javascript_a_text_replaces_the_buttons(open_page, log_in, cast):
    page = open_page(java_script_enabled=False)
    log_in(page, cast.host)
    page.goto("/passkeys/add")
    expect(page.get_by_text("This browser does not support passkeys, or scripts are switched off.")).to_be_visible()
    expect(page.get_by_role("button", name="Add a passkey")).to_be_hidden()
    page.get_by_role("button", name="Log out").click()
    page.goto("/login/")
    expect(page.get_by_role("button", name="Log in with a passkey")).to_be_hidden()


def test_an_authenticator_app_is_added_and_recovery_codes_are_shown(page, log_in, cast, accessible):
    log_in(page, cast.host)
    page.goto(OVERVIEW)
    page.get_by_role("link", name="Add an authenticator app").click()
    assert page.locator("img.qr").evaluate("image => image.complete && image.naturalWidth > 0")
    accessible(page)
