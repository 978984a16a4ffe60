"""Fixtures of the outbox's tests: a stopped clock and deliveries on demand."""

import socket
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox import delivery, models, service

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    """The time at which every test starts."""
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
    """Deliver due e-mails once."""

    def drain_once(**options):
        with app.app_context():
            return delivery.drain(**options)

    return drain_once


@pytest.fixture
def enqueue(app):
    """Queue an e-mail in its own transaction."""

    def enqueue_one(kind="welcome", **changes):
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
            if not service.enqueue(service.EmailRequest(kind, **given)):
                return None
            of_key = models.OutboxEmail.dedupe_key == given["dedupe_key"]
            return db.session.scalars(select(models.OutboxEmail).where(of_key)).one()

    return enqueue_one


@pytest.fixture
def enqueue_activation(enqueue, noon):
    """Queue an activation e-mail, which carries a secret."""

    def enqueue_with_secret(secret, **changes):
        context = {
            "username": "grete",
            "url": f"https://dinner.example.org/register/activation/{models.SECRET}",
            "expires_at": noon + timedelta(hours=48),
            "site_name": "DinnerParty",
            "wish": None,
        }
        given = {"context": context, "expires_at": context["expires_at"], "priority": 0, "dedupe_key": "activation:1"}
        return enqueue("activation", secret=secret, **{**given, **changes})

    return enqueue_with_secret


@pytest.fixture
def short_mail_timeout(app, monkeypatch):
    """Use a short timeout for the mail server."""
    monkeypatch.setitem(app.config, "MAIL_TIMEOUT", 0.3)


@pytest.fixture
def silent_port():
    """A port that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def mail_outage(app, smtp):
    """Simulate an outage of the mail server."""

    @contextmanager
    def outage():
        app.extensions["mail"].port = 1
        yield
        app.extensions["mail"].port = smtp.port

    return outage
