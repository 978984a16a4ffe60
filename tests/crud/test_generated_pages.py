"""The generated pages: filters of every type, order, links between lists, forms, APIs."""

import html
import re
from datetime import UTC, datetime

import pytest
from flask_babel import lazy_gettext
from sqlalchemy import delete

from app.accounts.models import Member
from app.crud import list_arguments, list_mixin, row_pages
from app.crud.datamodel import SQLAInterface
from app.crud.views import ModelView
from app.database import transaction
from app.errors import DomainError
from app.extensions import db
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, MemberFactory, RsvpFactory

WORDS = {
    name: name.capitalize()
    for name in (
        "title",
        "host",
        "host.username",
        "starts_at",
        "party",
        "member",
        "name",
        "status",
        "username",
        "email",
    )
} | {"active": "Active", "roles": "Roles", "joined_at": "Joined", "number_seats": "Seats", "first_name": "First name"}


class Titled(ModelView):
    """The common base of these views."""

    list_title = show_title = add_title = edit_title = "Title"
    label_columns = WORDS
    base_permissions = ("can_list", "can_show", "can_add", "can_edit", "can_delete")


class AnswerView(Titled):
    datamodel = SQLAInterface(Rsvp)
    route_base = "/replies"
    base_order = ("id", "asc")
    list_columns = ["party", "name", "status"]
    show_columns = ["party", "member"]
    add_columns = edit_columns = ["party", "name"]
    search_columns = ["party", "name"]
    autocomplete_columns = {"party": ("slug", ["title"])}


class TableView(Titled):
    datamodel = SQLAInterface(DinnerParty)
    route_base = "/tables"
    base_order = ("host.username", "desc")
    list_columns = ["title", "host", "starts_at"]
    show_columns = ["title", "host.username"]
    add_columns = edit_columns = ["title"]
    order_columns = ["title", "host.username"]
    search_columns = ["title", "host", "starts_at", "number_seats"]
    autocomplete_columns = {"host": ("username", ["username"])}
    related_views = [AnswerView]


class PeopleView(Titled):
    datamodel = SQLAInterface(Member)
    route_base = "/folk"
    base_order = ("username", "asc")
    list_columns = ["username", "roles"]
    show_columns = ["username"]
    add_columns = edit_columns = ["first_name"]
    search_columns = ["username", "active", "roles", "joined_at"]


@pytest.fixture
def visitor(ours):
    return ours(AnswerView, TableView, PeopleView)


@pytest.mark.both_databases
def test_rows_are_ordered_by_a_column_of_a_related_row(visitor):
    for name in ("bea", "ada", "cleo"):
        DinnerPartyFactory(title=f"At {name}'s", host__username=name)
    text = visitor.get("/tables/list/").text
    assert text.index("At cleo") < text.index("At bea") < text.index("At ada")
    text = visitor.get("/tables/list/?_oc_TableView=host.username&_od_TableView=asc").text
    assert text.index("At ada") < text.index("At bea") < text.index("At cleo")


@pytest.mark.both_databases
def test_each_filter_finds_its_rows(visitor):
    DinnerPartyFactory(title="Soup night", host__username="ada")
    MemberFactory(username="bea")
    for query, found in (
        ("_flt_0_host=ada", True),
        ("_flt_0_host=bea", False),
        ("_flt_1_host=bea", True),
        ("_flt_1_host=ada", False),
        ("_flt_0_number_seats=8", True),
        ("_flt_1_number_seats=8", False),
        ("_flt_1_starts_at=2000-01-01T00:00", True),
        ("_flt_2_starts_at=2000-01-01T00:00%2B02:00", False),
        ("_flt_0_title=soup", True),
        ("_flt_1_title=NIGHT", True),
        ("_flt_4_title=soup", False),
        ("_flt_7_title=Soup night", False),
        ("_flt_2_title=soup&_flt_2_title=night", True),
    ):
        page = visitor.get(f"/tables/list/?{query}")
        assert page.flashes == [], query
        assert ("/tables/show/" in page.text) is found, query


