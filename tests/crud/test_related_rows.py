"""`*_query_rel_fields`: which related rows can be chosen, in forms, suggestions, searches and the API."""

import pytest
from flask_appbuilder.models.sqla.filters import FilterEqual, FilterEqualFunction, FilterStartsWith
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.accounts.models import Member
from app.crud import ModelRestApi, ModelView, SQLAInterface
from app.extensions import appbuilder_of
from app.parties.models import DinnerParty
from config import ConfigurationError
from tests.support.factories import DinnerPartyFactory, MemberFactory

AMONG_A = {"host": [["username", FilterStartsWith, "a"]]}
AMONG_B = {"host": [["username", FilterStartsWith, "b"]]}


class OwnedView(ModelView):
    datamodel = SQLAInterface(DinnerParty)
    route_base = "/owned"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Parties"
    label_columns = {name: name for name in ("title", "host", "starts_at", "timezone", "number_seats", "status")}
    list_columns = show_columns = ["title", "host"]
    add_columns = ["title", "host", "starts_at", "timezone", "number_seats", "status"]
    edit_columns = search_columns = ["title", "host"]
    autocomplete_columns = {"host": ("username", ["username"])}
    add_form_query_rel_fields = search_form_query_rel_fields = AMONG_A
    edit_form_query_rel_fields = AMONG_B


class ActiveRoleView(ModelView):
    datamodel = SQLAInterface(Member)
    route_base = "/graded"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Members"
    label_columns = {name: name for name in ("username", "roles", "first_name")}
    list_columns = show_columns = add_columns = ["username"]
    edit_columns = ["first_name", "roles"]
    edit_form_query_rel_fields = {"roles": [["name", FilterEqualFunction, lambda: "Translator"]]}


class OwnedApi(ModelRestApi):
    datamodel = SQLAInterface(DinnerParty)
    resource_name = "owned"
    base_order = ("id", "asc")
    list_columns = show_columns = ["title", "host.username"]
    add_columns = ["title", "host", "starts_at", "timezone", "number_seats", "status", "visibility", "duration_minutes"]
    edit_columns = ["title", "host"]
    search_columns = ["title"]
    add_query_rel_fields = AMONG_A
    edit_query_rel_fields = AMONG_B
    order_rel_fields = {"host": ("username", "desc")}

    def pre_add(self, item):
        item.slug = "soup"


@pytest.fixture
def visitor(ours):
    for name in ("ada", "anna", "bea"):
        MemberFactory(username=name)
    return ours(OwnedView, ActiveRoleView, OwnedApi)


def test_a_form_stores_no_row_that_the_filter_forbids(visitor, records):
    typed = {
        "title": "Soup", "host": "bea", "starts_at": "2099-01-01T20:00", "timezone": "UTC", "number_seats": "4",
        "status": "draft",
    }  # fmt: skip
    page = visitor.post("/owned/add", typed)
    assert page.status == 422
    assert "“bea” was not found." in page.text
    assert records.count(DinnerParty) == 0


def test_a_stored_row_that_the_filter_forbids_stays_until_another_is_chosen(visitor, records):
    party = DinnerPartyFactory(host__username="cleo")
    form = visitor.get(f"/owned/edit/{party.id}").form(f"/owned/edit/{party.id}")
    assert visitor.submit(form, title="Soup").flashes[0][0] == "info"
    assert records.fresh(party).host_id == party.host_id
    assert visitor.submit(form, host="ada").status == 422
    form = visitor.get(f"/owned/edit/{party.id}").form(f"/owned/edit/{party.id}")
    visitor.submit(form, host="bea")
    assert records.fresh(party).host_id == records.one(select(Member).where(Member.username == "bea")).id
    assert visitor.post(f"/owned/edit/{party.id}", {"title": "Soup", "host": "cleo"}).status == 422


@pytest.mark.parametrize(("page", "names"), [("add", ["ada", "anna"]), ("edit", ["bea"]), ("list", ["ada", "anna"])])
def test_only_rows_that_can_be_chosen_on_the_page_are_suggested(visitor, page, names):
    found = visitor.get(f"/owned/options/host?page={page}").json
    assert [each["value"] for each in found] == names
    assert visitor.get(f"/owned/options/host?page={page}&q=zzz").json == []


