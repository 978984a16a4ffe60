"""Accounts in the directory of an organisation: asked over LDAP, a real one."""

import threading
import time
from datetime import timedelta

import pytest
from flask_appbuilder.const import AUTH_LDAP

import config
from app import clock
from app.accounts.ldap import client as ldap_client
from app.accounts.models import LoginSession, LoginThrottle, Member, Totp
from app.audit.models import AuditEvent
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from config import ConfigurationError
from tests.support import ldap, required_services
from tests.support.factories import MemberFactory, RegistrationFactory

WRONG = [("warning", "Invalid login. Please try again.")]
UNREACHABLE = [("danger", "The directory of your organisation cannot be reached. Please try again in a moment.")]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """The directories, by their modes."""
    with ldap.running_directories(tmp_path_factory.mktemp("directory")) as found:
        yield found


@pytest.fixture
def use(app, monkeypatch, tmp_path, request):
    """Let the site ask a directory; return how it is told where that is."""
    required_services.used(request.config)["ldap"] += 1

    def configure(environ):
        for name, value in config.load({"INSTANCE_PATH": str(tmp_path), **environ}).items():
            if name.startswith(("AUTH_", "LDAP_")) or name == "REGISTRATION":
                monkeypatch.setitem(app.config, name, value)
        monkeypatch.setitem(app.config, "LDAP_TIMEOUT", 2)

    return configure


@pytest.fixture
def people(use, running):
    """The directory is in charge."""
    use(running[ldap.PRIVATE].settings())
    return running[ldap.PRIVATE]


def log_in(visitor, name, password=ldap.PASSWORD, **fields):
    return visitor.submit(visitor.get("/login/").form("/login/"), username=name, password=password, **fields)


def assert_in(page, name):
    assert page.flashes == [("info", f"Welcome, {name}!")]


# -- who comes in


@pytest.mark.parametrize("name", ["ada", " ADA ", "Ada@Example.com"])
def test_whom_the_directory_knows_comes_in_and_becomes_a_member(visitor, people, records, name):
    assert_in(log_in(visitor, name), "Ada Byron")
    member = records.one(Member)
    assert (member.username, member.email, member.password) == ("ada", "ada@example.com", None)
    assert roles(records, member) == ["Guest"]
    assert [event.action for event in records.all(AuditEvent)] == ["member_created", "logged_in"]


def test_they_are_one_member_however_often_they_come(visitor, new_visitor, people, records):
    log_in(visitor, "ada")
    log_in(new_visitor(), "ada@example.com")
    assert records.one(Member).login_count == 2
    assert len([event for event in records.all(AuditEvent) if event.action.startswith("member")]) == 1


def test_what_the_directory_says_now_goes_before_what_it_said_then(visitor, people, records):
    MemberFactory(username="ada", email="old@example.com", first_name="A.", last_name="B.")
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.one(Member).email == "ada@example.com"
    (event,) = [event for event in records.all(AuditEvent) if event.action == "member_changed"]
    assert event.before == {"email": "old@example.com", "first_name": "A.", "last_name": "B."}


def test_its_administrators_are_ours(visitor, people, records):
    log_in(visitor, "grace")
    assert roles(records, records.one(Member)) == ["Admin"]
    assert visitor.get("/users/list/").status == 200


@pytest.mark.parametrize(
    ("name", "before", "after"), [("ada", "admin", ["Guest"]), ("grace", "translator", ["Admin", "Translator"])]
)
def test_who_joins_or_leaves_their_group_is_one_or_is_not(visitor, people, records, name, before, after):
    member = MemberFactory(username=name, **{before: True})
    log_in(visitor, name)
    assert roles(records, member) == after


def test_without_a_group_roles_are_given_here(visitor, use, running, records):
    use(running[ldap.PRIVATE].settings(LDAP_ADMIN_GROUP=""))
    member = MemberFactory(username="ada", admin=True)
    log_in(visitor, "ada")
    assert roles(records, member) == ["Admin"]


def test_a_directory_that_anybody_may_search_is_asked_without_an_account(visitor, use, running, records):
    settings = running[ldap.OPEN].settings(LDAP_BIND_USER="", LDAP_BIND_PASSWORD="", LDAP_SEARCH_FILTER="(sn=Byron)")
    use(settings)
    assert log_in(visitor, "grace").flashes == WRONG
    assert_in(log_in(visitor, "ada"), "Ada Byron")
    assert records.one(Member).email == "ada@example.com"


def test_no_password_is_kept_and_none_that_was_is_asked(visitor, people, records):
    """Not even where the stored hash is an old one, which is renewed at a login otherwise."""
    member = MemberFactory(username="ada", password="pbkdf2:sha256:1$a$b")
    log_in(visitor, "ada")
    assert records.fresh(member).password == "pbkdf2:sha256:1$a$b"


