"""The generated UI of parties: administrators see all tables, but no dietary information."""

import csv
import re
from io import StringIO

import pytest

from app import navigation
from app.crud import ModelView
from app.extensions import appbuilder_of, db
from app.outbox.models import OutboxEmail
from app.parties.menu.models import MenuItem
from app.parties.models import RsvpPerson
from app.parties.potluck.models import DishClaim
from tests.support.factories import (
    DinnerPartyFactory,
    DishClaimFactory,
    DishSlotFactory,
    GuestMessageFactory,
    InvitationFactory,
    MenuItemFactory,
    PartyReportFactory,
    ReminderFactory,
    RsvpFactory,
    WaitOfferFactory,
)

VIEWS = [
    view
    for view in vars(navigation).values()
    if isinstance(view, type) and issubclass(view, ModelView) and view.__module__.startswith("app.parties.")
]
CONTENTS = {
    "dinnerparties": (DinnerPartyFactory, "Dinner number", "There are no dinner parties planned yet. Add one!"),
    "rsvps": (RsvpFactory, "Doe", "Nobody has answered yet."),
    "offers": (WaitOfferFactory, "Dinner number", "No seats have been offered yet."),
    "partyinvitations": (InvitationFactory, "Iris Invited", "No guests have been invited yet."),
    "menuitems": (MenuItemFactory, "Dish number", "No menus have been written yet."),
    "dishslots": (DishSlotFactory, "Requested dish", "No dishes have been requested yet."),
    "dishclaims": (DishClaimFactory, "Lemon tart", "Nobody is bringing anything yet."),
    "reminders": (ReminderFactory, "Before the party, to guests who are coming", "No reminders have been set yet."),
    "guestmessages": (GuestMessageFactory, "Subject number", "No messages have been sent to guests yet."),
    "reports": (PartyReportFactory, "It sells kitchens.", "There are no reports."),
}


@pytest.fixture
def party(cast):
    return DinnerPartyFactory(host=cast.host, title="Tagine", slug="tagine", number_seats=4)


def act(admin, path, name, *rows):
    return admin.post(f"/{path}/action_post", {"action": name, "rowid": [str(row.id) for row in rows]})


def edit(admin, path, row, **changes):
    address = f"/{path}/edit/{row.id}"
    return admin.submit(admin.get(address).form(address), **changes)


# -- every model


@pytest.mark.parametrize("path", CONTENTS)
def test_each_model_has_a_list_a_page_and_a_text_for_an_empty_list(admin, path):
    make, words, nothing = CONTENTS[path]
    assert nothing in admin.get(f"/{path}/list/").text
    row = make()
    page = admin.get(f"/{path}/list/")
    assert (words in page.text, nothing in page.text) == (True, False)
    assert words in admin.get(f"/{path}/show/{row.id}").text


@pytest.mark.parametrize("who", ["anonymous", "host", "friend", "translator"])
def test_the_views_are_for_administrators(client_of, new_visitor, cast, who):
    visitor = new_visitor() if who == "anonymous" else client_of(getattr(cast, who))
    for path, (make, words, _nothing) in CONTENTS.items():
        row = make()
        for address in (f"/{path}/list/", f"/{path}/show/{row.id}", f"/{path}/csv", f"/{path}/edit/{row.id}"):
            assert words not in visitor.get(address).text, address


def test_the_menu_is_in_order_and_open_reports_come_first(admin, party):
    PartyReportFactory(party=party, note="still open")
    PartyReportFactory(party=party, note="long decided", state="dismissed")
    text = admin.get("/manage/").text
    places = [re.search(f">{label}(</a>| <span)", text).start() for label in (
        "Dinner parties", "Answers", "Seat offers", "Invited guests", "Menus", "Requested dishes", "Dishes guests bring",
        "Reminders", "Messages to guests", "Reports")]  # fmt: skip
    assert places == sorted(places)
    assert 'href="/reports/list/?_flt_0_state=open"' in text
    page = admin.get("/reports/list/?_flt_0_state=open")
    assert ("still open" in page.text, "long decided" in page.text) == (True, False)
    assert "long decided" in admin.get("/reports/list/").text


def test_the_page_of_a_party_links_to_its_related_rows(admin, party):
    other = DinnerPartyFactory()
    for mine in (party, other):
        InvitationFactory(party=mine, name=f"Invited to {mine.slug}")
    text = admin.get(f"/dinnerparties/show/{party.id}").text
    for path in ("offers", "partyinvitations", "menuitems", "dishslots", "reminders", "guestmessages", "reports"):
        assert f'href="/{path}/list/?_flt_0_party=tagine"' in text
        assert admin.get(f"/{path}/list/?_flt_0_party=tagine").status == 200
    listed = admin.get("/partyinvitations/list/?_flt_0_party=tagine").text
    assert ("Invited to tagine" in listed, f"Invited to {other.slug}" in listed) == (True, False)


