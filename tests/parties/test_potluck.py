"""Potluck: requested dishes and claims."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app import clock
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.attendance import service as attendance_service
from app.parties.models import DinnerParty, Rsvp
from app.parties.potluck import service as potluck_service
from app.parties.potluck.models import DishClaim, DishSlot
from tests.support.factories import DinnerPartyFactory, DishSlotFactory, InvitationFactory, RsvpFactory

SAVED = [("info", "Saved. Your guests can now see the requested dishes.")]


@pytest.fixture
def friend(client_of, cast, party):
    RsvpFactory(party=party, member=cast.friend)
    return client_of(cast.friend)


def slot_of(party, name="Salad", wanted=1):
    return DishSlotFactory(party=party, course="side", name=name, wanted=wanted)


def asking(host, party):
    return host.get(f"/parties/{party.slug}/dishes").form("/dishes")


def ask(host, party, **fields):
    return host.submit(host.add_rows(asking(host, party), typed(fields)), **typed(fields))


def typed(fields):
    return {name.replace("__", "-"): value for name, value in fields.items()}


def bring(guest, party, slot, action="bring", **fields):
    """Send the form of a requested dish."""
    page = guest.get(f"/parties/{party.slug}/bring")
    form = next(form for form in page.forms if form.fields.get("slot") == str(slot.id))
    return guest.submit(
        form, button=("action", action), **{f"dish{slot.id}-{name}": value for name, value in fields.items()}
    )


def asked(records):
    return [(slot.course, slot.name, slot.wanted, slot.claimed) for slot in records.all(DishSlot)]


# -- requesting dishes


def test_a_host_requests_dishes_and_guests_see_them(host, visitor, party, records):
    page = ask(
        host, party, dishes__0__name="Salad", dishes__0__wanted="3", dishes__1__name="Wine", dishes__1__course="drink"
    )
    assert page.flashes == SAVED
    assert asked(records) == [("side", "Salad", 3, 0), ("drink", "Wine", 1, 0)]
    text = visitor.get(f"/parties/{party.slug}").text
    assert "What guests bring" in text
    assert "3 still needed" in text
    ask(host, party, dishes__0__name="")
    assert asked(records) == [("drink", "Wine", 1, 0)]


@pytest.mark.parametrize(
    ("field", "value"), [("wanted", "0"), ("wanted", "many"), ("wanted", "101"), ("course", "breakfast")]
)
def test_errors_are_shown_at_their_row_and_the_form_kept(host, party, records, field, value):
    data = {"dishes-0-name": "Kept salad", "dishes-0-course": "side", "dishes-0-wanted": "1"}
    page = host.post(f"/parties/{party.slug}/dishes", {**data, f"dishes-0-{field}": value})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert 'value="Kept salad"' in page.text
    assert f'href="#dishes-0-{field}"' in page.text
    assert not records.all(DishSlot)


def test_only_hosts_request_dishes_and_see_the_claims(client_of, friend, cast, party):
    assert friend.get(f"/parties/{party.slug}/dishes").status == 403
    assert friend.post(f"/parties/{party.slug}/dishes/release").status == 403
    assert client_of(cast.admin).get(f"/parties/{party.slug}/dishes").status == 403


def test_a_requested_dish_cannot_go_below_its_claims(host, friend, party, records):
    slot = slot_of(party, wanted=3)
    bring(friend, party, slot, quantity="2")
    page = ask(host, party, dishes__0__wanted="1", dishes__1__name="Kept bread")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert "2 have already been promised; you cannot request fewer." in page.text
    assert 'value="Kept bread"' in page.text
    assert asked(records) == [("side", "Salad", 3, 2)]
    assert ask(host, party, dishes__0__wanted="2").flashes == SAVED


def test_removing_a_claimed_dish_needs_confirmation(host, friend, cast, party, records):
    slot = slot_of(party)
    bring(friend, party, slot)
    page = ask(host, party, dishes__0__name="")
    assert page.status == 422
    assert (
        f"“Salad” has already been promised by {cast.friend.display_name}. Release the dish first; they will be "
        "notified." in page.text
    )
    page = host.submit(page.form("/dishes/release"))
    assert page.flashes == [("info", f"{cast.friend.display_name} no longer needs to bring it and will be notified.")]
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient, letter.subject) == (
        "dish_released",
        cast.friend.email,
        "You no longer need to bring it: Salad",
    )
    assert asked(records) == [("side", "Salad", 1, 0)]
    page = host.post(f"/parties/{party.slug}/dishes/release", {"claim": "1"})
    assert page.flashes == [("warning", "Nothing changed: nobody is bringing that any more.")]
    ask(host, party, dishes__0__name="")
    assert not records.all(DishSlot)


def test_leaving_out_the_row_of_a_claimed_dish_needs_confirmation(host, friend, party, records):
    slot = slot_of(party)
    bring(friend, party, slot)
    seen = asking(host, party).fields["seen"]
    page = host.post(f"/parties/{party.slug}/dishes", {"seen": seen})
    assert page.status == 422
    assert page.flashes[0][0] == "danger"
    assert "has already been promised by" in page.flashes[0][1]
    assert records.one(DishClaim)


def test_a_conflict_of_two_hosts_shows_both_lists(host, party, records):
    tab = asking(host, party)
    ask(host, party, dishes__0__name="Salad")
    page = host.submit(tab, **{"dishes-0-name": "Soup"})
    text = "This was changed in the meantime; both versions are shown. Save again to keep yours."
    assert (page.status, page.flashes) == (409, [("warning", text)])
    assert "<bdi>Salad</bdi>" in page.text
    assert 'value="Soup"' in page.text
    assert asked(records) == [("side", "Salad", 1, 0)]
    assert host.submit(page.form("/dishes")).flashes == SAVED
    assert asked(records) == [("side", "Soup", 1, 0)]


def test_sending_the_list_twice_stores_it_once(host, party, records):
    fields = typed({"dishes__0__name": "Wine", "dishes__0__course": "drink", "dishes__1__name": "Salad"})
    tab = host.add_rows(asking(host, party), fields)
    for _click in range(2):
        page = host.submit(tab, **fields)
        assert page.flashes == SAVED
    assert sorted(name for _course, name, *_ in asked(records)) == ["Salad", "Wine"]


def test_dishes_of_another_party_cannot_be_changed(host, party, cast, records):
    other = slot_of(DinnerPartyFactory(host=cast.stranger), name="Theirs")
    ask(host, party, dishes__0__key=str(other.id), dishes__0__name="Mine")
    assert sorted(slot.name for slot in records.all(DishSlot)) == ["Mine", "Theirs"]


def test_a_copy_requests_the_same_dishes_without_claims(host, friend, party, records):
    bring(friend, party, slot_of(party, wanted=2))
    host.post(f"/parties/{party.slug}/copy")
    assert asked(records) == [("side", "Salad", 2, 1), ("side", "Salad", 2, 0)]


# -- claiming dishes


def test_a_guest_claims_changes_and_releases_a_dish(friend, host, party, cast, records):
    slot = slot_of(party, wanted=3)
    assert bring(friend, party, slot, quantity="2").flashes == [("info", "You are bringing Salad.")]
    page = bring(friend, party, slot, quantity="3", dish="Tabbouleh")
    assert page.flashes == [("info", "You are bringing Tabbouleh.")]
    assert asked(records) == [("side", "Salad", 3, 3)]
    assert "Tabbouleh" in friend.get(f"/parties/{party.slug}").text
    assert cast.friend.display_name in host.get(f"/parties/{party.slug}/dishes").text
    sheet = host.get(f"/parties/{party.slug}/kitchen").text
    assert "Tabbouleh" in sheet
    assert cast.friend.display_name not in sheet
    assert bring(friend, party, slot, quantity="1").flashes == [("info", "You are bringing Tabbouleh.")]
    assert asked(records) == [("side", "Salad", 3, 1)]
    page = bring(friend, party, slot, "give_back")
    assert page.flashes == [("info", "You are no longer bringing Tabbouleh.")]
    assert asked(records) == [("side", "Salad", 3, 0)]
    page = friend.post(f"/parties/{party.slug}/bring", {"slot": str(slot.id), "action": "give_back"})
    assert page.flashes == [("warning", "Nothing changed: you were not bringing this dish.")]


def test_a_guest_with_a_personal_link_can_claim_a_dish(visitor, party, records):
    slot = slot_of(party)
    invitation = InvitationFactory(party=party)
    page = visitor.get(f"/invitations/{invitation.token}")
    visitor.submit(page.form("/rsvp"), button=("answer", "yes"))
    assert bring(visitor, party, slot).flashes == [("info", "You are bringing Salad.")]


def test_claiming_a_dish_that_was_just_taken_is_no_error(friend, client_of, cast, party):
    RsvpFactory(party=party, member=cast.stranger)
    slot = slot_of(party)
    form = friend.get(f"/parties/{party.slug}/bring").form("/bring")
    bring(client_of(cast.stranger), party, slot)
    page = friend.submit(form)
    assert page.flashes == [("warning", "Someone else just took that dish.")]
    assert "already covered" in page.text


def test_claiming_more_than_is_wanted_is_refused_and_the_form_kept(friend, client_of, cast, party):
    RsvpFactory(party=party, member=cast.stranger)
    slot = slot_of(party, wanted=3)
    bring(client_of(cast.stranger), party, slot, quantity="2")
    page = bring(friend, party, slot, quantity="2", dish="Tabbouleh")
    assert (page.status, page.flashes) == (422, [("warning", "Only 1 is still needed.")])
    assert 'value="Tabbouleh"' in page.text
    page = bring(friend, party, slot, quantity="0")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])


@pytest.mark.parametrize("traits", [{"maybe": True}, {"waiting": True}, {"declined": True}, {"asking": True}])
def test_a_guest_who_is_not_coming_cannot_claim_a_dish(client_of, cast, party, records, traits):
    slot = slot_of(party)
    RsvpFactory(party=party, member=cast.friend, **traits)
    friend = client_of(cast.friend)
    only = [("warning", "Only guests who are coming can bring something. Answer first.")]
    assert friend.get(f"/parties/{party.slug}/bring").flashes == only
    assert friend.post(f"/parties/{party.slug}/bring", {"slot": str(slot.id)}).flashes == only
    assert not records.all(DishClaim)


@pytest.mark.parametrize("slot", ["0", "-1", "x", "", "9" * 30, "٣", "4711"])
def test_an_unknown_dish_cannot_be_claimed(friend, party, slot):
    page = friend.post(f"/parties/{party.slug}/bring", {"slot": slot})
    assert page.flashes == [("warning", "This dish is no longer requested.")]


def test_a_dish_of_another_party_cannot_be_claimed(friend, party, cast, records):
    other = slot_of(DinnerPartyFactory(host=cast.stranger))
    page = friend.post(f"/parties/{party.slug}/bring", {"slot": str(other.id)})
    assert page.flashes == [("warning", "This dish is no longer requested.")]
    assert not records.all(DishClaim)


def test_dishes_cannot_be_claimed_once_the_party_has_started(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host, starts_at=clock.now() + timedelta(minutes=5))
    slot = slot_of(party)
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    bring(friend, party, slot)
    clock.set_now(party.starts_at + timedelta(minutes=1))
    page = friend.post(f"/parties/{party.slug}/bring", {"slot": str(slot.id), "action": "give_back"})
    assert page.flashes == [("warning", "It is too late to change what you are bringing.")]
    assert records.one(DishClaim)


@pytest.mark.parametrize("leave", ["withdraw", "no", "maybe", "removed", "missed"])
def test_giving_up_the_seat_releases_the_claims(app, friend, client_of, cast, party, records, leave):
    slots = [slot_of(party, wanted=2) for _number in range(2)]
    for slot in slots:
        bring(friend, party, slot, quantity="2")
    if leave == "removed":
        answer = next(row for row in records.all(Rsvp) if row.member_id == cast.friend.id)
        client_of(cast.admin).post("/rsvps/action_post", {"action": "withdraw", "rowid": str(answer.id)})
    elif leave == "missed":
        mark_no_show(app, party)
    elif leave == "withdraw":
        friend.post(f"/parties/{party.slug}/withdraw")
    else:
        friend.post(f"/parties/{party.slug}/rsvp", {"answer": leave})
    assert [slot.claimed for slot in records.all(DishSlot)] == [0, 0]
    assert not records.all(DishClaim)


def mark_no_show(app, party):
    clock.set_now(party.starts_at + timedelta(days=1))
    with app.app_context(), transaction() as session:
        attendance_service.mark_all_no_show(session.get(DinnerParty, party.id))


# -- activation without e-mail


@pytest.mark.both_databases
def test_40_concurrent_guests_claim_as_many_as_are_wanted(app, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=50)
    slot = slot_of(party, wanted=10)
    with app.app_context(), transaction():
        answers = [answer.id for answer in RsvpFactory.create_batch(40, party=db.session.merge(party))]
    barrier = threading.Barrier(len(answers))

    def promise(answer_id):
        with app.app_context():
            barrier.wait()
            with contextlib.suppress(DomainError), transaction() as session:
                return potluck_service.claim(
                    session.get(DinnerParty, party.id), session.get(Rsvp, answer_id), slot.id, 1
                ).id
            return None

    with ThreadPoolExecutor(len(answers)) as pool:
        assert list(pool.map(promise, answers)).count(None) == 30
    assert records.fresh(slot).claimed == 10
    assert sum(row.quantity for row in records.all(DishClaim)) == 10


@pytest.mark.both_databases
def test_the_guarded_update_alone_prevents_too_many_claims(app, party, records):
    slot = slot_of(party, wanted=10)
    barrier = threading.Barrier(40)

    def take(_number):
        with app.app_context():
            barrier.wait()
            with transaction():
                return potluck_service.reserve(slot.id, 1)

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(take, range(40))).count(True) == 10
    with app.app_context(), pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(DishSlot).values(claimed=DishSlot.claimed + 1))
    assert records.fresh(slot).claimed == 10


def test_get_and_head_claim_nothing(friend, party, records):
    slot = slot_of(party)
    for method in ("GET", "HEAD"):
        data = {"slot": str(slot.id), "action": "bring"}
        assert friend.open(method, f"/parties/{party.slug}/bring", data=data).status == 200
    assert not records.all(DishClaim)
