"""Create, change, undo, share and import dashboards, through the API; two people at once; the history."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.audit.models import AuditEvent
from app.dashboards import queries, rules, service
from app.dashboards.configuration import checking as configuration
from app.dashboards.enums import MemberRole
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.database import transaction
from tests.parties.api_client import ApiClient
from tests.support.factories import DashboardFactory, DashboardMemberFactory

API = "/api/v1/dashboards"


@pytest.fixture
def client(app, cast):
    return ApiClient(app, cast.host, base=API)


def module(key, **more):
    return {"id": key, "title": key.title(), "row": 1, "width": 4, **more}


def grid(*modules):
    return {"layout": "grid", "modules": list(modules)}


def make(client, **values):
    """Create a dashboard and return it."""
    return client.post(body={"name": "Season", **values}, status=201)["result"]


def test_a_dashboard_is_created_changed_cloned_and_deleted(client, records):
    answer = client.ask("POST", "", {"name": " The \n season ", "configuration": grid(module("a"))})
    made = answer.json["result"]
    assert answer.json["message"] == "The dashboard “The season” was created."
    assert answer.headers["Location"] == f"{API}/{made['id']}"
    assert (made["version"], made["owner"], made["is_global"], made["layout"]) == (1, "host", False, "grid")
    assert made["configuration"]["modules"][0]["height"] == 300

    path = f"/{made['id']}"
    etag = client.ask("GET", path).headers["ETag"]
    saved = client.ask("PATCH", path, {"category": "Food"}, headers={"If-Match": etag}).json
    assert (saved["code"], saved["result"]["version"]) == ("saved", 2)
    assert client.patch(path, {"category": "Food", "version": 1})["code"] == "unchanged"
    assert "version" in client.ask("PATCH", path, {"category": "Fish"}).json["errors"]

    copy = client.post(f"{path}/clone", status=201)["result"]
    assert (copy["name"], copy["category"], copy["configuration"]) == (
        "Clone of The season",
        "Food",
        saved["result"]["configuration"],
    )
    assert client.delete(path)["message"] == "The dashboard “The season” was deleted."
    actions = [entry.action for entry in records.all(AuditEvent) if entry.subject_type == "dashboard"]
    assert actions[-4:] == ["dashboard_created", "dashboard_changed", "dashboard_created", "dashboard_deleted"]


@pytest.mark.parametrize(
    ("values", "field"),
    [({"name": " "}, "name"), ({"name": "x" * 121}, "name"), ({"name": "x", "category": "x" * 61}, "category")],
)
def test_texts_that_do_not_fit_are_refused_at_their_field(client, values, field):
    assert list(client.post(body=values, status=422)["errors"]) == [field]


def test_a_wrong_configuration_is_refused_with_each_mistake(client):
    answer = client.post(body={"name": "x", "configuration": grid(module("a", width=99, colour="red"))}, status=422)
    assert [problem["path"] for problem in answer["problems"]] == ["modules[0].colour", "modules[0].width"] or answer
    answer = client.client.post(
        API,
        data='{"name": "x",\n "name": "y"}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {client.key}"},
    )
    assert answer.status_code == 400
    assert answer.json["problems"] == [
        {"message": "“name” stands here a second time.", "path": "name", "line": 2, "column": 2}
    ]


# -- two people


def test_the_second_of_two_editors_sees_both_texts_and_nothing_is_lost(app, cast, client):
    made = make(client, configuration=grid(module("a")))
    client.put(f"/{made['id']}/members", {"members": [{"username": "friend", "role": "editor"}]})
    friend = ApiClient(app, cast.friend, base=API)
    friend.patch(f"/{made['id']}", {"configuration": grid(module("b")), "version": 1})
    mine = {"configuration": grid(module("c")), "description": "Mine", "version": 1}
    answer = client.patch(f"/{made['id']}", mine, status=409)
    assert answer["message"] == "The dashboard was changed in the meantime; both versions are shown."
    both = answer["conflict"]["configuration"]
    assert [both[who]["modules"][0]["id"] for who in ("stored", "sent")] == ["b", "c"]
    assert answer["conflict"]["description"] == {"stored": "", "sent": "Mine"}
    assert answer["result"]["version"] == 2
    assert client.ask("PATCH", f"/{made['id']}", mine | {"version": None}).status_code == 422
    stale = {key: value for key, value in mine.items() if key != "version"}
    assert client.ask("PATCH", f"/{made['id']}", stale, headers={"If-Match": '"1"'}).status_code == 412
    endless = {"If-Match": f'"{"9" * 5000}"'}
    assert client.ask("PATCH", f"/{made['id']}", stale, headers=endless).status_code == 412
    # Who has seen both saves again.
    assert client.patch(f"/{made['id']}", mine | {"version": 2})["result"]["version"] == 3


@pytest.mark.both_databases
def test_of_two_changes_at_the_same_moment_one_wins(app, cast, records):
    DashboardFactory(owner=cast.host, slug="it")
    clients = [ApiClient(app, cast.host, base=API) for _ in range(2)]

    def change(number):
        return clients[number].ask("PATCH", "/it", {"description": f"By {number}", "version": 1}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(change, range(2))) == [200, 409]
    assert [row.version for row in records.all(Dashboard) if row.slug == "it"] == [2]


@pytest.mark.both_databases
def test_of_two_who_delete_or_share_at_the_same_moment_nobody_sees_an_error_of_the_database(app, cast):
    DashboardFactory(owner=cast.host, slug="it")
    clients = [ApiClient(app, cast.host, base=API) for _ in range(2)]
    sent = {"members": [{"username": "friend", "role": "viewer"}]}
    with ThreadPoolExecutor(2) as pool:
        shared = pool.map(lambda client: client.ask("PUT", "/it/members", sent).status_code, clients)
        assert set(shared) == {200}
        deleted = sorted(pool.map(lambda client: client.ask("DELETE", "/it").status_code, clients))
        assert deleted[0] == 200
        assert deleted[1] in {404, 409}


# -- history


def test_a_version_is_restored_and_the_last_change_undone(client):
    path = f"/{make(client, configuration=grid(module('a')))['id']}"
    client.patch(path, {"configuration": grid(module("b")), "name": "Second", "version": 1})
    versions = client.get(f"{path}/versions")["result"]
    assert [(each["number"], each["name"], each["author"]) for each in versions] == [
        (2, "Second", "host"),
        (1, "Season", "host"),
    ]
    assert client.get(f"{path}/versions/1")["result"]["configuration"]["modules"][0]["id"] == "a"
    client.get(f"{path}/versions/3", status=404)
    client.get(f"{path}/versions/99999999999999999999", status=404)

    undone = client.post(f"{path}/undo", {"version": 2})
    assert undone["message"] == "Version 1 was restored. The one before is kept in the history."
    assert (undone["result"]["name"], undone["result"]["version"]) == ("Season", 3)
    again = client.post(f"{path}/undo", {"version": 3})["result"]
    assert (again["name"], again["version"]) == ("Second", 4)
    client.post(f"{path}/undo", {"version": 3}, status=409)
    assert client.post(f"{path}/versions/1/restore", {"version": 4})["result"]["name"] == "Season"
    unchanged = client.post(f"{path}/versions/1/restore", {"version": 5}, status=409)
    assert unchanged["message"] == "Nothing changed: the dashboard is already like this version."


def test_there_is_nothing_to_undo_in_a_new_dashboard_also_when_everybody_sees_it(app, client, cast):
    path = f"/{make(client)['id']}"
    ApiClient(app, cast.admin, base=API).put(f"{path}/global", {"is_global": True})
    answer = client.post(f"{path}/undo", {"version": 2}, status=409)
    assert answer["message"] == "There is no earlier version of this dashboard."


@pytest.mark.both_databases
def test_the_history_is_bounded_in_number_and_size(app, cast, monkeypatch):
    with app.app_context(), transaction():
        dashboard = service.create(None, "It")
        for number in range(1, rules.MAX_VERSIONS + 3):
            service.update(dashboard, number, None, description=f"Change {number}")
        kept = [version.number for version in queries.versions(dashboard)]
        assert kept == list(range(rules.MAX_VERSIONS + 3, 3, -1))
        monkeypatch.setattr(rules, "MAX_HISTORY_CHARACTERS", 100)
        large = {"layout": "freeform", "modules": [{"id": "a", "title": "", "data": {"values": "x" * 200}}]}
        service.update(dashboard, dashboard.version, None, configuration=large)
        assert len(queries.versions(dashboard)) == 1


# -- modules


def test_modules_move_and_change_their_size(client):
    made = make(client, configuration=grid(module("a"), module("b"), module("c")))
    places = [{"id": "a", "row": 2, "width": 12, "height": 500}, {"id": "c", "order": 0}, {"id": "b", "order": 1}]
    saved = client.patch(f"/{made['id']}/modules", {"modules": places, "version": 1})["result"]
    placed = [(each["id"], each["row"], each["order"], each["width"]) for each in saved["configuration"]["modules"]]
    assert placed == [("a", 2, 0, 12), ("b", 1, 1, 4), ("c", 1, 0, 4)]
    refused = client.patch(f"/{made['id']}/modules", {"modules": [{"id": "d"}], "version": 2}, status=422)
    assert refused["errors"] == {"modules": ["There is no module “d” on this dashboard."]}
    gap = client.patch(f"/{made['id']}/modules", {"modules": [{"id": "a", "row": 5}], "version": 2}, status=422)
    assert gap["message"] == "Row 5 follows row 1. No row in between may be empty."
    free = client.patch(f"/{made['id']}/modules", {"layout": "freeform", "modules": [], "version": 2})["result"]
    assert free["layout"] == free["configuration"]["layout"] == "freeform"


# -- sharing


def test_a_dashboard_is_shared_with_members_that_exist(client, records):
    made = make(client)
    roles = [{"username": "friend", "role": "editor"}, {"username": "stranger", "role": "viewer"}]
    assert client.put(f"/{made['id']}/members", {"members": roles})["result"] == roles
    changed = [{"username": "friend", "role": "viewer"}]
    assert client.put(f"/{made['id']}/members", {"members": changed})["result"] == changed
    for wrong in ("nobody", "host"):
        sent = {"members": [{"username": wrong, "role": "viewer"}]}
        assert "members" in client.put(f"/{made['id']}/members", sent, status=422)["errors"]
    assert [row.role for row in records.all(DashboardMember)] == [MemberRole.VIEWER]


def test_an_owner_cannot_fill_the_disk(client, monkeypatch):
    monkeypatch.setattr(rules, "MAX_DASHBOARDS", 1)
    make(client)
    answer = client.post(body={"name": "Second"}, status=409)
    assert answer["message"] == "You can have at most 1 dashboard."


# -- files


def test_a_file_is_exported_and_imported_again(client):
    made = make(client, category="Food", configuration=grid(module("a", data={"query": "no_such_query"})))
    file = client.get(f"/{made['id']}/file")["result"]
    assert (file["id"], file["name"], file["is_global"]) == (made["id"], "Season", False)
    answer = client.post("/import", {**file, "is_global": True}, status=201)
    assert answer["notes"] == ["A: there is no query “no_such_query” on this site."]
    new = answer["result"]
    # A file decides neither whose dashboard it is nor who sees it.
    assert new["id"] != made["id"]
    assert not new["is_global"]
    for name in ("name", "category", "description", "configuration"):
        assert new[name] == made[name]
    assert client.post("/import", {"pages": []}, status=422)["message"].startswith("This is no dashboard")


def test_a_pasted_file_is_a_configuration_with_its_name(app):
    with app.app_context():
        text = configuration.dump({"id": "x", "name": "It", "layout": "freeform", "modules": []})
        beside, rest = configuration.split(configuration.parse(text))
    assert beside == {"id": "x", "name": "It"}
    assert rest == {"layout": "freeform", "modules": [], "version": 1}
    assert json.loads(text)["name"] == "It"


def test_shared_rows_go_with_the_dashboard(app, client, cast, records):
    made = DashboardFactory(owner=cast.host, slug="it")
    DashboardMemberFactory(dashboard=made, member=cast.friend)
    client.patch("/it", {"name": "Other", "version": 1})
    client.delete("/it")
    assert records.all(DashboardMember) == []
    assert made.id not in {version.dashboard_id for version in records.all(DashboardVersion)}
