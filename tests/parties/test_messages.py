"""Messages of hosts to their guests."""

import base64
import contextlib
import hashlib
import html
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import Engine, event, update

from app import clock, scheduler
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.database import transaction
from app.jobs import service as job_service
from app.jobs.models import Job
from app.outbox import delivery, unsubscribe
from app.outbox.models import SECRET, UNSUBSCRIBE, EmailTopic, OutboxEmail
from app.parties.enums import RsvpStatus
from app.parties.messages import service as message_service
from app.parties.messages.forms import EVERYONE
from app.parties.messages.models import GuestMessage
from tests.support.factories import (
    DinnerPartyFactory,
    GuestMessageFactory,
    InvitationFactory,
    MemberFactory,
    RsvpFactory,
    WaitOfferFactory,
)
from tests.support.statements import count_statements

TEXT = "Bring a coat.\n\nWe sit <b>outside</b>,\nunder the tree."


@pytest.fixture
def party(cast):
    """A party with RSVPs of every kind, three of them in other languages."""
    party = DinnerPartyFactory(host=cast.host, title="Garden", slug="garden", number_seats=20, timezone="Europe/Madrid")
    RsvpFactory(party=party, member=MemberFactory(username="en"))
    RsvpFactory(party=party, member=MemberFactory(username="es", locale="es", timezone="America/Lima"))
    RsvpFactory(party=party, member=MemberFactory(username="ar", locale="ar", timezone="Africa/Cairo"), here=True)
    RsvpFactory(party=party, member=MemberFactory(username="perhaps"), maybe=True)
    RsvpFactory(party=party, member=MemberFactory(username="waits"), waiting=True)
    RsvpFactory(party=party, member=MemberFactory(username="asks"), asking=True)
    RsvpFactory(party=party, member=MemberFactory(username="refused"), declined=True)
    invited(party, email="silent@example.org", locale="es")
    invited(party, email="gone@example.org", revoked=True)
    invited(party, email="later@example.org", sent_at=None)
    invited(party, email="REFUSED@example.com")
    InvitationFactory(party=party, email="typed-by-somebody@example.org")
    return party


def page_of(host):
    return host.get("/parties/garden/write").form("/write")


def write(host, *audiences, button="send", form=None, **typed):
    given = {"subject": "The weather", "text": TEXT, **typed}
    return host.submit(form or page_of(host), button=("action", button), audiences=audiences, **given)


def invited(party, **columns):
    """Store an invitation of a person without an account."""
    return InvitationFactory(party=party, invited_by=party.host, **columns)


def emails(records):
    """Return the e-mails with messages, without those about new devices."""
    return [letter for letter in records.all(OutboxEmail) if letter.kind == "guest_message"]


def recipients(records):
    return sorted(letter.recipient.partition("@")[0] for letter in emails(records))


# -- recipients


@pytest.mark.parametrize(
    ("audiences", "reached"),
    [
        (["coming"], ["ar", "en", "es"]),
        (["maybe"], ["perhaps"]),
        (["waiting"], ["waits"]),
        (["asking"], ["asks"]),
        (["silent"], ["silent"]),
        (["maybe", "silent"], ["perhaps", "silent"]),
        (["everybody"], ["ar", "asks", "en", "es", "perhaps", "silent", "waits"]),
    ],
    ids="+".join,
)
def test_a_message_goes_to_the_chosen_recipients(host, party, audiences, reached, records):
    number = f"{len(reached)} guest" + "s" * (len(reached) > 1)
    assert write(host, *audiences).flashes == [("info", f"Message queued for {number}.")]
    assert recipients(records) == reached
    message = records.one(GuestMessage)
    assert (message.recipients, message.subject, message.text) == (len(reached), "The weather", TEXT)


def test_guests_with_an_open_offer_count_as_waiting(host, party, records):
    WaitOfferFactory(party=party)
    assert write(host, "waiting").flashes == [("info", "Message queued for 2 guests.")]
    assert RsvpStatus.OFFERED not in records.one(GuestMessage).statuses


def test_the_form_shows_the_number_of_recipients_of_each_choice(host, party):
    text = host.get("/parties/garden/write").text
    for choice in ("Guests who are coming: 3", "Guests who answered maybe: 1", "have not answered: 1", "Everyone: 7"):
        assert choice in text


def test_a_preview_sends_nothing_and_keeps_the_form(host, party, records):
    page = write(host, "coming", "maybe", button="preview")
    assert page.flashes == [("info", "Nothing has been sent yet. This message would go to 4 guests.")]
    assert "We sit &lt;b&gt;outside&lt;/b&gt;" in html.unescape(page.text)
    assert records.count(OutboxEmail) == records.count(GuestMessage) == 0
    form = page.form("/write")
    assert (form.fields.getlist("audiences"), form.fields["text"]) == (["coming", "maybe"], TEXT)
    assert write(host, "coming", "maybe", form=form).flashes == [("info", "Message queued for 4 guests.")]


