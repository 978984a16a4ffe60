"""Logging in through the API follows the rules of the login page."""

from datetime import timedelta

import pyotp
import pytest
import time_machine

from app import clock
from app.accounts import encryption, rules
from app.accounts.enums import SessionEndCause
from app.accounts.models import LoginSession, Member, RecoveryCode, Totp
from app.accounts.sessions import service as session_service
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory, RowFactory

LOGIN, REFRESH, PARTIES = "/api/v1/security/login", "/api/v1/security/refresh", "/api/v1/dinnerparties/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
INVALID = {"message": "Invalid login. Please try again."}


class Program:
    """An API client without cookies."""

    def __init__(self, app):
        self.client = app.test_client(use_cookies=False)

    def log_in(self, username, password=PASSWORD, *, headers=None, **more):
        return self.client.post(LOGIN, json={"username": username, "password": password, **more}, headers=headers)

    def ask(self, token, path=PARTIES, method="GET"):
        return self.client.open(path, method=method, headers={"Authorization": f"Bearer {token}"})

    def tokens(self, username, **more):
        answer = self.log_in(username, refresh=True, **more)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()["access_token"], answer.get_json()["refresh_token"]


@pytest.fixture
def program(app):
    return Program(app)


@pytest.fixture
def now():
    """Stop the clock."""
    clock.set_now(clock.now())
    return clock.now()


def with_app(member):
    """Give `member` an authenticator app."""
    with RowFactory.app.app_context(), transaction() as session:
        now = clock.now()
        secret = encryption.encrypt("totp", SECRET)
        session.add(Totp(member_id=member.id, secret=secret, created_at=now, confirmed_at=now))
    return member


def code():
    return pyotp.TOTP(SECRET).at(clock.now())


@pytest.mark.parametrize("name", ["boss", "BOSS ", "boss@example.com"])
@pytest.mark.parametrize("more", [{}, {"provider": "db"}, {"refresh": False}])
def test_a_username_and_password_return_tokens(program, cast, name, more):
    answer = program.log_in(name, **more)
    assert (answer.status_code, set(answer.get_json())) == (200, {"access_token"})
    assert program.ask(answer.get_json()["access_token"]).status_code == 200


def test_a_refresh_token_only_issues_access_tokens(program, cast):
    access, refresh = program.tokens("boss")
    answer = program.ask(refresh, REFRESH, "POST")
    assert set(answer.get_json()) == {"access_token"}
    assert program.ask(answer.get_json()["access_token"]).status_code == 200
    assert program.ask(refresh).status_code == 401
    assert program.ask(access, REFRESH, "POST").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"boss"', b"{}", b'{"username": "boss"}', b'{"password": "x"}',
        b'{"username": 1, "password": "x"}', b'{"username": "boss", "password": ["x"]}', b'{"username": "", "password": "x"}',
        b'{"username": "boss", "password": ""}', b'{"username": "boss", "password": "x", "provider": "ldap"}',
        b'{"username": "boss", "password": "x", "provider": 1}', b'{"username": "boss", "password": "x", "code": 1}',
        b'{"username": "bo\\u0000ss", "password": "x"}', b'{"username": "boss", "password": "\\ud800"}',
        b'{"username": "\\udc00", "password": "x"}', b'{"username": "boss", "password": "x", "roles": "Admin"}',
        b'{"username": null, "password": null}', b"[" * 5000, b"\xff\xfe",
    ],
)  # fmt: skip
@pytest.mark.rate_limits
def test_a_malformed_request_is_a_bad_request(program, cast, body):
    answer = program.client.post(LOGIN, data=body, content_type="application/json")
    assert (answer.status_code, answer.get_json()["message"]) == (400, "The request could not be understood.")


def test_a_malformed_request_names_its_fields(program, cast):
    answer = program.client.post(LOGIN, json={"username": "", "provider": "carrier pigeon"})
    assert answer.get_json()["errors"] == {
        "username": ["This field must be filled in."],
        "password": ["This field must be filled in."],
        "provider": ["This must be one of: db, ldap.", "Not a valid value."],
    }


