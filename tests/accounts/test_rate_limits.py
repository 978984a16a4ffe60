"""Rate limits of everything that authenticates or sends e-mail, and the storage of their counters."""

import contextlib
import subprocess
import sys
import time
from datetime import timedelta
from http.client import HTTPConnection

import pytest
import time_machine

import config
from app import clock
from app.accounts import tokens
from app.accounts.enums import TokenPurpose
from app.counters import Counters
from app.crud.views import ModelView
from app.database import transaction
from app.extensions import appbuilder_of
from app.outbox.models import OutboxEmail
from tests.accounts.test_api_login import LOGIN, REFRESH, with_app
from tests.support.client import Page, Visitor
from tests.support.factories import PASSWORD, DinnerPartyFactory, MemberInvitationFactory, RegistrationFactory

GUESSES, QUESTIONS, HOUSEHOLD = 10, 60, 60
# How each limited endpoint is called: so that requests count, but cause no lockout.
ADA = {"username": "ada", "email": "ada@example.com", "first_name": "A", "last_name": "B", "password": PASSWORD}
LIMITED = {
    # endpoint: (who, address, form, how often)
    "LoginView.login": ("anonymous", "/login/", {"username": "friend", "password": ""}, GUESSES),
    "LoginView.again": ("friend", "/login/again", {"password": ""}, GUESSES),
    "SecondStepView.form": ("waiting", "/login/second-step/", {"code": ""}, GUESSES),
    "PasswordView.change": ("friend", "/password/change", {"password": ""}, GUESSES),
    "PasswordView.forgot": ("anonymous", "/password/forgot", {"email": "friend@example.com"}, HOUSEHOLD),
    "PasswordView.reset": ("anonymous", "/password/reset/unknown", {"new_password": PASSWORD}, 30),
    "MyDataView.erase": ("friend", "/account/data/erase", {"password": ""}, GUESSES),
    "MyDataView.export": ("friend", "/account/data/export", {}, 10),
    "MyDataView.keep": ("anonymous", "/account/data/keep/unknown", {}, 30),
    "EmailChangeView.change": ("friend", "/account/email/", {"email": "other@example.com"}, 5),
    "EmailChangeView.confirm": ("anonymous", "/account/email/confirm/unknown", {}, 30),
    "EmailChangeView.undo": ("anonymous", "/account/email/undo/unknown", {}, 30),
    "ApiKeyView.new": ("friend", "/account/keys/new", {"name": "A key", "expires_in": "90", "scope": "read"}, 20),
    "RegistrationView.form": ("anonymous", "/register/form", ADA, HOUSEHOLD),
    "RegistrationView.resend": ("anonymous", "/register/resend", {"email": "ada@example.com"}, HOUSEHOLD),
    "RegistrationView.invited": ("anonymous", "/register/invited/unknown", ADA, HOUSEHOLD),
    "RegistrationView.activation": ("anonymous", "/register/activation/unknown", {}, 30),
    "PasskeyView.login_options": ("anonymous", "/passkeys/login/options", {}, QUESTIONS),
    "PasskeyView.login": ("anonymous", "/passkeys/login", {"credential": "{}"}, QUESTIONS),
    "PasskeyView.second_step_options": ("waiting", "/passkeys/second-step/options", {}, QUESTIONS),
    "PasskeyView.second_step": ("waiting", "/passkeys/second-step", {"credential": "{}"}, QUESTIONS),
    "PasskeyView.again_options": ("friend", "/passkeys/again/options", {}, QUESTIONS),
    "PasskeyView.again": ("friend", "/passkeys/again", {"credential": "{}"}, QUESTIONS),
    "PasskeyView.add_options": ("friend", "/passkeys/add/options", {}, QUESTIONS),
    "ReportView.report": ("anonymous", "/parties/the-party/report", {"reason": "spam"}, HOUSEHOLD),
    # The share link was opened before: `shared` is in the cookie.
    "LinkRequestView.ask": (
        "shared",
        "/parties/the-party/join",
        {"name": "Ada", "email": "ada@example.com"},
        HOUSEHOLD,
    ),
    # Only where the site sends no e-mail; otherwise it is refused, and leads elsewhere.
    "JoinView.answer_at_once": ("shared", "/parties/the-party/join/answer", {"name": "Ada", "answer": "no"}, HOUSEHOLD),
    "SecurityApi.login": ("program", LOGIN, {"username": "friend"}, GUESSES),
    "SecurityApi.refresh": ("program", REFRESH, {}, QUESTIONS),
}
# These need a login and send e-mail to nobody else.
UNLIMITED = {
    *("JoinView.opened", "ApiKeyView.revoke", "SessionView.sign_out", "SessionView.sign_out_others", "IdentityView.unlink", "EmailPreferencesView.choose", "LoginView.logout"),
    *("MyDataView.stay", "PasskeyView.add", "PasskeyView.remove", "PasskeyView.rename", "ProfileView.edit"),
    # Only what is refused counts: tests/accounts/test_oidc_logout.py.
    "BackchannelLogoutView.backchannel_logout",
    *("SecondFactorView.app", "SecondFactorView.codes", "SecondFactorView.remove_app"),
}  # fmt: skip
LATER = timedelta(hours=1, seconds=1)


