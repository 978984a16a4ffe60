"""Delivery over real SMTP: what arrives, and what happens to e-mails that the server refuses."""

import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from flask_mail import email_dispatched

from app import clock
from app.extensions import db
from app.outbox import delivery, rules
from app.outbox import smtp as smtp_client
from app.outbox.models import EmailState, OutboxEmail
from tests.outbox.test_emails import HOSTILE_NAMES, TOKEN
from tests.support.databases import COPY
from tests.support.factories import OutboxEmailFactory

HEADERS = sorted(
    [
        "Auto-Submitted",
        "Content-Language",
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "Subject",
        "To",
    ]
)


@pytest.mark.both_databases
def test_an_email_arrives_with_headers_text_and_html(enqueue_activation, drain, smtp, noon, records):
    letter = enqueue_activation(TOKEN, name="Zoë, “Grete” Guest", locale="ar")
    assert drain() == delivery.Report(sent=1)
    (arrived,) = smtp.messages
    assert smtp.recipients == [["guest@example.com"]]
    assert arrived["Message-ID"] == letter.message_id
    assert arrived["Subject"] == letter.subject
    assert arrived["To"].addresses[0].display_name == "Zoë, “Grete” Guest"
    assert arrived["From"].addresses[0].display_name == "DinnerParty"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Content-Language"] == "ar"
    assert parsedate_to_datetime(arrived["Date"]) == noon
    assert arrived.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in arrived.iter_parts()] == ["text/plain", "text/html"]
    assert 'dir="rtl"' in arrived.get_body(("html",)).get_content()
    assert records.one(OutboxEmail).state == EmailState.SENT


@pytest.mark.both_databases
def test_the_secret_is_inserted_on_sending_and_erased_afterwards(enqueue_activation, drain, smtp, records):
    enqueue_activation(TOKEN)
    drain()
    (arrived,) = smtp.messages
    for kind in ("plain", "html"):
        assert f"/register/activation/{TOKEN}" in arrived.get_body((kind,)).get_content()
    letter = records.one(OutboxEmail)
    assert letter.secret is None
    assert letter.secret_is_gone
    assert TOKEN not in repr(records.dump())


@pytest.mark.parametrize("behaviour", ["accept", "refuse", "greylist", "hang", "drop"])
@pytest.mark.usefixtures("short_mail_timeout")
def test_the_secret_is_not_in_error_messages(enqueue_activation, drain, smtp, behaviour, records):
    smtp.behaviour = behaviour
    enqueue_activation(TOKEN)
    drain()
    assert smtp.attempts == 1
    assert TOKEN not in records.one(OutboxEmail).last_error


def test_the_secret_is_not_logged(enqueue_activation, drain, smtp, caplog):
    caplog.set_level(logging.DEBUG, "app")
    enqueue_activation(TOKEN)
    assert drain().sent == len(smtp.messages) == 1
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("app")]
    assert ours
    assert TOKEN not in repr(ours)


@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_no_name_breaks_the_headers(enqueue, drain, smtp, name):
    enqueue(name=name)
    assert drain().sent == 1
    (arrived,) = smtp.messages
    assert smtp.recipients == [["guest@example.com"]]
    assert [address.addr_spec for address in arrived["To"].addresses] == ["guest@example.com"]
    assert arrived["Bcc"] is None
    assert sorted(arrived.keys()) == HEADERS


@pytest.mark.parametrize(
    "recipient", ["a@example.com\r\nRCPT TO:<b@example.com>", "nobody", "gr\x85te@example.com", "grëte@example.com"]
)
def test_an_email_to_an_invalid_address_fails_with_a_reason(drain, smtp, recipient, records):
    OutboxEmailFactory(recipient=recipient)
    OutboxEmailFactory(recipient="guest@example.com")
    assert drain() == delivery.Report(sent=1, failed=1)
    assert smtp.recipients == [["guest@example.com"]]
    letter = records.all(OutboxEmail)[0]
    assert letter.state == EmailState.FAILED
    assert "address" in letter.last_error


