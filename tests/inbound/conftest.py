"""Fixtures of the tests of the inbound door: an open door, and messages to it."""

import smtplib
import threading
from email.message import EmailMessage

import pytest

from app.inbound import limits, registry, service
from app.inbound.server import Listener
from tests.support.smtp import HOST, free_port
from tests.support.waiting import wait_until

ADDRESS = "dinner@dinner.example.org"


@pytest.fixture
def open_door(app, monkeypatch):
    """Let the site receive e-mail, without a port."""
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", ADDRESS)
    monkeypatch.setattr(service, "limits", limits.RateLimit())
    return ADDRESS


@pytest.fixture
def handlers(monkeypatch):
    """The registered handlers; a test may change them."""
    found = dict(registry.handlers)
    monkeypatch.setattr(registry, "handlers", found)
    return found


@pytest.fixture(params=["lmtp", "smtp"])
def door(app, open_door, monkeypatch, request):
    """A mail server's connection to the door."""
    port = free_port()
    monkeypatch.setitem(app.config, "INBOUND_LISTEN", f"{request.param}://{HOST}:{port}")
    listener = Listener(app)
    thread = threading.Thread(target=listener.run_forever)
    thread.start()
    try:
        wait_until(lambda: listener.is_listening)
        client = (smtplib.LMTP if request.param == "lmtp" else smtplib.SMTP)(HOST, port, timeout=20)
        yield client
        client.close()
    finally:
        listener.stop()
        thread.join()


def message(text="Is there parking?", subject="Parking", **headers):
    """Return a message that a guest might write."""
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = subject, "Rosa <rosa@example.org>", ADDRESS
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return made