@pytest.mark.parametrize(("name", "password"), [("boss", "wrong"), ("nobody", PASSWORD), ("x" * 5000, "wrong")])
def test_every_failed_login_gets_the_same_response(program, cast, name, password):
    answer = program.log_in(name, password)
    assert (answer.status_code, answer.get_json()) == (401, INVALID)


@pytest.mark.parametrize("state", ["banned", "inactive", "pending"])
def test_a_blocked_member_learns_why_only_with_the_right_password(program, state):
    told = {
        "inactive": "This account is not active.",
        "banned": "Your account was banned: Soup",
        "pending": "To use your account you have to activate it with the link we sent to your e-mail address.",
    }[state]
    if state == "pending":
        RegistrationFactory(username="ada")
    else:
        banned = {"banned_at": clock.now(), "ban_reason": "Soup"} if state == "banned" else {}
        MemberFactory(username="ada", inactive=state == "inactive", **banned)
    assert program.log_in("ada", "wrong").get_json() == INVALID
    answer = program.log_in("ada")
    assert (answer.status_code, answer.get_json()) == (403, {"message": told})


def test_error_messages_are_in_the_readers_language(program, cast):
    answer = program.log_in("boss", "wrong", headers={"Accept-Language": "es"})
    assert answer.status_code == 401
    assert answer.get_json() != INVALID


def test_failures_are_counted_together_with_those_of_the_login_page(program, visitor, cast, records, now):
    for _attempt in range(3):
        program.log_in("boss", "wrong")
    for _attempt in range(2):
        visitor.log_in("boss", "wrong")
    answer = program.log_in("boss")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert answer.get_json() == {"message": "Too many failed attempts. Try again in 1 minute."}
    assert visitor.log_in("boss", PASSWORD).status == 429
    assert records.one(OutboxEmail).kind == "locked_out"


def test_a_trusted_device_does_not_bypass_the_throttle_of_the_api(client_of, cast, visitor):
    boss = client_of(cast.admin)
    boss.post("/logout/")
    for _attempt in range(5):
        visitor.log_in("boss", "wrong")
    assert boss.client.post(LOGIN, json={"username": "boss", "password": PASSWORD}).status_code == 429
    assert boss.log_in("boss", PASSWORD).status == 200


def test_an_api_login_is_counted_and_starts_no_browser_session(program, cast, records):
    program.log_in("boss", "wrong")
    program.tokens("boss")
    assert records.count(LoginSession) == 0
    assert (records.fresh(cast.admin).login_count, records.fresh(cast.admin).fail_login_count) == (1, 0)
    assert [event.action for event in records.all(AuditEvent)] == ["login_failed", "api_logged_in"]


# -- second factor and required actions


def test_a_second_factor_is_required(program, cast, records):
    with_app(cast.admin)
    answer = program.log_in("boss")
    assert answer.status_code == 401
    assert answer.get_json() == {"message": "This account has a second factor: send its code as well."}
    assert program.log_in("boss", "wrong", code=code()).get_json() == INVALID
    answer = program.log_in("boss", code="000000")
    assert (answer.status_code, answer.get_json()) == (401, {"message": "This code is wrong or has already been used."})
    used = code()
    assert program.log_in("boss", code=used).status_code == 200
    assert program.log_in("boss", code=used).status_code == 401


def test_a_recovery_code_works_once(program, cast):
    member = with_app(cast.friend)
    with RowFactory.app.app_context(), transaction() as session:
        session.add(RecoveryCode(member_id=member.id, code_hash=rules.token_hash(f"{member.id}:abcdabcdabcdabcd")))
    assert program.log_in("friend", code="abcd-abcd-abcd-abcd").status_code == 200
    assert program.log_in("friend", code="abcd-abcd-abcd-abcd").status_code == 401


def test_guessing_codes_is_throttled_like_guessing_passwords(program, cast, now):
    with_app(cast.admin)
    for _attempt in range(5):
        assert program.log_in("boss", code="000000").status_code == 401
    answer = program.log_in("boss", code=code())
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