def test_an_internationalised_domain_gets_the_email(drain, smtp):
    OutboxEmailFactory(recipient="grete@löffel.example")
    assert drain().sent == 1
    assert smtp.recipients == [["grete@xn--lffel-jua.example"]]


def test_a_very_long_line_arrives_whole(drain, smtp):
    OutboxEmailFactory(text="abcdefghi " * 5000, html=f"<p>{'عشاء ' * 5000}</p>")
    assert drain().sent == 1
    assert smtp.messages[0].get_body(("plain",)).get_content().strip() == ("abcdefghi " * 5000).strip()
    assert "عشاء " * 5000 in smtp.messages[0].get_body(("html",)).get_content()


@pytest.mark.both_databases
def test_security_emails_are_sent_first(drain, smtp):
    for number, priority in enumerate((5, 9, 0, 5)):
        OutboxEmailFactory(subject=f"{priority} {number}", priority=priority)
    drain()
    assert [letter["Subject"] for letter in smtp.messages] == ["0 2", "5 0", "5 3", "9 1"]


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_emails_wait(drain, enqueue, records):
    enqueue()
    assert drain() == delivery.Report()
    assert (records.one(OutboxEmail).state, records.one(OutboxEmail).attempts) == (EmailState.QUEUED, 0)


@pytest.mark.both_databases
def test_an_email_is_not_sent_before_it_is_due_or_after_it_expires(drain, smtp, records, later):
    OutboxEmailFactory(not_before=clock.now() + timedelta(hours=1))
    short = OutboxEmailFactory(expires_at=clock.now() + timedelta(minutes=1), secret="token", text="__secret__")
    later(minutes=2)
    assert drain() == delivery.Report(failed=1)
    assert smtp.attempts == 0
    assert records.fresh(short).state == EmailState.FAILED
    assert records.fresh(short).secret is None
    later(hours=1)
    assert drain() == delivery.Report(sent=1)


# -- a server that refuses an e-mail


@pytest.mark.both_databases
def test_a_refused_email_fails_and_shows_the_reason(drain, smtp, records, later):
    smtp.behaviour = "refuse"
    OutboxEmailFactory()
    assert drain() == delivery.Report(failed=1)
    letter = records.one(OutboxEmail)
    assert (letter.state, letter.last_error) == (EmailState.FAILED, "550 5.1.1 no such mailbox")
    later(days=5)
    assert drain() == delivery.Report()
    assert smtp.attempts == 1


@pytest.mark.both_databases
def test_a_greylisted_email_is_retried_later(drain, smtp, records, later):
    smtp.behaviour = "greylist"
    OutboxEmailFactory()
    assert drain() == delivery.Report(deferred=1)
    letter = records.one(OutboxEmail)
    assert (letter.state, letter.last_error) == (EmailState.QUEUED, "451 4.7.1 try again later")
    assert timedelta(seconds=45) <= letter.not_before - clock.now() <= timedelta(seconds=75)
    assert drain() == delivery.Report()
    smtp.behaviour = "accept"
    later(seconds=75)
    assert drain() == delivery.Report(sent=1)
    assert records.one(OutboxEmail).last_error == ""
    assert smtp.messages[0]["Message-ID"] == letter.message_id


def test_an_email_deferred_for_three_days_fails(drain, smtp, records, later):
    smtp.behaviour = "greylist"
    OutboxEmailFactory()
    for _ in range(100):
        if drain().failed:
            break
        later(hours=1)
    letter = records.one(OutboxEmail)
    assert letter.state == EmailState.FAILED
    assert letter.attempts == smtp.attempts == len(rules.RETRY_DELAYS) + 1
    assert timedelta(days=2.5) < clock.now() - letter.created_at < timedelta(days=4)


def test_a_deferred_email_does_not_block_the_others(drain, smtp):
    smtp.behaviours = {"slow@example.com": "greylist", "gone@example.com": "refuse"}
    for name in ("slow", "gone", "a", "b"):
        OutboxEmailFactory(recipient=f"{name}@example.com")
    assert drain() == delivery.Report(sent=2, deferred=1, failed=1)


