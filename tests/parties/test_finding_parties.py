"""Visitors find a dinner by words, area, day, free seats and diet, tell others of it, and see who else comes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app import clock
from tests.support.factories import DinnerPartyFactory, MemberFactory, MenuItemFactory, RsvpFactory

NOW = datetime(2030, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def dinners(cast):
    clock.set_now(NOW)
    soup = DinnerPartyFactory(
        host=cast.host,
        title="Crème soup",
        venue="Casa Ferrer",
        area="Lavapiés, Madrid",
        starts_at=NOW + timedelta(days=2),
        number_seats=4,
    )
    stew = DinnerPartyFactory(
        host=cast.host,
        title="Stew",
        main_dish="Lentils",
        area="Gràcia, Barcelona",
        starts_at=NOW + timedelta(days=3),
        number_seats=2,
    )
    MenuItemFactory(party=soup, diets=["vegan"])
    MenuItemFactory(party=stew, diets=["halal"])


@pytest.mark.both_databases
@pytest.mark.usefixtures("dinners")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Crème soup", "Stew"}),
        ("words=creme", {"Crème soup"}),
        ("words=FERRER+soup", {"Crème soup"}),
        ("words=lentils", {"Stew"}),
        ("words=50%25", set()),
        ("area=lavapies", {"Crème soup"}),
        ("area=barcelona+gracia", {"Stew"}),
        ("area=madrid&words=stew", set()),
        ("day=2030-03-03", {"Crème soup"}),
        ("day=2030-03-05", set()),
        ("day=yesterday", {"Crème soup", "Stew"}),
        ("seats=2", {"Crème soup"}),
        ("seats=1&diet=halal", {"Stew"}),
        ("diet=vegetarian", {"Crème soup"}),
        ("diet=air", {"Crème soup", "Stew"}),
    ],
)
def test_the_list_shows_what_fits(visitor, query, found):
    text = visitor.get(f"/parties/?{query}").text
    assert {title for title in ("Crème soup", "Stew") if f"<bdi>{title}</bdi>" in text} == found
    assert ("No dinner fits. Try fewer words or another day." in text) is (found == set())


@pytest.mark.usefixtures("dinners")
def test_what_was_looked_for_stays_in_the_form(visitor):
    page = visitor.get("/parties/?words=creme&area=madrid&day=2030-03-03&seats=2&diet=vegan")
    fields = page.form("/parties/").fields.to_dict()
    assert fields == {"words": "creme", "area": "madrid", "day": "2030-03-03", "seats": "2", "diet": "vegan"}


def test_a_calendar_on_the_web_gets_title_time_place_and_link(visitor, cast):
    clock.set_now(NOW)
    party = DinnerPartyFactory(
        host=cast.host, title="Soup & bread", starts_at=NOW + timedelta(days=2), timezone="Europe/Madrid"
    )
    text = visitor.get(f"/parties/{party.slug}").text.replace("&amp;", "&")
    google, outlook = (
        {name: values[0] for name, values in parse_qs(urlsplit(part.split('"')[0]).query).items()}
        for part in text.split('href="')
        if part.startswith(("https://calendar.google.com/", "https://outlook.live.com/"))
    )
    assert (google["action"], google["text"]) == ("TEMPLATE", "Soup & bread")
    assert (google["dates"], google["ctz"]) == ("20300303T120000Z/20300303T150000Z", "Europe/Madrid")
    assert (outlook["rru"], outlook["subject"]) == ("addevent", "Soup & bread")
    assert (outlook["startdt"], outlook["enddt"]) == ("2030-03-03T12:00:00Z", "2030-03-03T15:00:00Z")
    for link in (google["details"], outlook["body"]):
        assert link.endswith(f"/parties/{party.slug}")
    assert google["location"] == outlook["location"] == "The long table, 1 Market Street"


def test_an_address_for_guests_is_not_put_into_links_of_strangers(visitor, cast):
    party = DinnerPartyFactory(host=cast.host, address="7 Secret Lane", address_for_guests=True)
    assert "Secret" not in visitor.get(f"/parties/{party.slug}").text


def test_other_programs_can_show_when_and_where_it_is(visitor, cast):
    clock.set_now(NOW)
    party = DinnerPartyFactory(
        host=cast.host, starts_at=NOW + timedelta(days=2), description="Bring\nnothing. " + "Really nothing. " * 20
    )
    text = visitor.get(f"/parties/{party.slug}").text.replace("\u202f", " ")
    shown = text.partition('property="og:description" content="')[2].partition('"')[0]
    assert shown.startswith("Sunday, March 3, from 12 PM to 3 PM (UTC) · The long table · Bring nothing. Really")
    assert shown.endswith("…")
    assert len(shown) < 260
    private = DinnerPartyFactory(host=cast.host, private=True)
    assert "og:description" not in visitor.get(f"/parties/{private.slug}").text


def test_guests_see_who_else_comes_where_both_sides_want_it(client_of, cast, visitor):
    party = DinnerPartyFactory(host=cast.host, shows_guests=True)
    RsvpFactory(party=party, member=MemberFactory(), name="Shy Sam")
    ines = client_of(MemberFactory(first_name="Ines", last_name="Open"))
    form = ines.get(f"/parties/{party.slug}").form("/rsvp")
    ines.submit(form, button=("answer", "yes"), shows_name="y")
    friend = client_of(cast.friend)
    assert "Ines Open" not in friend.get(f"/parties/{party.slug}").text
    assert "Ines Open" not in visitor.get(f"/parties/{party.slug}").text
    RsvpFactory(party=party, member=cast.friend)
    text = friend.get(f"/parties/{party.slug}").text
    assert "Ines Open" in text
    assert "Shy Sam" not in text
    # The guest changes their mind.
    form = ines.get(f"/parties/{party.slug}").form("/rsvp")
    assert form.fields["shows_name"] == "y"
    ines.submit(form, button=("answer", "yes"), shows_name=None)
    assert "Ines Open" not in friend.get(f"/parties/{party.slug}").text


def test_no_names_are_shown_where_the_host_does_not_want_it(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=MemberFactory(), name="Ines Open", shows_name=True)
    RsvpFactory(party=party, member=cast.friend)
    page = client_of(cast.friend).get(f"/parties/{party.slug}")
    assert "Ines Open" not in page.text
    assert "shows_name" not in page.form("/rsvp").names
