"""An e-mail is queued in the transaction of its fact, in the language of its recipient, once."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox import service
from app.outbox.models import SECRET, EmailState, EmailTopic, MailProblem, OutboxEmail
from app.outbox.unsubscribe import unsubscribe
from tests.support.factories import OutboxEmailFactory, UnreachableAddressFactory
from tests.support.statements import count_statements

TOKEN = "s3cret-token"
HOSTILE_NAMES = {
    "header injection": "Eve\r\nBcc: everybody@example.com\r\n\r\nBuy this",
    "NUL and escapes": "E\x00v\x1be\x7f",
    "markup": "<script>alert(1)</script> & \"quotes\" 'more'",
    "right to left override": "Eve \u202egnp.exe",
    "right to left mark": "\u200fحواء\u200f",
    "emoji": "👩‍👩‍👧‍👦 Eve 🍽️",
    "half a surrogate pair": "Eve \ud83d",
    "line separators": "Eve\u2028Bcc: x\u2029y\x85z",
    "placeholders": "%(name)s %s {{ name }} {name}",
    "very long": "Ève " * 5000,
    "blank": " \t ",
}
GREETING = {
    "kind": "welcome",
    "to": "guest@example.com",
    "name": "Grete",
    "locale": "en",
    "timezone": "UTC",
    "context": {"login_url": "https://dinner.example.org/login/"},
    "dedupe_key": "welcome:1",
}


def test_an_email_is_queued_in_the_language_and_time_zone_of_its_recipient(enqueue_activation, noon):
    letter = enqueue_activation(TOKEN, timezone="Europe/Madrid", locale="es")
    assert letter.state == EmailState.QUEUED
    assert (letter.locale, letter.timezone) == ("es", "Europe/Madrid")
    assert 'lang="es" dir="ltr"' in letter.html
    # Noon in UTC is two in the afternoon in Madrid in June.
    assert "14:00" in letter.text
    assert letter.not_before == letter.created_at == noon


def test_arabic_emails_run_from_right_to_left(enqueue_activation):
    letter = enqueue_activation(TOKEN, locale="ar", timezone="Africa/Cairo")
    assert 'lang="ar" dir="rtl"' in letter.html
    assert "٣:٠٠" in letter.text or "3:00" in letter.text


@pytest.mark.parametrize(("asked", "given"), [(None, "en"), ("xx_YY", "en"), ("es_MX", "es"), ("../etc", "en")])
def test_an_unshipped_locale_falls_back_to_the_nearest_or_the_default(enqueue, asked, given):
    assert enqueue(locale=asked).locale == given


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../../etc/passwd"])
def test_an_unknown_time_zone_falls_back_to_the_default(enqueue_activation, zone):
    assert "12:00" in enqueue_activation(TOKEN, timezone=zone).text


@pytest.mark.both_databases
@pytest.mark.parametrize("name", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_names_may_contain_any_characters(enqueue, records, name):
    enqueue(name=name)
    letter = records.one(OutboxEmail)
    assert not set("\r\n\x00\x1b\x7f\u202e\u2028\ud83d") & set(letter.name + letter.subject)
    assert "\x00" not in letter.text
    assert "<script>" not in letter.html
    assert len(letter.name) <= 130


def test_text_is_not_escaped_and_html_is(enqueue):
    letter = enqueue(name="O'Brien & <Sons>")
    assert "O'Brien & <Sons>" in letter.text
    assert "&lt;Sons&gt;" in letter.html
    assert "<Sons>" not in letter.html


def test_a_subject_is_one_line_that_fits(app, enqueue):
    facts = {"title": "Soup\r\nBcc: all@example.com\r\n" + "and more soup " * 60, "host_name": "H", "starts_at": None,
             "to_host": False, "main_dish": "", "venue": "", "area": "", "address": "", "map_url": ""}  # fmt: skip
    with app.app_context():
        context = {
            "party": {**facts, "starts_at": clock.now(), "timezone": "UTC"},
            "url": "u",
            "seats": 1,
            "ticket_url": "t",
        }
    letter = enqueue("rsvp_yes", context=context)
    assert letter.subject.startswith("You have a seat: Soup Bcc: all@example.com and more soup")
    assert len(letter.subject) == 255
    assert letter.subject.endswith("…")


@pytest.mark.both_databases
def test_an_email_is_queued_once_per_dedupe_key(enqueue, records):
    first = enqueue(name="First")
    second = enqueue(name="Second")
    assert second.id == first.id
    assert records.one(OutboxEmail).name == "First"


@pytest.mark.both_databases
def test_an_email_is_queued_once_by_concurrent_writers(enqueue, records):
    together = threading.Barrier(6)

    def enqueue_it(number):
        together.wait()
        return enqueue(name=f"Writer {number}").id

    with ThreadPoolExecutor(6) as pool:
        identities = set(pool.map(enqueue_it, range(6)))
    assert identities == {records.one(OutboxEmail).id}


WRITTEN = ("name", "locale", "timezone", "subject", "text", "html", "topic", "expires_at", "priority")


@pytest.mark.both_databases
def test_emails_that_are_written_together_read_as_if_each_were_written_alone(app, enqueue, records):
    """What several read alike is rendered once; who reads what is nobody else's."""
    differences = [
        *({"name": name} for name in ("Ada & <Bob>", "%(name)s {{ name }}", "حواء", " \t ", "", "E\x00v\u202e\r\ne")),
        *({"locale": locale, "name": f"Reader {locale}"} for locale in ("es", "ar", None)),
        {"timezone": "Asia/Tokyo", "context": {"login_url": "https://other.example.org/?a=1&b=2"}},
        {"topic": EmailTopic.MESSAGES, "context": {"login_url": {"cannot": {"be", "compared"}}}},
        *({"to": f"{name}@example.com", "name": name} for name in ("ben", "cleo", "dan")),
    ]
    requests = [{**GREETING, **each, "dedupe_key": f"welcome:{n}"} for n, each in enumerate(differences)]
    together = [service.EmailRequest(**{**each, "dedupe_key": f"together:{each['dedupe_key']}"}) for each in requests]
    with app.app_context(), transaction():
        assert service.enqueue_many(together) == [True] * len(requests)
    for request in requests:
        alone = enqueue(**request)
        (other,) = (each for each in records.all(OutboxEmail) if each.dedupe_key == f"together:{request['dedupe_key']}")
        assert [getattr(other, column) for column in WRITTEN] == [getattr(alone, column) for column in WRITTEN]
        assert service.NAME not in other.text + other.html + other.subject


