"""`flask doctor` and e-mail: a real mail server that refuses, and a real DNS server that lacks records."""

import socket
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from app import clock
from app.extensions import mail
from tests.support.dns import resolving
from tests.support.factories import OutboxEmailFactory
from tests.support.smtp import HOST, MailServer, free_port

SENDER = "Dinner <dinner@club.org>"


@pytest.fixture
def find_with(app, find, monkeypatch):
    """Run a check with some settings of e-mail."""

    def run(name, **settings):
        for setting, value in settings.items():
            monkeypatch.setitem(app.config, setting, value)
        monkeypatch.setitem(app.extensions, "mail", mail.init_mail(app.config, testing=False))
        return find(name)

    return run


def test_a_server_that_accepts_the_sender_is_well(find_with, smtp_server):
    found = find_with("mail server", MAIL_SERVER=HOST, MAIL_PORT=smtp_server.port, MAIL_DEFAULT_SENDER=SENDER)
    assert found == [("OK", f"{HOST}:{smtp_server.port} accepts e-mail of dinner@club.org.")]
    assert smtp_server.messages == []


def test_a_server_that_refuses_the_sender_is_an_error(find_with, smtp_server):
    smtp_server.behaviour = "refuse_sender"
    ((level, text),) = find_with("mail server", MAIL_SERVER=HOST, MAIL_PORT=smtp_server.port)
    assert (level, "does not accept the sender" in text, "550 5.7.1 who are you?" in text) == ("ERROR", True, True)


@pytest.mark.parametrize(("password", "level"), [("right", "OK"), ("wrong", "ERROR")])
def test_the_password_is_tried(find_with, password, level):
    def authenticate(_server, _session, _envelope, _mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    port = free_port()
    controller = Controller(
        MailServer(port),
        hostname=HOST,
        port=port,
        authenticator=authenticate,
        auth_require_tls=False,
    )
    controller.start()
    try:
        ((found, text),) = find_with(
            "mail server", MAIL_SERVER=HOST, MAIL_PORT=port, MAIL_USERNAME="club", MAIL_PASSWORD=password
        )
    finally:
        controller.stop()
    assert found == level
    assert level == "OK" or f"{HOST}:{port} refuses the login: 535" in text


def test_what_does_not_fit_is_named(find_with, smtp_server):
    def said(**settings):
        ((level, text),) = find_with("mail server", **{"MAIL_SERVER": HOST, "MAIL_PORT": smtp_server.port, **settings})
        assert level == "ERROR"
        return text

    assert "cannot be reached (Connection refused)" in said(MAIL_PORT=free_port())
    assert "STARTTLS" in said(MAIL_USE_TLS=True)
    assert "does not speak TLS" in said(MAIL_USE_TLS=False, MAIL_USE_SSL=True)
    with socket.create_server((HOST, 0)) as silent:
        text = said(MAIL_USE_SSL=False, MAIL_TIMEOUT=0.05, MAIL_PORT=silent.getsockname()[1])
    assert "does not answer" in text


WELL = {
    ("club.org", "MX"): "10 mail.club.org.",
    ("club.org", "TXT"): '"v=spf1 mx -all"',
    ("_dmarc.club.org", "TXT"): '"v=DMARC1; " "p=none"',
}


@pytest.mark.parametrize(
    ("records", "found"),
    [
        (WELL, [("OK", "club.org has SPF, DMARC")]),
        ({**WELL, ("club.org", "TXT"): '"google-site-verification=x"'}, [("WARNING", "club.org has 0 SPF records")]),
        (
            {("club.org", "A"): "192.0.2.1"},
            [("WARNING", "club.org has 0 SPF records"), ("WARNING", "club.org has no DMARC record")],
        ),
        (
            {},
            [
                ("ERROR", "club.org receives no e-mail"),
                ("WARNING", "club.org has 0 SPF"),
                ("WARNING", "club.org has no"),
            ],
        ),
    ],
    ids=["well", "no SPF", "only an address", "no such domain"],
)
def test_what_the_dns_says_of_the_sender(find_with, records, found):
    with resolving(records):
        seen = find_with("sender", MAIL_SERVER=HOST, MAIL_DEFAULT_SENDER=SENDER)
    assert [(level, text[: len(said)]) for (level, text), (_level, said) in zip(seen, found, strict=True)] == found


def test_nobody_asks_the_dns_about_a_private_domain(find_with):
    assert find_with("sender", MAIL_SERVER=HOST, MAIL_DEFAULT_SENDER="dinner@localhost") == []


@pytest.mark.both_databases
@pytest.mark.parametrize(("hours", "level"), [(0.5, ""), (2, "WARNING"), (13, "ERROR")])
def test_email_that_is_late_is_found(find_with, hours, level):
    OutboxEmailFactory(not_before=clock.now() - timedelta(hours=hours))
    OutboxEmailFactory(not_before=clock.now() + timedelta(hours=1))
    OutboxEmailFactory(sent=True, not_before=clock.now() - timedelta(days=9))
    seen = find_with("outbox", MAIL_SERVER=HOST)
    assert [(found, text[:20]) for found, text in seen] == ([(level, "1 e-mails are late, ")] if level else [])


def test_a_public_site_without_a_mail_server_is_warned(find_with):
    assert find_with("mail settings", MAIL_SERVER="", IS_LOCAL=True) == []
    assert [level for level, _text in find_with("mail settings", MAIL_SERVER="", IS_LOCAL=False)] == ["WARNING"]
    assert [level for level, _text in find_with("mail settings", MAIL_SUPPRESS_SEND=True)] == ["WARNING"]
