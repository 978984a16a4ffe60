"""`flask outbox deliver` and `flask outbox status`, and several of them at once."""

from collections import Counter
from datetime import timedelta

import pytest

from app import clock
from app.outbox.models import EmailState, OutboxEmail
from tests.support.factories import OutboxEmailFactory
from tests.support.processes import FlaskCommand
from tests.support.waiting import wait_until

WAIT_SECONDS = 60


@pytest.fixture
def run(app):
    """Run a command in this process."""
    return lambda *args: app.test_cli_runner().invoke(args=["outbox", *args])


@pytest.fixture
def start(database_url, app, smtp):
    """Start a command in its own process."""
    environ = {
        "DATABASE_URL": database_url,
        "INSTANCE_PATH": app.instance_path,
        "MAIL_SERVER": smtp.host,
        "MAIL_PORT": str(smtp.port),
    }
    started = []

    def start_one(*args):
        process = FlaskCommand("--app", "app", "outbox", *args, environ=environ)
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("smtp")
def test_deliver_sends_and_counts_due_emails(run, records):
    OutboxEmailFactory.create_batch(2)
    OutboxEmailFactory(not_before=clock.now() + timedelta(hours=1))
    result = run("deliver")
    assert (result.exit_code, result.output) == (0, "2 sent, 0 deferred, 0 failed.\n")
    assert Counter(letter.state for letter in records.all(OutboxEmail)) == {EmailState.SENT: 2, "queued": 1}


@pytest.mark.usefixtures("no_mail_server")
def test_deliver_fails_without_a_mail_server(run):
    result = run("deliver")
    assert result.exit_code == 1
    assert "set MAIL_SERVER" in result.output


def test_deliver_fails_when_an_email_has_failed(run, smtp):
    smtp.behaviour = "refuse"
    OutboxEmailFactory()
    result = run("deliver", "--once")
    assert (result.exit_code, result.stdout) == (1, "0 sent, 0 deferred, 1 failed.\n")
    assert result.stderr.startswith("1 × 5")


def test_deliver_fails_when_an_email_was_deferred_and_says_why(run, smtp):
    """Not why an earlier attempt failed."""
    smtp.behaviour = "greylist"
    OutboxEmailFactory.create_batch(2, last_error="451 the reason of yesterday")
    result = run("deliver", "--once")
    assert (result.exit_code, result.stdout) == (1, "0 sent, 2 deferred, 0 failed.\n")
    assert result.stderr.startswith("2 × 4")
    assert "yesterday" not in result.output


def test_deliver_fails_when_the_server_cannot_be_reached(run, mail_outage):
    OutboxEmailFactory()
    with mail_outage():
        result = run("deliver")
    assert result.exit_code == 1
    assert "The mail server does not accept e-mail: ConnectionRefusedError" in result.output


def test_status_counts_and_shows_the_oldest_and_the_last_error(run):
    OutboxEmailFactory.create_batch(2, sent=True)
    OutboxEmailFactory(failed=True)
    OutboxEmailFactory(created_at=clock.now() - timedelta(hours=3))
    result = run("status")
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "1 queued, 0 sending, 2 sent, 1 failed",
        "The oldest waiting e-mail was created at 2030-06-01 09:00:00 UTC.",
        "Last error (e-mail 3, welcome): 550 no such mailbox",
    ]


def test_status_of_an_empty_outbox(run):
    result = run("status")
    assert (result.exit_code, result.output) == (0, "0 queued, 0 sending, 0 sent, 0 failed\n")


@pytest.mark.both_databases
def test_two_processes_send_each_email_once(start, smtp):
    long_ago = clock.now() - timedelta(days=3650)
    expected = Counter(letter.message_id for letter in OutboxEmailFactory.create_batch(80, not_before=long_ago))
    processes = [start("deliver"), start("deliver")]
    outputs = [process.communicate(timeout=WAIT_SECONDS)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert Counter(letter["Message-ID"] for letter in smtp.messages) == expected
    assert sum(int(output.split()[0]) for output in outputs) == 80


@pytest.mark.both_databases
def test_a_killed_process_loses_no_email(start, smtp, drain, later, records):
    long_ago = clock.now() - timedelta(days=3650)
    expected = {letter.message_id for letter in OutboxEmailFactory.create_batch(5, not_before=long_ago)}
    smtp.behaviour = "hang"
    process = start("deliver")
    wait_until(lambda: smtp.attempts, alive=lambda: process.poll() is None)
    process.kill()
    process.wait()
    assert Counter(letter.state for letter in records.all(OutboxEmail)) == {EmailState.SENDING: 1, "queued": 4}
    smtp.behaviour = "accept"
    later(days=3650)
    assert drain().sent == 5
    assert {letter["Message-ID"] for letter in smtp.messages} == expected


def test_watch_delivers_until_it_is_stopped(start, smtp, records):
    letter = OutboxEmailFactory(not_before=clock.now() - timedelta(days=3650))
    process = start("deliver", "--watch")
    wait_until(lambda: records.fresh(letter).state == EmailState.SENT, alive=lambda: process.poll() is None)
    process.terminate()
    process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 0
    assert len(smtp.messages) == 1