@pytest.mark.both_databases
def test_many_emails_take_as_few_statements_as_one(app, records):
    counts = {}
    for number in (1, 300):
        requests = [
            service.EmailRequest(**{**GREETING, "name": f"Guest {n}", "dedupe_key": f"welcome:{number}:{n}"})
            for n in range(number)
        ]
        with app.app_context(), transaction(), count_statements() as statements:
            service.enqueue_many(requests)
        counts[number] = len(statements)
    assert counts == {1: 2, 300: 2}
    assert records.count(OutboxEmail) == 301


@pytest.mark.both_databases
def test_of_many_only_those_get_an_email_who_want_it_and_can(app, records):
    UnreachableAddressFactory(email="gone@example.com", problem=MailProblem.NO_MAILBOX)
    UnreachableAddressFactory(email="full@example.com", problem=MailProblem.FULL)
    with app.app_context(), transaction():
        unsubscribe("left@example.com", EmailTopic.MESSAGES)
    asked = [
        ("Gone@example.com", EmailTopic.MESSAGES, service.ORDINARY, False),
        ("gone@example.com", None, service.URGENT, True),
        ("full@example.com", EmailTopic.MESSAGES, service.ORDINARY, True),
        ("left@example.com", EmailTopic.MESSAGES, service.ORDINARY, False),
        ("LEFT@example.com", EmailTopic.REMINDERS, service.ORDINARY, True),
        ("left@example.com", None, service.ORDINARY, True),
        ("nobody@no-address.invalid", None, service.ORDINARY, False),
    ]
    requests = [
        service.EmailRequest(**{**GREETING, "to": to, "topic": topic, "priority": priority, "dedupe_key": f"{number}"})
        for number, (to, topic, priority, _gets_it) in enumerate(asked)
    ]
    with app.app_context(), transaction():
        assert service.enqueue_many(requests) == [gets_it for *_request, gets_it in asked]
    assert [each.dedupe_key for each in records.all(OutboxEmail)] == ["1", "2", "4", "5"]