@pytest.mark.parametrize("duty", ["password", "factor"])
def test_required_actions_must_be_completed_on_the_site_first(app, program, cast, duty):
    if duty == "password":
        app.config["STAFF_PASSWORD_MIN_LENGTH"], before = 100, app.config["STAFF_PASSWORD_MIN_LENGTH"]
    else:
        with app.app_context(), transaction():
            db.session.get(Member, cast.admin.id).roles[0].second_factor_required = True
    try:
        answer = program.log_in("boss", refresh=True)
    finally:
        if duty == "password":
            app.config["STAFF_PASSWORD_MIN_LENGTH"] = before
    assert (answer.status_code, set(answer.get_json())) == (403, {"message"})
    assert answer.get_json()["message"].startswith("Log in on the site first")
    assert program.log_in("friend").status_code == 200


# -- revoking tokens


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "cause", [SessionEndCause.PASSWORD, SessionEndCause.ADMINISTRATOR, SessionEndCause.OWNER, SessionEndCause.BAN]
)
def test_ending_the_sessions_of_a_member_revokes_their_tokens(app, program, cast, cause):
    access, refresh = program.tokens("boss")
    others = program.tokens("friend")
    with app.app_context(), transaction():
        session_service.end_sessions(db.session.get(Member, cast.admin.id), cause, reason="Soup")
    assert program.ask(access).status_code == 401
    assert program.ask(refresh, REFRESH, "POST").status_code == 401
    assert program.ask(others[0]).status_code == 403
    assert program.ask(others[1], REFRESH, "POST").status_code == 200


def test_changing_the_password_revokes_tokens(program, client_of, cast):
    access, refresh = program.tokens("boss")
    boss = client_of(cast.admin)
    form = boss.get("/password/change").form("/change")
    boss.submit(form, password=PASSWORD, new_password="another dinner, another word")
    assert program.ask(access).status_code == 401
    assert program.ask(refresh, REFRESH, "POST").status_code == 401


@pytest.mark.parametrize("change", [{"active": False}, {"banned_at": clock.now()}, {"erased_at": clock.now()}])
def test_blocking_a_member_revokes_their_tokens(app, program, cast, change):
    access, refresh = program.tokens("boss")
    with app.app_context(), transaction():
        for column, value in change.items():
            setattr(db.session.get(Member, cast.admin.id), column, value)
    assert program.ask(access).status_code == 401
    assert program.ask(refresh, REFRESH, "POST").status_code == 401


@pytest.mark.parametrize(("who", "hours"), [("boss", 8), ("friend", 12)])
def test_tokens_last_as_long_as_a_session(program, cast, who, hours):
    now = clock.now()
    access, refresh = program.tokens(who)
    with time_machine.travel(now + timedelta(minutes=16), tick=False):
        assert program.ask(access).status_code == 401
        assert program.ask(refresh, REFRESH, "POST").status_code == 200
    with time_machine.travel(now + timedelta(hours=hours, minutes=1), tick=False):
        assert program.ask(refresh, REFRESH, "POST").status_code == 401


def test_a_token_from_a_server_whose_clock_is_ahead_is_valid(program, cast):
    with time_machine.travel(clock.now() + timedelta(seconds=2), tick=False):
        access, _refresh = program.tokens("boss")
    assert program.ask(access).status_code == 200


def test_the_openapi_document_describes_request_and_response(program, cast):
    access, _refresh = program.tokens("boss")
    document = program.ask(access, "/api/v1/_openapi").get_json()
    login = document["paths"][LOGIN]["post"]
    sent = login["requestBody"]["content"]["application/json"]["schema"]
    assert set(sent["properties"]) == {"username", "password", "provider", "refresh", "code"}
    assert sent["required"] == ["username", "password"]
    assert set(login["responses"]) == {"200", "400", "401", "403", "429", "500", "503"}
    for status in ("401", "403", "429"):
        assert "message" in login["responses"][status]["content"]["application/json"]["schema"]["properties"]
    assert "Retry-After" in login["responses"]["429"]["headers"]


def test_the_security_api_is_there_only_when_it_is_asked_for(visitor):
    assert visitor.get("/api/v1/security/users/").status == 404
