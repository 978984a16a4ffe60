"""Unsubscribing from a topic: by the button of a mail program, or by the link in the footer."""

import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import clock
from app.accounts.privacy import data_export
from app.accounts.users import account_deletion
from app.database import transaction
from app.outbox import service, unsubscribe, unsubscribe_token
from app.outbox.models import UNSUBSCRIBE, EmailState, EmailTopic, OutboxEmail, Unsubscription
from tests.support.factories import MemberFactory, OutboxEmailFactory

GUEST = "Guest@example.com"
STOPPED = ("info", "You have unsubscribed from these e-mails: messages from hosts to their guests.")
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def https(app, monkeypatch):
    """Serve the site under the public URL of the e-mails."""
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://dinner.example.org")


@pytest.fixture
def link(app):
    """The unsubscribe link of an e-mail."""
    with app.app_context():
        return f"/letters/unsubscribe/{unsubscribe_token.dump_token(GUEST, EmailTopic.MESSAGES)}"


@pytest.fixture
def stop(app):
    """Unsubscribe."""

    def ask(email=GUEST, topic=EmailTopic.MESSAGES):
        with app.app_context(), transaction():
            unsubscribe.unsubscribe(email, topic)

    return ask


# -- headers and footer


@pytest.mark.usefixtures("https")
@pytest.mark.parametrize("to", ["guest@example.com", f"{'a' * 64}@{'löffel.' * 16}example.com"])
def test_an_optional_email_has_an_unsubscribe_link(enqueue, drain, smtp, app, to):
    enqueue(topic=EmailTopic.MESSAGES, to=to)
    drain()
    (arrived,) = smtp.messages
    with app.app_context():
        address = unsubscribe_token.url(to, EmailTopic.MESSAGES)
    assert arrived["List-Unsubscribe"] == f"<{address}>"
    assert address.startswith("https://dinner.example.org/letters/unsubscribe/")
    assert arrived["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in arrived.get_body(("plain",)).get_content()
    assert f'href="{address}"' in arrived.get_body(("html",)).get_content()


def test_a_required_email_has_no_unsubscribe_link(enqueue, drain, smtp):
    enqueue()
    drain()
    (arrived,) = smtp.messages
    assert arrived["List-Unsubscribe"] is arrived["List-Unsubscribe-Post"] is None
    assert "unsubscribe" not in arrived.get_body(("plain",)).get_content()


def test_without_https_there_is_no_one_click_header(enqueue, drain, smtp):
    enqueue(topic=EmailTopic.MESSAGES)
    drain()
    (arrived,) = smtp.messages
    assert arrived["List-Unsubscribe"].startswith("<http://")
    assert arrived["List-Unsubscribe-Post"] is None


def test_the_unsubscribe_link_is_neither_stored_nor_shown_to_administrators(enqueue, records, app, cast, client_of):
    letter = enqueue(topic=EmailTopic.MESSAGES)
    with app.app_context():
        token = unsubscribe_token.dump_token("guest@example.com", EmailTopic.MESSAGES)
    assert UNSUBSCRIBE in letter.text
    assert token not in repr(records.dump())
    page = client_of(cast.admin).get(f"/letters/show/{letter.id}")
    assert "/letters/unsubscribe/…" in page.text
    assert token not in page.text


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("en", "Unsubscribe from these e-mails: messages from hosts to their guests"), ("ar", 'lang="ar" dir="rtl"')],
)
def test_the_footer_is_in_the_recipients_language(enqueue, locale, sentence):
    letter = enqueue(topic=EmailTopic.MESSAGES, locale=locale)
    assert sentence in letter.html


def test_reply_to_is_set_as_given(enqueue, drain, smtp):
    enqueue(reply_to="zoe.host@löffel.example")
    enqueue(dedupe_key="welcome:2")
    drain()
    first, second = smtp.messages
    assert first["Reply-To"] == "zoe.host@xn--lffel-jua.example"
    assert second["Reply-To"] is None


# -- unsubscribing


