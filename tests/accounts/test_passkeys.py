"""Passkeys with a software authenticator, also a lying one. Those of a real browser are in tests/browser."""

import hashlib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA512
from flask_appbuilder.const import AUTH_LDAP
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import update
from webauthn.helpers import bytes_to_base64url

from app import clock
from app.accounts.models import LoginSession, Member, Passkey
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.authenticator import Authenticator, add_passkey, sign
from tests.support.client import SESSION_COOKIE
from tests.support.factories import PASSWORD, DinnerPartyFactory

OVERVIEW = "/account/second-factor/"
WELCOME = [("info", "Welcome, Ada Byron!")]
NO_GOOD = [("warning", "This passkey could not be verified. Please try again.")]
UNKNOWN = [("warning", "This passkey is not known here. It may have been removed.")]
EXPIRED = [("warning", "That took too long. Please try again.")]


class OtherAlgorithm(Authenticator):
    """An authenticator that signs with ES512, which py_webauthn 2 offered."""

    ALGORITHM, CURVE, CURVE_NUMBER, HASH, BYTES = -36, ec.SECP521R1, 3, SHA512, 66


@pytest.fixture
def ada_browser(client_of, ada):
    """A browser in which Ada is logged in."""
    return client_of(ada)


@pytest.fixture
def key(ada_browser):
    """Ada's passkey."""
    return add_passkey(ada_browser)


def first_step(visitor):
    return visitor.submit(visitor.get("/login/").form("/login/"), username="ada", password=PASSWORD)


def actions(records):
    return [event.action for event in records.all(AuditEvent)]


# -- managing passkeys


def test_a_passkey_is_added_with_the_right_options(ada_browser, records):
    options = ada_browser.post("/passkeys/add/options").json
    assert (options["rp"]["id"], options["user"]["name"]) == ("localhost", "ada")
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    key = add_passkey(ada_browser)
    passkey = records.one(Passkey)
    assert (passkey.name, passkey.transports) == ("Key ring", "hybrid,internal")
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["second_factor_added"]
    assert "passkey_added" in actions(records)
    options = ada_browser.post("/passkeys/add/options").json
    assert [one["id"] for one in options["excludeCredentials"]] == [passkey.credential_id]
    page = ada_browser.post("/passkeys/add", {"name": "Again", "credential": key.create(options)})
    assert page.flashes == [("info", "This passkey has already been added.")]
    assert records.count(Passkey) == 1


def test_adding_the_first_passkey_suggests_recovery_codes(ada_browser):
    form = ada_browser.get("/passkeys/add").form("/passkeys/add")
    credential = Authenticator().create(ada_browser.post("/passkeys/add/options").json)
    page = ada_browser.submit(form, name=" Key\tring ", credential=credential)
    assert page.flashes == [("info", "Passkey “Key ring” added. Create recovery codes now in case you lose it.")]
    assert "You have no recovery codes." in page.text
    ada_browser.post("/account/second-factor/codes")
    form = ada_browser.get("/passkeys/add").form("/passkeys/add")
    credential = Authenticator().create(ada_browser.post("/passkeys/add/options").json)
    assert ada_browser.submit(form, name="Other", credential=credential).flashes == [("info", "Passkey “Other” added.")]


@pytest.mark.parametrize("lie", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}])
def test_a_forged_passkey_registration_is_refused(ada_browser, records, lie):
    form = ada_browser.get("/passkeys/add").form("/passkeys/add")
    credential = Authenticator(**lie).create(ada_browser.post("/passkeys/add/options").json)
    page = ada_browser.submit(form, name="Key", credential=credential)
    assert (page.status, page.flashes, 'value="Key"' in page.text) == (422, NO_GOOD, True)
    assert records.count(Passkey) == 0


@pytest.mark.parametrize("path", ["/passkeys/add", "/passkeys/again"])
def test_malformed_credentials_are_refused_with_a_message(ada_browser, key, path):
    for credential in ("", "{}", "[]", "no JSON", "[" * 40_000, "x" * 60_000, '{"id": "\x00"}'):
        ada_browser.post(f"{path}/options")
        assert ada_browser.post(path, {"name": "Key", "credential": credential}).flashes == NO_GOOD


