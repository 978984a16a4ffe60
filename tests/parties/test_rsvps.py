"""RSVPs: yes, no, maybe; joining the waiting list, and withdrawing."""

import re
from datetime import timedelta

import pytest

from app import clock
from app.outbox.models import OutboxEmail
from app.parties.models import DinnerParty, Rsvp
from app.parties.waiting_list.models import WaitOffer
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory

FULL = "The table is full. You are number %d on the waiting list; we will write if 1 seat becomes free."


def answer(guest, party, wish="yes"):
    page = guest.get(f"/parties/{party.slug}")
    return guest.submit(page.form(f"/parties/{party.slug}/rsvp"), button=("answer", wish))


def kinds(records):
    return [letter.kind for letter in sorted(records.all(OutboxEmail), key=lambda letter: letter.id)]


def seats_add_up(records):
    for party in records.all(DinnerParty):
        held = sum(row.party_size for row in records.all(Rsvp) if row.party_id == party.id and row.status == "yes")
        held += sum(o.seats for o in records.all(WaitOffer) if o.party_id == party.id and o.state == "pending")
        assert party.seats_taken == held <= party.number_seats


@pytest.mark.both_databases
def test_a_yes_takes_a_seat_and_sends_an_email(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    page = answer(client_of(cast.friend), party)
    (category, text) = page.flashes[0]
    assert category == "info"
    assert text.startswith(f"You successfully RSVP'd to {cast.host.display_name}'s dinner party on ")
    assert records.fresh(party).seats_taken == 2
    assert kinds(records) == ["rsvp_yes"]
    seats_add_up(records)


@pytest.mark.both_databases
def test_the_same_rsvp_twice_changes_nothing(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    answer(friend, party)
    page = friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert page.flashes == [("info", "Nothing changed: you had already answered yes.")]
    assert records.fresh(party).seats_taken == 2
    assert kinds(records) == ["rsvp_yes"]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("no", ("info", "Thanks for telling us. You can change your mind until ")),
        ("maybe", ("warning", "Noted. No seat is held for a maybe.")),
    ],
)
def test_no_and_maybe_take_no_seat(client_of, cast, records, wish, told):
    party = DinnerPartyFactory(host=cast.host)
    ((category, text),) = answer(client_of(cast.friend), party, wish).flashes
    assert (category, text[: len(told[1])]) == told
    assert records.fresh(party).seats_taken == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("wish", ["", "perhaps", "waitlisted", "removed", "<b>", "\x00", "yes" * 1000])
def test_an_invalid_rsvp_is_refused(client_of, cast, records, wish):
    party = DinnerPartyFactory(host=cast.host)
    page = client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": wish})
    assert page.flashes == [("danger", "Please choose one of the answers.")]
    assert records.fresh(party).seats_taken == 1


@pytest.mark.both_databases
def test_rsvps_to_a_full_party_join_the_waiting_list_in_order(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, full=True)
    assert answer(client_of(cast.friend), party).flashes == [("warning", FULL % 1)]
    assert answer(client_of(cast.stranger), party).flashes == [("warning", FULL % 2)]
    assert kinds(records) == ["rsvp_waitlisted", "rsvp_waitlisted"]
    seats_add_up(records)