@pytest.fixture
def asking(app, new_visitor, client_of, cast):
    """Return a function that sends one request to a limited endpoint."""
    party = DinnerPartyFactory(host=cast.host, slug="the-party", share_round=1)

    def make(who):
        if who == "waiting":
            with_app(cast.friend)
        visitor = client_of(cast.friend) if who == "friend" else new_visitor()
        if who == "waiting":
            visitor.log_in("friend", PASSWORD)
        if who == "shared":
            with visitor.client.session_transaction() as session:
                session["shared"] = {str(party.id): party.share_round}
        if who == "program":
            return lambda address, fields: Page(visitor.client.post(address, json=fields))
        token = visitor.csrf_token()
        return lambda address, fields: visitor.post(address, {"csrf_token": token, **fields}, csrf=False, follow=False)

    return make


def test_every_post_endpoint_is_declared_as_limited_or_unlimited(app):
    modules = ("app.accounts.", "app.parties.moderation.views", "app.parties.invitations.link_views")
    views = [view for view in appbuilder_of(app).baseviews if type(view).__module__.startswith(modules)]
    ours = {view.endpoint for view in views if not isinstance(view, ModelView)}
    found = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert {endpoint for endpoint in found if endpoint.partition(".")[0] in ours} == {*LIMITED, *UNLIMITED}


