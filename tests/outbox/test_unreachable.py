"""What a mail server refused for good: noted, shown, and not tried again until the address is corrected."""

from email.message import EmailMessage
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected

import pytest

from app.database import transaction
from app.inbound import addresses
from app.inbound import service as inbound_service
from app.inbound.service import Outcome
from app.outbox import rules, service, unreachable
from app.outbox.models import EmailState, MailProblem, OutboxEmail, UnreachableAddress

ADDRESS = "nobody@example.com"
SITE = "dinner@dinner.example.org"


def refused(reply, code=550):
    return SMTPRecipientsRefused({ADDRESS: (code, reply)})


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (refused(b"5.1.1 <nobody@example.com>: Recipient address rejected"), MailProblem.NO_MAILBOX),
        (refused(b"5.1.10 null MX"), MailProblem.NO_DOMAIN),
        (refused(b"5.1.2 no such host"), MailProblem.NO_DOMAIN),
        (refused(b"5.2.1 mailbox disabled"), MailProblem.CLOSED),
        (refused(b"5.2.2 over quota", 552), MailProblem.FULL),
        (refused(b"4.2.2 over quota", 452), MailProblem.FULL),
        (refused(b"5.7.1 blocked by our policy"), MailProblem.REFUSED),
        (refused(b"User unknown"), MailProblem.NO_MAILBOX),
        (refused(b"try later", 450), MailProblem.REFUSED),
        (SMTPDataError(550, b"looks like spam"), MailProblem.REFUSED),
        (SMTPDataError(550, b"5.1.1 no such mailbox"), MailProblem.NO_MAILBOX),
        (SMTPSenderRefused(550, b"5.1.8 who are you?", "a@b"), None),
        (SMTPServerDisconnected("gone"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value)[:60],
)
def test_the_status_code_says_what_is_wrong_with_an_address(error, problem):
    assert rules.problem_of_address(error, ADDRESS) == problem


def test_an_address_that_cannot_be_written_to_has_no_mailbox():
    assert rules.problem_of_address(ValueError("x"), "josé@example.org") == MailProblem.NO_MAILBOX


@pytest.mark.both_databases
def test_a_refused_address_is_not_written_to_again(enqueue, drain, smtp, records):
    smtp.behaviour = "refuse"
    enqueue(to=ADDRESS.upper())
    enqueue(to=ADDRESS, dedupe_key="welcome:2")
    drain()
    found = records.one(UnreachableAddress)
    assert (found.email, found.problem, found.refusals) == (ADDRESS, MailProblem.NO_MAILBOX, 1)
    assert found.reason == "550 5.1.1 no such mailbox"
    assert {email.state for email in records.all(OutboxEmail)} == {EmailState.FAILED}
    assert records.all(OutboxEmail)[1].last_error.endswith("550 5.1.1 no such mailbox")
    assert smtp.attempts == 1
    assert enqueue(to=ADDRESS, dedupe_key="welcome:3") is None
    assert enqueue(dedupe_key="welcome:4", to="somebody@example.com") is not None


@pytest.mark.both_databases
def test_what_the_person_asked_for_is_tried_and_its_success_ends_the_block(
    enqueue_activation, enqueue, drain, smtp, records
):
    smtp.behaviour = "refuse"
    enqueue_activation("secret", to=ADDRESS)
    drain()
    enqueue_activation("secret", to=ADDRESS, dedupe_key="activation:2")
    drain()
    assert records.one(UnreachableAddress).refusals == 2
    smtp.behaviour = "accept"
    enqueue_activation("secret", to=ADDRESS, dedupe_key="activation:3")
    drain()
    assert records.count(UnreachableAddress) == 0
    assert enqueue(to=ADDRESS) is not None


def test_a_full_mailbox_is_noted_and_tried_again(app, enqueue, records):
    with app.app_context(), transaction():
        unreachable.record(ADDRESS, MailProblem.FULL, "552 5.2.2 over quota")
    assert records.count(UnreachableAddress) == 1
    assert enqueue(to=ADDRESS) is not None


