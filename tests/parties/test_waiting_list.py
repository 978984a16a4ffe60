"""Groups, the waiting list, seat offers, and the explanations of both."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app import clock
from app.accounts.models import LoginSession
from app.database import transaction
from app.outbox.models import OutboxEmail
from app.parties.enums import WaitingListEventKind
from app.parties.models import Rsvp
from app.parties.waiting_list.models import WaitingListEvent, WaitOffer
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory, WaitOfferFactory
from tests.support.statements import count_statements

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
FULL = "The table is full. You are number %d on the waiting list; we will write if %d seat%s free."
EXPIRED = ("warning", "This offer has expired; you are back on the waiting list.")
RELEASED = ("info", "Your seats have been released.")
THEIRS = ("info", "The seats are yours.")


@pytest.fixture(autouse=True)
def _noon():
    clock.set_now(NOW)


@pytest.fixture
def later(app):
    """Move the clock without logging anybody out."""

    def later(**passed):
        clock.set_now(NOW + timedelta(**passed))
        with app.app_context(), transaction() as session:
            session.execute(update(LoginSession).values(created_at=clock.now(), last_seen_at=clock.now()))

    return later


@pytest.fixture
def create_party(cast):
    """Create a party in ten days, or in `hours`, with `free` seats beside those of the host and a group of four."""

    def create_party(free=3, hours=240, **more):
        party = DinnerPartyFactory(
            host=cast.host, number_seats=free + 5, starts_at=NOW + timedelta(hours=hours), **more
        )
        RsvpFactory(party=party, party_size=4)
        return party

    return create_party


@pytest.fixture
def guest(client_of):
    """Make a browser of a new guest; `member` is their account."""

    def guest(**columns):
        member = MemberFactory(**columns)
        browser = client_of(member)
        browser.member = member
        return browser

    return guest


def answer(guest, party, size=None, least="", wish="yes", **fields):
    page = guest.get(f"/parties/{party.slug}")
    more = {"party_size": str(size), "min_party": str(least)} if size else {}
    return guest.submit(page.form("/rsvp"), button=("answer", wish), **more, **fields)


def decide(guest, party, decision):
    page = guest.get(f"/parties/{party.slug}/offer")
    return guest.submit(page.form("/offer"), button=("decision", decision))


def not_yet_flash(position):
    """Return the flash for a group that waits although some seats are free."""
    text = f"There are no seats for you yet. You are number {position} on the waiting list; we will write if there are."
    return [("warning", text)]


def waiting_flash(place, seats):
    return [("warning", FULL % (place, seats, " becomes" if seats == 1 else "s become"))]


def of(guest, records):
    return next(row for row in records.all(Rsvp) if row.member_id == guest.member.id)


def offer_to(guest, records):
    return [offer for offer in records.all(WaitOffer) if offer.rsvp_id == of(guest, records).id][-1]


def check_seats(records, party):
    """Check the number of seats taken; return those beside the group of four."""
    rows = [row for row in records.all(Rsvp) if row.party_id == party.id]
    pending = [offer for offer in records.all(WaitOffer) if offer.party_id == party.id and offer.state == "pending"]
    held = sum(row.party_size for row in rows if row.status == "yes") + sum(offer.seats for offer in pending)
    taken = records.fresh(party).seats_taken
    assert taken == held <= records.fresh(party).number_seats
    assert {row.id for row in rows if row.status == "offered"} == {offer.rsvp_id for offer in pending}
    return taken - 4


def kinds(records):
    return Counter(letter.kind for letter in records.all(OutboxEmail))


# -- groups


@pytest.mark.both_databases
def test_a_group_replies_with_one_form(create_party, guest, records):
    party, ana = create_party(), guest()
    page = answer(ana, party, 3, note="We bring wine.")
    assert page.flashes[0][1].startswith("You successfully RSVP'd to ")
    assert (of(ana, records).party_size, of(ana, records).note) == (3, "We bring wine.")
    assert check_seats(records, party) == 4
    assert "You have 3 seats at this dinner." in page.text
    assert "Your 3 seats at the dinner are reserved." in records.one(OutboxEmail).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"party_size": "5"}, "party_size"),
        ({"party_size": "0"}, "party_size"),
        ({"party_size": "-2"}, "party_size"),
        ({"party_size": "many"}, "party_size"),
        ({"party_size": "9" * 30}, "party_size"),
        ({"party_size": "2", "min_party": "3"}, "min_party"),
        ({"party_size": "2", "min_party": "0"}, "min_party"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_an_invalid_group_is_refused_and_the_form_kept(create_party, guest, records, fields, field):
    party, ana = create_party(), guest()
    page = ana.get(f"/parties/{party.slug}")
    typed = {"party_size": "2", "min_party": "1", "note": "Hello", **fields}
    page = ana.submit(page.form("/rsvp"), button=("answer", "yes"), **typed)
    assert (page.status, [category for category, _text in page.flashes]) == (422, ["danger"])
    assert f'id="{field}-error"' in page.text
    shown = page.form("/rsvp").fields
    assert {name: shown[name] for name in typed} == typed
    assert check_seats(records, party) == 1


def test_the_host_limits_the_party_size(create_party, guest, client_of, cast, records):
    party, ana = create_party(free=7), guest()
    host = client_of(cast.host)
    path = f"/parties/{party.slug}/edit"
    host.submit(host.get(path).form(path), max_party="6")
    assert answer(ana, party, 6).flashes[0][0] == "info"
    host.submit(host.get(path).form(path), max_party="")
    assert records.fresh(party).max_party == 4
    # A guest who has more seats keeps them.
    assert answer(ana, party, 5).flashes[0][0] == "info"
    assert answer(ana, party, 6).status == 422
    assert check_seats(records, party) == 6


def test_a_group_that_does_not_fit_can_come_with_fewer(create_party, guest, records):
    party, ana = create_party(free=2), guest()
    page = answer(ana, party, 4, note="Two of us are tall.")
    assert page.flashes == [("warning", "Only 2 of 4 seats are free. Come with 2 or wait?")]
    assert (records.count(Rsvp), check_seats(records, party)) == (2, 1)
    form = page.form("/rsvp")
    assert form.fields["note"] == "Two of us are tall."
    assert ana.submit(form, button=("come_with", "2")).flashes[0][0] == "info"
    row = of(ana, records)
    assert (row.status, row.party_size, row.note, check_seats(records, party)) == ("yes", 2, "Two of us are tall.", 3)


def test_a_group_that_prefers_to_wait_is_not_offered_fewer_seats_again(create_party, guest, records):
    party, ana, bo = create_party(free=2), guest(), guest()
    page = answer(ana, party, 4)
    assert ana.submit(page.form("/rsvp"), button=("wait", "y")).flashes == not_yet_flash(1)
    assert (of(ana, records).status, of(ana, records).min_party) == ("waitlisted", 4)
    # They are not overtaken, either.
    assert answer(bo, party, 1).flashes == not_yet_flash(2)
    assert check_seats(records, party) == 1


def test_a_group_is_asked_again_when_even_fewer_seats_are_free(create_party, guest, records):
    party, ana, bo = create_party(free=2), guest(), guest()
    page = answer(ana, party, 4)
    answer(bo, party, 1)
    page = ana.submit(page.form("/rsvp"), button=("come_with", "2"))
    assert page.flashes == [("warning", "Only 1 of 2 seats is free. Come with 1 or wait?")]


def test_a_group_is_not_asked_about_fewer_than_its_smallest_party_size(create_party, guest, records):
    party, ana = create_party(free=1), guest()
    assert answer(ana, party, 4, 3).flashes == not_yet_flash(1)


@pytest.mark.both_databases
def test_a_group_grows_into_free_seats_and_shrinks_for_the_next(create_party, guest, records):
    party, ana, bo = create_party(free=4), guest(), guest()
    answer(ana, party, 2)
    assert answer(ana, party, 3).flashes == [("info", "See you on Friday, January 11, 2030! Seats for 3 are reserved.")]
    page = answer(ana, party, 4, note="Who is Bo?")
    assert page.flashes[0][0] == "info"
    assert answer(bo, party, 2).flashes == waiting_flash(1, 2)
    assert answer(ana, party, 2).flashes[0][0] == "info"
    assert (of(bo, records).status, offer_to(bo, records).seats) == ("offered", 2)
    assert check_seats(records, party) == 5


def test_a_group_that_cannot_grow_is_told_how_many_are_free(create_party, guest, records):
    party, ana = create_party(free=3), guest()
    answer(ana, party, 2)
    page = answer(ana, party, 4, note="Kept")
    assert page.flashes == [("warning", "Only 1 more seat is free. You keep the ones you have.")]
    assert (page.status, page.form("/rsvp").fields["party_size"], page.form("/rsvp").fields["note"]) == (
        422,
        "4",
        "Kept",
    )
    answer(ana, party, 3)
    page = answer(ana, party, 4)
    assert page.flashes == [("warning", "No more seats are free. You keep the ones you have.")]
    assert (of(ana, records).party_size, check_seats(records, party)) == (3, 4)


def test_a_group_cannot_grow_past_the_waiting_list(create_party, guest, records):
    party, ana, bo = create_party(free=3), guest(), guest()
    answer(ana, party, 1)
    answer(bo, party, 3, 3)
    assert answer(ana, party, 2).flashes == [("warning", "No more seats are free. You keep the ones you have.")]


def test_sending_the_same_rsvp_again_changes_nothing(create_party, guest, records):
    party, ana = create_party(), guest()
    answer(ana, party, 2, 1, note="Hi")
    before = records.dump()
    assert answer(ana, party).flashes == [("info", "Nothing changed: you had already answered yes.")]
    assert records.dump() == before


def test_a_waiting_group_that_shrinks_keeps_its_position_and_is_seated_if_it_fits(create_party, guest, records):
    party, ana, bo = create_party(free=2), guest(), guest()
    answer(ana, party, 4, 4)
    answer(bo, party, 1)
    assert answer(ana, party, 3, 3).flashes == not_yet_flash(1)
    assert answer(ana, party, 1).flashes[0][1].startswith("You successfully RSVP'd to ")
    # The remaining seat is offered at once.
    assert of(bo, records).status == "offered"
    assert check_seats(records, party) == 3


def test_a_waiting_group_that_grows_moves_to_the_end(create_party, guest, records, later):
    party, ana, bo = create_party(free=0), guest(), guest()
    answer(ana, party, 1)
    later(minutes=1)
    answer(bo, party, 1)
    later(minutes=2)
    assert answer(ana, party, 2).flashes == waiting_flash(2, 2)


# -- order of the waiting list


@pytest.fixture
def large_and_small(create_party, guest):
    """Return a function that makes a group of three and a single guest wait for two seats, which become free."""

    def build(hours):
        party = create_party(free=2, hours=hours)
        seated, large, small = guest(), guest(), guest()
        answer(seated, party, 2)
        answer(large, party, 3, 3)
        answer(small, party, 1)
        seated.post(f"/parties/{party.slug}/withdraw")
        return party, large, small

    return build


def test_a_large_group_is_not_overtaken_before_48_hours(large_and_small, records):
    party, large, small = large_and_small(49)
    assert (of(large, records).status, of(small, records).status) == ("waitlisted", "waitlisted")
    page = small.get(f"/parties/{party.slug}/waiting-list")
    assert "A larger group is ahead on the waiting list." in page.text
    assert (
        "at least 3 are needed. Guests further down the list do not get them before"
        in large.get(f"/parties/{party.slug}/waiting-list").text
    )
    assert large.member.display_name not in page.text


def test_in_the_last_48_hours_seats_go_to_the_first_group_that_fits(large_and_small, records):
    party, large, small = large_and_small(47)
    assert (of(large, records).status, of(small, records).status) == ("waitlisted", "offered")
    page = large.get(f"/parties/{party.slug}/waiting-list")
    assert "Skipped: 2 seats were free, but at least 3 were needed." in page.text
    assert check_seats(records, party) == 2


@pytest.mark.both_databases
def test_when_the_48_hours_begin_the_scheduler_offers_the_reserved_seats(app, large_and_small, records, later):
    _party, large, small = large_and_small(49)
    later(hours=1)
    assert app.test_cli_runner().invoke(args=["parties", "sweep"]).output == "Seats offered: 1.\n"
    assert (of(large, records).status, of(small, records).status) == ("waitlisted", "offered")
    before = records.dump()
    assert app.test_cli_runner().invoke(args=["parties", "sweep"]).output == "Seats offered: 0.\n"
    assert records.dump() == before


def test_a_group_that_would_come_with_fewer_is_offered_the_free_seats(create_party, guest, records):
    party, seated, ana = create_party(free=2), guest(), guest()
    answer(seated, party, 2)
    answer(ana, party, 4, 2)
    seated.post(f"/parties/{party.slug}/withdraw")
    assert (
        "You requested 4 seats and said that you would also accept 2." in ana.get(f"/parties/{party.slug}/offer").text
    )
    letter = next(letter for letter in records.all(OutboxEmail) if letter.kind == "seat_offered")
    assert "You requested 4 seats" in letter.text
    assert decide(ana, party, "claim").flashes == [THEIRS]
    assert (of(ana, records).status, of(ana, records).party_size, check_seats(records, party)) == ("yes", 2, 3)


def test_when_a_blocking_group_withdraws_the_reserved_seats_are_offered_to_the_next(large_and_small, records):
    party, large, small = large_and_small(100)
    assert large.post(f"/parties/{party.slug}/withdraw").flashes == [("info", "You have left the waiting list.")]
    assert of(small, records).status == "offered"


# -- offers


@pytest.fixture
def offered(create_party, guest):
    """A party with two seats offered to Ana; Bo and Cy wait for one each."""
    party = create_party(free=2)
    seated, ana, bo, cy = (guest(username=name) for name in ("seated", "ana", "bo", "cy"))
    answer(seated, party, 2)
    answer(ana, party, 2)
    answer(bo, party, 1)
    answer(cy, party, 1)
    seated.post(f"/parties/{party.slug}/withdraw")
    return party, ana, bo, cy


@pytest.mark.both_databases
def test_offered_seats_are_held_and_accepted(offered, records, guest):
    party, ana, bo, _cy = offered
    offer = offer_to(ana, records)
    assert (offer.seats, offer.state, offer.expires_at) == (2, "pending", NOW + timedelta(hours=12))
    assert check_seats(records, party) == 3
    assert answer(guest(), party, 1).flashes == waiting_flash(3, 1)
    assert "2 seats are held for you until " in ana.get(f"/parties/{party.slug}").text
    assert decide(ana, party, "claim").flashes == [THEIRS]
    assert (of(ana, records).status, offer_to(ana, records).state) == ("yes", "claimed")
    assert check_seats(records, party) == 3
    # A second click shows the same and changes nothing.
    before = records.dump()
    assert ana.post(f"/parties/{party.slug}/offer", {"decision": "claim"}).flashes == [THEIRS]
    assert records.dump() == before
    assert bo.post(f"/parties/{party.slug}/offer", {"decision": "claim"}).flashes == [
        ("warning", "You have no seat offer at the moment.")
    ]


@pytest.mark.both_databases
def test_offered_seats_are_declined_and_go_to_the_next(offered, records):
    party, ana, bo, cy = offered
    assert decide(ana, party, "leave").flashes == [RELEASED]
    assert (of(ana, records).status, offer_to(ana, records).state) == ("cancelled", "declined")
    assert [of(each, records).status for each in (bo, cy)] == ["offered", "offered"]
    assert check_seats(records, party) == 3


def test_a_guest_who_declines_and_keeps_waiting_moves_to_the_end(offered, records, later):
    party, ana, bo, cy = offered
    later(minutes=5)
    page = decide(ana, party, "stay")
    assert page.flashes == [
        ("info", "The seats are offered to the next guest. You are now number 3 on the waiting list.")
    ]
    assert [of(each, records).status for each in (ana, bo, cy)] == ["waitlisted", "offered", "offered"]
    assert decide(bo, party, "leave").flashes == [RELEASED]
    # Ana was offered those seats already.
    assert of(ana, records).status == "waitlisted"
    decide(cy, party, "claim")
    cy.post(f"/parties/{party.slug}/withdraw")
    # These are other seats.
    assert (of(ana, records).status, check_seats(records, party)) == ("offered", 3)


def test_some_of_the_seats_can_be_declined_without_losing_the_position(create_party, guest, records):
    party, seated, ana, bo = create_party(free=2), guest(), guest(), guest()
    answer(seated, party, 2)
    answer(ana, party, 3, 1)
    answer(bo, party, 1)
    seated.post(f"/parties/{party.slug}/withdraw")
    page = decide(ana, party, "stay")
    assert page.flashes == [
        ("info", "The seats are offered to the next guest. You are now number 1 on the waiting list.")
    ]
    assert (of(ana, records).min_party, of(bo, records).status) == (3, "waitlisted")


def test_a_guest_who_declined_some_seats_is_offered_more_when_more_are_free(create_party, guest, records):
    party, ana, bo, cy = create_party(free=2), guest(), guest(), guest()
    answer(bo, party, 1)
    answer(cy, party, 1)
    answer(ana, party, 3, 1)
    bo.post(f"/parties/{party.slug}/withdraw")
    assert offer_to(ana, records).seats == 1
    decide(ana, party, "stay")
    assert of(ana, records).status == "waitlisted"
    cy.post(f"/parties/{party.slug}/withdraw")
    assert (offer_to(ana, records).seats, check_seats(records, party)) == (2, 3)


@pytest.mark.both_databases
def test_an_open_offer_of_fewer_seats_grows_when_more_become_free(create_party, guest, records, later):
    party, ana, bo, cy, dee = create_party(free=2), guest(), guest(), guest(), guest()
    answer(bo, party, 1)
    answer(cy, party, 1)
    answer(ana, party, 3, 1)
    answer(dee, party, 1)
    bo.post(f"/parties/{party.slug}/withdraw")
    small = offer_to(ana, records)
    later(hours=2)
    cy.post(f"/parties/{party.slug}/withdraw")
    large = offer_to(ana, records)
    assert [(offer.seats, offer.state) for offer in (small, large)] == [(1, "pending"), (2, "pending")]
    assert [(offer.seats, offer.state) for offer in records.all(WaitOffer)] == [(1, "revoked"), (2, "pending")]
    assert large.expires_at > small.expires_at
    # Who comes later waits, and the seats are counted once.
    assert (of(dee, records).status, check_seats(records, party)) == ("waitlisted", 3)
    told = [email.text for email in records.all(OutboxEmail) if email.kind == "seat_offered"]
    assert "Now 2 seats are held for you" in told[1]
    assert "the last offer had 1." in told[1]
    decide(ana, party, "claim")
    assert (of(ana, records).party_size, check_seats(records, party)) == (2, 3)


def test_near_the_party_an_open_offer_grows_in_its_turn(create_party, guest, records):
    party, ana, bo, cy, dee = create_party(free=2, hours=40), guest(), guest(), guest(), guest()
    answer(cy, party, 1)
    answer(dee, party, 1)
    answer(ana, party, 2)
    answer(bo, party, 3, 1)
    cy.post(f"/parties/{party.slug}/withdraw")
    assert (of(ana, records).status, offer_to(bo, records).seats) == ("waitlisted", 1)
    dee.post(f"/parties/{party.slug}/withdraw")
    # One seat is too few for the first.
    assert (of(ana, records).status, offer_to(bo, records).seats) == ("waitlisted", 2)
    check_seats(records, party)


@pytest.mark.both_databases
@pytest.mark.parametrize("decision", ["claim", "stay"])
def test_an_expired_offer_is_void_before_any_cleanup(offered, records, decision, later):
    party, ana, bo, cy = offered
    later(hours=12)
    page = ana.get(f"/parties/{party.slug}")
    assert "This offer has expired; you are back on the waiting list." in page.text
    assert "You are number 3 on the waiting list." in page.text
    assert "This offer has expired" in ana.get(f"/parties/{party.slug}/offer").text
    assert "This offer has expired" in ana.get(f"/parties/{party.slug}/waiting-list").text
    assert "held for you" not in ana.get("/user/ana").text
    assert of(ana, records).status == "offered"
    assert ana.post(f"/parties/{party.slug}/offer", {"decision": decision}).flashes == [EXPIRED]
    assert (of(ana, records).status, offer_to(ana, records).state) == ("waitlisted", "expired")
    assert [of(each, records).status for each in (bo, cy)] == ["offered", "offered"]
    assert kinds(records)["offer_expired"] == 1
    assert check_seats(records, party) == 3


def test_a_guest_with_an_expired_offer_can_withdraw(offered, records, later):
    party, ana, *_others = offered
    later(hours=12)
    assert ana.post(f"/parties/{party.slug}/offer", {"decision": "leave"}).flashes == [RELEASED]
    assert of(ana, records).status == "cancelled"


@pytest.mark.both_databases
def test_the_next_rsvp_expires_open_offers_and_offers_the_seats_on(offered, guest, records, later):
    party, ana, bo, cy = offered
    later(hours=12)
    assert answer(guest(), party, 1).flashes == waiting_flash(2, 1)
    assert [of(each, records).status for each in (ana, bo, cy)] == ["waitlisted", "offered", "offered"]
    assert check_seats(records, party) == 3


@pytest.mark.both_databases
def test_the_scheduler_offers_seats_of_expired_offers_once(app, offered, records, later):
    party, ana, bo, cy = offered
    sweep = lambda: app.test_cli_runner().invoke(args=["parties", "sweep"]).output  # noqa: E731
    assert sweep() == "Seats offered: 0.\n"
    later(hours=12)
    assert sweep() == "Seats offered: 2.\n"
    assert [of(each, records).status for each in (ana, bo, cy)] == ["waitlisted", "offered", "offered"]
    later(hours=24)
    assert sweep() == "Seats offered: 0.\n"
    # Everybody was offered the seats: they are free for the next RSVP, also from one of them.
    assert [of(each, records).status for each in (ana, bo, cy)] == ["waitlisted"] * 3
    assert (check_seats(records, party), kinds(records)["offer_expired"]) == (1, 3)
    assert answer(bo, party).flashes[0][1].startswith("You successfully RSVP'd to ")
    assert check_seats(records, party) == 2


def test_an_offer_ends_before_the_deadline(create_party, guest, records):
    party, seated, ana = create_party(free=1, hours=100, rsvp_deadline=NOW + timedelta(hours=2)), guest(), guest()
    answer(seated, party, 1)
    answer(ana, party, 1)
    seated.post(f"/parties/{party.slug}/withdraw")
    assert offer_to(ana, records).expires_at == NOW + timedelta(hours=1)


def test_after_the_deadline_nothing_is_offered(create_party, guest, records, later):
    party, seated, ana = create_party(free=1, hours=100, rsvp_deadline=NOW + timedelta(hours=2)), guest(), guest()
    answer(seated, party, 1)
    answer(ana, party, 1)
    later(hours=2)
    seated.post(f"/parties/{party.slug}/withdraw")
    assert (of(ana, records).status, check_seats(records, party)) == ("waitlisted", 1)


@pytest.mark.parametrize("decision", ["", "perhaps", "claim; DROP TABLE wait_offer"])
def test_an_invalid_decision_is_refused(offered, records, decision):
    party, ana, *_others = offered
    page = ana.post(f"/parties/{party.slug}/offer", {"decision": decision})
    assert page.flashes == [("danger", "Please choose one of the answers.")]
    assert of(ana, records).status == "offered"


def test_replying_yes_again_points_to_the_open_offer(offered, records):
    party, ana, *_others = offered
    assert ana.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes == [
        ("info", "2 seats are being held for you. Accept or decline the offer.")
    ]


@pytest.mark.parametrize(
    ("path", "data"), [("withdraw", {}), ("rsvp", {"answer": "no"}), ("rsvp", {"answer": "maybe"})]
)
def test_an_offer_ends_however_its_guest_withdraws(offered, records, path, data):
    party, ana, bo, cy = offered
    ana.post(f"/parties/{party.slug}/{path}", data)
    assert offer_to(ana, records).state == "declined"
    assert [of(each, records).status for each in (bo, cy)] == ["offered", "offered"]
    assert check_seats(records, party) == 3


def test_only_its_guest_can_use_an_offer(offered, client_of, cast, visitor):
    party, *_guests = offered
    refused = [("warning", "You have no seat offer at the moment.")]
    for browser in (client_of(cast.stranger), client_of(cast.host)):
        assert browser.post(f"/parties/{party.slug}/offer", {"decision": "claim"}).flashes == refused
        assert "You have no seat offer at the moment." in browser.get(f"/parties/{party.slug}/offer").text
    page = visitor.post(f"/parties/{party.slug}/offer", {"decision": "claim"})
    assert page.flashes == [("info", "Please log in to access this page.")]


# -- hosts and administrators


def test_seats_added_by_the_host_are_offered(create_party, guest, client_of, cast, records, later):
    party, ana, bo = create_party(free=0), guest(), guest()
    answer(ana, party, 2)
    answer(bo, party, 2)
    host = client_of(cast.host)
    path = f"/parties/{party.slug}/edit"
    host.submit(host.get(path).form(path), number_seats="8")
    assert [of(each, records).status for each in (ana, bo)] == ["offered", "waitlisted"]
    page = host.submit(host.get(path).form(path), number_seats="6")
    assert "7 seats are already taken; you cannot go below that." in page.text
    later(hours=12)
    # Seats that are no longer held can be removed.
    page = host.submit(host.get(path).form(path), number_seats="6")
    assert (page.status, check_seats(records, party), of(ana, records).status) == (200, 1, "waitlisted")


def test_an_earlier_deadline_makes_offers_shorter(offered, client_of, cast, records):
    party, ana, *_others = offered
    host = client_of(cast.host)
    path = f"/parties/{party.slug}/edit"
    host.submit(host.get(path).form(path), rsvp_deadline="2030-01-01T15:00")
    assert offer_to(ana, records).expires_at == NOW + timedelta(hours=3)


def test_cancelling_a_party_ends_offers_and_emails_everybody(offered, client_of, cast, records):
    party, ana, *_others = offered
    page = client_of(cast.host).post(f"/parties/{party.slug}/cancel")
    assert page.flashes == [("warning", "Party cancelled; 4 guests will be told.")]
    assert (offer_to(ana, records).state, check_seats(records, party)) == ("revoked", 1)
    assert kinds(records)["party_cancelled"] == 4
    assert ana.post(f"/parties/{party.slug}/offer", {"decision": "claim"}).flashes == [
        ("warning", "You have no seat offer at the moment.")
    ]


def test_a_guest_who_becomes_host_keeps_one_of_the_offered_seats(offered, client_of, cast, records):
    party, ana, bo, _cy = offered
    admin = client_of(cast.admin)
    path = f"/dinnerparties/edit/{party.id}"
    admin.submit(admin.get(path).form(path), host="ana")
    assert (of(ana, records).status, of(ana, records).party_size) == ("yes", 1)
    assert (of(bo, records).status, check_seats(records, party)) == ("offered", 3)


@pytest.mark.both_databases
def test_an_administrator_removes_waiting_and_confirmed_guests(offered, client_of, cast, records):
    party, ana, bo, cy = offered
    rows = [str(of(each, records).id) for each in (ana, bo)]
    page = client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": rows})
    assert page.flashes == [("info", "2 answers removed. 2 seats offered to the next in line.")]
    assert (offer_to(ana, records).state, of(cy, records).status) == ("revoked", "offered")
    assert check_seats(records, party) == 2


@pytest.mark.both_databases
def test_an_administrator_ends_offers(offered, client_of, cast, records):
    party, ana, bo, _cy = offered
    admin = client_of(cast.admin)
    page = admin.get("/offers/list/")
    chosen = {"action": "expire", "rowid": str(offer_to(ana, records).id)}
    page = admin.submit(page.form("/offers/action_post"), button=("action", "expire"), rowid=chosen["rowid"])
    assert page.flashes == [("info", "1 offer ended. 2 seats offered to the next in line.")]
    assert (of(ana, records).status, of(bo, records).status) == ("waitlisted", "offered")
    assert admin.post("/offers/action_post", chosen).flashes == [
        ("warning", "None of the selected offers is still open.")
    ]
    assert check_seats(records, party) == 3
    assert "Seat offer" in admin.get(f"/offers/show/{offer_to(bo, records).id}").text
    assert "Minimum party size" in admin.get(f"/rsvps/show/{of(bo, records).id}").text


# -- explanations


def test_a_guest_sees_the_history_without_the_names_of_others(offered, records, later):
    party, ana, bo, _cy = offered
    bo.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    later(hours=12)
    ana.post(f"/parties/{party.slug}/offer", {"decision": "claim"})
    page = ana.get(f"/parties/{party.slug}/waiting-list")
    for told in (
        "Joined the waiting list as number 1, requesting 2 seats.",
        "2 seats became free.",
        "First group that fits the 2 free seats. Offered until",
        "Did not accept 2 seats in time; now number 3 on the waiting list.",
        "Number 1",
        "An earlier offer was not accepted.",
    ):
        assert told in page.text, told
    assert not any(name in page.text for name in ("Bo Doe", "Cy Doe", "seated"))


def test_the_host_sees_the_waiting_list_with_names_sizes_and_notes(create_party, guest, client_of, cast):
    party, ana, bo = create_party(free=0), guest(username="ana"), guest(username="bo")
    answer(ana, party, 3, 2, note="We are <b>noisy</b>.")
    answer(bo, party, 1)
    page = client_of(cast.host).get(f"/parties/{party.slug}/waiting-list")
    for told in (
        "Ana Doe",
        "Bo Doe",
        "Requested 3 seats.",
        "Would also accept 2 seats.",
        "We are &lt;b&gt;noisy&lt;/b&gt;.",
    ):
        assert told in page.text, told
    assert "We are" not in bo.get(f"/parties/{party.slug}/waiting-list").text


def test_the_waiting_list_is_for_the_host_and_the_guests_on_it(offered, client_of, cast, visitor):
    party, *_guests = offered
    path = f"/parties/{party.slug}/waiting-list"
    assert client_of(cast.stranger).get(path).status == 403
    assert client_of(cast.admin).get(path).status == 200
    assert visitor.get(path).path == "/login/"


def test_every_waiting_list_event_has_a_text_for_every_reader(create_party, client_of, cast, app, records):
    party = create_party()
    mine, other = (RsvpFactory(party=party, member=who, waiting=True) for who in (cast.friend, cast.stranger))
    with app.app_context(), transaction() as session:
        for row in (mine, other):
            for kind in WaitingListEventKind:
                session.add(
                    WaitingListEvent(party_id=party.id, rsvp_id=row.id, kind=kind, place=1, seats=2, least=1, until=NOW)
                )
            session.add(
                WaitingListEvent(party_id=party.id, rsvp_id=row.id, kind=WaitingListEventKind.DECLINED, seats=1)
            )
    for who in (cast.friend, cast.host):
        page = client_of(who).get(f"/parties/{party.slug}/waiting-list")
        assert page.text.count("<strong>") == 2 * len(WaitingListEventKind) + 2
        assert "%(" not in page.text


@pytest.mark.both_databases
def test_the_pages_take_few_statements_however_long_the_waiting_list(create_party, client_of, cast):
    party = create_party(free=0)
    RsvpFactory.create_batch(60, party=party, waiting=True)
    RsvpFactory(party=party, member=cast.friend, waiting=True)
    WaitOfferFactory(party=DinnerPartyFactory(host=cast.stranger, slug="offered"), rsvp__member=cast.friend)
    for who, paths in {
        cast.friend: (
            f"/parties/{party.slug}",
            f"/parties/{party.slug}/waiting-list",
            "/parties/offered",
            "/user/friend",
        ),
        cast.host: (f"/parties/{party.slug}", f"/parties/{party.slug}/waiting-list"),
    }.items():
        browser = client_of(who)
        for path in paths:
            browser.get(path)
            with count_statements() as statements:
                assert browser.get(path).status == 200
            assert len(statements) <= 9, (path, *statements)