@pytest.mark.slow
@pytest.mark.rate_limits
@pytest.mark.parametrize("endpoint", LIMITED)
def test_a_limited_endpoint_refuses_too_many_requests(asking, endpoint):
    who, address, fields, often = LIMITED[endpoint]
    ask = asking(who)
    answers = [ask(address, fields) for _attempt in range(often + 1)]
    assert [number for number, answer in enumerate(answers, 1) if answer.status == 429] == [often + 1], answers
    seconds = int(answers[-1].headers["Retry-After"])
    assert 0 < seconds <= 3600
    minutes = -(-seconds // 60)
    assert f"Too many attempts. Try again in {minutes} minute" in answers[-1].text
    with time_machine.travel(clock.now() + LATER, tick=False):
        assert ask(address, fields).status != 429


@pytest.mark.rate_limits
def test_the_response_says_when_to_retry_in_the_readers_language_and_time_zone(visitor):
    with time_machine.travel("2030-07-01T18:00:30Z", tick=False):
        for _attempt in range(GUESSES + 1):
            page = visitor.post("/login/", {"username": "ada", "password": ""})
        assert "Too many requests" in page.text
        assert "That is at 6:05" in page.text.replace("\N{NARROW NO-BREAK SPACE}", " ")
        assert "Try again in 5 minutes." in page.text
        spanish = visitor.post("/login/", {"username": "ada"}, headers={"Accept-Language": "es"})
    assert spanish.status == 429
    assert "18:05" in spanish.text


@pytest.mark.rate_limits
def test_a_limit_of_one_username_does_not_affect_others(visitor, cast):
    for _attempt in range(GUESSES + 1):
        page = visitor.post("/login/", {"username": "friend", "password": ""})
    assert page.status == 429
    assert visitor.log_in("host", PASSWORD).status == 200


@pytest.mark.rate_limits
def test_an_ip_address_can_try_a_hundred_usernames_an_hour(visitor, cast):
    def guess(number, **elsewhere):
        return visitor.client.post(LOGIN, json={"username": f"name{number}"}, **elsewhere).status_code

    assert [guess(number) for number in range(101)] == [400] * 100 + [429]
    assert guess(101, environ_base={"REMOTE_ADDR": "192.0.2.7"}) == 400


@pytest.mark.rate_limits
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP"])
def test_a_forwarded_header_does_not_change_the_ip_address(visitor, header):
    for number in range(GUESSES + 1):
        headers = {header: f"192.0.2.{number}" if header != "Forwarded" else f"for=192.0.2.{number}"}
        page = visitor.post("/login/", {"username": "ada"}, headers=headers)
    assert page.status == 429


@pytest.mark.rate_limits
def test_an_accepted_request_has_no_rate_limit_headers(visitor, cast):
    page = visitor.post("/login/", {"username": "friend", "password": PASSWORD}, follow=False)
    assert page.status == 303
    assert not [name for name, _value in page.headers if name.startswith(("Retry-After", "X-RateLimit"))]


# -- everybody at the table has the same router


@pytest.mark.rate_limits
def test_twenty_guests_behind_one_router_register_and_each_gets_an_email(asking, records):
    ask = asking("anonymous")
    for number in range(20):
        applicant = {**ADA, "username": f"guest{number}", "email": f"guest{number}@example.com", "confirm": PASSWORD}
        assert ask("/register/form", applicant).status == 303
    assert len({email.recipient for email in records.all(OutboxEmail)}) == 20


@pytest.mark.rate_limits
def test_twenty_guests_behind_one_router_ask_for_their_personal_links(asking, records):
    ask = asking("shared")
    for number in range(20):
        guest = {"name": f"Guest {number}", "email": f"guest{number}@example.com"}
        assert ask("/parties/the-party/join", guest).status == 303
    assert len({email.recipient for email in records.all(OutboxEmail)}) == 20


@pytest.mark.rate_limits
@pytest.mark.parametrize(
    ("who", "address", "fields"),
    [
        ("anonymous", "/register/form", {**ADA, "confirm": PASSWORD}),
        ("anonymous", "/password/forgot", {"email": "friend@example.com"}),
        ("shared", "/parties/the-party/join", {"name": "Ada", "email": "ada@example.com"}),
    ],
)
def test_one_mailbox_gets_few_emails_however_often_they_are_asked_for(asking, records, who, address, fields):
    ask = asking(who)
    for _attempt in range(10):
        assert ask(address, fields).status == 303
    assert 1 <= records.count(OutboxEmail) <= 3


# -- links in e-mails work despite earlier failures


@pytest.mark.rate_limits
def test_a_valid_link_works_after_many_invalid_ones(visitor, app, cast):
    registration, invitation = RegistrationFactory(), MemberInvitationFactory()
    with app.app_context(), transaction():
        reset = tokens.issue(TokenPurpose.RESET_PASSWORD, cast.friend)
    addresses = (
        f"/register/activation/{registration.token}",
        f"/register/invited/{invitation.token}",
        f"/password/reset/{reset}",
    )
    for address in addresses:
        for _attempt in range(31):
            visitor.post(f"{address}x", follow=False)
        assert visitor.get(address).status == 200


# -- storage

COUNT = """
import sys
from app.counters import Counters
counters = Counters(sys.argv[1])
for _ in range(300):
    counters.add({"shared": 1, sys.argv[2]: 1}, 3600)
"""


def test_processes_of_one_machine_count_together(tmp_path):
    path = str(tmp_path / "counters.db")
    running = [subprocess.Popen([sys.executable, "-c", COUNT, path, name], cwd=config.ROOT) for name in ("one", "two")]
    assert [process.wait(60) for process in running] == [0, 0]
    assert Counters(path).all("") == {"one": 300, "shared": 600, "two": 300}


def test_a_counter_starts_anew_when_its_time_is_over(tmp_path):
    counters = Counters(str(tmp_path / "counters.db"))
    with time_machine.travel("2030-07-01T18:00:00Z", tick=False) as now:
        assert counters.add({"key": 5}, 60) == [5]
        now.shift(59)
        assert counters.add({"key": 1}, 60) == [6]
        now.shift(1)
        assert counters.find("key")[0] == 0
        assert counters.add({"key": 1}, 60) == [1]


@pytest.mark.slow
def test_the_limit_is_that_of_the_site_however_many_processes_serve_it(server):
    site = server.start(WORKERS="3", BACKGROUND_WORKER="no", RATELIMIT_ENABLED="yes")
    statuses = []
    for _attempt in range(GUESSES + 1):
        # Each has a connection of its own, and so any of the processes.
        with contextlib.closing(HTTPConnection("127.0.0.1", site.port, timeout=30)) as connection:
            connection.request("POST", LOGIN, b'{"username": "ada"}', {"Content-Type": "application/json"})
            statuses.append(connection.getresponse().status)
    assert statuses == [400] * GUESSES + [429]


@pytest.fixture
def shared(redis_server, new_app, app):
    """Make one of several applications that count in the same Redis."""
    return lambda: new_app(REDIS_URL=redis_server.url)


def send_requests(visitor, times):
    return [visitor.post("/login/", {"username": "ada"}).status for _attempt in range(times)]


def test_several_processes_share_the_counters(shared, redis_server):
    one, other = Visitor(shared()), Visitor(shared())
    assert send_requests(one, 6) == [401] * 6
    assert send_requests(other, 5) == [401] * 4 + [429]
    assert int(other.post("/login/", {"username": "ada"}).headers["Retry-After"]) > 0
    assert send_requests(one, 1) == [429]


def test_the_storage_does_not_hold_usernames_or_ip_addresses(shared, redis_server):
    app = shared()
    Visitor(app).post("/login/", {"username": "ada-lovelace"})
    kept = appbuilder_of(app).sm.limiter.storage.storage.keys()
    assert kept
    assert not [key for key in kept if b"ada" in key or b"127.0" in key]


def test_an_unavailable_storage_is_no_error_and_limits_still_apply(shared, redis_server, caplog):
    visitor = Visitor(shared())
    assert send_requests(visitor, 3) == [401] * 3
    redis_server.kill()
    started = time.monotonic()
    assert send_requests(visitor, 11) == [401] * 10 + [429]
    assert time.monotonic() - started < 20
    assert "falling back to in-memory" in caplog.text


def test_a_hanging_storage_times_out_quickly(shared, redis_server):
    visitor = Visitor(shared())
    assert send_requests(visitor, 1) == [401]
    redis_server.freeze()
    started = time.monotonic()
    assert send_requests(visitor, 11) == [401] * 10 + [429]
    assert time.monotonic() - started < 20


def test_a_recovered_storage_is_used_again(shared, redis_server):
    apps = shared(), shared()
    visitors = [Visitor(app) for app in apps]
    redis_server.kill()
    assert [send_requests(visitor, 1) for visitor in visitors] == [[401], [401]]
    redis_server.start()
    with time_machine.travel(clock.now() + timedelta(seconds=70)):
        # The first request after a while checks whether it is back.
        for visitor in visitors:
            send_requests(visitor, 1)
        counted = [status for _round in range(6) for visitor in visitors for status in send_requests(visitor, 1)]
    assert counted[-1] == 429


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_storage_that_fails_during_a_request_is_no_error(shared, redis_server, moment, monkeypatch):
    """Requests that count only if they were accepted are counted after the response was made."""
    app = shared()
    visitor = Visitor(app)
    form = visitor.get("/password/forgot").form("/forgot")
    if moment == "before":
        redis_server.kill()
    else:
        app.after_request_funcs.setdefault(None, []).append(lambda response: (redis_server.kill(), response)[1])
    assert visitor.submit(form, email="ada@example.com").flashes == [
        ("info", "If the address is registered, a link is on its way.")
    ]


@pytest.mark.rate_limits
def test_without_a_storage_each_process_counts_in_its_memory(visitor, new_app):
    other = Visitor(new_app())
    assert send_requests(visitor, 11)[-1] == 429
    assert send_requests(other, 10) == [401] * 10
