"""Logging in whom the web server or a trusted proxy names (AUTH_REMOTE_USER)."""

import http.client
from datetime import timedelta

import pytest
from flask_appbuilder.const import AUTH_REMOTE_USER
from sqlalchemy import update

import config
from app import clock, create_app, fab_settings
from app.accounts import signals
from app.accounts.models import LoginSession, Member
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from config import ConfigurationError
from tests.support.factories import PASSWORD, MemberFactory

UNKNOWN = [("warning", "Invalid login. Please try again.")]
NOBODY = [("danger", "The web server has not told who you are. Please ask your administrator.")]
HEADER = "HTTP_REMOTEUSER"


@pytest.fixture
def site(app, monkeypatch):
    monkeypatch.setitem(app.config, "AUTH_TYPE", AUTH_REMOTE_USER)
    return app


@pytest.fixture
def by_header(site, monkeypatch):
    monkeypatch.setitem(site.config, "AUTH_REMOTE_USER_ENV_VAR", HEADER)
    monkeypatch.setitem(site.config, "TRUSTED_PROXY_ADDRESSES", ["127.0.0.1/32", "10.1.0.0/16"])
    return site


def named(visitor, name, variable="REMOTE_USER", peer="127.0.0.1"):
    visitor.client.environ_base.update({variable: name, "REMOTE_ADDR": peer})
    return visitor


@pytest.mark.both_databases
def test_the_first_visit_adds_a_member_and_logs_them_in(visitor, site, records):
    page = named(visitor, "Ada").get("/login/?next=/parties/new")
    assert (page.path, page.flashes) == ("/parties/new", [("info", "Welcome, ada!")])
    member = records.one(Member)
    assert (member.username, member.email, member.password) == ("ada", "ada@remote-user.invalid", None)
    assert records.one(LoginSession).member_id == member.id
    assert [event.action for event in records.all(AuditEvent)] == ["member_created", "logged_in"]
    visitor.post("/logout/")
    assert visitor.get("/account/profile/").path == "/account/profile/"
    assert records.count(Member) == 1
    # Nothing is written to an address that does not exist.
    assert records.count(OutboxEmail) == 0


@pytest.mark.parametrize("name", ["ada", "ADA@example.com"])
def test_a_member_is_known_by_name_or_address(visitor, site, records, name):
    MemberFactory(username="ada", email="ada@example.com")
    assert named(visitor, name).get("/login/").flashes == [("info", "Welcome, Ada Doe!")]
    assert records.count(Member) == 1


def test_a_new_member_may_be_named_by_an_address(visitor, site, records):
    MemberFactory(username="ada", email="other@example.com")
    named(visitor, "ada@example.com").get("/login/")
    assert sorted(member.username for member in records.all(Member)) == ["ada", "ada2"]


@pytest.mark.parametrize("name", ["CLUB\\ada", "ada,boss", "x" * 65, "@example.com"])
def test_a_name_that_cannot_be_used_is_refused(visitor, site, records, name):
    page = named(visitor, name).get("/login/")
    assert (page.status, page.flashes, records.count(Member)) == (401, UNKNOWN, 0)


def test_with_registration_closed_unknown_people_are_refused(visitor, site, records, monkeypatch):
    monkeypatch.setitem(site.config, "REGISTRATION", "closed")
    assert named(visitor, "ada").get("/login/").flashes == UNKNOWN
    assert records.count(Member) == 0


def test_without_a_name_nobody_logs_in_also_not_with_a_password(visitor, site, cast):
    page = visitor.get("/login/")
    assert (page.status, page.flashes) == (403, NOBODY)
    assert 'type="password"' not in page.text
    sent = {"username": "friend", "password": PASSWORD}
    assert visitor.post("/login/", sent).flashes == NOBODY
    assert site.test_client().post("/api/v1/security/login", json=sent).status_code == 401


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"banned_at": clock.now(), "ban_reason": "spilled the wine"}, "Your account was banned: spilled the wine"),
        ({"active": False}, "This account is not active."),
    ],
)
def test_a_blocked_member_is_refused_as_after_a_password(visitor, site, records, state, told):
    MemberFactory(username="ada", **state)
    page = named(visitor, "ada").get("/login/")
    assert (page.status, page.flashes) == (403, [("danger", told)])
    assert [event.action for event in records.all(AuditEvent)] == ["login_failed"]


def test_packages_may_refuse(visitor, site, records):
    MemberFactory(username="ada")
    told = []

    def refuse(_app, identifier):
        raise DomainError(f"Not you, {identifier}.", "warning")

    def note(_app, identifier, error):
        told.append((identifier, str(error)))

    with signals.login_attempting.connected_to(refuse, site), signals.login_failed.connected_to(note, site):
        assert named(visitor, "ada").get("/login/").flashes == [("warning", "Not you, ada.")]
    assert told == [("ada", "Not you, ada.")]


