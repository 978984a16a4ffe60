"""The history of a row: who changed what when, and the undo of the last change."""

import re
from types import SimpleNamespace

import pytest

from app.audit.models import AuditEvent
from app.crud import ModelView, SQLAInterface
from app.crud.history import values_of
from app.parties.menu.models import MenuItem
from app.parties.models import DinnerParty
from tests.support.factories import DinnerPartyFactory, MenuItemFactory

UNDO = re.compile(r'action="(/\w+/undo/\d+)"')


def change(admin, path, **values):
    return admin.submit(admin.get(path).form(path), **values)


def stored(records, model, key):
    return next(row for row in records.all(model) if row.id == key)


def undo(admin, page):
    path = UNDO.search(page.text)[1]
    return admin.submit(page.form(path))


@pytest.mark.both_databases
def test_a_change_of_a_party_is_told_and_undone(admin, party, cast, records):
    before = stored(records, DinnerParty, party.id)
    change(admin, f"/dinnerparties/edit/{party.id}", title="Soup", host=cast.friend.username, number_seats="9")
    page = admin.get(f"/dinnerparties/history/{party.id}")
    text = " ".join(re.sub("<[^>]+>", " ", page.text).split())
    assert f"{cast.admin.username} Changed an entry" in text
    assert f"Title {before.title} Soup" in text
    assert f"Seats {before.number_seats} 9" in text
    assert f"Host {cast.host.display_name} {cast.friend.display_name}" in text
    page = undo(admin, page)
    assert page.flashes == [("info", f"The last change of “{before.title}” was undone.")]
    now = stored(records, DinnerParty, party.id)
    assert (now.title, now.host_id, now.number_seats) == (before.title, before.host_id, before.number_seats)
    assert (now.starts_at, now.timezone, now.description) == (before.starts_at, before.timezone, before.description)
    assert "Undid a change" in page.text


def test_a_time_is_undone_with_its_zone_and_shown_in_that_of_the_reader(admin, party, records):
    before = stored(records, DinnerParty, party.id)
    change(admin, f"/dinnerparties/edit/{party.id}", timezone="Asia/Tokyo", starts_at="2031-05-01T20:00")
    page = admin.get(f"/dinnerparties/history/{party.id}")
    assert "May 1, 2031, 11:00" in page.text
    undo(admin, page)
    now = stored(records, DinnerParty, party.id)
    # As the form writes it.
    assert (now.starts_at, now.timezone) == (before.starts_at.replace(second=0, microsecond=0), before.timezone)


def test_what_was_changed_again_meanwhile_is_not_undone(admin, client_of, cast, party, records):
    path = f"/dinnerparties/edit/{party.id}"
    change(admin, path, title="Soup")
    page = admin.get(f"/dinnerparties/history/{party.id}")
    change(client_of(cast.admin), path, title="Salad")
    refused = undo(admin, page)
    assert refused.flashes == [("warning", "Nothing was undone, because this was changed again in the meantime.")]
    assert stored(records, DinnerParty, party.id).title == "Salad"


def test_an_undo_is_validated_like_the_form(admin, party, cast, records):
    change(admin, f"/dinnerparties/edit/{party.id}", host=cast.stranger.username)
    page = admin.get(f"/dinnerparties/history/{party.id}")
    path = f"/users/edit/{cast.host.id}"
    change(admin, path, username="renamed")
    refused = undo(admin, page)
    ((category, text),) = refused.flashes
    assert (category, text) == ("danger", "This change cannot be undone: “host” was not found.")
    assert stored(records, DinnerParty, party.id).host_id == cast.stranger.id


def test_a_role_that_a_member_lost_comes_back(admin, cast, records):
    path = f"/users/edit/{cast.friend.id}"
    change(admin, path, roles=[], first_name="Fred")
    page = admin.get(f"/users/history/{cast.friend.id}")
    assert "Changed a user" in page.text
    assert [entry.action for entry in records.all(AuditEvent) if entry.subject == "friend"].count("member_changed") == 1
    undo(admin, page)
    form = admin.get(path).form(path)
    assert (form.fields.get("first_name"), len(form.fields.getlist("roles"))) == ("Friend", 1)


class Dishes(ModelView):
    """A plain view: nothing is declared for its history."""

    datamodel = SQLAInterface(MenuItem)
    route_base = "/plates"
    base_order = ("id", "asc")
    list_title = show_title = add_title = edit_title = "Plates"
    label_columns = {"name": "Plate", "course": "Course"}
    list_columns = show_columns = ["name"]
    add_columns = edit_columns = ["name", "course"]
    search_columns = []