@pytest.mark.both_databases
def test_unsubscribed_recipients_get_no_email(enqueue, stop, records):
    stop("GUEST@example.com")
    assert enqueue(topic=EmailTopic.MESSAGES) is None
    assert records.count(OutboxEmail) == 0
    assert enqueue(topic=EmailTopic.REMINDERS, dedupe_key="a").topic == EmailTopic.REMINDERS
    assert enqueue(dedupe_key="b").topic is None
    assert enqueue(topic=EmailTopic.MESSAGES, to="other@example.com", dedupe_key="c").recipient == "other@example.com"


def test_queued_emails_are_not_sent_after_unsubscribing(enqueue, stop, records, app, smtp, drain):
    letter, other = enqueue(topic=EmailTopic.MESSAGES), enqueue(topic=EmailTopic.REMINDERS, dedupe_key="other")
    sent = OutboxEmailFactory(topic=EmailTopic.MESSAGES, recipient=GUEST, sent=True)
    stop()
    assert [records.fresh(each).state for each in (letter, other, sent)] == [
        EmailState.FAILED,
        EmailState.QUEUED,
        EmailState.SENT,
    ]
    with app.app_context(), transaction() as session:
        assert service.resend([session.get(OutboxEmail, each.id) for each in (letter, sent)]) == 0
    assert drain().sent == 1


def test_the_page_explains_the_topic_and_has_a_button(visitor, link, records):
    page = visitor.get(link)
    assert "guest@example.com" in page.text
    assert "messages from hosts to their guests" in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert records.count(Unsubscription) == 0
    page = visitor.submit(page.form("/stop"))
    assert page.flashes == [STOPPED]
    row = records.one(Unsubscription)
    assert (row.email, row.topic) == ("guest@example.com", EmailTopic.MESSAGES)
    page = visitor.submit(page.form("/again"))
    assert page.flashes == [("info", "You will receive these e-mails again: messages from hosts to their guests.")]
    assert records.count(Unsubscription) == 0
    assert page.form("/stop")


def test_unsubscribing_twice_is_stored_once(visitor, link, records):
    first, second = visitor.get(link).form("/stop"), visitor.get(link).form("/stop")
    visitor.submit(first)
    page = visitor.submit(second)
    assert page.flashes == [("info", "Nothing changed: you have already unsubscribed from these e-mails.")]
    again = page.form("/again")
    visitor.submit(again)
    assert visitor.submit(again).flashes == [("info", "Nothing changed: you already receive these e-mails.")]
    assert records.count(Unsubscription) == 0


def test_opening_the_page_changes_nothing(visitor, link, records):
    before = records.dump()
    for method in ("GET", "HEAD"):
        assert visitor.open(method, link).status == 200
    assert records.dump() == before


@pytest.mark.both_databases
def test_one_click_works_without_a_cookie_and_csrf_token(app, link, records):
    answers = [app.test_client(use_cookies=False).post(link, data=ONE_CLICK) for _time in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not [answer.headers["Set-Cookie"] for answer in answers if "Set-Cookie" in answer.headers]
    assert records.one(Unsubscription).topic == EmailTopic.MESSAGES


def test_one_click_accepts_multipart_form_data(app, link, records):
    sent = app.test_client().post(link, data=ONE_CLICK, content_type="multipart/form-data")
    assert sent.status_code == 200
    assert records.count(Unsubscription) == 1


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "Two-Clicks"}, {"field": "value"}])
def test_any_other_post_body_is_refused(app, link, body, records):
    assert app.test_client().post(link, data=body).status_code == 400
    assert records.count(Unsubscription) == 0


@pytest.mark.parametrize("forge", ["unknown", "topic", "signature", "key"])
def test_a_forged_link_is_refused(app, visitor, monkeypatch, forge, records):
    with app.app_context():
        good = unsubscribe_token.dump_token(GUEST, EmailTopic.MESSAGES)
        if forge == "key":
            monkeypatch.setitem(app.config, "SECRET_KEY", "another key that is long enough for anybody")
            good = unsubscribe_token.dump_token(GUEST, EmailTopic.MESSAGES)
            monkeypatch.undo()
        forged = {
            "unknown": "unknown",
            "key": good,
            "signature": good[:-3] + ("AAA" if not good.endswith("AAA") else "BBB"),
            "topic": unsubscribe_token._serializer().dumps([GUEST, "essential"]),  # noqa: SLF001 - signed, and means nothing
        }[forge]
    link = f"/letters/unsubscribe/{forged}"
    page = visitor.get(link)
    assert (page.status, page.title.partition(" · ")[0]) == (404, "Unknown link")
    assert app.test_client().post(link, data=ONE_CLICK).status_code == 404
    for what in ("stop", "again"):
        page = visitor.post(f"{link}/{what}")
        assert page.flashes == [("danger", "Unknown link")]
    assert records.count(Unsubscription) == 0