def test_each_field_asks_for_the_suggestions_of_its_page(visitor):
    party = DinnerPartyFactory(host__username="cleo")
    assert "/owned/options/host?page=add" in visitor.get("/owned/add").text
    assert "/owned/options/host?page=edit" in visitor.get(f"/owned/edit/{party.id}").text
    assert "/owned/options/host?page=list" in visitor.get("/owned/list/").text
    assert visitor.get("/owned/options/host?page=other").status in {401, 403}


def test_a_list_is_searched_only_by_rows_that_can_be_chosen(visitor):
    DinnerPartyFactory(title="Soup", host__username="amy")
    DinnerPartyFactory(title="Cake", host__username="bob")
    assert "Soup" in visitor.get("/owned/list/?_flt_0_host=amy").text
    assert visitor.get("/owned/list/?_flt_0_host=bob").flashes[0][0] == "warning"


def test_a_link_preselects_only_rows_that_can_be_chosen(visitor):
    assert visitor.get("/owned/add?_flt_0_host=ada").form("/owned/add").fields["host"] == "ada"
    assert visitor.get("/owned/add?_flt_0_host=bea").form("/owned/add").fields["host"] == ""


def test_checkboxes_offer_only_rows_that_can_be_chosen_and_those_stored(visitor, records):
    member = MemberFactory(username="dora")
    page = visitor.get(f"/graded/edit/{member.id}")
    assert "Translator" in page.text
    assert "Guest" in page.text
    assert "Admin" not in page.text.partition("<form")[2].partition("row_version")[2]
    key = {role.name: role.id for role in records.all(Role)}
    page = visitor.post(f"/graded/edit/{member.id}", {"first_name": "D", "roles": [str(key["Admin"])]})
    assert page.status == 422
    visitor.post(f"/graded/edit/{member.id}", {"first_name": "D", "roles": [str(key["Guest"]), str(key["Translator"])]})
    held = records.all(select(Role).where(Role.user.any(Member.id == member.id)))
    assert sorted(role.name for role in held) == ["Guest", "Translator"]


def test_an_api_stores_no_row_that_the_filter_forbids(visitor, records):
    keys = {member.username: member.id for member in records.all(Member)}
    sent = {"title": "Soup", "starts_at": "2099-01-01T20:00:00+01:00", "timezone": "UTC", "number_seats": 4}
    sent |= {"status": "draft", "visibility": "public", "duration_minutes": 60}
    page = visitor.open("POST", "/api/v1/owned/", json={**sent, "host": keys["bea"]})
    assert (page.status, page.json["errors"]) == (422, {"host": ["Not a valid value."]})
    page = visitor.open("POST", "/api/v1/owned/", json={**sent, "host": keys["ada"]})
    assert page.status == 201, page.text
    path = f"/api/v1/owned/{page.json['id']}"
    assert visitor.open("PUT", path, json={"host": keys["ada"], "title": "Stew"}).status == 200
    assert visitor.open("PUT", path, json={"host": keys["anna"]}).status == 422
    assert visitor.open("PUT", path, json={"host": keys["bea"]}).status == 200
    assert records.one(DinnerParty).host_id == keys["bea"]


def test_an_api_lists_the_rows_that_can_be_chosen_in_order(visitor, records):
    keys = {member.username: member.id for member in records.all(Member)}
    told = {kind: visitor.get("/api/v1/owned/_info").json[kind] for kind in ("add_columns", "edit_columns")}
    offered = {kind: next(each for each in told[kind] if each["name"] == "host")["values"] for kind in told}
    assert [each["id"] for each in offered["add_columns"]] == [keys["anna"], keys["ada"]]
    assert [each["id"] for each in offered["edit_columns"]] == [keys["bea"]]


@pytest.mark.parametrize("wrong", [{"title": [["x", FilterEqual, 1]]}, {"host": [["username", FilterEqual]]}])
def test_a_filter_of_no_relation_fails_at_startup(app, wrong):
    view = type("Wrong", (OwnedView,), {"add_form_query_rel_fields": wrong})
    with app.app_context(), pytest.raises(ConfigurationError, match="add_form_query_rel_fields"):
        appbuilder_of(app).add_view_no_menu(view)
