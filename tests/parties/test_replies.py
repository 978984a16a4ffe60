"""Guests and hosts write to each other by replying to e-mails, without seeing each other's addresses."""

from datetime import timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.inbound import addresses, limits
from app.inbound import service as inbound_service
from app.inbound.models import InboundMessage
from app.inbound.service import Outcome
from app.outbox import delivery
from app.outbox.models import OutboxEmail
from app.parties import guest_addresses
from app.parties.messages.conversation import own_words
from app.parties.models import CoHost
from tests.inbound.conftest import ADDRESS, message
from tests.support.factories import InvitationFactory, RsvpFactory

SITE, URL = "dinner@dinner.example.org", "https://dinner.example.org"


@pytest.fixture(autouse=True)
def open_door(app, monkeypatch):
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", ADDRESS)
    monkeypatch.setattr(inbound_service, "limits", limits.RateLimit())


@pytest.fixture
def guest(party, cast):
    return RsvpFactory(party=party, member=cast.friend)


def address_of(app, guest):
    with app.app_context():
        return guest_addresses.reply_address(guest)


def receive(app, recipient, text="Is there parking?", **headers):
    with app.app_context(), transaction():
        return inbound_service.receive(message(text, **headers).as_bytes(), recipient, "anybody@example.com")


@pytest.mark.both_databases
def test_a_conversation_hides_both_mailboxes(app, party, cast, guest, smtp, records):
    reply = (
        f"Is there parking? My address is {cast.friend.email}.\n\nOn Friday, Dinner <{ADDRESS}> wrote:\n> Welcome!\n"
    )
    assert receive(app, address_of(app, guest), reply) is Outcome.HANDLED
    to_host = records.one(OutboxEmail)
    assert (to_host.recipient, to_host.kind) == (cast.host.email, "guest_reply")
    assert "Is there parking? My address is …." in to_host.text
    assert "Welcome!" not in to_host.text
    assert cast.friend.email not in to_host.text + to_host.html + to_host.reply_to
    assert receive(app, to_host.reply_to.upper(), "Yes, behind the house.") is Outcome.HANDLED
    to_guest = records.all(OutboxEmail)[1]
    assert (to_guest.recipient, to_guest.kind) == (cast.friend.email, "host_reply")
    assert "Yes, behind the house." in to_guest.text
    assert cast.host.email not in to_guest.text + to_guest.html + to_guest.reply_to
    assert to_guest.reply_to == address_of(app, guest)
    with app.app_context():
        assert delivery.drain().sent == 2
    assert [sent["Auto-Submitted"] for sent in smtp.messages] == [None, None]


def test_a_reply_reaches_every_host_once(app, party, cast, guest, records):
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=cast.stranger.id))
    for _ in range(2):
        receive(app, address_of(app, guest))
    assert sorted(email.recipient for email in records.all(OutboxEmail)) == sorted(
        [cast.host.email, cast.stranger.email]
    )


def test_what_is_attached_is_named_and_not_passed_on(app, cast, guest, records):
    written = message("The cake, and a song.")
    for name in ("kéyk <b>.png", f"from {cast.friend.email}.pdf", "run me.exe"):
        written.add_attachment(b"x" * 1000, maintype="image", subtype="png", filename=name)
    written.add_attachment(b"\0", maintype="audio", subtype="mpeg", disposition="inline")
    with app.app_context(), transaction():
        assert inbound_service.receive(written.as_bytes(), address_of(app, guest), "a@example.com") is Outcome.HANDLED
    email = records.one(OutboxEmail)
    assert "4 attachments are not passed on:\nkéyk <b>.png, from ….pdf, run me.exe, audio/mpeg" in email.text
    assert "kéyk &lt;b&gt;.png" in email.html
    assert cast.friend.email not in email.text + email.html


def test_an_invited_guest_asks_before_they_answer(app, party, cast, records):
    invitation = InvitationFactory(party=party, email="rosa@example.org", name="Rosa")
    assert receive(app, address_of(app, invitation)) is Outcome.HANDLED
    to_host = records.one(OutboxEmail)
    assert to_host.subject == f"Reply of Rosa: {party.title}"
    receive(app, to_host.reply_to, "Yes!")
    to_guest = records.all(OutboxEmail)[1]
    assert to_guest.recipient == "rosa@example.org"
    assert to_guest.secret is not None


@pytest.mark.parametrize("why", ["removed", "long over", "no host any more"])
def test_a_conversation_that_is_over_is_kept_for_administrators(app, party, cast, guest, records, why):
    recipient = address_of(app, guest)
    if why == "removed":
        recipient = address_of(app, RsvpFactory(party=party, member=cast.stranger, status="removed"))
    elif why == "long over":
        clock.set_now(party.ends_at + timedelta(days=31))
    else:
        with app.app_context():
            recipient = addresses.make("reply", f"h{cast.stranger.id}r{guest.id}")
    assert receive(app, recipient) is Outcome.KEPT
    assert records.count(OutboxEmail) == 0
    assert records.count(InboundMessage) == 1


def test_an_automatic_reply_is_not_passed_on(app, guest, records):
    assert receive(app, address_of(app, guest), Auto_Submitted="auto-replied") is Outcome.DROPPED
    assert records.count(OutboxEmail) == 0


def test_emails_about_a_party_say_how_to_reach_the_host(app, host, party, records, monkeypatch):
    path = f"/parties/{party.slug}/invitations"
    host.submit(host.get(path).form("/invitations"), email="rosa@example.org")
    opened = records.one(OutboxEmail)
    assert "Reply to this e-mail to write to your host." in opened.text
    assert opened.reply_to.startswith("dinner+reply-i")
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", "")
    host.submit(host.get(path).form("/invitations"), email="emil@example.org")
    closed = records.all(OutboxEmail)[1]
    assert "To tell your host something, add a note to your answer:" in closed.text
    assert closed.reply_to is None


# -- what is passed on


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Yes!\n\nOn Fri, Dinner <dinner@dinner.example.org> wrote:\n> Come\n> at 7\n", "Yes!"),
        (
            "El vie, Dinner\n<dinner+reply-r1-abc@dinner.example.org> escribió:\n\n> Come\n\nYes!",
            "El vie, Dinner\n\nYes!",
        ),
        ("Yes!\n\nFrom: Dinner <dinner@dinner.example.org>\nTo: Rosa <rosa@example.org>\n\nCome at 7", "Yes!"),
        ("See https://dinner.example.org/i/s3cret!", "See https://dinner.example.org"),
        ("I am ROSA@example.org", "I am …"),
        ("> all\n> quoted", ""),
    ],
    ids=["above", "below", "without marks", "links", "addresses", "nothing"],
)
def test_only_the_words_of_the_writer_are_passed_on(text, words):
    assert own_words(text, site_address=SITE, site_url=URL, hidden=("rosa@example.org",)) == words
