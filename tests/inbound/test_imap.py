"""A mailbox is read for sites that have no mail server of their own."""

import re
from urllib.parse import quote

import pytest

from app.inbound import addresses, imap, server
from app.inbound.models import InboundMessage
from tests.inbound.conftest import ADDRESS, message
from tests.support.imap import PASSWORD, USER, imap_server


@pytest.fixture
def mailbox(app, open_door, monkeypatch):
    with imap_server() as running:
        url = f"imap://{USER}:{quote(PASSWORD)}@127.0.0.1:{running.port}/INBOX"
        monkeypatch.setitem(app.config, "INBOUND_IMAP", url)
        yield running


def put(mailbox, made, **headers):
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    mailbox.messages.append(made.as_bytes().replace(b"\n", b"\r\n"))


def poll(app):
    with app.app_context():
        return imap.poll()


def test_unread_messages_are_received_once(app, mailbox, handlers, records):
    got = []
    handlers["reply"] = lambda received, key: got.append((received.text, key)) or True
    with app.app_context():
        token = addresses.make("reply", "r12")
    put(mailbox, message("Parking?"), Delivered_To=token)
    put(mailbox, message("Hello"), Delivered_To=ADDRESS)
    put(mailbox, message("Away"), Delivered_To=token, Auto_Submitted="auto-replied")
    put(mailbox, message("Bounced"), Delivered_To=token, Return_Path="<>")
    assert poll(app) == 4
    assert got == [("Parking?", "r12")]
    assert records.one(InboundMessage).text == "Hello"
    assert poll(app) == 0
    assert mailbox.seen == {1, 2, 3, 4}


def test_a_large_message_is_left_there(app, mailbox, records, caplog):
    put(mailbox, message("a" * 70 + "\n" * 2 + ("b" * 70 + "\n") * (server.MAX_BYTES // 70)))
    assert poll(app) == 1
    assert records.count(InboundMessage) == 0
    assert "was left there" in caplog.text


@pytest.mark.parametrize("change", [(quote(PASSWORD), "wrong"), (r":\d+/", ":1/")], ids=["login", "connection"])
def test_an_error_is_logged_without_the_password(app, mailbox, monkeypatch, caplog, change):
    put(mailbox, message())
    monkeypatch.setitem(app.config, "INBOUND_IMAP", re.sub(*change, app.config["INBOUND_IMAP"]))
    assert poll(app) == 0
    assert "The mailbox at 127.0.0.1 cannot be read" in caplog.text
    assert PASSWORD not in caplog.text
    assert "wrong" not in caplog.text


def test_without_a_mailbox_nothing_is_read(app):
    assert poll(app) == 0
