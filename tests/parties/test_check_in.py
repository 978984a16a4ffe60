"""Tickets and check-in."""

import itertools
import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties import secret_links
from app.parties.check_in import rules as check_in_rules
from app.parties.menu import service as menu_service
from app.parties.menu.service import PersonInput
from app.parties.models import CoHost, Rsvp
from tests.support.factories import DinnerPartyFactory, InvitationFactory, RsvpFactory

INVALID = ("danger", "This ticket is not valid for this party.")


@pytest.fixture
def party(cast):
    """A party that starts in some hours, so that check-in is open."""
    return DinnerPartyFactory(host=cast.host, starts_at=clock.now() + timedelta(hours=3))


@pytest.fixture
def code_of(app):
    def code(answer):
        with app.app_context():
            return secret_links.ticket_code(answer)

    return code


def check_in(host, party, code):
    return host.post(f"/parties/{party.slug}/door/{code}")


# -- tickets


def test_a_guest_shows_a_ticket_that_the_host_scans(client_of, cast, host, party, app, records, code_of):
    answer = RsvpFactory(party=party, member=cast.friend, party_size=2)
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}")
    assert f"/parties/{party.slug}/ticket" in page.text
    assert 'class="qr"' in page.text, "it begins soon"
    page = friend.get(f"/parties/{party.slug}/ticket")
    code = re.search(r"<code[^>]*>([^<]*)", page.text).group(1)
    assert code == code_of(answer)
    assert 'alt="Your ticket as a QR code.' in page.text
    assert "data:image/svg+xml" in page.text
    before = records.dump()
    page = host.get(f"/parties/{party.slug}/door/{code}")
    assert records.dump() == before, "looking changes nothing"
    page = host.submit(page.form(f"/door/{code}"))
    assert page.path == f"/parties/{party.slug}/door"
    assert page.flashes == [("info", f"{cast.friend.display_name} is checked in; party of 2.")]
    row = records.fresh(answer)
    assert (row.status, row.checked_in_at is not None, records.fresh(party).seats_taken) == ("checked_in", True, 3)
    assert "2 of 2 are here." in page.text
    assert "You are checked in." in friend.get(f"/parties/{party.slug}").text
    assert party.title in friend.get(f"/user/{cast.friend.username}").text
    page = friend.post(f"/parties/{party.slug}/withdraw")
    assert page.flashes == [("danger", "You have already been checked in; contact the host.")]


def test_long_before_the_party_its_page_only_links_to_the_ticket(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    page = client_of(cast.friend).get(f"/parties/{party.slug}").text
    assert "/ticket" in page
    assert 'class="qr"' not in page


def test_a_guest_without_an_account_has_a_ticket_too(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, private=True)
    invitation = InvitationFactory(party=party)
    visitor.get(f"/invitations/{invitation.token}")
    page = visitor.get(f"/parties/{party.slug}")
    visitor.submit(page.form(f"/parties/{party.slug}/rsvp"), button=("answer", "yes"))
    assert 'class="qr"' in visitor.get(f"/parties/{party.slug}/ticket").text


@pytest.mark.parametrize("status", ["maybe", "no", "waitlisted", "removed", "no_show", None])
def test_a_guest_without_a_seat_has_no_ticket(client_of, cast, party, status):
    if status:
        RsvpFactory(party=party, member=cast.friend, status=status, waitlisted_at=clock.now())
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}/ticket")
    assert 'class="qr"' not in page.text
    assert page.status == 404 or page.flashes == [("warning", "You will get a ticket as soon as you have a seat.")]


def test_the_email_about_a_seat_links_to_the_ticket(client_of, cast, party, records):
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}")
    friend.submit(page.form(f"/parties/{party.slug}/rsvp"), button=("answer", "yes"))
    assert f"/parties/{party.slug}/ticket" in records.one(OutboxEmail).text


def test_anybody_but_the_host_who_scans_a_ticket_reads_what_it_is_for(
    client_of, visitor, cast, party, code_of, records
):
    answer = RsvpFactory(party=party, member=cast.friend)
    address = f"/parties/{party.slug}/door/{code_of(answer)}"
    before = records.dump()
    assert "This is your ticket" in client_of(cast.friend).get(address).text
    page = visitor.get(address)
    assert "I am the host: log in" in page.text
    assert cast.friend.display_name not in page.text
    assert client_of(cast.stranger).get(address).status == 403
    for other in (cast.friend, cast.stranger, cast.admin):
        assert client_of(other).post(address).status == 403
        assert client_of(other).get(f"/parties/{party.slug}/door").status == 403
    assert records.fresh(answer).status == "yes"
    forged = address[:-1] + ("A" if address[-1] != "A" else "B")
    assert visitor.get(forged).status == 404
    assert client_of(cast.friend).get(forged).status == 404
    assert {name: rows for name, rows in records.dump().items() if name == "rsvp"} == {
        name: rows for name, rows in before.items() if name == "rsvp"
    }