def test_a_selection_without_recipients_is_refused_and_the_text_kept(host, cast, records):
    DinnerPartyFactory(host=cast.host, slug="garden")
    page = write(host, "coming", "silent")
    assert (page.status, page.flashes) == (
        422,
        [("warning", "There are no guests in this selection. Nothing was sent.")],
    )
    assert page.form("/write").fields["text"] == TEXT
    assert records.count(GuestMessage) == 0
    assert write(host, "maybe", button="preview").flashes[0][0] == "warning"


@pytest.mark.parametrize("typed", [{"subject": ""}, {"text": " \n"}, {"subject": "x" * 121}, {"text": "x" * 5001}])
def test_missing_or_too_long_fields_are_refused_and_the_form_kept(host, party, typed, records):
    page = write(host, "coming", **typed)
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert page.form("/write").fields.getlist("audiences") == ["coming"]
    assert records.count(OutboxEmail) == 0


def test_choosing_no_recipients_is_an_error(host, party):
    page = write(host)
    assert page.status == 422
    assert "Choose the recipients." in page.text


def test_a_co_host_can_send_messages_and_hosts_get_none(client_of, cast, party, records):
    owner = client_of(cast.host)
    owner.submit(owner.get("/parties/garden/hosts").form("/hosts"), username="friend")
    RsvpFactory(party=party, member=cast.friend)
    assert write(client_of(cast.friend), "coming").flashes == [("info", "Message queued for 3 guests.")]
    assert recipients(records) == ["ar", "en", "es"]
    assert records.one(GuestMessage).author_id == cast.friend.id
    english = next(letter for letter in emails(records) if letter.locale == "en")
    assert "Friend Doe has sent you a message about a dinner:" in english.text


@pytest.mark.parametrize("who", ["friend", "admin"])
def test_only_hosts_can_send_messages(client_of, cast, party, who):
    visitor = client_of(getattr(cast, who))
    for path in ("write", "reminders"):
        assert visitor.get(f"/parties/garden/{path}").status == 403
    assert visitor.post("/parties/garden/remind").status == 403


def test_no_message_can_be_sent_about_a_draft(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="garden", draft=True)
    RsvpFactory(party=party)
    page = write(host, "coming")
    assert page.flashes == [("warning", "Publish the party first: guests cannot see a draft.")]
    assert records.count(OutboxEmail) == 0


def test_a_message_can_be_sent_after_the_party(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="garden", past=True)
    RsvpFactory(party=party)
    RsvpFactory(party=party, email="erased-7@invalid")
    assert write(host, "coming").flashes == [("info", "Message queued for 1 guest.")]
    assert records.one(OutboxEmail).expires_at > clock.now()


# -- content


def test_the_email_around_the_message_is_in_the_language_of_each_guest(host, party, records):
    write(host, "coming", "silent")
    found = {letter.recipient.partition("@")[0]: letter for letter in emails(records)}
    assert {name: letter.locale for name, letter in found.items()} == {
        "en": "en", "es": "es", "ar": "ar", "silent": "es",
    }  # fmt: skip
    # The time zone of a guest without an account is not known. Times of the party are in its own.
    assert (found["es"].timezone, found["silent"].timezone) == ("America/Lima", "UTC")
    assert 'lang="ar" dir="rtl"' in found["ar"].html
    for letter in found.values():
        assert "The weather" in letter.subject
        assert "Garden" in letter.subject
        assert TEXT in letter.text
        assert "<p>We sit &lt;b&gt;outside&lt;/b&gt;,<br>under the tree.</p>" in letter.html
        assert '<blockquote dir="auto">' in letter.html
        assert letter.topic == EmailTopic.MESSAGES
    assert "Host Doe has sent you a message about a dinner:" in found["en"].text


def test_guests_without_an_account_get_their_personal_link(host, visitor, party, records):
    write(host, "silent")
    letter = records.one(OutboxEmail)
    assert f"/invitations/{SECRET}" in letter.text
    assert visitor.get(f"/invitations/{letter.secret}").path == "/parties/garden"


def test_only_confirmed_guests_get_a_hidden_postal_address(host, cast, records):
    party = DinnerPartyFactory(host=cast.host, slug="garden", address="7 Secret Lane", address_for_guests=True)
    RsvpFactory(party=party, member=cast.friend)
    RsvpFactory(party=party, member=cast.stranger, maybe=True)
    invited(party)
    write(host, "everybody")
    told = {letter.recipient: "7 Secret Lane" in letter.text + letter.html for letter in records.all(OutboxEmail)}
    assert [address for address, is_told in told.items() if is_told] == [cast.friend.email]


