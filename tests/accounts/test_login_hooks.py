"""Packages take part in logins and in changes of members, and one that breaks does not lock the members out."""

import re
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role
from flask_babel import lazy_gettext
from sqlalchemy import insert, select

from app import clock
from app.accounts import signals, tokens
from app.accounts.enums import TokenPurpose
from app.accounts.models import LoginSession, Member, Totp
from app.audit.models import AuditEvent
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.authenticator import add_passkey, sign
from tests.support.factories import PASSWORD, GroupFactory, MemberFactory

WELCOME = [("info", "Welcome, Friend Doe!")]
INVALID = [("warning", "Invalid login. Please try again.")]
CLOSED = lazy_gettext("Log in")
BROKEN = [("danger", "A check that this site requires is not working at the moment. Please try again later.")]
BREAKS = "tests.accounts.test_login_hooks.break_down_required, a receiver of the signal"
NEW = "another evening, another soup"

pytestmark = pytest.mark.both_databases


@pytest.fixture
def hear(app):
    """Return a list of what the receivers of some signals are told."""

    @contextmanager
    def hearing(*heard_signals):
        told = []

        def note(signal):
            def receive(_app, **known):
                told.append((signal.name, known))

            return receive

        receivers = [(signal, note(signal)) for signal in heard_signals]
        for signal, receiver in receivers:
            signal.connect(receiver, sender=app)
        try:
            yield told
        finally:
            for signal, receiver in receivers:
                signal.disconnect(receiver, sender=app)

    return hearing


@pytest.fixture
def connected(app):
    return lambda signal, receiver: signal.connected_to(receiver, sender=app)


def refuse(_app, **_known):
    raise DomainError(CLOSED, "warning")


def break_down(_app, **_known):
    db.session.execute(insert(Role).values(name="Of a package"))
    db.session.execute(insert(Role).values(name="Admin"))


def tell_role(_app, **_known):
    db.session.execute(insert(Role).values(name="Of another"))


@signals.required
def break_down_required(_app, **_known):
    raise RuntimeError("the list of guests has burned")


def errors(caplog):
    return [record.message for record in caplog.records if record.levelname == "ERROR"]


# -- refusing


@pytest.mark.parametrize(("locale", "told"), [("en", "Log in"), ("es", "Iniciar sesión")])
def test_a_package_refuses_before_the_password_is_checked(visitor, cast, connected, records, locale, told):
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = locale
    with connected(signals.login_attempting, refuse):
        for password in (PASSWORD, "wrong"):
            page = visitor.log_in("friend", password)
            assert (page.status, page.flashes) == (401, [("warning", told)])
    assert records.count(LoginSession) == 0
    # Nothing was checked, so nothing counts as a failure.
    assert records.fresh(cast.friend).fail_login_count in {None, 0}


def test_a_package_refuses_a_member_whose_password_was_right(visitor, cast, connected, records):
    with connected(signals.login_verified, refuse):
        assert visitor.log_in("friend", PASSWORD).flashes == [("warning", "Log in")]
        assert visitor.log_in("friend", "wrong").flashes == INVALID
    assert records.count(LoginSession) == 0
    assert [event.action for event in records.all(AuditEvent)] == ["login_failed", "login_failed"]
    assert visitor.log_in("friend", PASSWORD).flashes == WELCOME


def test_a_package_refuses_a_passkey_and_an_api_login(ada, client_of, visitor, connected, app):
    key = add_passkey(client_of(ada))
    with connected(signals.login_verified, refuse):
        assert sign(visitor, key).flashes == [("warning", "Log in")]
        answer = app.test_client().post("/api/v1/security/login", json={"username": "ada", "password": PASSWORD})
        assert (answer.status_code, answer.json["message"]) == (401, "Log in")


def test_a_package_refuses_the_passkey_of_a_member_by_name(ada, client_of, visitor, connected, hear, records):
    key, told = add_passkey(client_of(ada)), []

    def refuse_ada(_app, identifier):
        told.append(identifier)
        raise DomainError(CLOSED, "warning")

    with connected(signals.login_attempting, refuse_ada), hear(signals.login_failed) as failed:
        assert sign(visitor, key).flashes == [("warning", "Log in")]
    assert (told, [known["identifier"] for _name, known in failed]) == (["ada"], ["ada"])
    with connected(signals.login_verified, refuse):
        sign(visitor, key)
    # As after a right password.
    assert records.all(AuditEvent)[-1].action == "login_failed"