# -- check-in


def test_checking_in_a_guest_twice_says_that_they_are_checked_in(host, party, code_of, records):
    answer = RsvpFactory(party=party, name="Ana Guest")
    check_in(host, party, code_of(answer))
    at = records.fresh(answer).checked_in_at
    page = check_in(host, party, code_of(answer))
    ((category, text),) = page.flashes
    assert category == "warning"
    assert re.fullmatch(r"Ana Guest was already checked in at \d?\d:\d\d\s?[AP]M\.", text), text
    assert records.fresh(answer).checked_in_at == at


@pytest.mark.parametrize(
    "status", ["maybe", "no", "waitlisted", "removed", "cancelled", "awaiting_approval", "offered"]
)
def test_a_guest_who_is_not_coming_cannot_be_checked_in(host, party, code_of, records, status):
    answer = RsvpFactory(party=party, status=status)
    assert check_in(host, party, code_of(answer)).flashes == [INVALID]
    page = host.get(f"/parties/{party.slug}/door/{code_of(answer)}")
    assert (page.status, INVALID[1] in page.text) == (404, True)
    assert records.fresh(answer).status == status


def test_tickets_of_other_parties_and_forged_ones_are_refused(host, cast, party, code_of, records):
    answer = RsvpFactory(party=party)
    elsewhere = RsvpFactory(party=DinnerPartyFactory(host=cast.host, starts_at=party.starts_at))
    own = next(row for row in records.all(Rsvp) if row.member_id == cast.host.id and row.party_id == party.id)
    number, _dash, letters = code_of(answer).partition("-")
    codes = (code_of(elsewhere), f"{elsewhere.id}-{letters}", f"{number}-", number, f"{number}-é", "-", "x" * 300,
             f"{'9' * 30}-{letters}", f"{2**31}-{letters}", code_of(own))  # fmt: skip
    for code in codes:
        assert check_in(host, party, code).flashes == [INVALID], code
    assert {row.status for row in records.all(Rsvp)} == {"yes"}


def test_a_check_in_can_be_undone(host, party, code_of, records):
    answer = RsvpFactory(party=party, name="Ana Guest")
    check_in(host, party, code_of(answer))
    undo = host.get(f"/parties/{party.slug}/door").form("/undo")
    assert host.submit(undo).flashes == [("info", "Ana Guest is no longer checked in.")]
    row = records.fresh(answer)
    assert (row.status, row.checked_in_at, records.fresh(party).seats_taken) == ("yes", None, 2)
    assert host.submit(undo).flashes == [("warning", "Nothing changed: Ana Guest was not checked in.")]


def test_a_no_show_is_not_checked_in_silently(host, party, code_of):
    answer = RsvpFactory(party=party, name="Ana Guest", status="no_show")
    assert check_in(host, party, code_of(answer)).flashes == [
        ("warning", "Ana Guest is marked as a no-show. Undo that on the guest list first."),
    ]  # fmt: skip


def test_check_in_is_open_from_the_morning_until_the_next_day(client_of, cast, party, code_of, records):
    answer = RsvpFactory(party=party)
    opens, closes = party.starts_at - check_in_rules.OPENS_BEFORE, party.ends_at + check_in_rules.CLOSES_AFTER
    for at, said in ((opens - timedelta(seconds=1), "Check-in starts on "), (closes, "Check-in closed on ")):
        clock.set_now(at)
        host = client_of(cast.host)
        page = check_in(host, party, code_of(answer))
        ((category, text),) = page.flashes
        assert (category, text[: len(said)]) == ("warning", said)
        assert said in host.get(f"/parties/{party.slug}/door").text
        assert not [form for form in page.forms if "/door/" in form.action]
    assert records.fresh(answer).status == "yes"
    for at in (opens, closes - timedelta(seconds=1)):
        clock.set_now(at)
        host = client_of(cast.host)
        check_in(host, party, code_of(answer))
        assert records.fresh(answer).status == "checked_in"
        host.post(f"/parties/{party.slug}/door/{code_of(answer)}/undo")


@pytest.mark.parametrize("status", ["draft", "cancelled"])
def test_a_party_that_does_not_take_place_has_no_check_in(host, cast, code_of, status):
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now() + timedelta(hours=3), status=status)
    answer = RsvpFactory(party=party)
    page = check_in(host, party, code_of(answer))
    assert page.flashes == [("warning", "Check-in is not available because this party is not taking place.")]


def test_a_co_host_can_check_guests_in(client_of, cast, party, code_of, app, records):
    answer = RsvpFactory(party=party)
    with app.app_context(), transaction() as session:
        session.add(CoHost(party_id=party.id, member_id=cast.friend.id))
    assert check_in(client_of(cast.friend), party, code_of(answer)).flashes[0][0] == "info"
    assert records.fresh(answer).status == "checked_in"


