"""`flask worker`: e-mail and the scheduler in their own process, beside a server that starts none."""

import contextlib
import re
import signal
import time
import urllib.error
import urllib.request
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from app import clock, zone_rules
from app.accounts.models import Token
from app.database import transaction
from app.extensions import db
from app.outbox.models import EmailState, OutboxEmail
from tests.support.factories import OutboxEmailFactory
from tests.support.processes import FlaskCommand

WAIT_SECONDS = STOP_SECONDS = 60
STARTED = "Background worker started"


def wait_until(condition, process=None):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        assert process is None or process.poll() is None, "it has ended"
        time.sleep(0.02)


@pytest.fixture
def start_worker(database_url, tmp_path):
    """Start `flask worker` in its own process; `log` is the file of its output."""
    with contextlib.ExitStack() as started:

        def start(**environ):
            log = tmp_path / f"worker-{uuid.uuid4()}.log"
            environ = {"DATABASE_URL": database_url, "INSTANCE_PATH": str(tmp_path), **environ}
            with log.open("wb") as output:
                process = FlaskCommand("--app", "app", "worker", environ=environ, stdout=output)
            started.callback(process.wait)
            started.callback(process.kill)
            process.log = log
            return process

        yield start


@pytest.fixture
def expired(app):
    """Store a token that the cleanup deletes."""
    with app.app_context(), transaction():
        db.session.add(Token(purpose="x", token_hash="old", expires_at=clock.now() - timedelta(days=8)))


@pytest.mark.both_databases
def test_the_worker_delivers_email_and_cleans_up_and_logs_it(start_worker, smtp, expired, records):
    email = OutboxEmailFactory()
    process = start_worker(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port))
    wait_until(lambda: records.fresh(email).state == EmailState.SENT, process)
    wait_until(lambda: "Job cleanup: 1 expired token deleted" in process.log.read_text(), process)
    assert f"{STARTED}, with e-mail" in process.log.read_text()
    assert f"Time zone rules: {zone_rules.version()}, from " in process.log.read_text()
    assert len(smtp.messages) == 1
    assert records.count(Token) == 0


def test_the_worker_suppresses_emails_and_says_so(start_worker, smtp, records):
    email = OutboxEmailFactory()
    process = start_worker(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port), MAIL_SUPPRESS_SEND="yes")
    said = f"E-mail {email.id} ({email.kind}) was not sent: MAIL_SUPPRESS_SEND is set"
    wait_until(lambda: said in process.log.read_text(), process)
    assert f"{STARTED}, without e-mail, because MAIL_SUPPRESS_SEND is set" in process.log.read_text()
    assert records.fresh(email).state == EmailState.FAILED
    assert (smtp.attempts, records.fresh(email).sent_at) == (0, None)


def test_the_worker_stops_on_a_signal(start_worker, smtp):
    running = {
        number: start_worker(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    }
    for number, process in running.items():
        # The line is logged just before the handler is installed.
        wait_until(lambda process=process: STARTED in process.log.read_text(), process)
        wait_until(lambda process=process, number=number: handles(process, number), process)
        process.send_signal(number)
    for number, process in running.items():
        assert process.wait(STOP_SECONDS) == 0, number
        assert "Traceback" not in process.log.read_text()


def handles(process, number):
    """Return whether a process has a handler for a signal."""
    caught = re.search(r"^SigCgt:\s+(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
    return int(caught[1], 16) >> (number - 1) & 1


def test_the_worker_finishes_the_current_email_before_it_stops(start_worker, smtp, records):
    smtp.behaviour = "hang"
    email = OutboxEmailFactory()
    process = start_worker(MAIL_SERVER=smtp.host, MAIL_PORT=str(smtp.port), MAIL_TIMEOUT="3")
    wait_until(lambda: smtp.attempts, process)
    process.terminate()
    assert process.wait(STOP_SECONDS) == 0
    # Not left in the state "sending": it waits for the next attempt.
    assert records.fresh(email).state == "queued"


def test_the_worker_refuses_a_database_without_setup(start_worker, tmp_path):
    process = start_worker(DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert process.wait(WAIT_SECONDS) == 1
    assert "flask --app app setup" in process.log.read_text()
    assert "Traceback" not in process.log.read_text()


def test_a_server_without_a_worker_leaves_the_work_to_another_process(server, start_worker, smtp, records):
    environ = {"MAIL_SERVER": smtp.host, "MAIL_PORT": str(smtp.port)}
    site = server.start(BACKGROUND_WORKER="no", **environ)
    email = OutboxEmailFactory()
    # By then all its processes are started, and noted.
    wait_until(lambda: "is served at" in site.log.read_text())
    assert "Background worker" not in site.log.read_text()
    assert records.fresh(email).state == "queued"
    process = start_worker(**environ)
    wait_until(lambda: records.fresh(email).state == EmailState.SENT, process)
    assert site.stop() == 0


def test_errors_of_a_served_site_and_of_its_worker_are_sent_by_email(app, server, records):
    with app.app_context(), transaction():
        db.session.execute(db.text("ALTER TABLE token RENAME TO elsewhere"))
    try:
        site = server.start(ERROR_MAIL_TO="ops@example.com")
        wait_until(lambda: "Job cleanup failed; retrying in " in site.log.read_text())
        wait_until(lambda: [email.recipient for email in records.all(OutboxEmail)] == ["ops@example.com"])
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{site.url}/password/reset/a-token")  # noqa: S310
        wait_until(lambda: [email.kind for email in records.all(OutboxEmail)] == ["error_report"] * 2)
        assert any("GET /password/reset/<" in email.text for email in records.all(OutboxEmail))
    finally:
        with app.app_context(), transaction():
            db.session.execute(db.text("ALTER TABLE elsewhere RENAME TO token"))
