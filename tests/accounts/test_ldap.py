"""Logging in with LDAP, against a real directory server."""

import threading
import time
from datetime import timedelta

import pytest
from flask_appbuilder.const import AUTH_LDAP
from flask_appbuilder.security import signals
from sqlalchemy import select

import config
from app import clock
from app.accounts.models import LoginSession, LoginThrottle, Member, Totp
from app.audit.models import AuditEvent
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from config import ConfigurationError
from tests.support import ldap
from tests.support.factories import DirectoryPersonFactory, GroupFactory, MemberFactory, RegistrationFactory

WRONG = [("warning", "Invalid login. Please try again.")]
UNREACHABLE = [("danger", "The directory of your organisation cannot be reached. Please try again in a moment.")]


def log_in(visitor, name, password=ldap.PASSWORD, **fields):
    return visitor.submit(visitor.get("/login/").form("/login/"), username=name, password=password, **fields)


def assert_in(page, name):
    assert page.flashes == [("info", f"Welcome, {name}!")]


# -- successful logins


@pytest.mark.parametrize("name", ["ada", " ADA ", "Ada@Example.com"])
def test_the_first_ldap_login_creates_a_member(visitor, people, records, name):
    assert_in(log_in(visitor, name), "Ada Byron")
    member = records.one(Member)
    assert (member.username, member.email, member.password) == ("ada", "ada@example.com", None)
    assert roles(records, member) == ["Guest"]
    assert [event.action for event in records.all(AuditEvent)] == ["member_created", "logged_in"]


def test_signals_and_hooks_tell_of_the_new_member_and_the_login(app, visitor, people, monkeypatch):
    told = []
    for hook in ("on_user_login", "on_user_login_failed"):
        monkeypatch.setattr(appbuilder_of(app).sm, hook, lambda user, hook=hook: told.append((hook, user.username)))

    def receive(sender, event):
        told.append((event.action, event.model.username))

    with signals.user_created.connected_to(receive):
        log_in(visitor, "ada")
    visitor.post("/logout/")
    log_in(visitor, "ada", "wrong")
    assert told == [("on_user_login", "ada"), ("created", "ada"), ("on_user_login_failed", "ada")]


def test_repeated_logins_keep_one_member(visitor, new_visitor, people, records):
    log_in(visitor, "ada")
    log_in(new_visitor(), "ada@example.com")
    assert records.one(Member).login_count == 2
    assert len([event for event in records.all(AuditEvent) if event.action.startswith("member")]) == 1


def test_a_login_updates_the_member_from_the_directory(visitor, people, records):
    linked("ada", email="old@example.com", first_name="A.", last_name="B.")
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.one(Member).email == "ada@example.com"
    (event,) = [event for event in records.all(AuditEvent) if event.action == "member_changed"]
    assert event.before == {"email": "old@example.com", "first_name": "A.", "last_name": "B."}


def test_members_of_the_admin_group_become_administrators(visitor, people, records):
    log_in(visitor, "grace")
    assert roles(records, records.one(Member)) == ["Admin"]
    assert visitor.get("/users/list/").status == 200


@pytest.mark.parametrize(
    ("name", "before", "after"), [("ada", "admin", ["Guest"]), ("grace", "translator", ["Admin", "Translator"])]
)
def test_joining_or_leaving_the_admin_group_changes_the_role(visitor, people, records, name, before, after):
    MemberFactory(admin=True)
    member = linked(name, **{before: True})
    log_in(visitor, name)
    assert roles(records, member) == after


def test_the_last_administrator_stays_one_outside_of_the_group(visitor, people, records):
    member = linked("ada", admin=True)
    log_in(visitor, "ada")
    assert roles(records, member) == ["Admin"]


@pytest.mark.parametrize("sync", [True, False])
def test_groups_of_the_directory_give_roles(visitor, new_visitor, people, records, app, monkeypatch, sync):
    """Distinguished names are compared as the directory does, whatever their case and spaces."""
    monkeypatch.setitem(app.config, "LDAP_ADMIN_GROUP", "")
    monkeypatch.setitem(app.config, "AUTH_ROLES_MAPPING", {"cn=admins,ou=groups,dc=example,dc=com": ["Translator"]})
    monkeypatch.setitem(app.config, "AUTH_ROLES_SYNC_AT_LOGIN", sync)
    member, other = linked("ada", translator=True), new_visitor()
    other.log_in_as(member)
    log_in(visitor, "grace")
    log_in(new_visitor(), "ada")
    grace = next(person for person in records.all(Member) if person.username == "grace")
    assert roles(records, grace) == ["Translator"]
    assert roles(records, member) == (["Guest"] if sync else ["Translator"])
    changes = [
        event.after for event in records.all(AuditEvent) if event.action == "member_changed" and "roles" in event.after
    ]
    assert changes == ([{"roles": ["Guest"]}] if sync else [])
    # Sessions with the old roles end.
    assert (other.get("/parties/new").path == "/login/") is sync