def test_a_passkey_requires_a_name(ada_browser, records):
    for name in ("", " ", "x" * 65):
        page = ada_browser.post("/passkeys/add", {"name": name})
        assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert records.count(Passkey) == 0


def test_a_passkey_is_renamed_and_removed(ada_browser, key, records):
    number = records.one(Passkey).id
    page = ada_browser.submit(ada_browser.get(f"/passkeys/{number}/rename").form("/rename"), name="")
    assert page.status == 422
    page = ada_browser.submit(page.form("/rename"), name="Laptop")
    assert page.flashes == [("info", "The passkey is now called “Laptop”.")]
    page = ada_browser.get(f"/passkeys/{number}/remove")
    assert records.count(Passkey) == 1
    page = ada_browser.submit(page.form("/remove"))
    assert (page.path, page.flashes) == (OVERVIEW, [("info", "Passkey “Laptop” removed.")])
    assert ada_browser.post(f"/passkeys/{number}/remove").flashes == [("info", "This passkey no longer exists.")]
    assert actions(records)[-2:] == ["passkey_renamed", "passkey_removed"]
    assert [letter.kind for letter in records.all(OutboxEmail)][-1] == "second_factor_removed"


def test_a_member_cannot_change_the_passkey_of_another(key, client_of, cast, records):
    stranger, number = client_of(cast.stranger), records.one(Passkey).id
    for path in (f"/passkeys/{number}/rename", f"/passkeys/{number}/remove"):
        for page in (stranger.get(path), stranger.post(path, {"name": "Mine"})):
            assert page.flashes == [("info", "This passkey no longer exists.")]
    assert records.one(Passkey).name == "Key ring"
    assert stranger.get("/passkeys/99999999999999999999/remove").status == 404


def test_the_number_of_passkeys_is_limited(ada_browser, app, ada, monkeypatch):
    monkeypatch.setattr("app.accounts.passkeys.service.MAX_PASSKEYS", 1)
    add_passkey(ada_browser)
    answer = ada_browser.post("/passkeys/add/options")
    assert (answer.status, answer.json) == (403, {"message": "You already have 1 passkey. Remove one first."})


# -- logging in


def test_a_passkey_alone_logs_in(key, visitor, ada, records):
    options = visitor.post("/passkeys/login/options").json
    assert (options["userVerification"], options["allowCredentials"]) == ("required", [])
    page = sign(visitor, key, next="/parties/new")
    assert (page.path, page.flashes) == ("/parties/new", WELCOME)
    assert (records.one(Passkey).sign_count, records.fresh(ada).login_count) == (1, 2)
    assert records.one(Passkey).last_used_at
    assert visitor.post("/passkeys/login").flashes == [("info", "You are already logged in.")]


def test_remember_me_works_with_a_passkey(key, visitor, new_visitor, records):
    sign(visitor, key)
    sign(new_visitor(), key, remember_me="y")
    assert [login.remember for login in records.all(LoginSession)] == [False, False, True]


def test_an_interrupted_form_survives_a_refused_passkey(key, ada_browser, ada):
    party = DinnerPartyFactory(host=ada)
    form = ada_browser.get(f"/parties/{party.slug}/edit").form(f"/parties/{party.slug}/edit")
    later(hours=1)
    page = ada_browser.submit(form, description="A long story")
    page = sign(ada_browser, Authenticator(), kept=page.form("/passkeys/login").fields["kept"])
    assert (page.status, page.flashes) == (401, UNKNOWN)
    page = sign(ada_browser, key, kept=page.form("/passkeys/login").fields["kept"])
    assert page.form(f"/parties/{party.slug}/edit").fields["description"] == "A long story"


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("banned_at", "now", "Your account was banned: Spam"),
        ("active", False, "This account is not active."),
    ],
)
def test_a_blocked_member_is_refused_with_a_reason(key, visitor, app, ada, records, column, value, told):
    logins = records.count(LoginSession)
    with app.app_context(), transaction():
        values = {column: clock.now() if value == "now" else value, "ban_reason": "Spam"}
        db.session.execute(update(Member).where(Member.id == ada.id).values(values))
    assert sign(visitor, key).flashes == [("danger", told)]
    assert records.count(LoginSession) == logins


