"""Codecademy's DinnerParty: one's own page, the list of parties, and RSVPs by the number of a party."""

from datetime import timedelta

import pytest

from app import clock
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import PASSWORD, DinnerPartyFactory


def test_the_landing_page_leads_to_registration_and_login(new_visitor, locale):
    page = new_visitor().get("/")
    assert 'href="/register/form"' in page.text
    assert "/login/" in page.text
    assert f'lang="{locale}"' in page.text


def test_a_member_logs_in_and_out(new_visitor, member, says):
    member(username="ada", first_name="Ada", last_name="Byron")
    visitor = new_visitor()
    says(visitor.log_in("ada", PASSWORD), "info", "Welcome, %(name)s!", name="Ada Byron")
    says(visitor.post("/logout/"), "info", "You are logged out.")


def test_a_member_creates_a_party_and_it_is_on_their_page(client_of, member, records, says):
    ada = client_of(member(username="ada"))
    starts_at = clock.now() + timedelta(days=7)
    form = ada.get("/parties/new").form("/parties/new")
    values = {"title": "Soup", "main_dish": "Soup", "venue": "My kitchen", "number_seats": "4"}
    page = ada.submit(
        form, button=("action", "publish"), starts_at=f"{starts_at:%Y-%m-%dT19:00}", timezone="UTC", **values
    )
    says(page, "info", "Party “%(title)s” published.", title="Soup")
    assert "Soup" in ada.get("/user/ada").text
    party = records.one(DinnerParty)
    # The host has a seat.
    assert (party.seats_taken, records.count(Rsvp)) == (1, 1)


def test_nobody_acts_on_the_page_of_another(client_of, member, records):
    member(username="ada")
    bob = client_of(member(username="bob"))
    assert bob.get("/user/ada").status in {200, 403, 404}
    assert bob.post("/user/ada", {"title": "Theirs"}).status in {403, 404, 405}
    assert records.count(DinnerParty) == 0


def test_a_party_is_answered_by_its_number(client_of, member, records):
    party = DinnerPartyFactory(host=member(username="host"))
    ada = client_of(member(username="ada"))
    page = ada.submit(ada.get("/parties/").form("/parties/rsvp"), party_id=str(party.id))
    assert [flash[0] for flash in page.flashes] == ["info"]
    assert party.host.display_name in page.flashes[0][1]
    assert records.fresh(party).seats_taken == 2


@pytest.mark.parametrize("number", ["", "99999", "soup"])
def test_a_number_of_no_party_is_refused(client_of, member, says, number):
    page = client_of(member()).post("/parties/rsvp", {"party_id": number})
    says(page, "danger", "Please enter a valid Party ID to RSVP!")


def test_answering_twice_takes_one_seat_and_a_full_party_takes_none(client_of, member, records):
    party = DinnerPartyFactory(host=member(username="host"), number_seats=2)
    ada, bob = client_of(member(username="ada")), client_of(member(username="bob"))
    for _click in range(2):
        ada.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert bob.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes[0][0] == "warning"
    assert records.fresh(party).seats_taken == 2


def test_an_empty_list_invites_to_add_a_party(client_of, member, admin, app, locale):
    page = admin.get("/dinnerparties/list/")
    assert "/dinnerparties/add" in page.text
    assert f'lang="{locale}"' in page.text