def test_groups_are_those_of_the_directory_if_asked_for(visitor, people, records, app, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_GROUPS_SYNC_AT_LOGIN", "yes")
    GroupFactory(name="CN=Admins,ou=groups,dc=example,dc=com")
    log_in(visitor, "grace")
    assert records.all(select(Member.username).join(Member.groups)) == ["grace"]


def test_without_an_admin_group_roles_are_managed_on_the_site(visitor, use, running, records):
    use(running[ldap.PRIVATE].settings(LDAP_ADMIN_GROUP=""))
    member = linked("ada", admin=True)
    log_in(visitor, "ada")
    assert roles(records, member) == ["Admin"]


def test_an_open_directory_is_searched_anonymously(visitor, use, running, records):
    settings = running[ldap.OPEN].settings(LDAP_BIND_USER="", LDAP_BIND_PASSWORD="", LDAP_SEARCH_FILTER="(sn=Byron)")
    use(settings)
    assert log_in(visitor, "grace").flashes == WRONG
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.one(Member).email == "ada@example.com"


def test_no_password_is_stored_and_stored_ones_are_ignored(visitor, people, records):
    """Not even an outdated hash, which a local login would renew."""
    member = linked("ada", password="pbkdf2:sha256:1$a$b")
    log_in(visitor, "ada")
    assert records.fresh(member).password == "pbkdf2:sha256:1$a$b"


def test_the_second_factor_is_still_required(visitor, people, records):
    member = linked("ada")
    with people_context(records):
        db.session.add(Totp(member_id=member.id, secret="sealed", confirmed_at=clock.now()))
        db.session.commit()
    page = visitor.post("/login/", {"username": "ada", "password": ldap.PASSWORD}, follow=False)
    assert "/login/second-step" in page.location
    assert records.count(LoginSession) == 0


def test_the_length_of_a_directory_password_is_not_checked(visitor, people, records):
    log_in(visitor, "grace")
    assert records.one(LoginSession).required_action is None


def test_there_is_no_remember_me_with_ldap(visitor, people, records):
    page = visitor.get("/login/")
    assert "remember_me" not in page.text
    visitor.post("/login/", {"username": "ada", "password": ldap.PASSWORD, "remember_me": "y"})
    assert not records.one(LoginSession).remember


def test_reauthentication_uses_the_directory(visitor, people):
    log_in(visitor, "ada")
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = visitor.get("/login/again")
    assert visitor.submit(page.form("/login/again"), password="wrong").flashes == [
        ("warning", "The password is incorrect.")
    ]
    page = visitor.submit(page.form("/login/again"), password=ldap.PASSWORD)
    assert page.flashes == [("info", "Thank you. You can continue.")]


@pytest.mark.parametrize("provider", [{"provider": "ldap"}, {}])
def test_the_api_login_uses_the_directory(app, people, records, provider):
    body = {"username": "ada", "password": ldap.PASSWORD, **provider}
    assert "access_token" in app.test_client().post("/api/v1/security/login", json=body).get_json()
    assert records.one(Member).login_count == 1
    refused = app.test_client().post("/api/v1/security/login", json={**body, "password": "wrong"})
    assert refused.status_code == 401


def test_without_ldap_nobody_logs_in_by_a_directory(app, cast):
    with app.test_request_context():
        assert appbuilder_of(app).sm.auth_user_ldap("friend", "a good dinner needs time") is None


# -- refused logins


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ada", "wrong"),
        ("nobody", ldap.PASSWORD),
        ("*", ldap.PASSWORD),
        ("a*", ldap.PASSWORD),
        ("*)(uid=*", ldap.PASSWORD),
        ("ada)(|(uid=*)", ldap.PASSWORD),
        ("nobody)(uid=ada", ldap.PASSWORD),
        ("*)(mail=*@*", ldap.PASSWORD),
        ("\\61da", ldap.PASSWORD),
        ("uid=ada", ldap.PASSWORD),
        ("twins@example.com", ldap.PASSWORD),
        ("ada", ""),
        ("ada", "\x00"),
        ("ada", "\u00ad"),
        ("ada", "\ud800"),
        ("ada", "x" * 2000),
        ("\ud800", ldap.PASSWORD),
        ("\x00", ldap.PASSWORD),
    ],
)
def test_wrong_and_unknown_ldap_logins_are_refused(visitor, people, records, name, password):
    visitor.get("/login/")
    page = visitor.post(
        "/login/", {"username": name.encode("utf-8", "ignore"), "password": password.encode("utf-8", "ignore")}
    )
    assert (page.status, page.flashes) == (401, WRONG)
    assert records.count(Member) == 0


