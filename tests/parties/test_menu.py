"""The menu and dietary conflicts."""

from datetime import timedelta

import pytest

from app import clock
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from app.parties.menu import dietary_conflicts
from app.parties.menu import service as menu_service
from app.parties.menu.models import MenuItem
from app.parties.menu.service import DishInput, PersonInput
from app.parties.models import Rsvp, RsvpPerson
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory


@pytest.mark.parametrize(
    ("dish", "person", "reasons"),
    [
        ({"allergens": ["nuts", "milk"]}, {"allergens": ["nuts"]}, (("nuts",), ())),
        ({"allergens": ["nuts"]}, {"allergens": ["milk"]}, ((), ())),
        ({"diets": ["no_other"]}, {"diets": ["vegan", "halal"]}, ((), ("vegan", "halal"))),
        ({"diets": ["pescatarian"]}, {"diets": ["vegetarian"]}, ((), ("vegetarian",))),
        ({"allergens": ["milk"]}, {"diets": ["vegan", "vegetarian"]}, ((), ("vegan",))),
        ({"diets": ["vegan"]}, {"diets": ["vegetarian"]}, ((), ())),
        ({"diets": ["vegetarian"]}, {"diets": ["vegan"]}, ((), ("vegan",))),
        ({"diets": ["halal"]}, {"diets": ["no_pork", "no_alcohol"]}, ((), ())),
        ({"allergens": ["fish"], "diets": ["pescatarian"]}, {}, ((), ())),
    ],
)
def test_find_dietary_conflicts(dish, person, reasons):
    found = dietary_conflicts.find_conflict(DishInput("main", "Stew", **dish), PersonInput("Ana", **person))
    assert (found.allergens, found.diets) == reasons
    assert bool(found) == any(reasons)


@pytest.mark.parametrize(
    ("dish", "person", "asked"),
    [
        ({}, {"diets": ["vegan"], "allergens": ["nuts"]}, (("nuts",), ("vegan",))),
        ({"diets": ["vegetarian"]}, {"diets": ["halal"], "allergens": ["nuts"]}, ((), ("halal",))),
        ({"diets": ["no_pork"]}, {"diets": ["pescatarian", "kosher"]}, ((), ("pescatarian", "kosher"))),
        ({"diets": ["no_other"]}, {"diets": ["vegan"], "allergens": ["nuts"]}, ((), ())),
        ({"allergens": ["milk"]}, {"diets": ["vegetarian"]}, ((), ("vegetarian",))),
        # What does not suit them is not asked about.
        ({"allergens": ["nuts"]}, {"diets": ["halal"], "allergens": ["nuts"]}, ((), ())),
        ({}, {}, ((), ())),
    ],
)
def test_what_nobody_has_said_of_a_dish(dish, person, asked):
    found = dietary_conflicts.find_open(DishInput("main", "Stew", **dish), PersonInput("Ana", **person))
    assert (found.allergens, found.diets) == asked


def test_a_course_with_one_dish_for_everybody_has_no_conflict():
    vegan, nobody_else = PersonInput("Ana", diets=["vegan"]), PersonInput("Bo")
    fish, soup = DishInput("main", "Fish", ["fish"]), DishInput("main", "Soup", diets=["vegan"])
    assert dietary_conflicts.guests_without_option([fish], [vegan, nobody_else]) == {"main": 1}
    assert dietary_conflicts.guests_without_option([fish, soup], [vegan, nobody_else]) == {}


def save_menu(host, party, **fields):
    form = host.get(f"/parties/{party.slug}/menu").form("/menu")
    return submit_rows(host, form, **{name.replace("__", "-"): value for name, value in fields.items()})


def submit_rows(host, form, **fields):
    return host.submit(host.add_rows(form, fields), **fields)


def test_the_menu_of_a_host_is_shown_to_guests(client_of, visitor, cast, records):
    party = DinnerPartyFactory(host=cast.host, main_dish="Couscous")
    host = client_of(cast.host)
    page = save_menu(
        host, party,
        dishes__0__name="Lamb", dishes__1__name="Cake", dishes__1__course="dessert", dishes__1__allergens=["eggs", "milk"],
    )  # fmt: skip
    assert page.flashes == [("info", "Menu saved.")]
    assert [(item.course, item.name) for item in records.all(MenuItem)] == [("main", "Lamb"), ("dessert", "Cake")]
    assert records.fresh(party).main_dish == "Lamb"
    shown = visitor.get(f"/parties/{party.slug}").text
    assert "Contains: Eggs and Milk, with lactose" in shown
    save_menu(host, party, dishes__0__name="")
    assert [item.name for item in records.all(MenuItem)] == ["Cake"]