@pytest.mark.both_databases
def test_a_freed_seat_is_offered_to_the_first_on_the_waiting_list(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    seated, first, second = (MemberFactory() for _number in range(3))
    for guest in (seated, first, second):
        answer(client_of(guest), party)
    page = client_of(seated).post(f"/parties/{party.slug}/withdraw")
    assert page.flashes == [("info", "Your seats have been released.")]
    status = {row.member_id: row.status for row in records.all(Rsvp)}
    assert (status[seated.id], status[first.id], status[second.id]) == ("cancelled", "offered", "waitlisted")
    offered = next(letter for letter in records.all(OutboxEmail) if letter.kind == "seat_offered")
    assert offered.recipient == first.email
    assert f"/parties/{party.slug}/offer" in offered.text
    seats_add_up(records)


@pytest.mark.both_databases
def test_a_guest_who_withdrew_rejoins_the_waiting_list_at_the_end(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    seated, waiting = MemberFactory(), MemberFactory()
    answer(client_of(seated), party)
    answer(client_of(waiting), party)
    client_of(seated).post(f"/parties/{party.slug}/withdraw")
    assert answer(client_of(seated), party).flashes == [("warning", FULL % 1)]
    assert records.count(Rsvp) == 3
    seats_add_up(records)


@pytest.mark.both_databases
def test_changing_a_yes_to_no_offers_the_seat_to_the_next(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    answer(client_of(cast.friend), party)
    answer(client_of(cast.stranger), party)
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "no"})
    status = {row.member_id: row.status for row in records.all(Rsvp)}
    assert (status[cast.friend.id], status[cast.stranger.id]) == ("no", "offered")
    seats_add_up(records)


def test_withdrawing_without_a_seat_changes_nothing(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    page = client_of(cast.friend).post(f"/parties/{party.slug}/withdraw")
    assert page.flashes == [("warning", "Nothing changed: you have no seat at this party.")]


def test_the_host_holds_the_first_seat_and_keeps_it(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    host = client_of(cast.host)
    told = ("info", "You are the host. Your seat is already reserved.")
    assert host.post(f"/parties/{party.slug}/rsvp", {"answer": "no"}).flashes == [told]
    assert host.post(f"/parties/{party.slug}/withdraw").flashes == [told]
    assert records.one(Rsvp).status == "yes"


@pytest.mark.parametrize(
    ("traits", "text"),
    [
        ({"past": True}, "The RSVP deadline has passed; contact the host."),
        ({"cancelled": True}, "This party was cancelled."),
    ],
)
def test_a_party_with_closed_rsvps_says_why(client_of, cast, records, traits, text):
    party = DinnerPartyFactory(host=cast.host, **traits)
    page = client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert page.flashes == [("danger", text)]
    assert records.fresh(party).seats_taken == 1


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("before", "flash"),
    [
        (timedelta(seconds=1), "info"),
        (timedelta(0), "danger"),
    ],
)
def test_the_deadline_is_exact_to_the_second(client_of, cast, before, flash):
    deadline = clock.now() + timedelta(minutes=20)
    party = DinnerPartyFactory(host=cast.host, rsvp_deadline=deadline)
    friend = client_of(cast.friend)
    clock.set_now(deadline - before)
    assert friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes[0][0] == flash


def test_an_rsvp_requires_a_login(visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    page = visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert page.flashes == [("info", "Please log in to access this page.")]
    assert records.fresh(party).seats_taken == 1


def test_a_yes_by_party_id(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    page = friend.get("/parties/")
    page = friend.submit(page.form("/parties/rsvp"), party_id=f" {party.id} ")
    assert page.flashes[0][1].startswith("You successfully RSVP'd to ")
    assert page.path == f"/parties/{party.slug}"
    assert records.fresh(party).seats_taken == 2


def test_a_party_id_may_be_written_in_other_digits(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    written = "".join(chr(ord("٠") + int(digit)) for digit in str(party.id))
    page = client_of(cast.friend).post("/parties/rsvp", {"party_id": f"#{written}"})
    assert page.flashes[0][1].startswith("You successfully RSVP'd to ")
    assert records.fresh(party).seats_taken == 2


def test_the_list_prints_the_party_id_that_its_form_asks_for(client_of, visitor, cast):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    page = friend.get("/parties/")
    shown = re.search(r'Party ID <bdi dir="ltr">(#[0-9]+)</bdi>', page.text).group(1)
    assert shown == f"#{party.id}"
    page = friend.submit(page.form("/parties/rsvp"), party_id=shown)
    assert page.flashes[0][1].startswith("You successfully RSVP'd to ")
    assert "Party ID" not in visitor.get("/parties/").text


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "party_id",
    ["", "word", "-1", "0", "99999", "9" * 400, "9" * 5000, "1.5", "1e3", "1; DROP TABLE rsvp", "\x00", "🍷", "²"],
)
def test_an_invalid_party_id_is_refused(client_of, cast, party_id):
    page = client_of(cast.friend).post("/parties/rsvp", {"party_id": party_id})
    assert page.flashes == [("danger", "Please enter a valid Party ID to RSVP!")]


@pytest.mark.parametrize("traits", [{"private": True}, {"unlisted": True}, {"draft": True}])
def test_a_party_id_gives_no_access_to_a_private_party(client_of, cast, traits):
    party = DinnerPartyFactory(host=cast.host, **traits)
    page = client_of(cast.friend).post("/parties/rsvp", {"party_id": str(party.id)})
    assert page.flashes == [("danger", "Please enter a valid Party ID to RSVP!")]


def test_the_email_is_in_the_guests_language_and_time_zone(client_of, cast, records):
    guest = MemberFactory(locale="ar", timezone="Asia/Amman")
    party = DinnerPartyFactory(host=cast.host, timezone="Europe/Madrid")
    client_of(guest).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    letter = records.one(OutboxEmail)
    assert (letter.locale, letter.timezone) == ("ar", "Asia/Amman")
    assert 'dir="rtl"' in letter.html


@pytest.mark.both_databases
def test_an_administrator_withdraws_a_guest_and_the_seat_is_offered_to_the_next(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    answer(client_of(cast.friend), party)
    answer(client_of(cast.stranger), party)
    seat = next(row for row in records.all(Rsvp) if row.member_id == cast.friend.id)
    page = client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": str(seat.id)})
    assert page.flashes == [("info", "1 answer removed. 1 seat offered to the next in line.")]
    assert records.fresh(seat).status == "removed"
    seats_add_up(records)


def test_an_administrator_cannot_withdraw_the_host(client_of, cast, records):
    DinnerPartyFactory(host=cast.host)
    seat = records.one(Rsvp)
    page = client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": str(seat.id)})
    assert page.flashes == [("danger", "The host's own seat cannot be released. Cancel the party instead.")]
    assert records.fresh(seat).status == "yes"
    seats_add_up(records)


@pytest.mark.both_databases
def test_emails_follow_a_changed_language_of_the_guest(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    answer(client_of(cast.friend), party)
    assert client_of(cast.friend).post("/lang/", {"locale": "es"}).flashes
    client_of(cast.host).post(f"/parties/{party.slug}/cancel")
    (letter,) = (letter for letter in records.all(OutboxEmail) if letter.kind == "party_cancelled")
    assert (letter.locale, letter.subject) == ("es", f"Cancelada: {party.title}")


def test_the_factories_count_seats_correctly(cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=4)
    RsvpFactory(party=party, member=cast.friend)
    RsvpFactory(party=party, member=cast.stranger, waiting=True)
    seats_add_up(records)


def test_a_guest_removed_by_the_host_cannot_reply_again(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    answer(friend, party)
    seat = next(row for row in records.all(Rsvp) if row.member_id == cast.friend.id)
    client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": str(seat.id)})
    page = friend.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert page.flashes == [("danger", "You were removed from this party; contact the host.")]
    assert records.fresh(party).seats_taken == 1


@pytest.mark.both_databases
def test_a_reused_email_address_does_not_inherit_the_rsvp(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    answer(client_of(cast.friend), party)
    admin, old = client_of(cast.admin), cast.friend.email
    for member, email in ((cast.friend, "moved@example.com"), (cast.stranger, old)):
        path = f"/users/edit/{member.id}"
        assert admin.submit(admin.get(path).form(path), email=email).flashes[0][0] == "info"
    stranger = client_of(cast.stranger)
    page = stranger.post(f"/parties/{party.slug}/withdraw")
    assert page.flashes == [("warning", "Nothing changed: you have no seat at this party.")]
    assert answer(stranger, party).flashes[0][0] == "info"
    assert {row.member_id: row.email for row in records.all(Rsvp)} == {
        cast.host.id: cast.host.email,
        cast.friend.id: "moved@example.com",
        cast.stranger.id: old,
    }


@pytest.mark.both_databases
def test_a_member_with_a_seat_cannot_be_deleted(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    admin = client_of(cast.admin)
    page = admin.post(f"/users/delete/{cast.friend.id}")
    assert page.flashes == [("danger", "It is still in use elsewhere and cannot be deleted: Answers (1).")]
    link = re.search(r'<a href="([^"]+)">Answers \(1\)</a>', page.text).group(1)
    assert link == f"/rsvps/list/?_flt_0_member={cast.friend.username}"
    assert party.title in admin.get(link).text
    page = admin.post(f"/users/delete/{cast.host.id}")
    assert page.flashes[0][1].endswith("cannot be deleted: Dinner parties (1) and Answers (1).")
    seats_add_up(records)