@pytest.mark.usefixtures("short_mail_timeout")
def test_an_email_on_which_the_server_hangs_does_not_block_the_others(drain, smtp, records):
    smtp.behaviours = {"poison@example.com": "hang"}
    OutboxEmailFactory(recipient="poison@example.com")
    OutboxEmailFactory.create_batch(3)
    assert drain() == delivery.Report(sent=3, deferred=1)
    assert "timed out" in records.all(OutboxEmail)[0].last_error


@pytest.mark.both_databases
def test_an_email_without_a_server_response_is_resent_with_the_same_message_id(drain, smtp, records, later):
    smtp.behaviour = "drop"
    OutboxEmailFactory()
    assert drain() == delivery.Report(deferred=1)
    smtp.behaviour = "accept"
    later(minutes=2)
    assert drain() == delivery.Report(sent=1)
    assert [letter["Message-ID"] for letter in smtp.messages] == [records.one(OutboxEmail).message_id] * 2


# -- outages


@pytest.mark.usefixtures("short_mail_timeout")
@pytest.mark.parametrize("behaviour", ["hang", "drop", "close"])
def test_after_two_broken_connections_the_run_ends(drain, smtp, records, behaviour, later):
    smtp.behaviour = behaviour
    OutboxEmailFactory.create_batch(5)
    report = drain()
    assert smtp.attempts == (1 if behaviour == "close" else 2)
    assert report.unreachable
    waiting = [letter for letter in records.all(OutboxEmail) if letter.state == EmailState.QUEUED]
    assert len(waiting) == 5
    assert sorted(letter.attempts for letter in waiting)[:3] == [0, 0, 0]
    smtp.behaviour = "accept"
    later(minutes=2)
    assert drain().sent == 5


def test_a_refused_sender_costs_no_attempt(drain, smtp, records, later):
    smtp.behaviour = "refuse_sender"
    OutboxEmailFactory.create_batch(3)
    for _ in range(50):
        assert drain().unreachable == "550 5.7.1 who are you?"
        later(minutes=1)
    assert {(letter.state, letter.attempts) for letter in records.all(OutboxEmail)} == {(EmailState.QUEUED, 0)}
    assert smtp.attempts == 50
    smtp.behaviour = "accept"
    assert drain() == delivery.Report(sent=3)


@pytest.mark.both_databases
def test_an_outage_costs_no_attempt_and_is_shown(mail_outage, drain, records, later):
    OutboxEmailFactory.create_batch(3)
    with mail_outage():
        for _ in range(20):
            assert "refused" in drain().unreachable
            assert drain() == delivery.Report()
            later(hours=12)
    for letter in records.all(OutboxEmail):
        assert (letter.state, letter.attempts) == (EmailState.QUEUED, 0)
        assert "refused" in letter.last_error
    assert drain() == delivery.Report(sent=3)


@pytest.mark.usefixtures("short_mail_timeout", "smtp")
def test_a_server_that_never_says_hello_is_an_outage(app, drain, silent_port, monkeypatch, records):
    monkeypatch.setattr(app.extensions["mail"], "port", silent_port)
    OutboxEmailFactory.create_batch(3)
    assert "timed out" in drain().unreachable
    assert {letter.attempts for letter in records.all(OutboxEmail)} == {0}


@pytest.mark.parametrize("setting", ["use_tls", "use_ssl", "username"])
def test_emails_wait_when_the_server_offers_no_encryption_or_login(app, drain, smtp, monkeypatch, setting):
    monkeypatch.setattr(app.extensions["mail"], setting, "asked for")
    monkeypatch.setattr(app.extensions["mail"], "password", "hidden")
    OutboxEmailFactory()
    report = drain()
    assert report.unreachable
    assert "hidden" not in report.unreachable
    assert smtp.attempts == 0


