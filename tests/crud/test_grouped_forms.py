"""The generated forms: in groups, related rows by name, and the permissions of a role as a table."""

import re

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app.crud import ModelView, SQLAInterface
from app.extensions import db
from app.parties.models import DinnerParty, Rsvp
from tests.support.factories import DinnerPartyFactory, MemberFactory

LEGEND = re.compile(r"<legend>\s*([^<]+?)\s*</legend>")


def test_the_form_of_a_party_has_the_groups_of_the_hosts_form(admin, host, party):
    generated = LEGEND.findall(admin.get("/dinnerparties/add").text)
    hosts = LEGEND.findall(host.get("/parties/new").text)
    assert [legend for legend in generated if legend in hosts] == ["What", "When", "Where", "Who"]


class Declared(ModelView):
    datamodel = SQLAInterface(Rsvp)
    route_base = "/declared"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Answers"
    label_columns = {name: name.capitalize() for name in ("name", "note", "party")}
    list_columns = show_columns = ["name"]
    add_fieldsets = edit_fieldsets = [
        ("Guest", {"fields": ["name"]}),
        ("Rarely", {"fields": ["note", "party"], "expanded": False}),
        (None, {"fields": []}),
    ]
    search_columns = []
    autocomplete_columns = {"party": ("slug", ["title"])}


def test_fieldsets_of_flask_appbuilder_are_groups_and_folded_ones_open_where_something_is_wrong(ours):
    visitor = ours(Declared)
    page = visitor.get("/declared/add")
    assert LEGEND.findall(page.text) == ["Guest"]
    assert "<summary>Rarely</summary>" in page.text
    assert re.search(r'<details class="fold" id="section-2">', page.text)
    wrong = visitor.submit(page.form("/declared/add"), party="no such party")
    assert re.search(r'<details class="fold" id="section-2" open>', wrong.text)


@pytest.mark.both_databases
def test_a_host_is_shown_by_name_and_found_by_parts_of_it_without_javascript(admin, party, cast, records):
    path = f"/dinnerparties/edit/{party.id}"
    page = admin.get(path)
    assert f'data-label="{cast.host.display_name}"' in page.text
    noor = MemberFactory(username="nh", first_name="Noor", last_name="Haddad")
    form = page.form(path)
    found = admin.submit(form, host="haddad noor", title="Typed", _assist="host")
    assert found.flashes == [("info", "1 entry was found. Choose it below.")]
    assert re.search(r'type="radio" name="host" value="nh"> <bdi>Noor Haddad</bdi>', found.text)
    assert 'value="Typed"' in found.text
    nobody = admin.submit(form, host="zzz", _assist="host")
    assert nobody.flashes == [("warning", "“zzz” was not found.")]
    saved = admin.submit(form, host=["haddad noor", "nh"], title="Typed")
    assert saved.status == 200
    stored = next(each for each in records.all(DinnerParty) if each.id == party.id)
    assert (stored.host_id, stored.title) == (noor.id, "Typed")


def test_a_full_name_is_enough_if_only_one_person_has_it(admin, party, records):
    path = f"/dinnerparties/edit/{party.id}"
    form = admin.get(path).form(path)
    noor = MemberFactory(username="nh", first_name="Noor", last_name="Haddad")
    admin.submit(form, host="noor haddad")
    assert next(each for each in records.all(DinnerParty) if each.id == party.id).host_id == noor.id
    MemberFactory(username="nh2", first_name="Noor", last_name="Haddad")
    again = admin.submit(admin.get(path).form(path), host="Noor Haddad")
    assert again.status == 422
    assert "“Noor Haddad” was not found." in again.text
    assert 'value="Noor Haddad"' in again.text


def role_named(records, name):
    return next(role for role in records.all(Role) if role.name == name)


def test_permissions_are_a_table_with_a_name_for_every_box(admin, records):
    page = admin.get("/roles/add")
    boxes = re.findall(r'<input type="checkbox"\s+name="permissions"\s+value="(\d+)"', page.text)
    assert len(boxes) == len(set(boxes)) == len(records.all(PermissionView))
    assert 'aria-label="List · Dinner parties"' in page.text
    assert len(re.findall(r'<th scope="row">Dinner parties</th>', page.text)) == 1
    assert "data-sifts=" in page.text


def test_a_role_takes_the_permissions_of_another_one_before_it_is_saved(admin, records):
    guest = role_named(records, "Guest")
    form = admin.get("/roles/add").form("/roles/add")
    page = admin.submit(form, name="Cook", like_role=str(guest.id), _assist="permissions")
    assert page.flashes == [("info", "The boxes are those of “Guest” now. Nothing is saved yet.")]
    assert len(records.all(Role)) == 4
    admin.submit(page.form("/roles/add"))
    with admin.app.app_context():
        stored = {role.name: {each.id for each in role.permissions} for role in db.session.scalars(select(Role))}
    assert stored["Cook"] == stored["Guest"] != set()
    nothing = admin.submit(form, name="Cook", _assist="permissions")
    assert nothing.flashes == [("warning", "Choose a role first.")]


def test_roles_of_a_new_site_have_names_in_the_language_of_the_reader(admin, cast):
    assert "<bdi>Public (not logged in)</bdi>" in admin.get(f"/users/edit/{cast.friend.id}").text
    assert "Public (not logged in)" in admin.get("/roles/list/").text


def test_a_form_with_a_search_button_is_saved_by_enter(admin, party):
    DinnerPartyFactory()
    text = admin.get(f"/dinnerparties/edit/{party.id}").text
    first = re.search(r"<button type=\"submit\"[^>]*>", text[text.index("multipart/form-data") :])[0]
    assert "_assist" not in first