def test_a_passkey_works_as_second_factor(key, visitor):
    assert visitor.post("/passkeys/second-step/options").status == 401
    page = visitor.post("/passkeys/second-step")
    assert page.flashes == [("warning", "That took too long. Please log in again.")]
    page = first_step(visitor)
    assert (page.path, "One more step: use your passkey." in page.text) == ("/login/second-step/", True)
    assert sign(visitor, key, "second-step").flashes == WELCOME


def test_a_passkey_of_another_member_is_no_second_factor(key, visitor, client_of, cast):
    theirs = add_passkey(client_of(cast.stranger))
    first_step(visitor)
    page = sign(visitor, theirs, "second-step")
    assert (page.path, page.flashes) == ("/login/second-step/", UNKNOWN)


def test_a_passkey_reauthenticates(key, visitor, client_of, cast):
    theirs = add_passkey(client_of(cast.stranger))
    sign(visitor, key)
    later(minutes=11)
    assert "Use a passkey" in visitor.get("/passkeys/add").text
    page = sign(visitor, theirs, "again", next="/passkeys/add")
    assert (page.path, page.flashes) == ("/login/again", UNKNOWN)
    page = sign(visitor, key, "again", next="/passkeys/add")
    assert (page.path, page.flashes) == ("/passkeys/add", [("info", "Thank you. You can continue.")])


def later(**passed):
    clock.set_now(clock.now() + timedelta(**passed))


# -- forged credentials


@pytest.mark.parametrize("lie", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}, {"verifies": False}])
def test_a_forged_passkey_signature_is_refused(key, visitor, records, lie):
    vars(key).update(lie)
    assert sign(visitor, key).flashes == NO_GOOD
    assert records.count(LoginSession) == 1


def test_another_key_with_a_known_credential_id_is_refused(key, visitor):
    forged = Authenticator(credential_id=key.credential_id, handle=key.handle)
    assert sign(visitor, forged).flashes == NO_GOOD


def test_a_passkey_with_the_user_handle_of_another_member_is_refused(key, visitor):
    key.handle = b"somebody else"
    assert sign(visitor, key).flashes == UNKNOWN


def test_a_challenge_works_once_and_for_its_purpose(key, visitor, new_visitor, records):
    options = visitor.post("/passkeys/login/options").json
    cookie = visitor.client.get_cookie(SESSION_COOKIE).value
    answer = {"credential": key.sign(options)}
    assert visitor.post("/passkeys/login", answer).flashes == WELCOME
    thief = new_visitor()
    thief.client.set_cookie(SESSION_COOKIE, cookie)
    assert thief.post("/passkeys/login", answer).flashes == EXPIRED
    thief.post("/passkeys/login/options")
    assert thief.post("/passkeys/login", answer).flashes == NO_GOOD
    other = new_visitor()
    first_step(other)
    answer = {"credential": key.sign(other.post("/passkeys/login/options").json)}
    assert other.post("/passkeys/second-step", answer).flashes == EXPIRED
    answer = {"credential": key.sign(other.post("/passkeys/second-step/options").json)}
    later(minutes=5, seconds=1)
    assert other.post("/passkeys/second-step", answer).flashes == EXPIRED


def test_a_cloned_passkey_is_detected_by_its_counter(key, visitor, new_visitor, records):
    sign(new_visitor(), key)
    sign(new_visitor(), key)
    for behind in (1, 2):
        key.count -= behind
        page = sign(visitor, key)
        assert page.flashes == [
            (
                "danger",
                (
                    "This passkey was rejected because it may have been copied: someone else has used it in the "
                    "meantime."
                ),
            )
        ]
    assert actions(records).count("passkey_refused") == 2
    assert records.one(Passkey).sign_count == 2
    key.count = 2
    assert sign(visitor, key).flashes == WELCOME


def test_a_passkey_without_a_counter_is_accepted(key, visitor, new_visitor):
    for browser in (visitor, new_visitor()):
        key.count = -1
        assert sign(browser, key).flashes == WELCOME