@pytest.mark.parametrize("ticked", [True, False])
def test_reply_to_is_the_host_only_if_the_host_allows_it(host, app, cast, party, smtp, ticked):
    write(host, "maybe", with_address=["y"] if ticked else None)
    with app.app_context():
        delivery.drain()
    (arrived,) = smtp.messages
    assert arrived["Reply-To"] == (cast.host.email if ticked else None)
    text = arrived.get_body(("plain",)).get_content()
    assert ("Reply to this e-mail to write to Host Doe." in text) == ticked
    assert ("Replies to this e-mail are not read." in text) != ticked
    assert ticked or cast.host.email not in arrived.as_string()
    assert arrived["List-Unsubscribe"]


@pytest.mark.both_databases
def test_unsubscribed_guests_are_not_counted_and_get_no_message(host, app, party, records):
    with app.app_context(), transaction():
        for name in ("EN@example.com", "silent@example.org"):
            unsubscribe.unsubscribe(name, EmailTopic.MESSAGES)
    assert "Guests who are coming: 2" in host.get("/parties/garden/write").text
    assert write(host, "coming", "silent").flashes == [("info", "Message queued for 2 guests.")]
    assert recipients(records) == ["ar", "es"]


# -- duplicates and limits


def test_sending_the_form_twice_sends_the_message_once(host, party, records):
    form = page_of(host)
    pages = [write(host, "coming", form=form) for _time in range(2)]
    assert [page.flashes for page in pages] == [[("info", "Message queued for 3 guests.")]] * 2
    assert (records.count(GuestMessage), len(emails(records))) == (1, 3)


def test_the_same_form_with_another_text_is_another_message(host, party, records):
    form = page_of(host)
    write(host, "coming", form=form)
    write(host, "coming", form=form, text="And an umbrella.")
    assert (records.count(GuestMessage), records.count(OutboxEmail)) == (2, 6)


@pytest.mark.both_databases
def test_sending_the_form_concurrently_sends_the_message_once(client_of, cast, party, records):
    tabs = [client_of(cast.host) for _number in range(4)]
    forms = [page_of(tab) for tab in tabs]
    together = threading.Barrier(len(tabs))

    def send(number):
        together.wait()
        return write(tabs[number], "coming", form=forms[number], key=forms[0].fields["key"]).flashes

    with ThreadPoolExecutor(len(tabs)) as pool:
        assert list(pool.map(send, range(len(tabs)))) == [[("info", "Message queued for 3 guests.")]] * 4
    assert (records.count(GuestMessage), len(emails(records))) == (1, 3)


def test_messages_are_limited_to_ten_a_day(host, client_of, cast, party, records):
    for number in range(10):
        assert write(host, "maybe", subject=f"Number {number}").flashes[0][0] == "info"
    page = write(host, "maybe", subject="Number 10")
    assert page.flashes == [
        ("danger", "You have sent your guests 10 messages in the last 24 hours. Please wait until tomorrow.")
    ]
    assert (page.status, page.form("/write").fields["text"]) == (422, TEXT)
    assert records.count(GuestMessage) == 10
    with time_machine.travel(clock.now() + timedelta(hours=24, seconds=1)):
        assert write(client_of(cast.host), "maybe").flashes == [("info", "Message queued for 1 guest.")]


def test_sent_messages_are_listed(host, party):
    write(host, "maybe", "silent")
    text = host.get("/parties/garden/write").text
    for part in ("The weather", "To 2 guests", "Written by Host Doe", "We sit &lt;b&gt;outside&lt;/b&gt;"):
        assert part in text


def test_the_page_takes_few_statements_however_many_guests_there_are(host, cast, app):
    party = DinnerPartyFactory(host=cast.host, slug="garden", number_seats=300)
    with app.app_context(), transaction():
        for _number in range(60):
            RsvpFactory(party=party)
            InvitationFactory(party=party)
            GuestMessageFactory(party=party)
    for path in ("write", "reminders"):
        host.get(f"/parties/garden/{path}")
        with count_statements() as statements:
            assert host.get(f"/parties/garden/{path}").status == 200
        assert len(statements) <= 8


def test_the_preview_is_the_real_email_in_each_language_of_its_readers(host, party, records):
    page = write(host, "coming", "silent", button="preview")
    assert [" ".join(each.split()) for each in re.findall(r"<bdi>(\w+)</bdi>:\s*(\d e-mails?)", page.text)[0]] == [
        "Español",
        "2 e-mails",
    ]
    shown = [html.unescape(each) for each in re.findall(r'srcdoc="([^"]*)"', page.text)]
    assert [re.search(r'<html lang="(\w+)"', each)[1] for each in shown] == ["es", "en", "ar"]
    assert records.count(OutboxEmail) == 0
    write(host, "coming", "silent")
    sent = {email.html.replace(SECRET, "…").replace(UNSUBSCRIBE, "…") for email in emails(records)}
    assert set(shown) <= sent


