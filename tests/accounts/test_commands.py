"""Commands for operators, and what the cleanup deletes."""

import threading
import time
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import ApiKey

from app import clock, scheduler
from app.accounts.enums import TokenPurpose
from app.accounts.models import (
    LoginSession,
    LoginThrottle,
    Member,
    MemberInvitation,
    Registration,
    Token,
    TrustedDevice,
)
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory, RegistrationFactory

NEW = "the second course is better"


def flask(app, *arguments, **options):
    """Run a command."""
    return app.test_cli_runner().invoke(args=arguments, **options)


# -- passwords and lockouts


def test_setting_a_password_by_command_ends_all_sessions(app, client_of, new_visitor, cast, records):
    friend = client_of(cast.friend)
    done = flask(app, "reset-password", "Friend@example.com", input=f"{NEW}\n{NEW}\n")
    assert done.exit_code == 0, done.output
    assert NEW not in done.output
    told = ("danger", "You were signed out because your password was changed.")
    assert told in friend.get("/parties/new").flashes
    assert new_visitor().log_in("friend", NEW).flashes == [("info", "Welcome, Friend Doe!")]
    assert "password_changed" in [letter.kind for letter in records.all(OutboxEmail)]
    assert "password_changed" in [event.action for event in records.all(AuditEvent)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("friend", "--password", "short"), "Use at least 8 characters."),
        (("boss", "--password", "a dinner 4 us"), "Use at least 15 characters."),
        (("nobody", "--password", NEW), "No member has the username or e-mail address nobody."),
    ],
)
def test_a_weak_password_is_refused_with_a_message(app, cast, records, arguments, said):
    before = records.dump()
    done = flask(app, "reset-password", *arguments)
    assert done.exit_code == 1
    assert said in done.output
    assert records.dump() == before


@pytest.mark.parametrize("option", ["--send-email", "--send-letter"])
def test_an_email_may_be_sent_instead(app, cast, records, option):
    done = flask(app, "reset-password", "friend", option)
    assert "friend@example.com" in done.output
    assert (records.one(OutboxEmail).kind, records.one(Token).purpose) == (
        "reset_password",
        TokenPurpose.RESET_PASSWORD,
    )


def test_ending_a_lockout_by_command_is_idempotent(app, new_visitor, cast):
    visitor = new_visitor()
    for _attempt in range(6):
        visitor.log_in("friend@example.com", "wrong")
    assert visitor.log_in("friend@example.com", PASSWORD).status == 429
    for _time in range(2):
        assert flask(app, "unlock", "friend").output == "friend was unlocked.\n"
    assert visitor.log_in("friend@example.com", PASSWORD).path == "/"
    assert flask(app, "unlock", "nobody").exit_code == 1


# -- administrators


def test_adding_an_existing_administrator_says_so(app, records):
    arguments = ("create-admin", "--username", "chef", "--email", "chef@example.com", "--password", NEW)
    assert flask(app, *arguments).exit_code == 0
    before = records.dump()
    again = flask(app, *arguments)
    assert (again.exit_code, "Nothing was changed." in again.output) == (0, True)
    assert records.dump() == before


def test_adding_an_administrator_does_not_promote_an_existing_member(app, cast, records):
    before = records.dump()
    done = flask(app, "create-admin", "--username", "friend", "--email", "x@example.com", "--password", NEW)
    assert done.exit_code == 1
    assert "not an administrator" in done.output
    assert records.dump() == before


# -- cleanup