def test_dietary_information_of_guests_is_in_no_view(app, admin, party, cast):
    answer = RsvpFactory(party=party, member=cast.friend)
    with app.app_context():
        db.session.add(
            RsvpPerson(rsvp_id=answer.id, position=0, name="Fay Friend", diets=["vegan"], note="no nightshades")
        )
        db.session.commit()
        shown = {view.datamodel.obj for view in appbuilder_of(app).baseviews if hasattr(view, "datamodel")}
    assert RsvpPerson not in shown
    for address in (f"/dinnerparties/show/{party.id}", f"/rsvps/show/{answer.id}", "/rsvps/list/", "/rsvps/csv"):
        text = admin.get(address).text
        assert not [words for words in ("Fay Friend", "Vegan", "vegan", "nightshades") if words in text], address
    assert admin.get(f"/parties/{party.slug}/kitchen").status == 403


def test_messages_of_hosts_are_counted_but_not_shown(admin):
    message = GuestMessageFactory(text="Between us: the salad is Bo's.", recipients=7)
    for address in ("/guestmessages/list/", f"/guestmessages/show/{message.id}"):
        text = admin.get(address).text
        assert ("Subject number" in text, "Between us" in text) == (True, False)
    assert "Guests who are coming" in admin.get(f"/guestmessages/show/{message.id}").text
    assert admin.get("/guestmessages/csv").status == 404


@pytest.mark.parametrize("view", VIEWS)
def test_every_enum_column_has_labels(view):
    enumerated = {
        constraint.name.removeprefix(f"ck_{view.datamodel.obj.__tablename__}_")
        for constraint in view.datamodel.obj.__table__.constraints
        if " IN (" in str(getattr(constraint, "sqltext", ""))
    }
    assert enumerated <= set(view.choices_columns)


# -- parties


def test_the_form_of_a_party_has_all_fields_that_hosts_can_set(admin, party, records):
    page = edit(
        admin, "dinnerparties", party, approval="y", address_for_guests="y", map_url="https://maps.example.org/a"
    )
    assert page.flashes == [("info", "Party “Tagine” saved.")]
    stored = records.fresh(party)
    assert (stored.approval, stored.address_for_guests, stored.map_url) == (True, True, "https://maps.example.org/a")
    page = edit(admin, "dinnerparties", party, map_url="javascript:alert(1)")
    assert (page.status, "This is not a valid web address" in page.text) == (422, True)
    assert records.fresh(party).map_url == "https://maps.example.org/a"


def test_too_few_seats_are_an_error_at_the_field(admin, party, cast):
    RsvpFactory(party=party, member=cast.friend)
    page = edit(admin, "dinnerparties", party, number_seats="1", venue="Casa Nueva")
    assert page.flashes == [("danger", "2 seats are already taken; you cannot go below that.")]
    assert page.status == 422
    assert 'id="number_seats-error"' in page.text
    assert 'value="Casa Nueva"' in page.text


def test_parties_are_filtered_by_host_and_by_whether_they_are_hidden(admin, party, cast, app):
    other = DinnerPartyFactory(title="Fondue", host=cast.friend)
    act(admin, "dinnerparties", "hide", other)
    admin.post("/dinnerparties/action_post", {"action": "hide", "rowid": str(other.id), "reason": "spam"})
    for query, found in (
        ("_flt_0_host=host", "Tagine"),
        ("_flt_0_is_hidden=1", "Fondue"),
        ("_flt_0_is_hidden=0", "Tagine"),
    ):
        text = admin.get(f"/dinnerparties/list/?{query}").text
        assert [title for title in ("Tagine", "Fondue") if f"<bdi>{title}</bdi>" in text] == [found]


def test_a_list_is_downloaded_as_csv(admin, party, cast):
    RsvpFactory(party=party, member=cast.friend, name="=1+1")
    rows = list(csv.reader(StringIO(admin.get("/rsvps/csv").text.lstrip("\ufeff"))))
    assert rows[0][:4] == ["Party", "Name", "E-mail address", "Answer"]
    assert "'=1+1" in {row[1] for row in rows}
    assert "Tagine" in admin.get("/dinnerparties/csv").text


def test_deleting_a_party_is_in_the_audit_log(admin, party, cast):
    admin.post(f"/dinnerparties/delete/{party.id}")
    assert "Deleted a party" in admin.get("/audit/list/").text


# -- RSVPs


def test_requests_are_approved(admin, party, cast, records):
    asking = RsvpFactory(party=party, member=cast.friend, asking=True)
    assert act(admin, "rsvps", "approve", asking).flashes == [("info", "Approved; seat confirmed.")]
    assert records.fresh(asking).status == "yes"
    assert records.fresh(party).seats_taken == 2
    refused = ("warning", "None of the selected requests can get a seat.")
    assert act(admin, "rsvps", "approve", asking).flashes == [refused]
    assert [letter.kind for letter in records.all(OutboxEmail)] == ["rsvp_yes"]