def test_the_second_factor_is_asked_for_as_well(visitor, people, records):
    member = MemberFactory(username="ada")
    with people_context(records):
        db.session.add(Totp(member_id=member.id, secret="sealed", confirmed_at=clock.now()))
        db.session.commit()
    page = visitor.post("/login/", {"username": "ada", "password": ldap.PASSWORD}, follow=False)
    assert "/login/second-step" in page.location
    assert records.count(LoginSession) == 0


def test_a_short_password_of_an_administrator_is_the_directorys_business(visitor, people, records):
    log_in(visitor, "grace")
    assert records.one(LoginSession).required_action is None


def test_nobody_stays_logged_in_for_months(visitor, people, records):
    page = visitor.get("/login/")
    assert "remember_me" not in page.text
    visitor.post("/login/", {"username": "ada", "password": ldap.PASSWORD, "remember_me": "y"})
    assert not records.one(LoginSession).remember


def test_who_one_is_is_proved_again_there(visitor, people):
    log_in(visitor, "ada")
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = visitor.get("/login/again")
    assert visitor.submit(page.form("/login/again"), password="wrong").flashes == [
        ("warning", "The password is incorrect.")
    ]
    page = visitor.submit(page.form("/login/again"), password=ldap.PASSWORD)
    assert page.flashes == [("info", "Thank you. You can continue.")]


@pytest.mark.parametrize("provider", [{"provider": "ldap"}, {}])
def test_programs_come_in_by_it_too(app, people, records, provider):
    body = {"username": "ada", "password": ldap.PASSWORD, **provider}
    assert "access_token" in app.test_client().post("/api/v1/security/login", json=body).get_json()
    assert records.one(Member).login_count == 1
    refused = app.test_client().post("/api/v1/security/login", json={**body, "password": "wrong"})
    assert refused.status_code == 401


def test_without_a_directory_nobody_comes_in_by_one(app, cast):
    with app.test_request_context():
        assert appbuilder_of(app).sm.auth_user_ldap("friend", "a good dinner needs time") is None


# -- who does not


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
def test_nobody_else_comes_in(app, visitor, people, records, name, password):
    visitor.get("/login/")
    page = visitor.post(
        "/login/", {"username": name.encode("utf-8", "ignore"), "password": password.encode("utf-8", "ignore")}
    )
    assert (page.status, page.flashes) == (401, WRONG)
    with app.test_request_context():
        assert ldap_client.authenticate(name, password) is None
    assert records.count(Member) == 0


def test_what_people_have_here_opens_nothing(visitor, people, cast):
    """Neither the password of a member nor that of a registration is asked."""
    RegistrationFactory(username="waiting")
    for name in ("friend", "boss", "waiting"):
        assert log_in(visitor, name, "a good dinner needs time").flashes == WRONG


def test_who_is_banned_here_stays_out(visitor, people, records):
    MemberFactory(username="ada", banned_at=clock.now(), ban_reason="spilled the wine")
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes) == (403, [("danger", "Your account was banned: spilled the wine")])


@pytest.mark.parametrize(("name", "told"), [("nomail", "no e-mail address"), ("odd name", "cannot be used here")])
def test_whom_the_directory_knows_too_little_of_is_told_so(visitor, people, records, name, told):
    page = log_in(visitor, name)
    assert (page.status, page.flashes[0][0], told in page.flashes[0][1]) == (403, "danger", True)
    assert records.count(Member) == 0


def test_nobody_takes_over_an_account_by_its_address(visitor, people, records):
    owner = MemberFactory(username="elsewhere", email="ada@example.com")
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes[0][0]) == (403, "danger")
    assert "belongs to another account on this site" in page.flashes[0][1]
    assert records.one(Member).username == owner.username


def test_guessing_is_locked_out_and_the_directory_is_left_alone(visitor, people, records):
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
def test_coming_in_twice_at_once_makes_one_member(new_visitor, people, records):
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


# -- when it cannot be asked


@pytest.mark.parametrize(
    "trouble",
    [
        {"LDAP_SERVER": "ldap://127.0.0.1:9"},
        {"LDAP_BIND_PASSWORD": "wrong"},
        {"LDAP_BIND_USER": ""},
        {"LDAP_SEARCH_BASE": "ou=nowhere,dc=example,dc=com"},
        {"LDAP_USE_TLS": "yes"},
    ],
)
def test_a_directory_that_cannot_be_asked_is_told_of_and_counts_as_nothing(visitor, people, use, records, trouble):
    use(people.settings(**trouble))
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes) == (403, UNREACHABLE)
    assert records.count(LoginThrottle) == records.count(AuditEvent) == 0


