"""The login throttle: how failures are counted, when a lockout starts, and what the member is told."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from app import clock
from app.accounts.models import LoginSession, LoginThrottle, Member
from app.audit.models import AuditEvent
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.client import DEVICE_COOKIE, Visitor
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory
from tests.support.statements import just_before

WRONG = [("warning", "Invalid login. Please try again.")]
NOT_ACTIVATED = "To use your account you have to activate it with the link we sent to your e-mail address."
FREE = 5
MINUTE = timedelta(minutes=1)


def log_in(visitor, name, password=PASSWORD, **options):
    return visitor.post("/login/", {"username": name, "password": password}, **options)


def fail(visitor, name, times=FREE):
    for _attempt in range(times):
        page = log_in(visitor, name, "wrong")
        assert (page.status, page.flashes) == (401, WRONG)


def locked(minutes):
    unit = "minute" if minutes == 1 else "minutes"
    return [("danger", f"Too many failed attempts. Try again in {minutes} {unit}.")]


@pytest.fixture
def ada(app):
    return MemberFactory(username="ada", email="ada@example.com")


@pytest.fixture
def now():
    """Stop the clock."""
    clock.set_now(clock.now())
    return clock.now()


@pytest.mark.both_databases
def test_after_five_failures_each_one_doubles_the_lockout_up_to_15_minutes(visitor, ada, now):
    fail(visitor, "ada")
    for pause in (1, 2, 4, 8, 15, 15):
        page = log_in(visitor, "ada")
        assert (page.status, page.flashes) == (429, locked(pause))
        assert page.headers["Retry-After"] == str(pause * 60)
        now += pause * MINUTE
        clock.set_now(now - timedelta(seconds=1))
        assert log_in(visitor, "ada").flashes == locked(1)
        clock.set_now(now)
        fail(visitor, "ada", 1)
    now += 15 * MINUTE
    clock.set_now(now)
    assert log_in(visitor, "ada").status == 200


def test_during_a_lockout_the_right_password_is_refused_too(visitor, ada):
    fail(visitor, "ada")
    right, wrong = log_in(visitor, "ada"), log_in(visitor, "ada", "wrong")
    assert right.words == wrong.words
    assert right.headers["Retry-After"] == wrong.headers["Retry-After"]


def test_the_form_keeps_the_username_and_never_the_password(visitor, ada):
    fail(visitor, "ada")
    page = log_in(visitor, "ada")
    assert 'value="ada"' in page.text
    assert PASSWORD not in page.text


def test_a_successful_login_resets_the_failures(visitor, ada, records):
    fail(visitor, "ada", FREE - 1)
    assert log_in(visitor, "ada").status == 200
    visitor.post("/logout/")
    assert records.count(LoginThrottle) == 0
    fail(visitor, "ada", FREE)


def test_old_failures_expire(visitor, ada, now):
    fail(visitor, "ada", FREE - 1)
    clock.set_now(now + timedelta(hours=24, seconds=1))
    fail(visitor, "ada", FREE - 1)
    assert log_in(visitor, "ada").status == 200


def test_an_unknown_username_is_locked_too(visitor, new_visitor, ada, records, now):
    fail(visitor, "ada")
    stranger = new_visitor()
    fail(stranger, "nobody")
    known, unknown = log_in(visitor, "ada", "wrong"), log_in(stranger, "nobody", "wrong")
    assert known.flashes == unknown.flashes == locked(1)
    assert known.words.replace("ada", "") == unknown.words.replace("nobody", "")
    assert known.headers["Retry-After"] == unknown.headers["Retry-After"]
    assert records.one(OutboxEmail).recipient == ada.email


def test_username_and_email_address_are_counted_separately(visitor, ada):
    fail(visitor, "ada")
    fail(visitor, "ada@example.com")
    assert log_in(visitor, "ada@example.com").status == 429


@pytest.mark.parametrize("name", [" ada", "ADA", "Ada\t"])
def test_spelling_variants_of_a_username_are_counted_together(visitor, ada, name):
    fail(visitor, "ada")
    assert log_in(visitor, name, "wrong").status == 429


def test_failures_elsewhere_do_not_lock_a_trusted_device(visitor, client_of, new_visitor, ada):
    own = client_of(ada)
    own.post("/logout/")
    fail(visitor, "ada")
    assert log_in(new_visitor(), "ada").status == 429
    assert log_in(own, "ada").flashes == [("info", "Welcome, Ada Doe!")]


def test_a_trusted_device_is_locked_by_its_own_failures_only(client_of, visitor, ada):
    own = client_of(ada)
    own.post("/logout/")
    fail(own, "ada")
    assert log_in(own, "ada").status == 429
    assert log_in(visitor, "ada").status == 200


def test_a_trusted_device_of_another_member_is_not_trusted(client_of, new_visitor, ada):
    other = client_of(MemberFactory(username="other"))
    other.post("/logout/")
    fail(other, "ada")
    assert log_in(new_visitor(), "ada").status == 429


def test_a_forged_device_cookie_gets_no_counter_of_its_own(new_visitor, ada):
    for number in range(FREE):
        visitor = new_visitor()
        visitor.client.set_cookie(DEVICE_COOKIE, f"made-up-{number}")
        fail(visitor, "ada", 1)
    assert log_in(new_visitor(), "ada").status == 429


def test_the_member_is_emailed_once_about_each_lockout(visitor, ada, records, now):
    fail(visitor, "ada")
    for _attempt in range(3):
        log_in(visitor, "ada", "wrong")
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["locked_out"]
    clock.set_now(now + MINUTE)
    fail(visitor, "ada", 1)
    log_in(visitor, "ada", "wrong")
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["locked_out"] * 2
    assert [event.action for event in records.all(AuditEvent)].count("locked_out") == 2


def test_typed_usernames_and_passwords_are_not_stored(visitor, ada, records):
    for name in ("ada", "hunter2-typed-into-the-wrong-field"):
        log_in(visitor, name, "a-wrong-password")
    stored = str(records.dump())
    assert "hunter2" not in stored
    assert "a-wrong-password" not in stored


@pytest.mark.parametrize("state", ["inactive", "banned", "pending"])
def test_only_the_right_password_reveals_the_state_of_an_account(visitor, state):
    told = {
        "inactive": ("danger", "This account is not active."),
        "banned": ("danger", "Your account was banned: Threw the soup"),
        "pending": ("danger", NOT_ACTIVATED),
    }[state]
    if state == "pending":
        RegistrationFactory(username="ada")
    else:
        banned = {"banned_at": clock.now(), "ban_reason": "Threw the soup"} if state == "banned" else {}
        MemberFactory(username="ada", inactive=state == "inactive", **banned)
    assert log_in(visitor, "ada", "wrong").flashes == WRONG
    page = log_in(visitor, "ada")
    assert (page.status, page.flashes) == (403, [told])
    fail(visitor, "ada")
    assert log_in(visitor, "ada").flashes == locked(1)


# -- concurrent guesses


@pytest.mark.both_databases
def test_concurrent_guesses_are_not_checked_after_the_lockout(app, ada, records):
    threads = 20
    ready = threading.Barrier(threads)
    visitors = [Visitor(app) for _number in range(threads)]
    pages = [visitor.get("/login/") for visitor in visitors]
    answered = []

    def guess(visitor, page):
        ready.wait()
        form = page.form("/login/")
        answered.extend(visitor.submit(form, username="ada", password="wrong").status for _attempt in range(2))

    running = [threading.Thread(target=guess, args=pair) for pair in zip(visitors, pages, strict=True)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    statuses = Counter(answered)
    # Each thread had at most one guess in flight when the fifth failure was counted.
    assert set(statuses) == {401, 429}
    assert statuses[401] < FREE + threads
    assert records.fresh(ada).fail_login_count == statuses[401]
    assert records.one(LoginThrottle).failures == statuses[401]
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["locked_out"]
    assert log_in(visitors[0], "ada").status == 429
    assert records.count(LoginSession) == 0


@pytest.mark.both_databases
@pytest.mark.parametrize(("failures", "status"), [(FREE - 1, 200), (FREE, 429)])
def test_a_right_password_sent_before_the_lockout_is_refused_after_it(app, visitor, ada, records, failures, status):
    """Sending all guesses at once does not reveal which one was right."""
    with just_before("DELETE FROM login_guard", lambda: fail(Visitor(app), "ada", failures)):
        page = log_in(visitor, "ada")
    assert page.status == status
    assert records.count(LoginSession) == (status == 200)
    # Failures that were counted meanwhile stay counted.
    assert records.count(LoginThrottle) == (status == 429)
    assert page.flashes == (locked(1) if status == 429 else [("info", "Welcome, Ada Doe!")])


# -- other ways to authenticate


def test_an_administrator_ends_a_lockout(client_of, visitor, ada, cast):
    fail(visitor, "ada")
    assert log_in(visitor, "ada").status == 429
    admin = client_of(cast.admin)
    page = admin.post(f"/users/action/unlock/{ada.id}")
    assert page.status == 200, page
    assert log_in(visitor, "ada").status == 200


def test_a_password_reset_ends_a_lockout_everywhere(client_of, visitor, new_visitor, ada, records):
    own = client_of(ada)
    own.post("/logout/")
    for browser, name in ((own, "ada"), (visitor, "ada"), (visitor, "ada@example.com")):
        fail(browser, name)
    forgot = visitor.get("/password/forgot")
    visitor.submit(forgot.form("/forgot"), email="ada@example.com")
    (letter,) = [letter for letter in records.all(OutboxEmail) if letter.kind == "reset_password"]
    page = visitor.get(f"/password/reset/{letter.secret}")
    chosen = "another dinner, another word"
    visitor.submit(page.form(letter.secret), new_password=chosen)
    for browser, name in ((own, "ada"), (visitor, "ada"), (new_visitor(), "ada@example.com")):
        assert log_in(browser, name, chosen).status == 200


def test_reauthentication_is_counted_separately(client_of, ada, visitor, now):
    own = client_of(ada)
    clock.set_now(now + 11 * MINUTE)
    form = own.get("/login/again").form("/login/again")
    for _attempt in range(FREE):
        page = own.submit(form, password="wrong")
        assert (page.status, page.flashes) == (401, [("warning", "The password is incorrect.")])
    page = own.submit(form, password=PASSWORD)
    assert (page.status, page.flashes) == (429, locked(1))
    assert page.headers["Retry-After"] == "60"
    assert log_in(visitor, "ada").status == 200
    clock.set_now(now + 12 * MINUTE)
    assert own.submit(form, password=PASSWORD).flashes == [("info", "Thank you. You can continue.")]
    with own.app.app_context():
        assert db.session.get(Member, ada.id).fail_login_count == 0