@pytest.mark.both_databases
def test_a_moment_is_found_by_the_readers_day_or_minute(visitor):
    visitor.log_in_as(MemberFactory(admin=True, timezone="Asia/Tokyo"))
    DinnerPartyFactory(starts_at=datetime(2040, 5, 31, 15, 30, 15, tzinfo=UTC))
    for query, found in (
        # In the reader's zone, Asia/Tokyo, it is 1 June, 00:30:15.
        ("0_starts_at=2040-06-01", True),
        ("0_starts_at=2040-05-31", False),
        ("0_starts_at=2040-06-01T00:30", True),
        ("0_starts_at=2040-06-01T00:31", False),
        ("0_starts_at=2040-06-01T00:30:15", True),
        ("0_starts_at=2040-06-01T00:30:16", False),
        ("0_starts_at=2040-05-31T15:30Z", True),
        ("0_starts_at=2040-05-31T15:30:15.000000Z", True),
        ("3_starts_at=2040-06-01", False),
        ("3_starts_at=2040-05-31", True),
        ("1_starts_at=2040-05-31", True),
        ("1_starts_at=2040-06-01", False),
        ("2_starts_at=2040-06-01", False),
        ("2_starts_at=2040-06-02", True),
    ):
        page = visitor.get(f"/tables/list/?_flt_{query}")
        assert page.flashes == [], query
        assert ("/tables/show/" in page.text) is found, query


def test_programs_find_a_moment_by_the_day_too(ours):
    visitor = ours()
    DinnerPartyFactory(starts_at=datetime(2040, 5, 31, 15, 30, 15, tzinfo=UTC))
    for value, found in (
        ("2040-05-31", 1),
        ("2040-06-01", 0),
        ("2040-05-31T15:30:15Z", 1),
        ("2040-05-31T15:30:15.5Z", 0),
    ):
        q = f"(filters:!((col:starts_at,opr:eq,value:'{value}')))"
        assert visitor.get("/api/v1/dinnerparties/", query_string={"q": q}).json["count"] == found
    never = "(filters:!((col:starts_at,opr:eq,value:'9999-12-31')))"
    assert visitor.get("/api/v1/dinnerparties/", query_string={"q": never}).status == 400


def test_the_page_asks_for_a_day_where_a_moment_has_to_be_equal(visitor):
    text = visitor.get("/tables/list/").text
    options = dict(re.findall(r'<option value="(\d)_starts_at"( data-kind="date")?', text))
    assert options == {"0": ' data-kind="date"', "1": "", "2": "", "3": ' data-kind="date"'}


def test_a_related_row_can_be_given_by_key_in_the_url(visitor):
    party = DinnerPartyFactory(title="Soup night")
    assert "Soup night" in visitor.get(f"/tables/list/?_flt_0_host={party.host_id}").text
    assert visitor.get("/tables/list/?_flt_0_host=nobody").flashes[0][0] == "warning"


@pytest.mark.parametrize(
    ("query", "found"),
    [("_flt_0_active=1", 1), ("_flt_0_active=no", 1), ("_flt_0_active=maybe", 2), ("_flt_0_roles=2", 2)],
)
def test_members_are_filtered_by_their_attributes(visitor, app, query, found):
    MemberFactory(username="ada")
    MemberFactory(username="bea", inactive=True)
    with app.app_context():
        guest = db.session.scalar(db.select(Member).limit(1)).roles[0].id
    page = visitor.get("/folk/list/?" + query.replace("roles=2", f"roles={guest}"))
    assert page.text.count("/folk/show/") == found


def test_of_many_rows_a_list_counts_the_first_ones_and_leads_to_all(visitor, monkeypatch):
    monkeypatch.setattr(list_mixin, "MAX_COUNTED_FOR_PEOPLE", 4)
    DinnerPartyFactory.create_batch(6)
    page = visitor.get("/tables/list/?psize_TableView=2")
    assert "4+ entries" in page.text
    assert 'rel="next"' in visitor.get("/tables/list/?psize_TableView=2&page_TableView=1").text
    assert visitor.get("/tables/list/?psize_TableView=2&page_TableView=2").text.count("/tables/show/") == 2
    assert visitor.get("/tables/list/?psize_TableView=2&page_TableView=900").text.count("/tables/show/") == 2