def test_an_unknown_course_or_allergen_is_refused_and_the_form_kept(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    host = client_of(cast.host)
    page = host.post(f"/parties/{party.slug}/menu", {"dishes-0-name": "Kept soup", "dishes-0-course": "breakfast"})
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    assert "Kept soup" in page.text
    assert not records.all(MenuItem)


def test_only_hosts_edit_the_menu_and_see_the_kitchen_sheet(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    friend = client_of(cast.friend)
    assert friend.get(f"/parties/{party.slug}/menu").status == 403
    assert friend.get(f"/parties/{party.slug}/kitchen").status == 403


def test_administrators_do_not_see_dietary_information(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    admin = client_of(cast.admin)
    assert admin.get(f"/parties/{party.slug}/kitchen").status == 403
    assert admin.get(f"/parties/{party.slug}/menu").status == 403
    assert "/kitchen" not in admin.get(f"/parties/{party.slug}").text


def test_a_guest_who_withdrew_is_not_on_the_kitchen_sheet(app, client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    answer = RsvpFactory(party=party, member=cast.friend, party_size=2)
    with app.app_context(), transaction():
        menu_service.set_people(db.session.merge(answer), [PersonInput("Ana"), PersonInput("Bo", diets=["vegan"])])
        assert [eater.name for eater in menu_service.dietary_profiles(party)] == ["Ana", "Bo"]
        row = db.session.get(Rsvp, answer.id)
        row.party_size = row.min_party = 1
    with app.app_context():
        assert [eater.name for eater in menu_service.dietary_profiles(party)] == ["Ana"]


def planned(app, party, *dishes):
    with app.app_context(), transaction():
        menu_service.set_menu(db.session.merge(party), dishes)


def test_a_dietary_conflict_warns_the_guest_and_is_shown_to_the_host(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    planned(app, party, DishInput("main", "Satay", ["peanuts"]), DishInput("dessert", "Fruit", diets=["vegan"]))
    RsvpFactory(party=party, member=cast.friend, party_size=2)
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}/people")
    page = friend.submit(
        page.form("/people"),
        **{"people-0-diets": ["vegetarian"], "people-1-name": "Bo", "people-1-allergens": ["peanuts"]},
    )
    assert page.flashes == [("warning", "Heads-up: “Satay” contains Peanuts. Your host can see that.")]
    assert [(person.name, person.allergens) for person in records.all(RsvpPerson)] == [
        (cast.friend.display_name, []), ("Bo", ["peanuts"]),
    ]  # fmt: skip
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient) == ("dietary_conflict", cast.host.email)
    assert "Satay" in letter.text
    sheet = client_of(cast.host).get(f"/parties/{party.slug}/kitchen").text
    assert "Main course: 1 guest has no dish they can eat." in sheet
    assert "Does “Satay” suit them? Vegetarian: 1" in sheet
    assert "Bo" not in sheet.partition("<main")[2]


def test_saving_a_menu_warns_the_host_about_dietary_conflicts(app, client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    answer = RsvpFactory(party=party, member=cast.friend)
    with app.app_context(), transaction():
        menu_service.set_people(db.session.merge(answer), [PersonInput("Ana", allergens=["nuts"], diets=["vegan"])])
    page = save_menu(client_of(cast.host), party, dishes__0__name="Baklava", dishes__0__allergens=["nuts"])
    assert page.flashes == [("warning", "“Baklava” contains Nuts; 1 guest cannot eat it.")]
    page = save_menu(client_of(cast.host), party, dishes__0__name="Steak", dishes__0__allergens=[])
    told = "1 dish is not described, though a guest has to know what it is."
    assert page.flashes == [("warning", told)]
    page = save_menu(client_of(cast.host), party, dishes__0__name="Steak", dishes__0__diets=["no_other"])
    assert page.flashes == [("warning", "“Steak” is not suitable for everyone (Vegan); 1 guest cannot eat it.")]


def test_a_dish_that_nobody_described_is_asked_about_and_not_called_unsuitable(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    planned(app, party, DishInput("main", "Stew"), DishInput("dessert", "Fruit", diets=["vegan"]))
    RsvpFactory(party=party, member=cast.friend)
    friend, host = client_of(cast.friend), client_of(cast.host)
    page = friend.get(f"/parties/{party.slug}/people")
    page = friend.submit(page.form("/people"), **{"people-0-diets": ["vegan"], "people-0-allergens": ["nuts"]})
    assert page.flashes == [("info", "Thank you. The kitchen has been notified.")]
    assert "Allergens and diets: not said" in friend.get(f"/parties/{party.slug}").text
    assert records.count(OutboxEmail) == 0
    for path in ("kitchen", "menu"):
        assert "Does “Stew” suit them? Vegan: 1 and Nuts: 1" in host.get(f"/parties/{party.slug}/{path}").text
    sheet = host.get(f"/parties/{party.slug}/kitchen").text
    assert "Not said for 1 guest" in sheet
    assert "no dish they can eat" not in sheet
    save_menu(host, party, dishes__0__diets=["no_other"])
    sheet = host.get(f"/parties/{party.slug}/kitchen").text
    assert "Main course: 1 guest has no dish they can eat." in sheet
    assert "Please say what these dishes are" not in sheet


def test_the_kitchen_sheet_knows_the_main_dish_without_a_menu(client_of, cast):
    party = DinnerPartyFactory(host=cast.host, main_dish="Paella")
    sheet = client_of(cast.host).get(f"/parties/{party.slug}/kitchen").text
    assert "The main dish is Paella. No other dishes have been entered." in sheet
    assert "There is no menu yet" not in sheet


def test_the_dietary_form_is_prefilled_from_the_profile(client_of, cast):
    guest = MemberFactory(diets=["halal"], allergens=["celery"])
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=guest)
    form = client_of(guest).get(f"/parties/{party.slug}/people").form("/people")
    assert form.fields.getlist("people-0-diets") == ["halal"]
    assert form.fields.getlist("people-0-allergens") == ["celery"]


def test_only_guests_who_come_fill_in_the_dietary_form(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    page = client_of(cast.friend).get(f"/parties/{party.slug}/people")
    assert page.flashes == [("warning", "Answer first. Then you can enter who is coming with you.")]


def test_an_empty_dietary_form_is_accepted(client_of, cast):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    page = friend.get(f"/parties/{party.slug}/people")
    assert friend.submit(page.form("/people")).flashes == [("info", "Thank you. The kitchen has been notified.")]


def test_dietary_information_is_deleted_after_the_party(app, cast, records):
    over = DinnerPartyFactory(host=cast.host)
    coming = DinnerPartyFactory(host=cast.host, starts_at=over.starts_at + timedelta(days=14))
    for party in (over, coming):
        answer = RsvpFactory(party=party)
        with app.app_context(), transaction():
            menu_service.set_people(db.session.merge(answer), [PersonInput("Ana", allergens=["nuts"])])
    clock.set_now(over.starts_at + timedelta(days=31))
    result = app.test_cli_runner().invoke(args=["purge"])
    assert "1 guest's dietary data deleted" in result.output
    assert records.count(RsvpPerson) == 1


CHANGED = ("warning", "This was changed in the meantime; both versions are shown. Save again to keep yours.")


def test_a_conflict_of_two_hosts_shows_both_menus(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    host = client_of(cast.host)
    tab = host.get(f"/parties/{party.slug}/menu").form("/menu")
    save_menu(host, party, dishes__0__name="Lamb", dishes__1__name="Their cake", dishes__1__course="dessert")
    page = submit_rows(host, tab, **{"dishes-0-name": "Fish", "dishes-0-allergens": ["fish"]})
    assert (page.status, page.flashes) == (409, [CHANGED])
    assert "<bdi>Their cake</bdi>" in page.text
    assert 'value="Fish"' in page.text
    assert [item.name for item in records.all(MenuItem)] == ["Lamb", "Their cake"]
    page = host.submit(page.form("/menu"))
    assert page.flashes == [("info", "Menu saved.")]
    assert [(item.name, item.allergens) for item in records.all(MenuItem)] == [("Fish", ["fish"])]


def test_sending_a_menu_twice_is_no_conflict(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    host = client_of(cast.host)
    tab = host.get(f"/parties/{party.slug}/menu").form("/menu")
    for _click in range(2):
        page = submit_rows(
            host, tab, **{"dishes-0-name": "Cake", "dishes-0-course": "dessert", "dishes-1-name": "Lamb"}
        )
        assert page.flashes == [("info", "Menu saved.")]
    assert records.count(MenuItem) == 2


def test_new_rsvps_do_not_make_the_menu_form_stale(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    host = client_of(cast.host)
    tab = host.get(f"/parties/{party.slug}/menu").form("/menu")
    client_of(cast.friend).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    page = host.get(f"/parties/{party.slug}/edit")
    host.submit(page.form("/edit"), venue="Elsewhere")
    assert host.submit(tab, **{"dishes-0-name": "Lamb"}).flashes == [("info", "Menu saved.")]
    assert (records.fresh(party).venue, records.fresh(party).main_dish) == ("Elsewhere", "Lamb")


def test_a_conflict_in_the_dietary_form_shows_both_versions(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    tab = friend.get(f"/parties/{party.slug}/people").form("/people")
    friend.submit(tab, **{"people-0-name": "Ana", "people-0-diets": ["vegan"]})
    page = friend.submit(tab, **{"people-0-name": "Bo"})
    assert (page.status, page.flashes) == (409, [CHANGED])
    assert "<bdi>Ana</bdi>" in page.text
    assert 'value="Bo"' in page.text
    friend.submit(page.form("/people"))
    assert [(person.name, person.diets) for person in records.all(RsvpPerson)] == [("Bo", [])]


def test_a_guest_who_withdrew_cannot_send_the_dietary_form(client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    RsvpFactory(party=party, member=cast.friend)
    friend = client_of(cast.friend)
    tab = friend.get(f"/parties/{party.slug}/people").form("/people")
    friend.post(f"/parties/{party.slug}/withdraw")
    assert friend.submit(tab).flashes == [("warning", "Answer first. Then you can enter who is coming with you.")]
    assert not records.all(RsvpPerson)


def test_a_confirmed_guest_gets_the_dietary_information_of_their_profile(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    planned(app, party, DishInput("main", "Satay", ["peanuts"]))
    guest = MemberFactory(allergens=["peanuts"])
    visitor = client_of(guest)
    page = visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "maybe"})
    assert not records.all(RsvpPerson)
    page = visitor.get(f"/parties/{party.slug}")
    assert "the hosts will see the dietary information from your profile" in page.text
    ((category, text),) = visitor.submit(page.form("/rsvp"), button=("answer", "yes")).flashes
    assert category == "warning"
    assert text.startswith("You successfully RSVP'd to ")
    assert text.endswith(" Heads-up: “Satay” contains Peanuts. Your host can see that.")
    person = records.one(RsvpPerson)
    assert (person.position, person.name, person.allergens) == (0, guest.display_name, ["peanuts"])
    assert sorted(letter.kind for letter in records.all(OutboxEmail)) == ["dietary_conflict", "rsvp_yes"]


def test_the_profile_does_not_overwrite_dietary_information_given_earlier(app, client_of, cast, records):
    party = DinnerPartyFactory(host=cast.host)
    guest = MemberFactory(diets=["vegan"])
    answer = RsvpFactory(party=party, member=guest, maybe=True)
    with app.app_context(), transaction():
        menu_service.set_people(db.session.merge(answer), [PersonInput("Ana")])
    ((category, _text),) = client_of(guest).post(f"/parties/{party.slug}/rsvp", {"answer": "yes"}).flashes
    assert category == "info"
    assert [(person.name, person.diets) for person in records.all(RsvpPerson)] == [("Ana", [])]


def test_accepting_an_offer_stores_the_dietary_information_of_the_profile(client_of, cast, records, app):
    party = DinnerPartyFactory(host=cast.host, number_seats=1)
    planned(app, party, DishInput("main", "Steak", diets=["no_other"]))
    guest = MemberFactory(diets=["vegan"])
    visitor = client_of(guest)
    visitor.post(f"/parties/{party.slug}/rsvp", {"answer": "yes"})
    assert not records.all(RsvpPerson)
    host = client_of(cast.host)
    host.submit(host.get(f"/parties/{party.slug}/edit").form("/edit"), number_seats="2")
    page = visitor.post(f"/parties/{party.slug}/offer", {"decision": "claim"})
    text = "The seats are yours. Heads-up: “Steak” is not suitable for you (Vegan). Your host can see that."
    assert page.flashes == [("warning", text)]
    assert records.one(RsvpPerson).diets == ["vegan"]