def test_local_passwords_are_not_accepted(visitor, people, cast):
    """Neither the password of a member nor that of a registration is accepted."""
    RegistrationFactory(username="waiting")
    for name in ("friend", "boss", "waiting"):
        assert log_in(visitor, name, "a good dinner needs time").flashes == WRONG


def test_a_banned_member_cannot_log_in(visitor, people, records):
    linked("ada", banned_at=clock.now(), ban_reason="spilled the wine")
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes) == (403, [("danger", "Your account was banned: spilled the wine")])


@pytest.mark.parametrize(("name", "told"), [("nomail", "no e-mail address"), ("odd name", "cannot be used here")])
def test_an_incomplete_directory_entry_is_refused_with_a_reason(visitor, people, records, name, told):
    page = log_in(visitor, name)
    assert (page.status, page.flashes[0][0], told in page.flashes[0][1]) == (403, "danger", True)
    assert records.count(Member) == 0


def test_a_lockout_tries_no_password_at_the_directory(visitor, people, records):
    log_in(visitor, "ada")
    visitor.post("/logout/")
    for _attempt in range(5):
        log_in(visitor, "ada", "wrong")
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes[0][0]) == (429, "danger")
    assert records.one(Member).fail_login_count == 5
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["locked_out"]
    clock.set_now(clock.now() + timedelta(minutes=2))
    assert_in(log_in(visitor, "ada"), "Ada Byron")