def test_a_refusal_comes_before_the_second_factor(app, visitor, cast, connected):
    with app.app_context(), transaction():
        db.session.add(Totp(member_id=cast.friend.id, secret="x", confirmed_at=clock.now()))
    with connected(signals.login_verified, refuse):
        page = visitor.log_in("friend", PASSWORD)
    assert (page.path, page.flashes) == ("/login/", [("warning", "Log in")])


# -- what packages are told


def test_packages_are_told_of_failed_logins(visitor, cast, hear):
    with hear(signals.login_attempting, signals.login_verified, signals.login_failed) as told:
        visitor.log_in("friend", "wrong")
        visitor.log_in("Nobody", "wrong")
        visitor.log_in("friend", PASSWORD)
    assert [name for name, _known in told] == [
        *("login-attempting", "login-failed", "login-attempting", "login-failed"),
        *("login-attempting", "login-verified"),
    ]
    assert told[3][1]["identifier"] == "Nobody"
    assert str(told[3][1]["error"]) == INVALID[0][1]
    assert told[-1][1]["member"].id == cast.friend.id
    assert PASSWORD not in str(told)


def test_packages_are_told_of_failures_with_passkeys_and_codes(app, ada, client_of, visitor, new_visitor, hear):
    key = add_passkey(client_of(ada))
    with hear(signals.login_failed) as told:
        assert visitor.log_in("ada@example.com", PASSWORD).path == "/login/second-step/"
        assert told == []
        visitor.post("/login/second-step/", {"code": "123456"})
        visitor.post("/passkeys/second-step", {"credential": "{}"})
        new_visitor().post("/passkeys/login", {"credential": "{}"})
        name_and_code = {"username": "ada", "password": PASSWORD, "code": "123456"}
        app.test_client().post("/api/v1/security/login", json=name_and_code)
        assert sign(visitor, key, "second-step").flashes == [("info", "Welcome, Ada Byron!")]
    assert [known["identifier"] for _name, known in told] == ["ada", "ada", "", "ada"]


def test_a_package_stores_failures_in_its_own_transaction(visitor, cast, connected, records):
    def store(_app, identifier, error):
        with transaction():
            db.session.execute(insert(Role).values(name=f"{identifier}: {error.category}"))

    with connected(signals.login_failed, store):
        visitor.log_in("friend", "wrong")
    assert "friend: warning" in [role.name for role in records.all(Role)]


def test_packages_are_told_of_reauthentication(client_of, cast, hear, connected):
    clock.set_now(clock.now())
    friend = client_of(cast.friend)
    clock.set_now(clock.now() + timedelta(minutes=11))
    with hear(signals.reauthentication_attempting, signals.reauthenticated, signals.reauthentication_failed) as told:
        page = friend.get("/account/email/")
        page = friend.submit(page.form("/login/again"), password="wrong")
        with connected(signals.reauthentication_attempting, refuse):
            page = friend.submit(page.form("/login/again"), password=PASSWORD)
        assert page.flashes == [("warning", "Log in")]
        page = friend.submit(page.form("/login/again"), password=PASSWORD)
    assert page.path == "/account/email/"
    kinds = [name.removeprefix("reauthenticat") for name, _known in told if name != "reauthentication-attempting"]
    assert kinds == ["ion-failed", "ion-failed", "ed"]
    assert {known["member"].id for _name, known in told} == {cast.friend.id}


def test_reauthenticating_with_a_passkey_is_told_too(ada, client_of, hear, connected):
    ada_browser = client_of(ada)
    key = add_passkey(ada_browser)
    with hear(signals.reauthenticated, signals.reauthentication_failed) as told:
        with connected(signals.reauthentication_attempting, refuse):
            assert sign(ada_browser, key, "again").flashes == [("warning", "Log in")]
        sign(ada_browser, key, "again")
    assert [name for name, _known in told] == ["reauthentication-failed", "reauthenticated"]


def test_packages_are_told_of_changed_passwords(app, client_of, cast, visitor, hear):
    with hear(signals.password_changed) as told:
        friend = client_of(cast.friend)
        form = friend.get("/password/change").form("/password/change")
        friend.submit(form, password=PASSWORD, new_password=NEW)
        with app.app_context(), transaction():
            path = f"/password/reset/{tokens.issue(TokenPurpose.RESET_PASSWORD, cast.host)}"
        visitor.submit(visitor.get(path).form(path), new_password=NEW)
        app.test_cli_runner().invoke(args=["reset-password", "stranger", "--password", NEW])
    assert [known["member"].id for _name, known in told] == [cast.friend.id, cast.host.id, cast.stranger.id]
    assert NEW not in str(told)


