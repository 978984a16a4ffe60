"""The outbox sends with Flask-Mail: its signals, settings and messages hold as Flask-Mail documents them."""

import logging
from contextlib import contextmanager
from datetime import timedelta

import flask_mail
import pytest

from app import clock
from app.database import transaction
from app.extensions import db, mail
from app.outbox import delivery, service
from app.outbox import smtp as smtp_client
from app.outbox.models import EmailState, EmailTopic, OutboxEmail
from tests.outbox.test_emails import TOKEN
from tests.support import databases
from tests.support.factories import OutboxEmailFactory

CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
NOT_SENT = "Not sent, because MAIL_SUPPRESS_SEND is set."


@pytest.fixture
def suppressed(app, monkeypatch):
    """Configure the application to send nothing, and no mail server."""
    monkeypatch.setitem(app.config, "MAIL_SERVER", "")
    monkeypatch.setitem(app.extensions, "mail", mail.init_mail({**app.config, "MAIL_SUPPRESS_SEND": True}))


@pytest.fixture
def dispatched():
    """The senders and messages of `email_dispatched`."""
    heard = []

    def hear(app, message):
        heard.append((app, message))

    with flask_mail.email_dispatched.connected_to(hear):
        yield heard


@contextmanager
def failing_receiver():
    def fail(_app, message):
        raise RuntimeError(f"no {message.subject}")

    with flask_mail.email_dispatched.connected_to(fail):
        yield


# -- recording, and the signal


def test_sent_emails_are_recorded(enqueue_activation, drain, smtp):
    email = enqueue_activation(TOKEN)
    with mail.record_messages() as recorded:
        assert drain().sent == 1
    (message,) = recorded
    assert isinstance(message, flask_mail.Message)
    assert (message.subject, message.recipients, message.msgId) == (
        email.subject, ["guest@example.com"], email.message_id,
    )  # fmt: skip
    assert f"/register/activation/{TOKEN}" in message.body
    assert f"/register/activation/{TOKEN}" in message.html
    assert len(smtp.messages) == 1


def test_the_signal_has_the_application_and_fires_for_each_email(app, drain, smtp, dispatched):
    OutboxEmailFactory.create_batch(3)
    assert drain().sent == len(smtp.messages) == 3
    assert [sender for sender, _message in dispatched] == [app] * 3


def test_the_signal_fires_only_for_emails_that_the_server_accepted(drain, smtp, dispatched):
    smtp.behaviours["no@example.com"] = "refuse"
    smtp.behaviours["later@example.com"] = "greylist"
    for recipient in ("no@example.com", "later@example.com", "yes@example.com"):
        OutboxEmailFactory(recipient=recipient)
    assert drain() == delivery.Report(sent=1, deferred=1, failed=1)
    assert [message.recipients for _sender, message in dispatched] == [["yes@example.com"]]


def test_a_receiver_that_fails_is_logged_and_the_email_is_sent_once(drain, smtp, records, later, caplog):
    email = OutboxEmailFactory(subject="soup")
    with failing_receiver():
        assert drain() == delivery.Report(sent=1)
    later(hours=1)
    assert drain() == delivery.Report()
    assert len(smtp.messages) == 1
    assert records.fresh(email).state == EmailState.SENT
    assert "no soup" in caplog.text


# -- what a message carries


def test_headers_and_attachments_are_those_of_the_flask_mail_message(app, monkeypatch, enqueue, drain, smtp):
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://dinner.example.org")
    enqueue(reply_to="zoe@example.org", topic=EmailTopic.REMINDERS, calendar=lambda: lambda: CALENDAR)
    with mail.record_messages() as recorded:
        assert drain().sent == 1
    (message,), (arrived,) = recorded, smtp.messages
    assert message.reply_to == arrived["Reply-To"] == "zoe@example.org"
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    assert message.extra_headers["List-Unsubscribe"] == arrived["List-Unsubscribe"]
    assert arrived["List-Unsubscribe"].startswith("<https://dinner.example.org/letters/unsubscribe/")
    assert arrived["List-Unsubscribe-Post"] == message.extra_headers["List-Unsubscribe-Post"]
    assert arrived["Message-ID"] == message.msgId
    assert arrived["Date"].datetime == clock.now()
    (attachment,) = message.attachments
    assert (attachment.filename, attachment.content_type) == ("dinner.ics", "application/ics")
    (file,) = arrived.iter_attachments()
    assert (file.get_filename(), file.get_content().decode()) == ("dinner.ics", CALENDAR)
    inline = next(part for part in arrived.walk() if part.get_content_type() == "text/calendar")
    assert inline.get_param("method") == "REQUEST"
    assert message.alts["calendar"] == CALENDAR


def test_the_recorded_message_is_what_arrived(app, enqueue, drain, smtp):
    enqueue()
    with mail.record_messages() as recorded:
        drain()
    with app.app_context():
        assert "To: Grete Guest <guest@example.com>" in str(recorded[0])
    assert smtp.messages[0]["To"] == "Grete Guest <guest@example.com>"