def test_certificates_that_are_gone_are_told_of_as_well(visitor, people, use, tmp_path):
    authorities = tmp_path / "ca.pem"
    authorities.touch()
    use(people.settings(LDAP_CA_FILE=str(authorities)))
    authorities.unlink()
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_what_is_no_directory_is_told_of_as_well(visitor, running, use):
    use(running[ldap.BABBLING].settings())
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_one_that_does_not_answer_is_not_waited_for(visitor, running, use, app, monkeypatch):
    use(running[ldap.HANGING].settings())
    monkeypatch.setitem(app.config, "LDAP_TIMEOUT", 1)
    started = time.monotonic()
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    assert time.monotonic() - started < 3


def test_who_is_logged_in_and_is_asked_again_meanwhile_is_told_so(visitor, people, use):
    log_in(visitor, "ada")
    clock.set_now(clock.now() + timedelta(minutes=11))
    use(people.settings(LDAP_SERVER="ldap://127.0.0.1:9"))
    page = visitor.submit(visitor.get("/login/again").form("/login/again"), password=ldap.PASSWORD)
    assert page.flashes == UNREACHABLE


# -- TLS


def test_passwords_go_over_tls_where_that_is_wished(visitor, running, use):
    safe = running[ldap.STARTTLS]
    plain = safe.settings(LDAP_CA_FILE=str(safe.certificate))
    use(plain)
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    use({**plain, "LDAP_USE_TLS": "yes"})
    assert_in(log_in(visitor, "ada"), "Ada Byron")


def test_so_they_do_from_the_start(visitor, running, use):
    safe = running[ldap.LDAPS]
    trusting = safe.settings(LDAP_SERVER=f"ldaps://127.0.0.1:{safe.port}", LDAP_USE_TLS="yes")
    use(trusting)
    assert log_in(visitor, "ada").flashes == UNREACHABLE
    use({**trusting, "LDAP_CA_FILE": str(safe.certificate)})
    assert_in(log_in(visitor, "ada"), "Ada Byron")


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(visitor, running, use):
    use(running[ldap.STARTTLS].settings(LDAP_USE_TLS="yes"))
    assert log_in(visitor, "ada").flashes == UNREACHABLE


def test_nor_is_one_of_somebody_else(visitor, running, use):
    other = running[ldap.FALSE_NAME]
    use(other.settings(LDAP_USE_TLS="yes", LDAP_CA_FILE=str(other.certificate)))
    assert log_in(visitor, "ada").flashes == UNREACHABLE


# -- what cannot be done here


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


def test_accounts_are_not_changed_here(visitor, people, records):
    log_in(visitor, "grace")
    before = records.dump()
    for path in REFUSED:
        for page in (visitor.get(path), visitor.post(path, {"username": "x", "email": "x@example.com"})):
            assert page.status == 403, page
            assert "Accounts are managed in" in page.text
            assert "<h1>Managed elsewhere</h1>" in page.text
        assert [category for category, _text in page.flashes] == ["danger"]
    assert records.dump() == before


def test_a_passkey_alone_opens_nothing(visitor, people):
    assert visitor.post("/passkeys/login/options").status == 403
    told = "Log in with your password here. You can use a passkey as the second step."
    assert visitor.post("/passkeys/login").flashes == [("warning", told)]
    assert "/passkeys/login" not in visitor.get("/login/").text


def test_strangers_are_told_so_as_well(visitor, people):
    page = visitor.get("/register/form")
    assert (page.status, 'href="/login/"' in page.text) == (403, True)


def test_nothing_leads_there(visitor, people):
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


def test_other_pages_go_on(visitor, people):
    log_in(visitor, "grace")
    assert visitor.get("/users/list/").status == 200
    assert visitor.get("/account/profile/").status == 200


def test_names_are_shown_and_not_asked_for_where_the_directory_knows_them(visitor, people, records):
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


def test_a_site_starts_with_a_directory(new_app, monkeypatch, people):
    for name, value in people.settings().items():
        monkeypatch.setenv(name, value)
    app = new_app()
    with app.test_request_context():
        assert appbuilder_of(app).sm.auth_type == AUTH_LDAP
        assert appbuilder_of(app).sm.auth_user_ldap("ada", ldap.PASSWORD).username == "ada"
        assert appbuilder_of(app).sm.auth_user_ldap("ada", "wrong") is None


def test_a_directory_without_a_place_to_search_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="LDAP_SEARCH_BASE"):
        config.load({"INSTANCE_PATH": str(tmp_path), "LDAP_SERVER": "ldap://localhost"})


def roles(records, member):
    with records.app.app_context():
        return sorted(role.name for role in db.session.get(Member, member.id).roles)


def people_context(records):
    return records.app.app_context()