# -- where passkeys are not available


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://192.0.2.7:8080", "They require a domain name, and this site is accessed as 192.0.2.7."),
        ("https://[2001:db8::1]", "They require a domain name, and this site is accessed as 2001:db8::1."),
        ("http://dinner.example.org", "They require HTTPS."),
    ],
)
def test_the_page_says_why_passkeys_cannot_work(ada_browser, key, new_visitor, app, monkeypatch, url, why):
    monkeypatch.setitem(app.config, "PUBLIC_URL", url)
    page = ada_browser.get(OVERVIEW)
    assert f"Passkeys do not work here. {why}" in page.text
    assert "/passkeys/add" not in page.text
    assert ada_browser.get("/passkeys/add").flashes == [("warning", f"Passkeys do not work here. {why}")]
    visitor = new_visitor()
    assert "passkey" not in visitor.get("/login/").text
    assert visitor.post("/passkeys/login/options").status == 403
    assert "Your second factor can no longer be verified here" in first_step(visitor).text


def test_with_ldap_a_passkey_alone_does_not_log_in(key, visitor, app, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_TYPE", AUTH_LDAP)
    assert "Log in with a passkey" not in visitor.get("/login/").text
    assert visitor.post("/passkeys/login/options").status == 403
    told = "Log in with your password here. You can use a passkey as the second step."
    assert visitor.post("/passkeys/login").flashes == [("warning", told)]


def test_origin_and_rp_id_are_normalised_like_in_browsers(ada_browser, app, monkeypatch):
    for url, origin, rp_id in (
        ("https://dinner.example.org", "https://dinner.example.org", "dinner.example.org"),
        ("https://Dinner.Example.org:443", "https://dinner.example.org", "dinner.example.org"),
        ("https://küche.example:8443", "https://xn--kche-0ra.example:8443", "xn--kche-0ra.example"),
        ("https://faß.example", "https://xn--fa-hia.example", "xn--fa-hia.example"),
    ):
        monkeypatch.setitem(app.config, "PUBLIC_URL", url)
        add_passkey(ada_browser, Authenticator(origin=origin, rp_id=rp_id))


@pytest.mark.parametrize("origin", ["http://localhost:1", "https://localhost:8080", "http://www.localhost:8080"])
def test_a_page_at_another_address_gets_no_options(ada_browser, visitor, origin):
    told = "Your browser supports passkeys for this site only at http://localhost:8080."
    for browser, door in ((ada_browser, "add"), (visitor, "login")):
        answer = browser.post(f"/passkeys/{door}/options", headers={"Origin": origin})
        assert (answer.status, answer.json["message"]) == (403, told)


# -- algorithms


def test_the_algorithms_are_those_that_webauthn_asks_for(ada_browser, records):
    options = ada_browser.post("/passkeys/add/options").json
    assert [each["alg"] for each in options["pubKeyCredParams"]] == [-8, -7, -257]
    page_key = OtherAlgorithm()
    form = ada_browser.get("/passkeys/add").form("/passkeys/add")
    options = ada_browser.post("/passkeys/add/options").json
    page = ada_browser.submit(form, name="Odd", credential=page_key.create(options))
    assert (page.flashes, records.count(Passkey)) == (NO_GOOD, 0)


def test_a_passkey_with_an_algorithm_that_is_offered_no_more_still_logs_in(app, ada, visitor):
    key = OtherAlgorithm(handle=hashlib.sha256(f"dinnerparty member {ada.id}".encode()).digest())
    with app.app_context(), transaction():
        values = {"credential_id": bytes_to_base64url(key.credential_id), "public_key": key.public_key()}
        db.session.add(Passkey(member_id=ada.id, name="Older", **values))
    assert sign(visitor, key).flashes == WELCOME


def test_the_last_factor_cannot_be_removed_when_a_role_requires_one(ada_browser, key, app, records):
    with app.app_context(), transaction():
        db.session.execute(update(Role).where(Role.name == "Guest").values(second_factor_required=True))
    page = ada_browser.post(f"/passkeys/{records.one(Passkey).id}/remove")
    assert [category for category, _text in page.flashes] == ["danger"]
    assert records.count(Passkey) == 1