def shown_parties(page):
    """Return the keys of the rows of a list, in its order."""
    return list(dict.fromkeys(re.findall(r"/tables/show/(\d+)", page.text)))


def pages_from(visitor, page, direction):
    """Yield a page and those to which its links lead in one direction."""
    for _number in range(9):
        yield page
        found = re.search(rf'rel="{direction}" href="([^"]+)"', page.text)
        if not found:
            return
        page = visitor.get("/tables/list/" + html.unescape(found[1]))


@pytest.mark.both_databases
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_one_pages_through_all_rows_and_back_however_many_there_are(visitor, monkeypatch, direction):
    for module in (list_arguments, row_pages):
        monkeypatch.setattr(module, "MAX_ROWS_BEFORE", 2)
    parties = [DinnerPartyFactory(title=f"Soup {number // 3}") for number in range(9)]
    first = visitor.get(f"/tables/list/?psize_TableView=2&_oc_TableView=title&_od_TableView={direction}")
    there = list(pages_from(visitor, first, "next"))
    shown = [shown_parties(page) for page in there]
    assert sorted(key for keys in shown for key in keys) == sorted(str(party.id) for party in parties)
    assert [len(keys) for keys in shown] == [2, 2, 2, 2, 1]
    assert "Page 5 of 5" in there[-1].words
    assert [shown_parties(page) for page in pages_from(visitor, there[-1], "prev")] == shown[::-1]


def test_a_page_beside_a_row_that_is_gone_is_found_by_its_number_as_far_as_that_is_cheap(visitor, app, monkeypatch):
    for module in (list_arguments, row_pages):
        monkeypatch.setattr(module, "MAX_ROWS_BEFORE", 2)
    parties = DinnerPartyFactory.create_batch(7)
    second, third = (
        shown_parties(visitor.get(f"/tables/list/?psize_TableView=2&_oc_TableView=title&page_TableView=1{more}"))
        for more in ("", f"&after_TableView={parties[-1].id + 1}")
    )
    assert second == third
    assert len(second) == 2


def test_the_page_of_a_party_lists_its_rsvps_and_links_to_a_new_one(visitor, records):
    party = DinnerPartyFactory(title="Soup night")
    RsvpFactory(party=party, name="Somebody Hungry")
    RsvpFactory(name="At another table")
    page = visitor.get(f"/tables/show/{party.id}")
    assert "Somebody Hungry" in page.text
    assert "At another table" not in page.text
    assert f"/replies/add?_flt_0_party={party.id}" in page.text
    form = visitor.get(f"/replies/add?_flt_0_party={party.id}").form("/replies/add")
    assert form.fields["party"] == party.slug
    assert records.count(Rsvp) == 4


def test_fields_that_are_not_in_the_form_stay_unchanged(visitor, records):
    party = DinnerPartyFactory(title="Soup night")
    visitor.post(
        f"/tables/edit/{party.id}", {"title": "Soup day", "seats_taken": "0", "host_id": "1", "status": "done"}
    )
    changed = records.fresh(party)
    assert (changed.title, changed.seats_taken, changed.status) == ("Soup day", party.seats_taken, party.status)


def test_the_browser_opens_a_page_anew_after_each_post(admin):
    # After 302, a program may repeat the POST.
    added = admin.submit(admin.get("/groups/add").form("/groups/add"), follow=False, name="cooks")
    changed = admin.post("/groups/edit/1", {"name": "chefs"}, follow=False)
    deleted = admin.post("/groups/delete/1", follow=False)
    assert [(page.status, page.location) for page in (added, changed, deleted)] == [(303, "/groups/list/")] * 3