def test_packages_are_told_of_changed_addresses(client_of, cast, admin, visitor, records, hear):
    with hear(signals.email_changed) as told:
        friend = client_of(cast.friend)
        friend.submit(friend.get("/account/email/").form("/account/email/"), email="new@example.com")
        (letter,) = [email for email in records.all(OutboxEmail) if email.kind == "change_email"]
        path = re.search(r"/account/email/confirm/", letter.text).group() + letter.secret
        visitor.post(path)
        page = admin.get(f"/users/edit/{cast.host.id}")
        admin.submit(page.form(f"/users/edit/{cast.host.id}"), email="chef@example.com")
    assert [(known["old"], known["member"].email) for _name, known in told] == [
        ("friend@example.com", "new@example.com"),
        ("host@example.com", "chef@example.com"),
    ]


def test_packages_are_told_of_bans(admin, cast, hear):
    with hear(signals.member_banned, signals.member_unbanned) as told:
        form = admin.post("/users/action_post", {"action": "ban", "rowid": [str(cast.friend.id)]})
        admin.submit(form.form("/users/action_post"), reason="Threw the soup")
        for _again in range(2):
            admin.post("/users/action_post", {"action": "unban", "rowid": [str(cast.friend.id)]})
    assert [(name, known.get("reason")) for name, known in told] == [
        ("member-banned", "Threw the soup"),
        ("member-unbanned", None),
    ]


def test_packages_are_told_of_changed_roles(admin, cast, records, hear):
    ids = {role.name: str(role.id) for role in records.all(Role)}
    group = GroupFactory()
    path = f"/users/edit/{cast.friend.id}"
    with hear(signals.roles_changed) as told:
        admin.submit(admin.get(path).form(path), roles=[ids["Guest"], ids["Translator"]])
        admin.submit(admin.get(path).form(path), first_name="Zoë")
        admin.submit(admin.get(path).form(path), roles=[ids["Guest"]], groups=[str(group.id)])
        page = admin.get(f"/groups/edit/{group.id}")
        admin.submit(page.form(f"/groups/edit/{group.id}"), roles=[ids["Translator"]])
    assert [(known["added"], known["removed"]) for _name, known in told] == [
        (["Translator"], []),
        ([], ["Translator"]),
        (["Translator"], []),
    ]
    assert {known["member"].id for _name, known in told} == {cast.friend.id}


def test_a_package_can_refuse_a_change(admin, cast, connected, records):
    with connected(signals.member_banned, refuse):
        page = admin.post("/users/action_post", {"action": "ban", "rowid": [str(cast.friend.id)]})
        page = admin.submit(page.form("/users/action_post"), reason="Threw the soup")
    assert page.flashes == [("warning", "Log in")]
    assert records.fresh(cast.friend).banned_at is None


# -- a login provider


@pytest.fixture
def provider(app, connected):
    """A package that knows the password of one member, whatever is stored here."""

    @contextmanager
    def knows(member):
        asked = []

        def provide(_app, identifier, password):
            asked.append(identifier)
            return db.session.get(Member, member.id) if (identifier, password) == ("elsewhere", "open sesame") else None

        with connected(signals.login_providing, provide):
            yield asked

    return knows


def test_a_provider_logs_a_member_in(visitor, cast, provider, records):
    with provider(cast.friend) as asked:
        assert visitor.log_in("elsewhere", "wrong").flashes == INVALID
        assert visitor.log_in("elsewhere", "open sesame").flashes == WELCOME
    assert asked == ["elsewhere", "elsewhere"]
    assert records.one(LoginSession).member_id == cast.friend.id
    # A password of another place is not measured by the rules for ours.
    assert records.one(LoginSession).required_action is None


def test_whom_no_provider_knows_logs_in_with_our_password(visitor, cast, provider):
    with provider(cast.host):
        assert visitor.log_in("friend", PASSWORD).flashes == WELCOME


