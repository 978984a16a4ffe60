"""What the outbox's tests stand on: a stopped clock, and a post that calls when it is told to."""

import socket
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.database import transaction
from app.outbox import delivery, models, service

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    """The moment at which every test begins."""
    clock.set_now(NOON)
    return NOON


@pytest.fixture
def later():
    """Move the clock on."""

    def move(**duration):
        clock.set_now(clock.now() + timedelta(**duration))

    return move


@pytest.fixture
def drain(app):
    """Let the post call once."""

    def drain_once(**options):
        with app.app_context():
            return delivery.drain(**options)

    return drain_once


@pytest.fixture
def write(app):
    """Write a letter in a transaction of its own."""

    def enqueue(kind="welcome", **changes):
        given = {
            "to": "guest@example.com",
            "name": "Grete Guest",
            "locale": "en",
            "timezone": "UTC",
            "context": {"login_url": "https://dinner.example.org/login/", "site_name": "DinnerParty"},
            "dedupe_key": "welcome:1",
            **changes,
        }
        with app.app_context(), transaction():
            return service.enqueue(service.EmailRequest(kind, **given))

    return enqueue


@pytest.fixture
def write_activation(write, noon):
    """Write a letter that carries a secret."""

    def enqueue(secret, **changes):
        context = {
            "username": "grete",
            "url": f"https://dinner.example.org/register/activation/{models.SECRET}",
            "expires_at": noon + timedelta(hours=48),
            "site_name": "DinnerParty",
        }
        given = {"context": context, "expires_at": context["expires_at"], "priority": 0, "dedupe_key": "activation:1"}
        return write("activation", secret=secret, **{**given, **changes})

    return enqueue


@pytest.fixture
def impatient(app, monkeypatch):
    """Wait for the mail server for a moment only."""
    monkeypatch.setitem(app.config, "MAIL_TIMEOUT", 0.3)


@pytest.fixture
def silent_port():
    """A port where connections are taken and nobody ever says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def unplugged(app, smtp):
    """Cut the way to the mail server for a while."""

    @contextmanager
    def cut():
        app.extensions["mail"].port = 1
        yield
        app.extensions["mail"].port = smtp.port

    return cut