def test_only_one_click_works_without_a_csrf_token(visitor, link, records):
    for what in ("stop", "again"):
        assert visitor.post(f"{link}/{what}", ONE_CLICK, csrf=False).status == 400
    assert records.count(Unsubscription) == 0


@pytest.mark.both_databases
def test_concurrent_unsubscribe_requests_are_stored_once(app, link, records):
    together = threading.Barrier(6)

    def ask(_number):
        client = app.test_client()
        together.wait()
        return client.post(link, data=ONE_CLICK).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(6))) == {200}
    assert records.count(Unsubscription) == 1


@pytest.mark.parametrize(("locale", "opening"), [("es", 'lang="es" dir="ltr"'), ("ar", 'lang="ar" dir="rtl"')])
def test_the_page_is_in_the_readers_language(visitor, link, locale, opening):
    assert opening in visitor.get(link, headers={"Accept-Language": locale}).text


# -- in the account


def test_unsubscriptions_are_exported_and_deleted_with_the_account(app, client_of, stop, records):
    member = MemberFactory(username="leaving", erase_at=clock.now())
    stop(member.email)
    stop("other@example.com", EmailTopic.INVITATIONS)
    with app.app_context(), transaction() as session:
        packed = data_export.export(session.get(type(member), member.id))
    with packed, zipfile.ZipFile(packed) as archive:
        exported = json.loads(archive.read("unsubscriptions.json"))
    assert [row["email"] for row in exported] == [member.email]
    with app.app_context():
        assert account_deletion.run_due() == 1
    assert [row.email for row in records.all(Unsubscription)] == ["other@example.com"]


def test_a_link_opened_by_a_member_applies_to_the_address_of_the_email(client_of, cast, link, records):
    visitor = client_of(cast.friend)
    visitor.submit(visitor.get(link).form("/stop"))
    assert records.one(Unsubscription).email == GUEST.lower()


def test_members_choose_topics_on_their_own_page(client_of, cast, link, records):
    visitor = client_of(cast.friend)
    page = visitor.get("/account/letters/")
    assert page.form("/account/letters/").fields.getlist("topics") == [
        EmailTopic.INVITATIONS,
        EmailTopic.MESSAGES,
        EmailTopic.REMINDERS,
        EmailTopic.DASHBOARDS,
    ]
    page = visitor.submit(page.form("/account/letters/"), topics=[EmailTopic.REMINDERS])
    assert page.flashes == [("info", "Settings saved.")]
    assert page.form("/account/letters/").fields.getlist("topics") == [EmailTopic.REMINDERS]
    assert {(row.email, row.topic) for row in records.all(Unsubscription)} == {
        (cast.friend.email, EmailTopic.INVITATIONS),
        (cast.friend.email, EmailTopic.MESSAGES),
        (cast.friend.email, EmailTopic.DASHBOARDS),
    }
    every = [EmailTopic.MESSAGES, EmailTopic.INVITATIONS, EmailTopic.REMINDERS, EmailTopic.DASHBOARDS]
    visitor.submit(page.form("/account/letters/"), topics=every)
    assert records.count(Unsubscription) == 0


def test_an_unknown_topic_is_refused(client_of, cast, records):
    page = client_of(cast.friend).post("/account/letters/", {"topics": "security"})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert records.count(Unsubscription) == 0


def test_unsubscriptions_follow_a_changed_email_address(app, stop, records):
    stop("old@example.com")
    stop("new@example.com", EmailTopic.INVITATIONS)
    with app.app_context(), transaction():
        unsubscribe.rename_address("Old@example.com", "new@example.com")
    assert {(row.email, row.topic) for row in records.all(Unsubscription)} == {
        ("new@example.com", EmailTopic.MESSAGES),
        ("new@example.com", EmailTopic.INVITATIONS),
    }
