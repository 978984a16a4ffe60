"""Messages that mail servers hand to the site, by LMTP and by SMTP."""

import smtplib
import socket
import threading
from datetime import timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.inbound import addresses, limits, server, service
from app.inbound.models import InboundMessage
from app.inbound.service import Outcome
from tests.inbound.conftest import ADDRESS, message
from tests.support.smtp import HOST
from tests.support.waiting import wait_until

SENDER = "rosa@example.org"


@pytest.fixture
def token(app, open_door):
    with app.app_context():
        return addresses.make("reply", "r12")


def receive(app, data, recipient=ADDRESS, sender=SENDER):
    with app.app_context(), transaction():
        return service.receive(data.as_bytes() if not isinstance(data, bytes) else data, recipient, sender)


# -- over the network


@pytest.mark.parametrize("door", ["lmtp"], indirect=True)
def test_each_recipient_of_lmtp_gets_an_answer(door, token, handlers, records):
    handlers["reply"] = lambda _message, key: key == "r12"
    refused = door.sendmail(SENDER, [token, ADDRESS, "nobody@dinner.example.org"], message().as_bytes())
    assert list(refused) == ["nobody@dinner.example.org"]
    assert refused["nobody@dinner.example.org"][0] == 550
    # smtplib reads the answer to the first recipient only.
    assert door.getreply()[0] == 250
    assert records.one(InboundMessage).subject == "Parking"


def test_a_message_is_taken_when_it_is_stored_and_refused_when_it_is_too_large(door, token, handlers, records):
    door.sendmail(SENDER, [ADDRESS], message().as_bytes())
    kept = records.one(InboundMessage)
    assert (kept.sender, kept.text, kept.recipient) == ("Rosa <rosa@example.org>", "Is there parking?", ADDRESS)
    line = b"0123456789" * 9 + b"\r\n"
    with pytest.raises(smtplib.SMTPException, match="552"):
        door.sendmail(SENDER, [ADDRESS], message().as_bytes() + line * (server.MAX_BYTES // len(line)))

    def fail(_message, _key):
        raise RuntimeError("the disk is full")

    handlers["reply"] = fail
    with pytest.raises(smtplib.SMTPException, match="451"):
        door.sendmail(SENDER, [token], message("again").as_bytes())


def test_a_port_that_is_taken_is_tried_again(app, open_door, monkeypatch, caplog):
    monkeypatch.setattr(server, "RETRY_SECONDS", 0.05)
    with socket.create_server((HOST, 0)) as other:
        monkeypatch.setitem(app.config, "INBOUND_LISTEN", f"lmtp://{HOST}:{other.getsockname()[1]}")
        listener = server.Listener(app)
        thread = threading.Thread(target=listener.run_forever)
        thread.start()
        wait_until(lambda: "E-mail cannot be received at" in caplog.text)
    try:
        wait_until(lambda: listener.is_listening)
    finally:
        listener.stop()
        thread.join()


# -- sorting


def test_the_handler_gets_the_message_and_the_key(app, token, handlers):
    got = []
    handlers["reply"] = lambda received, key: got.append((received.text, key)) or True
    assert receive(app, message(), token.upper()) is Outcome.HANDLED
    assert got == [("Is there parking?", "r12")]


def test_what_nobody_wrote_is_dropped(app, token, handlers, records):
    handlers["reply"] = lambda *_: pytest.fail("an automatic message was handled")
    assert receive(app, message(Auto_Submitted="auto-replied"), token) is Outcome.DROPPED
    assert receive(app, message(), token, "") is Outcome.DROPPED
    assert receive(app, message(Precedence="bulk")) is Outcome.DROPPED
    assert records.count(InboundMessage) == 0


def test_a_calendar_object_goes_to_calendars_and_other_words_to_replies(app, open_door, handlers):
    got = []
    handlers["calendar"] = lambda received, key: got.append((received.calendar_method, key)) or True
    handlers["reply"] = lambda received, key: got.append((received.text, key)) or True
    with app.app_context():
        address = addresses.make("calendar", "i7")
    answer = message(Auto_Submitted="auto-generated")
    answer.add_alternative("BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n", subtype="calendar")
    assert receive(app, answer, address) is Outcome.HANDLED
    assert receive(app, message("See you!"), address) is Outcome.HANDLED
    assert got == [("REPLY", "i7"), ("See you!", "i7")]


def test_what_no_handler_wants_is_kept_once(app, token, handlers, records):
    handlers["reply"] = lambda *_: False
    for _ in range(2):
        assert receive(app, message(), token) is Outcome.KEPT
    assert records.one(InboundMessage).text == "Is there parking?"


def test_a_forged_sender_and_a_guessed_token_get_nowhere(app, token, handlers):
    handlers["reply"] = lambda *_: pytest.fail("a forged token was taken")
    forged = message()
    forged.replace_header("From", ADDRESS)
    assert receive(app, forged, token.replace("r12", "r13")) is Outcome.UNKNOWN_ADDRESS
    assert receive(app, forged, "dinner@elsewhere.example") is Outcome.UNKNOWN_ADDRESS


# -- bounds


def test_an_address_takes_so_many_messages_an_hour(app, token, handlers):
    handlers["reply"] = lambda *_: True
    outcomes = [receive(app, message(), token) for _ in range(limits.MAX_PER_ADDRESS + 1)]
    assert outcomes[-2:] == [Outcome.HANDLED, Outcome.TOO_MANY]
    assert receive(app, message()) is Outcome.KEPT
    clock.set_now(clock.now() + timedelta(hours=1, minutes=1))
    assert receive(app, message(), token) is Outcome.HANDLED


def test_the_limit_of_all_addresses():
    limit, now = limits.RateLimit(per_address=2, in_all=3), clock.now()
    assert [limit.take(address, now) for address in "aaabbc"] == [True, True, False, True, False, False]
    assert limit.take("c", now + limits.PERIOD)


@pytest.mark.both_databases
def test_kept_messages_are_few_and_deleted_in_time(app, open_door, monkeypatch, records):
    monkeypatch.setattr(service, "MAX_KEPT", 2)
    for number in range(3):
        receive(app, message(subject=f"Number {number}"))
    assert sorted(kept.subject for kept in records.all(InboundMessage)) == ["Number 1", "Number 2"]
    clock.set_now(clock.now() + timedelta(days=app.config["INBOUND_RETENTION_DAYS"], minutes=1))
    with app.app_context(), transaction():
        assert service.delete_old() == 2
        assert db.session.query(InboundMessage).count() == 0


def test_administrators_read_what_was_kept(app, open_door, admin, records):
    receive(app, message("<script>alert(1)</script> https://evil.example/", subject="Ñoquis"))
    page = admin.get("/inbound/list/")
    assert "Ñoquis" in page.text
    shown = admin.get(f"/inbound/show/{records.one(InboundMessage).id}")
    assert "&lt;script&gt;" in shown.text
    assert "<script>alert" not in shown.text
    assert 'href="https://evil.example/' not in shown.text