def test_control_without_the_dedupe_key_there_are_several(enqueue, records):
    for number in range(3):
        enqueue(dedupe_key=f"welcome:{number}")
    assert records.count(OutboxEmail) == 3


@pytest.mark.both_databases
def test_an_email_is_rolled_back_with_its_transaction(app, records):
    with app.app_context():
        OutboxEmailFactory()
        assert service.enqueue(service.EmailRequest(**GREETING))
        db.session.rollback()
    assert records.count(OutboxEmail) == 0


def test_the_same_key_has_the_same_message_id(app):
    with app.app_context():
        assert service.message_id("welcome:1") == service.message_id("welcome:1") != service.message_id("welcome:2")


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://dinner.example.org", "dinner.example.org"),
        ("https://dinner.example.org:8443/table", "dinner.example.org"),
        ("http://127.0.0.1:8080", "[127.0.0.1]"),
        ("http://[::1]:8080", "[IPv6:::1]"),
    ],
)
def test_message_ids_carry_the_public_host(app, monkeypatch, url, domain):
    monkeypatch.setitem(app.config, "PUBLIC_URL", url)
    with app.app_context():
        assert service.message_id("welcome:1").endswith(f"@{domain}>")


def test_the_secret_is_stored_apart_from_the_text(enqueue_activation, records):
    enqueue_activation(TOKEN)
    letter = records.one(OutboxEmail)
    assert letter.secret == TOKEN
    assert SECRET in letter.text
    assert SECRET in letter.html
    assert TOKEN not in letter.text + letter.html + letter.subject


@pytest.mark.usefixtures("no_mail_server")
def test_without_a_mail_server_the_log_says_where_to_read_the_email(app, enqueue_activation, caplog):
    caplog.set_level(logging.INFO, "app")
    letter = enqueue_activation(TOKEN)
    assert [record.message for record in caplog.records] == [
        f"E-mail {letter.id} (activation) is waiting in the outbox: {app.config['PUBLIC_URL']}/letters/show/{letter.id}"
    ]


def test_an_email_that_was_rolled_back_is_not_logged(app, enqueue, caplog):
    caplog.set_level(logging.INFO, "app")
    with app.app_context():
        service.enqueue(service.EmailRequest(**GREETING))
        db.session.rollback()
        db.session.commit()
    assert caplog.records == []


@pytest.mark.usefixtures("smtp")
def test_with_a_mail_server_nothing_is_logged(enqueue, caplog):
    caplog.set_level(logging.INFO, "app")
    enqueue()
    assert caplog.records == []


def test_sent_and_failed_emails_can_be_queued_again(app, later, records):
    letters = [
        OutboxEmailFactory(sent=True),
        OutboxEmailFactory(failed=True),
        OutboxEmailFactory(),
        OutboxEmailFactory(sending=True),
    ]
    later(hours=1)
    with app.app_context(), transaction():
        again = service.resend([db.session.get(OutboxEmail, letter.id) for letter in letters])
    assert again == 2
    sent, failed, waiting, sending = (records.fresh(letter) for letter in letters)
    assert {sent.state, failed.state, waiting.state} == {EmailState.QUEUED}
    assert sending.state == "sending"
    assert (failed.attempts, failed.last_error, failed.not_before) == (0, "", clock.now())


def test_a_resent_email_gets_a_new_message_id_and_a_failed_one_keeps_its_own(app, records):
    letters = [OutboxEmailFactory(sent=True), OutboxEmailFactory(failed=True)]
    with app.app_context(), transaction():
        service.resend([db.session.get(OutboxEmail, letter.id) for letter in letters])
    sent, failed = (records.fresh(letter) for letter in letters)
    assert sent.message_id != letters[0].message_id
    assert failed.message_id == letters[1].message_id


@pytest.mark.parametrize(
    "changes",
    [
        {"sent": True, "text": f"https://x/{SECRET}", "secret": None},
        {"failed": True, "expires_at": clock.now() - timedelta(days=365 * 100)},
    ],
    ids=["the secret is gone", "expired"],
)
def test_an_expired_email_is_not_queued_again(app, changes):
    letter = OutboxEmailFactory(**changes)
    with app.app_context(), transaction():
        assert service.resend([db.session.get(OutboxEmail, letter.id)]) == 0