def test_a_provider_adds_a_member(visitor, connected, records):
    def provide(_app, identifier, password):
        from app.accounts import members

        if password != "open sesame":
            return None
        return members.add_member(
            username=identifier, email="ali@example.org", first_name="Ali", last_name="Baba", password_hash=None,
            role="Guest",
        )  # fmt: skip

    with connected(signals.login_providing, provide):
        assert visitor.log_in("ali", "open sesame").flashes == [("info", "Welcome, Ali Baba!")]
    assert records.one(Member).username == "ali"


def test_bans_and_second_factors_hold_for_a_provider(app, visitor, new_visitor, cast, provider):
    with provider(MemberFactory(banned_at=clock.now(), ban_reason="Threw the soup")):
        assert visitor.log_in("elsewhere", "open sesame").flashes == [
            ("danger", "Your account was banned: Threw the soup")
        ]
    with app.app_context(), transaction():
        db.session.add(Totp(member_id=cast.friend.id, secret="x", confirmed_at=clock.now()))
    with provider(cast.friend):
        assert new_visitor().log_in("elsewhere", "open sesame").path == "/login/second-step/"


def test_guessing_at_a_provider_is_throttled(visitor, cast, provider):
    with provider(cast.friend):
        for _attempt in range(6):
            visitor.log_in("elsewhere", "wrong")
        assert visitor.log_in("elsewhere", "open sesame").status == 429


def test_a_provider_reauthenticates_its_own_member_only(client_of, cast, connected):
    clock.set_now(clock.now())
    friend, host = client_of(cast.friend), client_of(cast.host)
    clock.set_now(clock.now() + timedelta(minutes=11))

    def provide(_app, identifier, password):
        return db.session.get(Member, cast.friend.id) if password == "open sesame" else None

    with connected(signals.login_providing, provide):
        page = host.get("/account/email/")
        assert host.submit(page.form("/login/again"), password="open sesame").status == 401
        page = friend.get("/account/email/")
        assert friend.submit(page.form("/login/again"), password="open sesame").path == "/account/email/"


# -- packages that break


SIGNALS = [signals.login_attempting, signals.login_providing, signals.login_verified]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_package_that_breaks_is_logged_once_and_breaks_no_login(visitor, cast, connected, records, caplog, signal):
    with connected(signal, break_down), connected(signals.login_verified, tell_role):
        assert visitor.log_in("friend", PASSWORD).flashes == WELCOME
    (logged,) = errors(caplog)
    assert f"break_down, a receiver of the signal {signal.name}, raised an exception" in logged
    names = [role.name for role in records.all(Role)]
    # What it stored is undone; what the next one stored is not.
    assert ("Of a package" in names, "Of another" in names) == (False, True)
    assert records.count(LoginSession) == 1


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_required_package_that_breaks_refuses_the_login(visitor, cast, connected, records, caplog, signal):
    with connected(signal, break_down_required):
        page = visitor.log_in("friend", PASSWORD)
    assert (page.status, page.flashes) == (403, BROKEN)
    assert records.count(LoginSession) == 0
    assert errors(caplog) == [f"{BREAKS} {signal.name}, raised an exception"]
    assert visitor.log_in("friend", PASSWORD).flashes == WELCOME


def test_a_package_that_breaks_after_a_failure_does_not_hide_it(visitor, cast, connected, caplog):
    with connected(signals.login_failed, break_down_required):
        assert visitor.log_in("friend", "wrong").flashes == INVALID
    assert errors(caplog) == [f"{BREAKS} login-failed, raised an exception"]


def test_a_change_is_stored_although_a_package_breaks(client_of, cast, connected, records, visitor):
    friend = client_of(cast.friend)
    form = friend.get("/password/change").form("/password/change")
    with connected(signals.password_changed, break_down):
        page = friend.submit(form, password=PASSWORD, new_password=NEW)
    assert page.flashes == [("info", "Your password has been updated. Other devices were signed out.")]
    assert "Of a package" not in [role.name for role in records.all(Role)]
    assert visitor.log_in("friend", NEW).flashes == WELCOME


def test_what_a_refused_change_stored_is_undone(app, admin, cast, connected, records):
    with connected(signals.member_banned, tell_role), connected(signals.member_banned, break_down_required):
        page = admin.post("/users/action_post", {"action": "ban", "rowid": [str(cast.friend.id)]})
        page = admin.submit(page.form("/users/action_post"), reason="Threw the soup")
    assert page.flashes == BROKEN
    assert records.fresh(cast.friend).banned_at is None
    with app.app_context():
        assert db.session.scalars(select(Role).where(Role.name == "Of another")).first() is None
