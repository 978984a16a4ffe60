"""The API for messages, reminders, share links, attendance and reports."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.messages.models import Reminder
from app.parties.models import Rsvp
from app.parties.moderation.models import PartyReport
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

HELLO = {"audiences": ["coming"], "subject": "Bring a lantern", "text": "It gets dark.\n\nSee you!"}


@pytest.fixture
def host(app, cast):
    return ApiClient(app, cast.host)


@pytest.fixture
def friend(app, cast):
    return ApiClient(app, cast.friend)


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, slug="fondue", title="Fondue", number_seats=4)


def kinds(records):
    return sorted(letter.kind for letter in records.all(OutboxEmail) if letter.kind != "api_key_created")


def test_a_message_to_guests_is_sent_once(host, cast, party, records):
    RsvpFactory(party=party, member=cast.friend)
    for _attempt in range(2):
        said = host.post("/fondue/messages", HELLO)
        assert (said["code"], said["message"]) == ("queued", "Message queued for 1 guest.")
    assert kinds(records) == ["guest_message"]
    assert [each["subject"] for each in host.get("/fondue/messages")["result"]] == ["Bring a lantern"]


def test_a_message_without_recipients_is_refused(host, party):
    assert list(host.post("/fondue/messages", HELLO, 422)["errors"]) == ["audiences"]


@pytest.mark.parametrize("wrong", [{"audiences": ["everyone"]}, {"subject": ""}, {"text": "x" * 6000}])
def test_errors_of_a_message_are_reported_by_field(host, party, records, wrong):
    said = host.post("/fondue/messages", {**HELLO, **wrong}, 422)
    assert set(said["errors"]) == set(wrong)
    assert kinds(records) == []


def test_guests_without_an_rsvp_are_reminded_once_a_day(host, cast, party, records):
    InvitationFactory(party=party, invited_by=cast.host)
    assert host.post("/fondue/remind", {})["message"] == "Reminder queued for 1 person who has not answered."
    assert host.post("/fondue/remind", {}, 409)["message"] == "Already reminded in the last 24 hours."
    assert kinds(records) == ["reminder_answer"]


def test_reminders_are_replaced(host, party, records):
    wanted = [{"kind": "start", "hours_before": 3}]
    said = host.put("/fondue/reminders", {"reminders": wanted})
    assert (said["code"], said["result"][0]["hours_before"]) == ("saved", 3)
    assert host.get("/fondue/reminders")["result"][0]["kind"] == "start"
    assert [row.hours_before for row in records.all(Reminder)] == [3]


def test_the_share_link_is_switched_on_and_off(host, visitor, party):
    assert host.get("/fondue/share-link")["result"] == {"url": None}
    url = host.post("/fondue/share-link", {})["result"]["url"]
    assert visitor.get(urlsplit(url).path).status == 200
    assert host.delete("/fondue/share-link")["result"] == {"url": None}


def test_a_no_show_is_marked_and_undone(host, cast, party, records):
    answer = RsvpFactory(party=party, member=cast.friend)
    assert host.post(f"/fondue/guests/{answer.id}/missed", {}, 409)["category"] == "warning"
    clock.set_now(party.starts_at + timedelta(hours=5))
    assert host.post(f"/fondue/guests/{answer.id}/missed", {})["code"] == "no_show"
    assert records.fresh(answer).status == "no_show"
    assert host.post(f"/fondue/guests/{answer.id}/came", {})["code"] == "no_show_undone"
    assert next(row for row in records.all(Rsvp) if row.id == answer.id).status == "yes"


def test_a_public_party_is_reported_once(host, friend, party, records):
    report = {"reason": "spam", "note": "An advertisement"}
    assert friend.post("/fondue/report", report)["code"] == "reported"
    assert friend.post("/fondue/report", report, 409)["category"] == "info"
    assert host.post("/fondue/report", report, 409)["category"] == "info"
    assert records.count(PartyReport) == 1


@pytest.mark.parametrize("path", ["/fondue/messages", "/fondue/reminders", "/fondue/share-link"])
def test_endpoints_of_hosts_are_forbidden_to_others(friend, party, path):
    friend.get(path, 403)