@pytest.mark.parametrize(("ascii_only", "name"), [(False, "menü \N{SNOWMAN}.txt"), (True, "menu .txt")])
def test_names_of_attachments_are_ascii_if_configured(app, enqueue, smtp, monkeypatch, ascii_only, name):
    monkeypatch.setattr(app.extensions["mail"], "ascii_attachments", ascii_only)
    email = enqueue()
    with app.app_context():
        message = smtp_client.OutboxMessage(email)
        message.attach("menü \N{SNOWMAN}.txt", "text/plain", "soup", headers={"X-Course": "1"})
        connection = smtp_client.connect()
        message.send(connection)
        connection.close()
    (file,) = smtp.messages[0].iter_attachments()
    assert (file.get_filename(), file["X-Course"]) == (name, "1")


# -- settings


def test_a_connection_carries_as_many_emails_as_configured(app, drain, smtp, monkeypatch):
    monkeypatch.setattr(app.extensions["mail"], "max_emails", 2)
    OutboxEmailFactory.create_batch(5)
    assert drain().sent == 5
    assert [smtp.peers.count(peer) for peer in dict.fromkeys(smtp.peers)] == [2, 2, 1]


def test_without_a_limit_one_connection_carries_all(app, drain, smtp, monkeypatch):
    monkeypatch.setattr(app.extensions["mail"], "max_emails", None)
    OutboxEmailFactory.create_batch(5)
    assert drain().sent == 5
    assert len(set(smtp.peers)) == 1


@pytest.mark.parametrize("debug", [False, True])
def test_the_dialogue_with_the_server_is_shown_if_configured(app, drain, smtp, monkeypatch, capfd, debug):
    monkeypatch.setattr(app.extensions["mail"], "debug", int(debug))
    OutboxEmailFactory(recipient="guest@example.com")
    assert drain().sent == len(smtp.messages) == 1
    assert ("rcpt TO:<guest@example.com>" in capfd.readouterr().err) is debug


def test_the_environment_sets_flask_mail_up(new_app):
    state = new_app(MAIL_MAX_EMAILS="7", MAIL_ASCII_ATTACHMENTS="yes", MAIL_DEBUG="yes").extensions["mail"]
    assert (state.max_emails, state.ascii_attachments, state.debug) == (7, True, 1)
    state = new_app().extensions["mail"]
    assert (state.max_emails, state.ascii_attachments, state.debug) == (100, False, 0)


# -- MAIL_SUPPRESS_SEND


@pytest.mark.usefixtures("suppressed")
def test_suppressed_emails_are_recorded_and_not_called_sent(enqueue_activation, drain, records, caplog):
    caplog.set_level(logging.WARNING, "app")
    email = enqueue_activation(TOKEN)
    with mail.record_messages() as recorded:
        assert drain() == delivery.Report(suppressed=1)
        assert drain() == delivery.Report()
    assert [message.recipients for message in recorded] == [["guest@example.com"]]
    stored = records.one(OutboxEmail)
    assert (stored.state, stored.sent_at, stored.last_error) == (EmailState.FAILED, None, NOT_SENT)
    assert stored.secret == TOKEN
    assert f"E-mail {email.id} (activation) was not sent: MAIL_SUPPRESS_SEND is set" in caplog.text
    assert TOKEN not in caplog.text


def test_nothing_reaches_the_server_while_sending_is_suppressed(app, drain, smtp, monkeypatch, records, later):
    email = OutboxEmailFactory()
    monkeypatch.setattr(app.extensions["mail"], "suppress", True)
    assert drain() == delivery.Report(suppressed=1)
    assert (smtp.attempts, smtp.messages) == (0, [])
    # It can be sent afterwards.
    monkeypatch.setattr(app.extensions["mail"], "suppress", False)
    with app.app_context(), transaction():
        assert service.resend([db.session.get(OutboxEmail, email.id)]) == 1
    later(seconds=1)
    assert drain() == delivery.Report(sent=1)
    assert records.fresh(email).state == EmailState.SENT


@pytest.mark.usefixtures("suppressed")
def test_the_administrator_reads_what_was_suppressed(admin, enqueue_activation, drain):
    email = enqueue_activation(TOKEN)
    drain()
    page = admin.get(f"/letters/show/{email.id}")
    assert NOT_SENT in page.words
    assert TOKEN in page.text
    assert admin.post("/letters/test").flashes == [
        ("danger", "Could not reach the mail server: MAIL_SUPPRESS_SEND is set")
    ]


@pytest.mark.usefixtures("suppressed")
def test_flashes_say_that_nothing_is_sent(visitor):
    page = visitor.get("/password/forgot")
    page = visitor.submit(page.form("/password/forgot"), email="guest@example.com")
    assert page.flashes == [("warning", "This site is set to send no e-mail. Administrators find it in the outbox.")]


@pytest.mark.usefixtures("suppressed")
def test_the_command_says_what_was_not_sent(app, caplog):
    caplog.set_level(logging.INFO, "app")
    OutboxEmailFactory(expires_at=clock.now() + timedelta(days=1))
    result = app.test_cli_runner().invoke(args=["outbox", "deliver"])
    assert (result.exit_code, result.output) == (
        0,
        "0 sent, 0 deferred, 0 failed.\n1 not sent, because MAIL_SUPPRESS_SEND is set. They count as failed.\n",
    )


def test_testing_suppresses_unless_configured_otherwise(new_app, monkeypatch):
    monkeypatch.delitem(databases.SETTINGS, "MAIL_SUPPRESS_SEND")
    assert new_app().extensions["mail"].suppress is True
    assert new_app(MAIL_SUPPRESS_SEND="no").extensions["mail"].suppress is False