def test_no_script_and_no_other_style_than_that_of_the_email_runs_in_its_preview(host, party):
    page = write(host, "coming", button="preview")
    style = html.unescape(re.search(r"&lt;style&gt;(.*?)&lt;/style&gt;", page.text, re.DOTALL)[1])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert f"style-src 'self' 'sha256-{digest}';" in policy
    assert re.search(r"<iframe[^>]*\ssandbox\s", page.text)
    assert "sha256" not in host.get("/parties/garden/write").headers["Content-Security-Policy"]


# -- to many


@pytest.fixture
def in_batches(monkeypatch):
    """Two e-mails are written at once."""
    monkeypatch.setattr(message_service, "BATCH", 2)


@contextlib.contextmanager
def broken_at_letter(number):
    """Break the connection before the INSERT of e-mails with that number."""
    inserts = []

    def interrupt(_connection, _cursor, statement, *_):
        if statement.startswith("INSERT INTO letter "):
            inserts.append(statement)
            if len(inserts) == number:
                raise ConnectionError("killed")

    event.listen(Engine, "before_cursor_execute", interrupt)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", interrupt)


def written(records):
    return Counter(letter.recipient for letter in records.all(OutboxEmail))


@pytest.mark.both_databases
def test_a_message_to_many_is_written_in_batches_and_once_to_each_when_interrupted(
    host, app, party, records, in_batches
):
    page = write(host, EVERYONE)
    assert page.flashes == [("info", "Message queued for 7 guests.")]
    assert records.count(OutboxEmail) == 0
    assert "7 e-mails are still to be written. You can leave this page." in page.text
    page = host.get("/parties/garden/write").text
    live = re.search(r'data-live="([^"]+)" data-version="(\w+)"', page)
    with app.app_context(), broken_at_letter(3), pytest.raises(ConnectionError):
        message_service.write_pending()
    # The batch that was interrupted is neither written nor lost.
    assert written(records).total() == 4 == records.one(GuestMessage).recipients - 3
    renewed = host.get(live[1], headers={"If-None-Match": f'"{live[2]}"'})
    assert "3 e-mails are still to be written." in renewed.response.json["html"]
    with app.app_context():
        assert message_service.write_pending() == 3
        assert message_service.write_pending() == 0
    assert written(records).total() == 7
    assert set(written(records).values()) == {1}
    message = records.one(GuestMessage)
    assert (message.is_written, message.unwritten) == (True, [])
    assert "data-live" not in host.get("/parties/garden/write").text


@pytest.mark.both_databases
def test_two_processes_write_a_message_to_many_once(host, app, party, records, in_batches):
    write(host, EVERYONE)
    together = threading.Barrier(2)

    def write_pending(_number):
        with app.app_context():
            together.wait()
            return message_service.write_pending()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write_pending, range(2)))
    assert written(records).total() == 7
    assert set(written(records).values()) == {1}


def test_a_message_to_many_reads_like_one_to_few(host, app, party, records, in_batches, monkeypatch):
    write(host, EVERYONE, with_address="y")
    with app.app_context():
        message_service.write_pending()
    in_the_background = {letter.recipient: letter for letter in records.all(OutboxEmail)}
    monkeypatch.setattr(message_service, "BATCH", 100)
    write(host, EVERYONE, with_address="y")
    for letter in records.all(OutboxEmail)[7:]:
        same = in_the_background[letter.recipient]
        assert (same.subject, same.text, same.html) == (letter.subject, letter.text, letter.html)
        assert (same.secret, same.reply_to, same.topic) == (letter.secret, letter.reply_to, letter.topic)
    assert records.count(OutboxEmail) == 14


def test_a_message_to_many_makes_its_job_due(host, app, party, records, in_batches):
    with app.app_context():
        job_service.due(scheduler.JOBS)
        with transaction() as session:
            session.execute(update(Job).values(due_at=clock.now() + timedelta(hours=1)))
        write(host, EVERYONE)
        due, _wait = job_service.due(scheduler.JOBS)
    assert [job.name for job in due] == [message_service.JOB]


def test_erased_authors_send_nothing_more(host, app, cast, party, records, in_batches):
    write(host, EVERYONE)
    with app.app_context(), transaction() as session:
        session.execute(update(Member).where(Member.id == cast.host.id).values(erase_at=clock.now()))
    with app.app_context():
        assert account_deletion.run_due() == 1
        assert message_service.write_pending() == 0
    assert [letter for letter in records.all(OutboxEmail) if letter.kind == "guest_message"] == []