def test_an_administrator_sends_again(app, admin, enqueue, drain, smtp, records):
    smtp.behaviour = "refuse"
    enqueue(to=ADDRESS)
    drain()
    page = admin.get("/unreachable/list/")
    assert ADDRESS in page.text
    assert "There is no such mailbox." in page.text
    smtp.behaviour = "accept"
    email = records.one(OutboxEmail)
    admin.post("/letters/action_post", {"action": "resend", "rowid": [email.id]})
    assert drain().sent == 1
    assert records.count(UnreachableAddress) == 0


# -- delivery reports


def report(message_id="", status="5.1.1", action="failed"):
    made = EmailMessage()
    made["From"], made["Subject"] = "MAILER-DAEMON@mx.example.com", "Undelivered Mail"
    made.set_content("It could not be delivered.")
    made.make_mixed()
    data = made.as_bytes().replace(b"multipart/mixed;", b"multipart/report; report-type=delivery-status;")
    end = data.rindex(b"--\n") - len(made.get_boundary()) - 2
    status_part = (
        f"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {ADDRESS}\n"
        f"Action: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {status} no such mailbox\n"
    )
    original = f"Content-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nSubject: Welcome\n"
    boundary = f"--{made.get_boundary()}\n"
    return data[:end] + f"{boundary}{status_part}\n{boundary}{original}\n".encode() + data[end:]


@pytest.fixture
def sent(app, enqueue, drain, smtp, monkeypatch, records):
    """An e-mail that the mail server took."""
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", SITE)
    enqueue(to=ADDRESS)
    drain()
    return records.one(OutboxEmail)


def receive(app, data, recipient):
    with app.app_context(), transaction():
        return inbound_service.receive(data, recipient, "")


def bounce_address(app, email):
    with app.app_context():
        return addresses.make("bounce", str(email.id))


def test_reports_go_to_an_address_of_the_email(app, sent, smtp):
    assert smtp.senders == [bounce_address(app, sent)]


@pytest.mark.parametrize("by", ["address", "message id"])
def test_a_report_fails_the_email_and_blocks_the_address(app, sent, records, by):
    if by == "address":
        outcome = receive(app, report(), bounce_address(app, sent))
    else:
        outcome = receive(app, report(sent.message_id), SITE)
    assert outcome is Outcome.HANDLED
    assert (records.fresh(sent).state, records.fresh(sent).last_error) == ("failed", "5.1.1 550 5.1.1 no such mailbox")
    assert records.one(UnreachableAddress).problem == MailProblem.NO_MAILBOX


@pytest.mark.parametrize(
    "changes", [{"action": "delayed", "status": "4.4.1"}, {"action": "relayed", "status": "2.0.0"}]
)
def test_a_delay_changes_nothing(app, sent, records, changes):
    assert receive(app, report(**changes), bounce_address(app, sent)) is Outcome.HANDLED
    assert records.fresh(sent).state == EmailState.SENT
    assert records.count(UnreachableAddress) == 0


def test_a_report_about_another_email_is_dropped(app, sent, records):
    assert receive(app, report("<made.up@dinner.example.org>"), SITE) is Outcome.DROPPED
    assert records.fresh(sent).state == EmailState.SENT


def test_accepting_an_email_proves_nothing_after_a_report(app, sent, enqueue_activation, drain, records):
    receive(app, report(), bounce_address(app, sent))
    enqueue_activation("secret", to=ADDRESS)
    assert drain().sent == 1
    assert records.count(UnreachableAddress) == 1


def test_message_ids_cannot_be_guessed(app, monkeypatch):
    with app.app_context():
        first = service.message_id("welcome:1")
        monkeypatch.setitem(app.config, "SECRET_KEY", "y" * 40)
        assert service.message_id("welcome:1") != first
