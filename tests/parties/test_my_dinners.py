"""My dinners: the next one first, with what its guest needs; own tables with their numbers; past ones folded."""

from datetime import UTC, datetime, timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.parties.models import DinnerParty
from app.parties.queries import PAGE_SIZE
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory
from tests.support.statements import count_statements

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def friend(client_of, cast):
    clock.set_now(NOW)
    return client_of(cast.friend)


def dinner(host, days, **columns):
    return DinnerPartyFactory(host=host, starts_at=NOW + timedelta(days=days, hours=8), **columns)


def shown(friend, page=""):
    return friend.get(f"/user/friend{page}").text


def next_card(text):
    return text.partition("next-dinner")[2].partition("</section>")[0].replace("\u202f", " ")


def test_the_next_dinner_says_what_its_guest_needs(friend, cast):
    later, sooner = (dinner(cast.host, days, title=title) for days, title in ((20, "Later"), (9, "Sooner")))
    RsvpFactory(party=later, member=cast.friend)
    RsvpFactory(party=sooner, member=cast.friend, party_size=2)
    text = shown(friend)
    card = next_card(text)
    assert "Sooner" in card
    assert "in 9 days" in card
    assert "Sunday, March 10, from 8 PM to 11 PM" in card
    assert "You have 2 seats at this dinner." in card
    assert f"/parties/{sooner.slug}/ticket" in card
    assert "https://www.openstreetmap.org/search?query=1%20Market%20Street" in card
    assert text.index("Sooner") < text.index("Later")


def test_a_dinner_with_a_seat_comes_before_an_earlier_one_without(friend, cast):
    full = dinner(cast.host, 2, title="Full", number_seats=2, full=True)
    RsvpFactory(party=full, member=MemberFactory(), waiting=True)
    RsvpFactory(party=full, member=cast.friend, waiting=True)
    text = shown(friend)
    assert "You are number 2 on the waiting list." in next_card(text)
    RsvpFactory(party=dinner(cast.host, 5, title="Sure"), member=cast.friend)
    text = shown(friend)
    assert "Sure" in next_card(text)
    assert "You are number 2 on the waiting list." in text


def test_an_address_that_only_guests_see_is_not_led_to_before(friend, cast):
    full = dinner(cast.host, 2, number_seats=1, address_for_guests=True)
    RsvpFactory(party=full, member=cast.friend, waiting=True)
    assert "1 Market Street" not in shown(friend)
    assert "openstreetmap" not in shown(friend)


def test_own_tables_have_numbers_and_ways_to_guests_and_invitations(friend, cast):
    table = dinner(cast.friend, 3, number_seats=2, full=True)
    RsvpFactory(party=table, waiting=True)
    text = shown(friend)
    assert "2 of 2 seats are taken" in text
    assert "1 person is on the waiting list" in text
    assert f'href="/parties/{table.slug}/guests"' in text
    assert f'href="/parties/{table.slug}/invitations"' in text


def test_past_dinners_are_folded_and_have_pages(app, friend, cast):
    for number in range(PAGE_SIZE + 1):
        RsvpFactory(party=dinner(cast.host, -number - 2, title=f"Past {number}."), member=cast.friend)
    text = shown(friend)
    assert '<details class="fold" id="past">' in text
    assert "Past 0." in text
    assert f"Past {PAGE_SIZE}." not in text
    text = shown(friend, "?page=2")
    assert '<details class="fold" id="past" open>' in text
    assert f"Past {PAGE_SIZE}." in text


def test_a_dinner_of_tonight_stays_the_next_one_while_people_eat(client_of, cast):
    clock.set_now(NOW + timedelta(hours=10))
    RsvpFactory(party=dinner(cast.host, 0, title="Tonight"), member=cast.friend)
    assert "today" in next_card(shown(client_of(cast.friend)))


def test_the_page_takes_as_many_statements_for_many_dinners_as_for_few(app, friend, cast):
    def fill():
        for days in (-3, 3):
            RsvpFactory(party=dinner(cast.host, days), member=cast.friend)
            RsvpFactory(party=dinner(MemberFactory(), days, number_seats=1), member=cast.friend, waiting=True)
            dinner(cast.friend, days)

    fill()
    shown(friend)
    with count_statements() as few:
        shown(friend)
    fill()
    fill()
    with app.app_context(), transaction():
        assert db.session.query(DinnerParty).count() == 18
    shown(friend)
    with count_statements() as many:
        shown(friend)
    assert len(many) == len(few) <= 9
