"""The list of sessions, and signing devices out."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from app import clock
from app.accounts.models import LoginSession, Member
from app.accounts.sessions import service as session_service
from app.accounts.sessions import user_agents
from app.audit.models import AuditEvent
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18 Safari/604.1"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0"
CHROME = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"
HERE = "/account/devices/"


@pytest.fixture
def log_in(new_visitor):
    """Log a member in with this user agent."""

    def enter(member, user_agent=FIREFOX, *, remember=False):
        visitor = new_visitor()
        visitor.client.environ_base["HTTP_USER_AGENT"] = user_agent
        form = visitor.get("/login/").form("/login/")
        visitor.submit(form, username=member.username, password=PASSWORD, remember_me="y" if remember else None)
        return visitor

    return enter


def newest(records):
    return max(records.all(LoginSession), key=lambda login: login.id).id


def actions(records, name):
    return [event.after for event in records.all(AuditEvent) if event.action == name]


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (SAFARI, "Safari on iPhone"),
        (EDGE, "Edge on Windows"),
        (CHROME, "Chrome on Android"),
        ("curl/8.1", "curl"),
        ("Something (Windows)", "Unknown browser on Windows"),
        ("", "Unknown browser"),
    ],
)
def test_user_agents_are_described_by_browser_and_device(app, user_agent, name):
    with app.test_request_context():
        assert str(user_agents.describe_user_agent(user_agent)) == name


def test_the_page_lists_the_sessions_of_the_member_only(log_in, cast):
    log_in(cast.friend, SAFARI, remember=True)
    log_in(cast.stranger, EDGE)
    page = log_in(cast.friend).get(HERE)
    assert page.status == 200
    for words in ("Safari on iPhone", "Firefox on Linux", "This device", "Stays logged in", "127.0.0.1"):
        assert words in page.text
    assert "Edge" not in page.text
    assert page.text.count("This device") == page.text.count("Stays logged in") == 1


def test_ended_sessions_are_not_listed(log_in, cast):
    log_in(cast.friend, SAFARI)
    clock.set_now(clock.now() + timedelta(minutes=31))
    page = log_in(cast.friend).get(HERE)
    assert "Safari" not in page.text
    assert "Sign out everywhere else" not in page.text


def test_a_signed_out_device_is_told_once(log_in, cast, records):
    phone = log_in(cast.friend, SAFARI)
    number = newest(records)
    laptop = log_in(cast.friend)
    page = laptop.submit(laptop.get(HERE).form(f"{HERE}{number}/sign-out"))
    assert page.flashes == [("info", "Safari on iPhone was signed out.")]
    assert "Safari" not in re.sub(r'<div class="flash.*?</div>', "", page.text, flags=re.DOTALL)
    told = ("danger", "You were signed out from another device of yours.")
    assert phone.get("/").flashes == [told]
    assert phone.get("/").flashes == []
    assert phone.get(HERE).path == "/login/"
    assert actions(records, "session_revoked") == [{"browser": SAFARI, "address": "127.0.0.1"}]


def test_signing_a_device_out_twice_signs_it_out_once(log_in, cast, records):
    log_in(cast.friend, SAFARI)
    path = f"{HERE}{newest(records)}/sign-out"
    laptop = log_in(cast.friend)
    laptop.post(path)
    assert laptop.post(path).flashes == [("info", "That device was already signed out.")]


@pytest.mark.parametrize("number", ["theirs", "0", "-1", "x", "99999999999999999999"])
def test_a_member_cannot_sign_out_the_device_of_another(log_in, cast, records, number):
    stranger = log_in(cast.stranger)
    theirs = newest(records)
    page = log_in(cast.friend).post(f"{HERE}{theirs if number == 'theirs' else number}/sign-out")
    assert page.status == 404
    assert stranger.get(HERE).status == 200


def test_signing_out_the_current_device_is_a_logout(log_in, cast, records):
    friend = log_in(cast.friend)
    page = friend.submit(friend.get(HERE).form(f"{HERE}{newest(records)}/sign-out"))
    assert page.flashes == [("info", "You are logged out.")]
    assert records.count(LoginSession) == 0


@pytest.mark.parametrize(
    ("others", "told"),
    [
        (0, "You have no other active sessions."),
        (1, "1 other device was signed out."),
        (2, "2 other devices were signed out."),
    ],
)
def test_all_other_devices_are_signed_out_at_once(log_in, cast, records, others, told):
    elsewhere = [log_in(cast.friend, SAFARI) for _ in range(others)]
    stranger = log_in(cast.stranger)
    here = log_in(cast.friend)
    page = here.post(f"{HERE}sign-out-others")
    assert page.flashes == [("info", told)]
    assert page.path == HERE
    assert [visitor.get(HERE).path for visitor in elsewhere] == ["/login/"] * others
    assert stranger.get(HERE).status == 200
    assert actions(records, "sessions_ended") == [{"devices": others}]


def test_the_email_about_a_new_device_names_the_browser(log_in, cast, records):
    log_in(cast.friend)
    log_in(cast.friend, SAFARI)
    letter = next(letter for letter in records.all(OutboxEmail) if letter.kind == "new_device")
    assert "Safari on iPhone" in letter.text


@pytest.mark.both_databases
def test_the_list_is_read_in_the_order_of_an_index(app, cast, database_kind):
    with app.app_context():
        logins = session_service.live_logins(db.session.get_one(Member, cast.host.id)).limit(26)
        sql = logins.compile(db.engine, compile_kwargs={"literal_binds": True})
        if database_kind == "sqlite":
            plan = [row[3] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
        else:
            # Without these, it reads a table of a few rows as a whole.
            for way in ("seqscan", "bitmapscan"):
                db.session.execute(text(f"SET LOCAL enable_{way} = off"))
            plan = list(db.session.scalars(text(f"EXPLAIN {sql}")))
    assert "ix_login_session_member_id_last_seen_at" in " ".join(plan)
    assert not re.search("Sort|ORDER BY", " ".join(plan))