def test_a_guest_approved_at_a_full_party_joins_the_waiting_list(admin, cast, records):
    party = DinnerPartyFactory(host=cast.host, number_seats=2)
    first, second = (RsvpFactory(party=party, member=member, asking=True) for member in (cast.friend, cast.stranger))
    page = act(admin, "rsvps", "approve", first, second)
    assert page.flashes == [("warning", "Requests that now have seats: 1; on the waiting list: 1.")]
    third = RsvpFactory(party=party, asking=True)
    assert act(admin, "rsvps", "approve", third).flashes == [
        ("warning", "Approved, but the table is full: moved to the waiting list.")
    ]
    assert records.fresh(party).seats_taken == 2


# -- invitations


def test_invitations_are_resent_and_revoked(admin, party, visitor, records):
    invitation = InvitationFactory(party=party, email="iris@example.org")
    assert "iris@example.org" in admin.get("/partyinvitations/list/").text
    page = act(admin, "partyinvitations", "invite_again", invitation)
    assert page.flashes == [("info", "1 invitation sent again.")]
    assert records.one(OutboxEmail).recipient == "iris@example.org"
    assert records.fresh(invitation).round == 2
    assert visitor.get(f"/invitations/{invitation.token}").path == "/"
    page = act(admin, "partyinvitations", "revoke_invitation", invitation, InvitationFactory(party=party))
    assert page.flashes == [("info", "2 invitations withdrawn.")]
    page = act(admin, "partyinvitations", "revoke_invitation", invitation, InvitationFactory(party=party))
    assert page.flashes == [
        ("warning", "1 invitation withdrawn. Nothing changed: this invitation has already been withdrawn.")
    ]
    page = act(admin, "partyinvitations", "revoke_invitation", invitation)
    assert page.flashes == [("warning", "Nothing changed: this invitation has already been withdrawn.")]


# -- dishes


def test_a_dish_is_added_changed_and_deleted(admin, party, records):
    MenuItemFactory(party=party, course="starter", name="Soup")
    form = admin.get("/menuitems/add").form("/menuitems/add")
    page = admin.submit(form, party="tagine", course="main", name="Tajine kefta", allergens=["eggs"], diets=["halal"])
    assert page.flashes == [("info", "“Tajine kefta” was added to the menu.")]
    dish = next(item for item in records.all(MenuItem) if item.name != "Soup")
    assert (dish.position, dish.allergens, dish.diets) == (1, ["eggs"], ["halal"])
    assert records.fresh(party).main_dish == "Tajine kefta"
    edit(admin, "menuitems", dish, name="Tajine")
    assert records.fresh(party).main_dish == "Tajine"
    assert "Eggs" in admin.get("/menuitems/list/").text
    other = MenuItemFactory(party=party, course="main", name="Pie", position=9)
    admin.post(f"/menuitems/delete/{dish.id}")
    assert records.fresh(party).main_dish == "Pie"
    assert {item.id for item in records.all(MenuItem)} >= {other.id}


def test_a_party_is_chosen_by_its_name_where_a_dish_is_added(admin, party):
    found = admin.get("/menuitems/options/party?q=Tag").response.get_json()
    assert found == [{"value": "tagine", "label": "Tagine"}]
    form = admin.get("/menuitems/add?_flt_0_party=tagine").form("/menuitems/add")
    assert form.fields["party"] == "tagine"
    page = admin.submit(form, party="nothing", course="main", name="Pie")
    assert (page.status, "“nothing” was not found." in page.text) == (422, True)
    page = admin.submit(form, course="main", name="Pie", allergens=["plutonium"])
    assert page.status == 422


@pytest.mark.both_databases
def test_a_requested_dish_cannot_go_below_its_claims(admin, party, records):
    slot = DishSlotFactory(party=party, wanted=3)
    DishClaimFactory(slot=slot, quantity=2)
    page = edit(admin, "dishslots", slot, wanted="1")
    assert page.flashes == [("danger", "2 have already been promised; you cannot request fewer.")]
    assert (page.status, 'id="wanted-error"' in page.text) == (422, True)
    assert edit(admin, "dishslots", slot, wanted="0").status == 422
    assert edit(admin, "dishslots", slot, wanted="101").status == 422
    assert edit(admin, "dishslots", slot, wanted="2").flashes == [("info", "Saved.")]
    assert records.fresh(slot).wanted == 2
    assert records.count(DishClaim) == 1
    assert "Lemon tart" in admin.get(f"/dishslots/show/{slot.id}").text


def test_the_number_of_dishes_on_a_menu_is_limited(admin, party, records):
    MenuItemFactory.create_batch(40, party=party)
    form = admin.get("/menuitems/add").form("/menuitems/add")
    page = admin.submit(form, party="tagine", course="main", name="One more")
    assert (page.status, page.flashes) == (422, [("danger", "This menu already has the maximum number of dishes.")])
    assert records.count(MenuItem) == 40