def test_a_plain_view_has_history_and_undo_without_a_declaration(ours, records):
    dish = MenuItemFactory(name="Soup")
    visitor = ours(Dishes)
    change(visitor, f"/plates/edit/{dish.id}", name="<b>Salad</b>")
    page = visitor.get(f"/plates/history/{dish.id}")
    assert "&lt;b&gt;Salad&lt;/b&gt;" in page.text
    undo(visitor, page)
    assert stored(records, MenuItem, dish.id).name == "Soup"


@pytest.mark.both_databases
def test_what_a_program_changes_is_told_like_the_change_of_a_person_and_undone(ours, admin, party, cast, records):
    before = stored(records, DinnerParty, party.id)
    program, path = ours(), f"/api/v1/dinnerparties/{party.id}"
    sent = {"title": "Soup", "host": cast.friend.id, "starts_at": "2031-05-01T20:00:00+00:00"}
    assert program.open("PUT", path, json=sent).status == 200
    assert program.open("PUT", path, json={"title": "Soup"}).status == 200
    page = admin.get(f"/dinnerparties/history/{party.id}")
    text = " ".join(re.sub("<[^>]+>", " ", page.text).split())
    assert text.count("Changed an entry") == 1
    assert f"Title {before.title} Soup" in text
    assert f"Host {cast.host.display_name} {cast.friend.display_name}" in text
    undo(admin, page)
    now = stored(records, DinnerParty, party.id)
    assert (now.title, now.host_id) == (before.title, before.host_id)
    assert now.starts_at == before.starts_at.replace(second=0, microsecond=0)


def test_what_a_program_adds_and_deletes_is_in_the_audit_log(ours, records, cast):
    program = ours()
    sent = {
        "title": "Soup", "host": cast.host.id, "starts_at": "2099-01-01T20:00:00Z", "timezone": "UTC",
        "status": "draft", "number_seats": 4, "duration_minutes": 60, "visibility": "public",
    }  # fmt: skip
    key = program.open("POST", "/api/v1/dinnerparties/", json=sent).json["id"]
    program.open("DELETE", f"/api/v1/dinnerparties/{key}")
    told = [entry for entry in records.all(AuditEvent) if entry.subject_type == "party" and entry.subject_id == key]
    added, deleted = sorted(told, key=lambda entry: entry.id)
    assert (added.subject, added.after["title"], added.after["host"]) == ("Soup", "Soup", cast.host.username)
    assert set(added.before.values()) <= {None}
    assert (deleted.subject, deleted.action) in {("Soup", "deleted"), ("Soup", "party_deleted")}


def test_no_secret_and_no_file_of_a_row_is_told():
    row = SimpleNamespace(password="hunter2", api_token="t", first_name="Fred", scan=b"%PDF", roles=[])
    assert values_of(row, vars(row), {}) == {"first_name": "Fred", "roles": []}


def test_the_history_is_for_those_who_may_read_the_audit_log(client_of, cast, party, visitor):
    assert client_of(cast.friend).get(f"/dinnerparties/history/{party.id}").status == 403
    assert client_of(cast.friend).post(f"/dinnerparties/undo/{party.id}").status == 403
    assert visitor.get(f"/dinnerparties/history/{party.id}").path == "/login/"


def test_a_long_history_has_pages(admin, party):
    path = f"/dinnerparties/edit/{party.id}"
    form = admin.get(path).form(path)
    for number in range(21):
        del form.fields["row_version"]
        form.fields["row_version"] = ""
        admin.submit(form, title=f"Soup {number}")
    page = admin.get(f"/dinnerparties/history/{party.id}")
    assert page.text.count("Changed an entry") == 20
    assert page.text.count("Undo this change") == 1
    assert admin.get(f"/dinnerparties/history/{party.id}?page=2").text.count("Changed an entry") == 1
    assert admin.get(f"/dinnerparties/history/{party.id}?page=x").status == 200


def test_a_row_does_not_have_the_history_of_one_that_had_its_key(admin, cast, records):
    first = DinnerPartyFactory(host=cast.host)
    change(admin, f"/dinnerparties/edit/{first.id}", title="Soup")
    admin.post(f"/dinnerparties/delete/{first.id}")
    DinnerPartyFactory(host=cast.host, id=first.id)
    assert "Soup" not in admin.get(f"/dinnerparties/history/{first.id}").text