@pytest.mark.both_databases
def test_two_concurrent_first_logins_create_one_member(new_visitor, people, records):
    browsers = [new_visitor() for _number in range(4)]
    forms = [browser.get("/login/").form("/login/") for browser in browsers]
    pages, start = [], threading.Barrier(4)

    def click(browser, form):
        start.wait()
        pages.append(browser.submit(form, username="ada", password=ldap.PASSWORD))

    threads = [threading.Thread(target=click, args=pair) for pair in zip(browsers, forms, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [page.status for page in pages] == [200] * 4
    assert records.one(Member).login_count == 4


# -- unavailable directories


@pytest.mark.parametrize(
    "trouble",
    [
        {"LDAP_SERVER": "ldap://127.0.0.1:9"},
        {"LDAP_BIND_PASSWORD": "wrong"},
        {"LDAP_BIND_USER": "", "LDAP_BIND_PASSWORD": ""},
        {"LDAP_SEARCH_BASE": "ou=nowhere,dc=example,dc=com"},
        {"LDAP_USE_TLS": "yes"},
    ],
)
def test_an_unreachable_directory_is_reported_and_counts_as_no_failure(visitor, people, use, records, trouble):
    use(people.settings(**trouble))
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes) == (403, UNREACHABLE)
    assert records.count(LoginThrottle) == records.count(AuditEvent) == 0


def test_a_missing_certificate_file_is_reported(visitor, people, use, tmp_path):
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(people.certificate.read_bytes())
    use(people.settings(LDAP_CA_FILE=str(authorities), LDAP_USE_TLS="yes"))
    authorities.unlink()
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_a_server_that_does_not_speak_ldap_is_reported(visitor, running, use):
    use(running[ldap.BABBLING].settings())
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_a_directory_that_does_not_respond_times_out(visitor, running, use, app, monkeypatch):
    use(running[ldap.HANGING].settings())
    monkeypatch.setitem(app.config, "LDAP_TIMEOUT", 1)
    started = time.monotonic()
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    assert time.monotonic() - started < 60


def test_reauthentication_reports_an_unreachable_directory(visitor, people, use):
    log_in(visitor, "ada")
    clock.set_now(clock.now() + timedelta(minutes=11))
    use(people.settings(LDAP_SERVER="ldap://127.0.0.1:9"))
    page = visitor.submit(visitor.get("/login/again").form("/login/again"), password=ldap.PASSWORD)
    assert page.flashes == UNREACHABLE


# -- TLS


def test_passwords_are_sent_over_starttls_if_configured(visitor, running, use):
    safe = running[ldap.STARTTLS]
    plain = safe.settings(LDAP_CA_FILE=str(safe.certificate))
    use(plain)
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    use({**plain, "LDAP_USE_TLS": "yes"})
    assert_in(log_in(visitor, "ada"), "Ada Byron")


def test_passwords_are_sent_over_ldaps_if_configured(visitor, running, use):
    safe = running[ldap.LDAPS]
    trusting = safe.settings(LDAP_SERVER=f"ldaps://127.0.0.1:{safe.port}", LDAP_USE_TLS="yes")
    use(trusting)
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    use({**trusting, "LDAP_CA_FILE": str(safe.certificate)})
    assert_in(log_in(visitor, "ada"), "Ada Byron")


def test_an_untrusted_certificate_is_refused(visitor, running, use):
    use(running[ldap.STARTTLS].settings(LDAP_USE_TLS="yes"))
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_a_certificate_of_another_host_is_refused(visitor, running, use):
    other = running[ldap.FALSE_NAME]
    use(other.settings(LDAP_USE_TLS="yes", LDAP_CA_FILE=str(other.certificate)))
    assert log_in(visitor, "ada").flashes == UNREACHABLE


# -- what LDAP switches off


REFUSED = [
    "/register/form",
    "/register/activation/a-token",
    "/password/forgot",
    "/password/reset/a-token",
    "/password/change",
    "/account/email/",
    "/users/add",
    "/users/edit/1",
    "/users/delete/1",
]


def test_account_data_cannot_be_changed_on_the_site(visitor, people, records):
    log_in(visitor, "grace")
    before = records.dump()
    for path in REFUSED:
        for page in (visitor.get(path), visitor.post(path, {"username": "x", "email": "x@example.com"})):
            assert page.status == 403, page
            assert "Accounts are managed in" in page.text
            assert "<h1>Managed elsewhere</h1>" in page.text
        assert [category for category, _text in page.flashes] == ["danger"]
    assert records.dump() == before


def test_a_passkey_alone_does_not_log_in(visitor, people):
    assert visitor.post("/passkeys/login/options").status == 403
    told = "Log in with your password here. You can use a passkey as the second step."
    assert visitor.post("/passkeys/login").flashes == [("warning", told)]
    assert "/passkeys/login" not in visitor.get("/login/").text


def test_registration_is_closed_and_links_to_the_login(visitor, people):
    page = visitor.get("/register/form")
    assert (page.status, 'href="/login/"' in page.text) == (403, True)


def test_no_page_links_to_registration_or_passwords(visitor, people, records):
    for path in ("/login/", "/"):
        page = visitor.get(path)
        assert "/register/form" not in page.text
        assert "/password/forgot" not in page.text
    log_in(visitor, "grace")
    page = visitor.get("/account/data/")
    assert page.status == 200
    assert "/password/change" not in page.text
    assert "/account/email/" not in page.text
    assert "/account/email/" not in visitor.get("/account/profile/").text
    page = visitor.get("/users/list/")
    for link in ("/users/add", "/users/edit/", "/users/delete/", "send_password_link", "/memberinvitations/"):
        assert link not in page.text
    assert "/users/show/" in page.text
    member = records.one(Member)
    assert "set_password" not in visitor.get(f"/users/show/{member.id}").text
    assert visitor.post(f"/users/action/set_password/{member.id}").status == 403


def test_other_pages_still_work(visitor, people):
    log_in(visitor, "grace")
    assert visitor.get("/users/list/").status == 200
    assert visitor.get("/account/profile/").status == 200


def test_names_from_the_directory_are_read_only(visitor, people, records):
    log_in(visitor, "grace")
    page = visitor.get("/account/profile/")
    assert "Your names and your e-mail address come from" in page.words
    form = page.form("/account/profile/")
    assert not form.names & {"first_name", "last_name"}
    before = records.one(Member).display_name
    page = visitor.post("/account/profile/", {**form.fields, "first_name": "Mallory"})
    assert page.flashes == [("info", "Settings saved.")]
    assert records.one(Member).display_name == before


# -- configuration


def test_the_site_starts_with_an_ldap_configuration(new_app, monkeypatch, people):
    for name, value in people.settings().items():
        monkeypatch.setenv(name, value)
    app = new_app()
    with app.test_request_context():
        assert appbuilder_of(app).sm.auth_type == AUTH_LDAP
        assert appbuilder_of(app).sm.auth_user_ldap("ada", ldap.PASSWORD).username == "ada"
        assert appbuilder_of(app).sm.auth_user_ldap("ada", "wrong") is None
        assert appbuilder_of(app).sm.auth_user_ldap("ada", "") is None
        assert appbuilder_of(app).sm.auth_user_ldap(None, ldap.PASSWORD) is None


def test_an_ldap_configuration_without_a_search_base_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="LDAP_SEARCH_BASE"):
        config.load({"INSTANCE_PATH": str(tmp_path), "LDAP_SERVER": "ldap://localhost"})


def linked(name, **columns):
    """Return the member of a person of the directory."""
    member = MemberFactory(username=name, **columns)
    DirectoryPersonFactory(person=member, unique_id=ldap.unique_id(name))
    return member


def roles(records, member):
    with records.app.app_context():
        return sorted(role.name for role in db.session.get(Member, member.id).roles)


def people_context(records):
    return records.app.app_context()
