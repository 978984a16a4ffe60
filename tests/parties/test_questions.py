"""Guests write to the hosts from the page of the party."""

from datetime import timedelta

import pytest
import time_machine

from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import guest_addresses
from app.parties.enums import RsvpStatus
from app.parties.messages.replies import OPEN_FOR
from app.parties.models import NO_ADDRESS_DOMAIN, CoHost
from tests.inbound.conftest import ADDRESS
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

TEXT = "Is there parking?\n\n<b>Two</b> cars."


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Tupper", slug="tupper")


def ask(visitor, text=TEXT):
    return visitor.submit(visitor.get("/parties/tupper/ask").form("/ask"), text=text)


@pytest.mark.both_databases
def test_a_member_asks_all_hosts_and_gets_their_reply(app, party, cast, client_of, records):
    with app.app_context(), transaction():
        db.session.add(CoHost(party_id=party.id, member_id=cast.stranger.id))
    friend = client_of(cast.friend)
    assert "/parties/tupper/ask" in friend.get("/parties/tupper").text
    form = friend.get("/parties/tupper/ask").form("/ask")
    assert cast.friend.email in friend.get("/parties/tupper/ask").words
    # The form is sent twice.
    for _ in range(2):
        page = friend.submit(form, text=TEXT)
        assert page.flashes == [("info", "Question queued for 2 hosts.")]
    letters = records.all(OutboxEmail)
    assert {letter.recipient for letter in letters} == {cast.host.email, cast.stranger.email}
    assert {letter.reply_to for letter in letters} == {cast.friend.email}
    assert "Is there parking?" in letters[0].text
    assert "&lt;b&gt;Two&lt;/b&gt; cars." in letters[0].html
    assert len(letters) == 2


def test_where_the_site_receives_email_both_addresses_stay_hidden(app, party, cast, client_of, records, monkeypatch):
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", ADDRESS)
    rsvp = RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    assert cast.friend.email not in friend.get("/parties/tupper/ask").words
    ask(friend)
    letter = records.one(OutboxEmail)
    with app.app_context():
        assert letter.reply_to == guest_addresses.host_address(rsvp, cast.host.id)
    assert cast.friend.email not in letter.text + letter.html


def test_nothing_is_passed_on_to_a_guest_who_was_removed(app, party, cast, client_of, records, monkeypatch):
    monkeypatch.setitem(app.config, "INBOUND_ADDRESS", ADDRESS)
    RsvpFactory(party=party, member=cast.friend, status=RsvpStatus.REMOVED)
    friend = client_of(cast.friend)
    assert "They see your address" in friend.get("/parties/tupper/ask").words
    ask(friend)
    assert records.one(OutboxEmail).reply_to == cast.friend.email


@pytest.mark.parametrize(
    ("email", "said"),
    [("pia@example.com", "They see your address"), (f"x{NO_ADDRESS_DOMAIN}", "given no e-mail address")],
)
def test_a_guest_with_a_personal_link_asks(party, visitor, records, email, said):
    invitation = InvitationFactory(party=party, email=email, name="Pia")
    visitor.get(f"/invitations/{invitation.token}")
    assert said in visitor.get("/parties/tupper/ask").words
    ask(visitor)
    letter = records.one(OutboxEmail)
    assert letter.reply_to == ("pia@example.com" if email == "pia@example.com" else None)
    assert "Pia" in letter.subject


def test_a_stranger_is_asked_to_log_in(party, visitor):
    assert "/login/" in visitor.get("/parties/tupper/ask", follow=False).headers["Location"]


def test_nothing_typed_is_lost(party, cast, client_of, records):
    friend = client_of(cast.friend)
    page = ask(friend, "x" * 2001)
    assert page.status == 422
    assert "x" * 2001 in page.text
    assert ask(friend, " ").status == 422
    assert not records.all(OutboxEmail)


def test_hosts_do_not_ask_themselves(party, cast, client_of):
    page = client_of(cast.host).get("/parties/tupper/ask")
    assert page.flashes == [("info", "You are a host of this party.")]
    assert "/parties/tupper/ask" not in page.text


def test_hosts_get_no_questions_long_after_the_party(party, cast, client_of):
    with time_machine.travel(party.ends_at + OPEN_FOR + timedelta(hours=1)):
        flash = ("warning", "This party was long ago. Its hosts get no more questions.")
        assert client_of(cast.friend).get("/parties/tupper/ask").flashes == [flash]