def test_a_row_deleted_meanwhile_keeps_the_form(ours, records):
    visitor = ours(AnswerView, TableView)
    party = DinnerPartyFactory()
    form = visitor.get(f"/tables/edit/{party.id}").form(f"/tables/edit/{party.id}")
    with visitor.app.app_context(), transaction() as session:
        session.execute(delete(DinnerParty).where(DinnerParty.id == party.id))
    page = visitor.submit(form, title="Typed with care")
    assert (page.status, page.flashes[0][0]) == (409, "danger")
    assert 'value="Typed with care"' in page.text
    assert records.count(DinnerParty) == 0


def test_a_hook_can_refuse_a_deletion(ours, records):
    def refuse(_self, _item):
        raise DomainError(lazy_gettext("Not this one."), "warning")

    visitor = ours(AnswerView, type("TableView", (TableView,), {"pre_delete": refuse}))
    party = DinnerPartyFactory()
    assert visitor.post(f"/tables/delete/{party.id}").flashes == [("warning", "Not this one.")]
    assert records.count(DinnerParty) == 1


def test_a_visitor_is_redirected_to_the_login_and_back(app, new_visitor, client_of, cast):
    stranger = new_visitor()
    for page in (
        stranger.get("/dinnerparties/list/"),
        stranger.post("/dinnerparties/action_post", {"action": "cancel"}),
    ):
        assert page.form("/login/").names >= {"username", "password"}
        assert page.flashes == [("info", "Please log in to access this page.")]
    friend = client_of(cast.friend)
    assert friend.get("/dinnerparties/list/").status == 403
    assert friend.post("/dinnerparties/action_post", {"action": "cancel", "rowid": "1"}).status == 403


@pytest.mark.both_databases
def test_the_api_applies_the_rules_of_the_site(ours, records, cast):
    visitor = ours()
    sent = {
        "title": " Soup\u0007 night ", "host": cast.host.id, "starts_at": "2099-01-01T20:00:00+01:00", "timezone": "UTC",
        "status": "draft", "number_seats": 4, "duration_minutes": 60, "visibility": "public",
    }  # fmt: skip
    page = visitor.open("POST", "/api/v1/dinnerparties/", json=sent)
    assert page.status == 201, page.text
    path = f"/api/v1/dinnerparties/{page.json['id']}"
    assert visitor.get(path).json["result"]["title"] == "Soup night"
    assert visitor.get(path).json["result"]["starts_at"] == "2099-01-01T19:00:00+00:00"
    assert visitor.open("PUT", path, json={"number_seats": 6}).status == 200
    assert records.one(DinnerParty).number_seats == 6
    page = visitor.open("PUT", path, json={"title": "", "starts_at": "never", "nonsense": 1})
    assert page.status == 422
    assert page.json["errors"].keys() == {"title", "starts_at", "nonsense"}
    assert page.json["errors"]["nonsense"] == ["This field does not exist."]
    assert visitor.open("DELETE", path).status == 200
    assert visitor.get(path).status == 404


def test_the_api_uses_the_labels_of_the_site(ours):
    visitor = ours()
    assert visitor.get("/api/v1/dinnerparties/_info").json["filters"]["title"]
    assert visitor.get("/api/v1/dinnerparties/?q=(keys:!(label_columns))").status == 200


@pytest.mark.parametrize(("language", "label"), [("en", "Seats"), ("es", "Plazas"), ("ar", "المقاعد")])
def test_the_api_describes_the_fields_of_its_forms(ours, language, label):
    described = ours().get("/api/v1/dinnerparties/_info", headers={"Accept-Language": language}).json
    for form in ("add_columns", "edit_columns"):
        fields = {field["name"]: field for field in described[form]}
        assert fields["number_seats"]["label"] == label
        assert all(field["label"] for field in fields.values())
        assert (fields["title"]["required"], fields["title"]["type"]) == (True, "String")
        assert fields["timezone"]["validate"][-1] == "_validate_timezone"
    assert {field["name"]: field["description"] for field in described["add_columns"]}["host"]


def test_another_application_has_no_notices(visitor, monkeypatch):
    monkeypatch.delitem(visitor.app.jinja_env.globals, "site_notices")
    assert visitor.get("/").status == 200
