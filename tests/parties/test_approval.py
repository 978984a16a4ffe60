"""Hosts approve or decline requests for seats."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.models import Rsvp
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer
from tests.support.factories import DinnerPartyFactory, RsvpFactory

ASKING = {"asking": True}


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, approval=True, number_seats=4)


def act(host, party, answer, what, **data):
    return host.post(f"/parties/{party.slug}/guests/{answer.id}/{what}", data)


def kinds(records):
    return [letter.kind for letter in records.all(OutboxEmail)]


def test_an_approved_guest_has_a_seat_and_gets_an_email(host, party, records):
    answer = RsvpFactory(party=party, party_size=2, **ASKING)
    page = host.get(f"/parties/{party.slug}/guests")
    assert "Seat requests" in page.text
    page = act(host, party, answer, "approve")
    assert page.path == f"/parties/{party.slug}/guests"
    assert page.flashes == [("info", "Approved; seat confirmed.")]
    row = records.fresh(answer)
    assert (row.status, row.approved_at is not None, records.fresh(party).seats_taken) == ("yes", True, 3)
    assert kinds(records) == ["rsvp_yes"]


def test_a_guest_approved_at_a_full_party_joins_the_waiting_list(host, party, records):
    RsvpFactory(party=party, party_size=3)
    answer = RsvpFactory(party=party, **ASKING)
    assert act(host, party, answer, "approve").flashes == [
        ("warning", "Approved, but the table is full: moved to the waiting list."),
    ]  # fmt: skip
    assert records.fresh(answer).status == "waitlisted"
    assert kinds(records) == ["rsvp_waitlisted"]
    assert [event.kind for event in records.all(WaitingListEvent)] == ["joined"]


def test_an_approved_group_that_would_come_with_fewer_is_offered_those_seats(host, party, records):
    RsvpFactory(party=party)
    answer = RsvpFactory(party=party, party_size=3, min_party=2, **ASKING)
    assert act(host, party, answer, "approve").flashes == [
        ("warning", "Approved; only 2 of 3 seats are free and were offered."),
    ]  # fmt: skip
    row = records.fresh(answer)
    assert (row.status, row.min_party, records.one(WaitOffer).seats) == ("offered", 2, 2)
    assert kinds(records) == ["seat_offered"], "one letter tells it, not two"
    assert records.fresh(party).seats_taken == 4


def test_an_approved_guest_does_not_overtake_the_waiting_list(host, party, records):
    first = RsvpFactory(party=party, waiting=True, party_size=4, min_party=4)
    RsvpFactory(party=party, waiting=True, party_size=3)
    RsvpFactory(party=party, party_size=2)
    answer = RsvpFactory(party=party, **ASKING)
    act(host, party, answer, "approve")
    assert records.fresh(answer).status == "waitlisted"
    assert records.fresh(first).status == "waitlisted"


def test_a_request_is_declined_with_an_email(host, party, records):
    answer = RsvpFactory(party=party, name="Bo Guest", **ASKING)
    assert act(host, party, answer, "decline").flashes == [
        ("info", "Bo Guest has been told that there is no seat for them."),
    ]  # fmt: skip
    assert records.fresh(answer).status == "removed"
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient, letter.calendar) == ("request_declined", answer.email, None)


@pytest.mark.parametrize("what", ["approve", "decline"])
def test_a_request_decided_in_two_tabs_is_decided_once(host, party, records, what):
    answer = RsvpFactory(party=party, **ASKING)
    act(host, party, answer, what)
    before = records.fresh(answer).status
    for again in ("approve", "decline"):
        page = act(host, party, answer, again)
        assert page.flashes == [("warning", "Nothing changed: this request has already been answered or withdrawn.")]
    assert records.fresh(answer).status == before
    assert len(kinds(records)) == 1


def test_nobody_is_approved_once_the_party_has_started(host, party, records):
    answer = RsvpFactory(party=party, **ASKING)
    clock.set_now(party.starts_at)
    host.log_in("host", "a good dinner needs time")
    assert act(host, party, answer, "approve").flashes == [("danger", "This party no longer accepts guests.")]
    assert records.fresh(answer).status == "awaiting_approval"


def test_a_bulk_approval_follows_the_order_of_the_requests(host, party, records):
    asked = [RsvpFactory(party=party, party_size=2, **ASKING) for _number in range(2)]
    seated = RsvpFactory(party=party)
    page = host.get(f"/parties/{party.slug}/guests")
    chosen = [str(answer.id) for answer in reversed([*asked, seated])]
    page = host.submit(page.form("/guests/chosen"), button=("action", "approve"), rowid=chosen)
    assert page.flashes == [
        ("warning", "1 request approved; seats confirmed. 1 approved, but the table is full: moved to the waiting list."),
    ]  # fmt: skip
    assert [records.fresh(answer).status for answer in asked] == ["yes", "waitlisted"]
    page = host.submit(host.get(page.path).form("/guests/chosen"), rowid=chosen[:1])
    assert page.status == 404


def test_approving_guests_who_did_not_ask_changes_nothing(host, party):
    seated = RsvpFactory(party=party)
    page = host.post(f"/parties/{party.slug}/guests/chosen", {"rowid": seated.id, "action": "approve"})
    assert page.flashes == [("warning", "Nothing changed: this request has already been answered or withdrawn.")]
    page = host.post(f"/parties/{party.slug}/guests/chosen", {"rowid": ["x", "-1", "9" * 30], "action": "approve"})
    assert page.flashes == [("warning", "Select at least one row.")]


@pytest.mark.both_databases
def test_two_concurrent_hosts_approve_as_many_as_there_are_seats(client_of, cast, party, records):
    asked = [RsvpFactory(party=party, party_size=2, **ASKING) for _number in range(2)]
    tabs = [client_of(cast.host) for _number in range(4)]
    barrier = threading.Barrier(len(tabs))

    def approve(number):
        barrier.wait()
        return act(tabs[number], party, asked[number % 2], "approve").flashes[0]

    with ThreadPoolExecutor(len(tabs)) as pool:
        said = sorted(pool.map(approve, range(len(tabs))))
    assert [category for category, _text in said] == ["info", "warning", "warning", "warning"]
    assert sum("Nothing changed" in text for _category, text in said) == 2
    assert sorted(row.status for row in records.all(Rsvp)) == ["waitlisted", "yes", "yes"]
    assert records.fresh(party).seats_taken == 3