def test_emails_are_sent_within_two_minutes_after_an_outage(mail_outage, drain, smtp, later):
    OutboxEmailFactory.create_batch(30)
    with mail_outage():
        assert drain().unreachable
    later(minutes=2)
    assert drain().sent == len(smtp.messages) == 30


@pytest.mark.both_databases
def test_the_secret_of_a_failed_email_is_erased(enqueue_activation, drain, smtp, records, later):
    smtp.behaviour = "refuse"
    enqueue_activation(TOKEN)
    drain()
    assert records.one(OutboxEmail).secret == TOKEN
    later(hours=49)
    drain()
    assert records.one(OutboxEmail).secret is None


# -- dying and concurrent processes


def claim(app, owner):
    with app.app_context():
        return delivery.claim(owner)


def finish(app, letter, **values):
    with app.app_context():
        return delivery.finish(letter, **values)


@pytest.mark.both_databases
def test_an_email_of_a_dead_process_is_sent_when_its_lease_expires(app, drain, smtp, records, later):
    OutboxEmailFactory()
    claimed = claim(app, "process that ends")
    assert records.one(OutboxEmail).state == EmailState.SENDING
    assert drain() == delivery.Report()
    later(seconds=6 * app.config["MAIL_TIMEOUT"])
    assert drain() == delivery.Report(sent=1)
    assert smtp.messages[0]["Message-ID"] == claimed.message_id
    assert (records.one(OutboxEmail).crashes, records.one(OutboxEmail).attempts) == (1, 2)


@pytest.mark.both_databases
def test_a_process_killed_before_the_commit_repeats_the_message_id(app, drain, smtp, records, later):
    OutboxEmailFactory()

    def power_cut(*_, **__):
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery, "finish", power_cut)
        with pytest.raises(SystemExit):
            drain()
    assert len(smtp.messages) == 1
    later(minutes=10)
    assert drain() == delivery.Report(sent=1)
    assert len({letter["Message-ID"] for letter in smtp.messages}) == 1
    assert records.one(OutboxEmail).state == EmailState.SENT


@pytest.mark.both_databases
def test_an_email_that_kills_three_processes_fails(app, drain, smtp, records, later):
    OutboxEmailFactory()
    for number in range(3):
        assert claim(app, f"process {number}") is not None
        later(minutes=10)
        report = drain(limit=0)
    assert report == delivery.Report(failed=1)
    assert records.one(OutboxEmail).state == EmailState.FAILED
    assert smtp.attempts == 0


@pytest.mark.both_databases
def test_a_process_without_the_lease_cannot_finish(app, records, later, drain, smtp):
    OutboxEmailFactory()
    slow = claim(app, "slow process")
    later(minutes=10)
    assert drain().sent == len(smtp.messages) == 1
    assert finish(app, slow, state=EmailState.FAILED, last_error="too late") is False
    assert records.one(OutboxEmail).state == EmailState.SENT


@pytest.mark.both_databases
def test_control_a_process_with_the_lease_can_finish(app, records):
    OutboxEmailFactory()
    assert finish(app, claim(app, "process"), state=EmailState.FAILED, last_error="no") is True
    assert records.one(OutboxEmail).state == EmailState.FAILED


@pytest.mark.both_databases
def test_a_claimed_email_is_not_claimed_by_another_process(app):
    OutboxEmailFactory()
    assert claim(app, "first") is not None
    assert claim(app, "second") is None


@pytest.mark.both_databases
def test_two_concurrent_runs_send_each_email_once(app, smtp):
    expected = Counter(letter.message_id for letter in OutboxEmailFactory.create_batch(60))
    together = threading.Barrier(2)

    def deliver(_number):
        together.wait()
        with app.app_context():
            return delivery.drain()

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(deliver, range(2)))
    assert Counter(letter["Message-ID"] for letter in smtp.messages) == expected
    assert sum(report.sent for report in reports) == 60
    assert all(report.sent for report in reports), "only one of them worked: nothing was tried"