# -- search


def test_check_in_finds_guests_by_name_and_by_code(app, host, party, code_of):
    ana, bo = RsvpFactory(party=party, name="Ana Guest", party_size=2), RsvpFactory(party=party, name="Bo Guest")
    RsvpFactory(party=party, name="Nora No", declined=True)
    with app.app_context(), transaction():
        menu_service.set_people(db.session.merge(ana), [PersonInput("Ana"), PersonInput("Zoe Companion", ["vegan"])])
    code = code_of(bo)
    for text, found in (
        ("", {"Ana Guest", "Bo Guest"}),
        ("ana", {"Ana Guest"}),
        ("zoe", {"Ana Guest"}),
        ("nora", set()),
        (code, {"Bo Guest"}),
        (f"  {code.lower().replace('-', ' ').replace(' ', '-', 1)} ", {"Bo Guest"}),
        (code.replace("O", "0").replace("I", "1"), {"Bo Guest"}),
        (code.replace("-", ""), {"Bo Guest"}),
        (code.replace("-", " \u2011\u00a0").lower(), {"Bo Guest"}),
        (f"http://localhost/parties/{party.slug}/door/{code}", {"Bo Guest"}),
    ):
        page = host.get(f"/parties/{party.slug}/door", query_string={"q": text}).text
        assert {name for name in ("Ana Guest", "Bo Guest", "Nora No") if f"<bdi>{name}</bdi>" in page} == found, text
        assert INVALID[1] not in page
        assert "Vegan" not in page
    page = host.get(f"/parties/{party.slug}/door", query_string={"q": f"{bo.id}-AAAA-BBBB-CCCC-DDDD"}).text
    assert INVALID[1] in page


CHANGES = (
    lambda code: code.replace("-", ""),
    lambda code: f" {code.replace('-', ' ').lower()} ",
    lambda code: code.replace("-", "\u2013"),
    lambda code: code.translate(str.maketrans("OILBSZG", "0118526")),
    lambda code: code.translate(str.maketrans("0158264", "OIS8ZG٤")),
    lambda code: code.lower().replace("i", "ı").replace("l", "I"),
    lambda code: "".join(chr(ord(sign) + 0xFEE0) if sign.isalnum() else sign for sign in code),
)


def test_a_code_is_read_however_it_is_typed(app):
    rsvps = [Rsvp(id=number, party_id=5) for number in (1, 46, 2048, 10_058)]
    with app.app_context():
        for rsvp, change in itertools.product(rsvps, CHANGES):
            typed = change(secret_links.ticket_code(rsvp))
            assert secret_links.is_ticket_code(rsvp, typed), typed
            assert secret_links.rsvp_id_of_code(typed) == rsvp.id


@pytest.mark.parametrize("name", ["Gil Vandenbroeckers", "Bo", "1", "", "Sofía Alexandra Bachmann", "x" * 300])
def test_a_name_is_not_a_code(name):
    assert not secret_links.is_code(name)


# -- activation without e-mail


@pytest.mark.both_databases
def test_many_devices_at_once_check_a_guest_in_once(client_of, cast, party, code_of, records):
    answer = RsvpFactory(party=party, party_size=2)
    code = code_of(answer)
    devices = [client_of(cast.host) for _number in range(5)]
    barrier = threading.Barrier(len(devices))

    def scan(device):
        barrier.wait()
        return check_in(device, party, code).flashes[0][0]

    with ThreadPoolExecutor(len(devices)) as pool:
        assert Counter(pool.map(scan, devices)) == {"info": 1, "warning": 4}
    assert (records.fresh(answer).status, records.fresh(party).seats_taken) == ("checked_in", 3)


@pytest.mark.both_databases
def test_a_guest_who_withdraws_during_check_in_is_either_checked_in_or_withdrawn(
    client_of, cast, party, code_of, records
):
    answer = RsvpFactory(party=party, member=cast.friend, party_size=2)
    host, friend, code = client_of(cast.host), client_of(cast.friend), code_of(answer)
    barrier = threading.Barrier(2)

    def scan():
        barrier.wait()
        return check_in(host, party, code).flashes[0][0]

    def leave():
        barrier.wait()
        return friend.post(f"/parties/{party.slug}/withdraw").flashes[0][0]

    with ThreadPoolExecutor(2) as pool:
        said = [pool.submit(scan), pool.submit(leave)]
        said = [each.result() for each in said]
    row = records.fresh(answer)
    assert (row.status, sorted(said)) in [("checked_in", ["danger", "info"]), ("cancelled", ["danger", "info"])]
    assert records.fresh(party).seats_taken == (3 if row.status == "checked_in" else 1)