def test_another_name_ends_the_login_of_the_browser(visitor, site):
    for name in ("ada", "bob"):
        MemberFactory(username=name)
    assert "ada" in named(visitor, "ada").get("/account/profile/").text
    assert "<bdi>bob</bdi>" in named(visitor, "bob").get("/account/profile/").text


@pytest.mark.parametrize(("name", "told"), [("ada@example.com", "danger"), ("ada", "info")])
def test_an_address_that_is_the_name_cannot_be_changed(visitor, site, name, told):
    MemberFactory(username="ada", email="ada@example.com")
    form = named(visitor, name).get("/account/email/").form("/account/email/")
    assert visitor.submit(form, email="new@example.com").flashes[0][0] == told


def test_looking_without_reading_logs_nobody_in(visitor, site, records):
    assert named(visitor, "ada").open("HEAD", "/login/").status == 200
    assert records.count(Member) == records.count(LoginSession) == 0


def test_the_web_server_confirms_who_is_there(visitor, site):
    named(visitor, "ada").get("/login/")
    with site.app_context(), transaction():
        db.session.execute(update(LoginSession).values(authenticated_at=clock.now() - timedelta(minutes=11)))
    page = visitor.get("/account/second-factor/app")
    assert page.path == "/account/second-factor/app"
    assert ("info", "Thank you. You can continue.") in page.flashes


# -- whom to believe


@pytest.mark.parametrize(
    ("peer", "believed"),
    [("127.0.0.1", True), ("10.1.2.3", True), ("::ffff:127.0.0.1", True), ("10.2.0.1", False), ("", False)],
)
def test_a_header_is_believed_of_trusted_proxies_only(visitor, by_header, records, peer, believed):
    page = named(visitor, "ada", HEADER, peer).get("/login/")
    assert (page.flashes == NOBODY) is not believed
    assert records.count(Member) == believed


def test_another_header_is_not_believed(visitor, by_header, records):
    for variable in ("HTTP_REMOTE_USER", "HTTP_X_REMOTE_USER", "REMOTE_USER"):
        assert named(visitor, "ada", variable).get("/login/").flashes == NOBODY
    assert records.count(Member) == 0


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"AUTH_REMOTE_USER_ENV_VAR": HEADER}, "TRUSTED_PROXY_ADDRESSES"),
        ({"AUTH_REMOTE_USER_ENV_VAR": "QUERY_STRING"}, "AUTH_REMOTE_USER_ENV_VAR"),
        ({"AUTH_REMOTE_USER_ENV_VAR": "PATH_INFO"}, "AUTH_REMOTE_USER_ENV_VAR"),
        ({"OIDC_ISSUER": "https://a.example"}, "AUTH_TYPE"),
    ],
)
def test_what_a_client_could_send_is_refused_at_the_start(tmp_path, monkeypatch, settings, setting):
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=setting):
        create_app({"AUTH_TYPE": AUTH_REMOTE_USER, **settings})


def test_a_header_that_could_have_a_twin_is_warned_of(tmp_path, monkeypatch, caplog):
    """Servers read Remote_User as Remote-User, and proxies may pass the one that they have not replaced."""
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path))
    settings = {"AUTH_TYPE": AUTH_REMOTE_USER, "TRUSTED_PROXY_ADDRESSES": ["127.0.0.1/32"]}
    for name, warned in ((HEADER, False), ("HTTP_REMOTE_USER", True)):
        caplog.clear()
        fab_settings.check({**config.load(), **settings, "AUTH_REMOTE_USER_ENV_VAR": name})
        assert ("headers with underscores" in caplog.text) is warned


@pytest.mark.parametrize(("proxies", "status"), [("127.0.0.1", 303), ("192.0.2.1", 403)])
def test_the_served_site_believes_its_proxy_and_no_client(server, proxies, status):
    settings = {
        "AUTH_TYPE": str(AUTH_REMOTE_USER),
        "AUTH_REMOTE_USER_ENV_VAR": HEADER,
        "TRUSTED_PROXY_ADDRESSES": proxies,
    }
    running = server.start(WORKERS="1", BACKGROUND_WORKER="no", TRUSTED_PROXY_COUNT="1", **settings)
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    # What a client says of its own address changes nothing.
    connection.request("GET", "/login/", headers={"RemoteUser": "ada", "X-Forwarded-For": "127.0.0.1"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == status