@pytest.mark.both_databases
def test_control_without_a_claim_emails_are_sent_twice(app, smtp):
    """Reading first and marking later, without a claim."""
    OutboxEmailFactory.create_batch(10)
    together = threading.Barrier(2)

    def deliver(_number):
        with app.app_context():
            letters = list(db.session.scalars(db.select(OutboxEmail).where(OutboxEmail.state == EmailState.QUEUED)))
            db.session.rollback()
            together.wait()
            connection = smtp_client.connect()
            for letter in letters:
                connection.send(smtp_client.OutboxMessage(letter))
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver, range(2)))
    assert len(smtp.messages) == 20


@pytest.mark.both_databases
def test_a_run_respects_its_limit(drain, smtp):
    OutboxEmailFactory.create_batch(5)
    assert drain(limit=2).sent == len(smtp.messages) == 2


@pytest.mark.both_databases
def test_many_emails_are_sent_over_several_connections(app, drain, smtp, monkeypatch):
    monkeypatch.setattr(app.extensions["mail"], "max_emails", 2)
    OutboxEmailFactory.create_batch(5)
    assert drain().sent == len(smtp.messages) == 5


# -- the deliverer


@pytest.mark.both_databases
def test_the_deliverer_delivers_until_it_is_stopped(app, smtp, records):
    OutboxEmailFactory.create_batch(3)
    deliverer = delivery.Deliverer(app, poll_seconds=0.01)
    thread = threading.Thread(target=deliverer.run_forever)
    thread.start()
    while len(smtp.messages) < 3 or any(letter.state != EmailState.SENT for letter in records.all(OutboxEmail)):
        assert thread.is_alive()
    deliverer.stop()
    thread.join(5)
    assert not thread.is_alive()


def test_the_deliverer_survives_errors(app, smtp, monkeypatch, caplog):
    OutboxEmailFactory()
    monkeypatch.setattr(delivery, "PAUSE_AFTER_ERROR_SECONDS", 0)
    sweep, calls = delivery.sweep, iter([True, False, False])

    def broken_once():
        if next(calls, None):
            raise RuntimeError("the database is on fire")
        return sweep()

    monkeypatch.setattr(delivery, "sweep", broken_once)
    deliverer = delivery.Deliverer(app, poll_seconds=0)
    deliverer.run_forever(wanted=lambda: not smtp.messages)
    assert "the database is on fire" in caplog.text


def test_the_deliverer_logs_an_outage_once_and_its_end(app, smtp, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "app")
    monkeypatch.setattr(delivery, "SWEEP_SECONDS", 0)
    OutboxEmailFactory()
    deliverer = delivery.Deliverer(app, poll_seconds=0)
    rounds = iter(range(8))

    def go_on():
        number = next(rounds, None)
        monkeypatch.setattr(app.extensions["mail"], "port", smtp.port if number and number > 3 else 1)
        # Nothing is due in every other round: the e-mails are deferred.
        clock.set_now(clock.now() + rules.OUTAGE_PAUSE / 2)
        return number is not None

    deliverer.run_forever(wanted=go_on)
    told = [record.message for record in caplog.records if "mail server" in record.message]
    assert len(told) == 2
    assert "refused" in told[0]
    assert "available again" in told[1]
    assert len(smtp.messages) == 1


@pytest.mark.postgresql
def test_what_the_server_took_is_not_sent_again_when_the_database_goes_away(
    database, smtp, records, drain, later, caplog
):
    def may_be_used(answer):
        database.place.connection.execute(f"ALTER DATABASE {COPY} ALLOW_CONNECTIONS {answer}")

    def go_away(*_message, **_sender):
        database.close()
        may_be_used("false")
        threading.Timer(0.2, may_be_used, ["true"]).start()

    email = OutboxEmailFactory()
    with email_dispatched.connected_to(go_away):
        assert drain().sent == 1
    assert "cannot be stored yet" in caplog.text
    assert records.fresh(email).state == EmailState.SENT
    later(hours=1)
    assert drain().sent == 0
    assert len(smtp.messages) == 1