@pytest.fixture
def expired_and_current_rows(app, cast):
    """Store one expired and one current row of everything that the cleanup deletes."""
    now, friend = clock.now(), cast.friend.id
    minutes, days = (lambda n: now - timedelta(minutes=n)), (lambda n: now - timedelta(days=n))
    RegistrationFactory(username="old", expires_at=days(8))
    RegistrationFactory(username="kept", expires_at=days(1))
    rows = [
        *(
            Token(purpose=TokenPurpose.RESET_PASSWORD, token_hash=name, expires_at=at)
            for name, at in (("old", days(8)), ("kept", days(1)))
        ),
        *(
            MemberInvitation(email=f"{name}@example.com", token_hash=name, locale="en", expires_at=at)
            for name, at in (("old", days(8)), ("kept", days(1)))
        ),
        *(
            TrustedDevice(member_id=friend, token_hash=name, last_seen_at=at)
            for name, at in (("old", days(366)), ("kept", days(300)))
        ),
        LoginThrottle(key="old", failures=3, last_failed_at=days(2)),
        LoginThrottle(key="kept", failures=3, last_failed_at=minutes(5)),
        LoginSession(token_hash="old", member_id=friend, last_seen_at=minutes(31)),
        LoginSession(token_hash="old staff", member_id=friend, last_seen_at=minutes(16), staff=True),
        LoginSession(token_hash="old told", member_id=friend, ended_at=days(31), last_seen_at=days(31)),
        LoginSession(token_hash="kept", member_id=friend, last_seen_at=minutes(29)),
        LoginSession(token_hash="kept long", member_id=friend, last_seen_at=days(20), remember=True),
        LoginSession(token_hash="kept to tell", member_id=friend, last_seen_at=days(20), ended_at=days(20)),
        *(
            ApiKey(
                name=name, uuid=name, key_hash=name, lookup_hash=name, key_prefix=name, user_id=friend, expires_on=at
            )
            for name, at in (("old", days(31).replace(tzinfo=None)), ("kept", days(29).replace(tzinfo=None)))
        ),
        AuditEvent(action="logged_in", actor="old", at=days(401)),
        AuditEvent(action="logged_in", actor="kept", at=days(399)),
    ]
    with app.app_context(), transaction():
        db.session.add_all(rows)


NAMED = (
    (Registration, "username"), (Token, "token_hash"), (MemberInvitation, "token_hash"), (TrustedDevice, "token_hash"),
    (LoginThrottle, "key"), (LoginSession, "token_hash"), (AuditEvent, "actor"),
    (ApiKey, "name"),
)  # fmt: skip


@pytest.mark.both_databases
def test_what_is_past_its_retention_period_is_deleted_and_counted(app, expired_and_current_rows, records):
    done = flask(app, "purge")
    assert done.exit_code == 0, done.output
    assert {name for model, column in NAMED for row in records.all(model) if (name := getattr(row, column))} == {
        "kept", "kept long", "kept to tell",
    }  # fmt: skip
    assert done.output.splitlines() == [
        "1 expired registration deleted",
        "1 expired invitation deleted",
        "1 expired token deleted",
        "3 ended logins deleted",
        "1 unused device deleted",
        "1 expired API key deleted",
        "1 counter of failed logins deleted",
        "1 audit log entry deleted",
        "0 old e-mails deleted",
        "0 guests' dietary data deleted",
        "0 unreachable addresses forgotten",
        "0 received messages deleted",
        "0 invitations anonymised",
        "0 RSVPs without an account anonymised",
        "0 deleted entries forgotten",
        "0 files of unsent forms deleted",
        "0 calendar entries deleted",
        "0 links to dashboards deleted",
        "0 finished parties closed",
        "0 accounts deleted",
    ]
    assert {line[0] for line in flask(app, "purge").output.splitlines()} == {"0"}


@pytest.mark.both_databases
def test_two_cleanups_at_once_do_no_harm(app, new_app, expired_and_current_rows, records):
    MemberFactory(username="leaver", erase_at=clock.now() - timedelta(days=1))
    done, start = [], threading.Barrier(2)

    def purge(own):
        start.wait()
        with own.app_context():
            done.append({task.plural: count for count, task in scheduler.purge()})

    threads = [threading.Thread(target=purge, args=(own,)) for own in (new_app(), new_app())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts["accounts deleted"] for counts in done) == [0, 1]
    assert sum(counts["expired tokens deleted"] for counts in done) == 1
    assert len([member for member in records.all(Member) if member.erased_at]) == 1


def test_the_scheduler_tries_a_job_again_that_failed(new_app, expired_and_current_rows, records, caplog):
    app = new_app()
    wait = scheduler.Scheduler(app).run_due_jobs
    with app.app_context(), transaction():
        db.session.execute(db.text("ALTER TABLE token RENAME TO elsewhere"))
    assert wait() <= 60
    assert "Job cleanup failed; retrying in " in caplog.text
    with app.app_context(), transaction():
        db.session.execute(db.text("ALTER TABLE elsewhere RENAME TO token"))
        db.session.execute(db.text("UPDATE job SET due_at = started_at"))
    with caplog.at_level("INFO"):
        assert wait() <= 60
    assert "Job cleanup: 1 expired token deleted, 3 ended logins deleted, " in caplog.text
    assert [row.token_hash for row in records.all(Token)] == ["kept"]


def test_a_running_site_runs_its_cleanup_tasks(server, expired_and_current_rows, records):
    site = server.start(WORKERS="1")
    deadline = time.monotonic() + 60
    while {row.token_hash for row in records.all(Token)} != {"kept"}:
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.05)
    assert site.stop() == 0
