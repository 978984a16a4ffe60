"""Who may do what with which dashboard: each action x role x dashboard, through the API, both ways."""

import pytest

from app.dashboards.enums import Action, MemberRole
from tests.parties.api_client import ApiClient
from tests.support.factories import DashboardFactory, DashboardMemberFactory

API = "/api/v1/dashboards"
CALLS = {
    Action.READ: ("GET", "/it", None),
    Action.UPDATE: ("PATCH", "/it", {"description": "Changed", "version": 1}),
    Action.DELETE: ("DELETE", "/it", None),
    Action.CLONE: ("POST", "/it/clone", None),
    Action.SHARE: ("PUT", "/it/members", {"members": []}),
    Action.MAKE_GLOBAL: ("PUT", "/it/global", {"is_global": True}),
}
# What each reader may do with a dashboard of the host; by whether everybody sees it.
ALLOWED = {
    "host": {Action.READ, Action.UPDATE, Action.DELETE, Action.CLONE, Action.SHARE},
    "editor": {Action.READ, Action.UPDATE, Action.CLONE},
    "viewer": {Action.READ, Action.CLONE},
    "stranger": set(),
    "translator": set(),
    "admin": set(CALLS),
}


@pytest.fixture
def readers(cast, ada):
    return {
        "host": cast.host,
        "editor": cast.friend,
        "viewer": ada,
        "stranger": cast.stranger,
        "translator": cast.translator,
        "admin": cast.admin,
    }


@pytest.fixture
def board(readers):
    """Make the dashboard of the host, which is shared with an editor and a viewer."""

    def make(*, is_global):
        made = DashboardFactory(owner=readers["host"], slug="it", is_global=is_global)
        DashboardMemberFactory(dashboard=made, member=readers["editor"], role=MemberRole.EDITOR)
        DashboardMemberFactory(dashboard=made, member=readers["viewer"], role=MemberRole.VIEWER)
        return made

    return make


@pytest.mark.parametrize("is_global", [False, True], ids=["own", "global"])
@pytest.mark.parametrize("who", ALLOWED)
def test_each_action_is_for_those_who_may(app, readers, board, records, who, is_global):
    board(is_global=is_global)
    before = records.dump()
    client = ApiClient(app, readers[who], base=API)
    allowed = ALLOWED[who] | ({Action.READ, Action.CLONE} if is_global and who == "stranger" else set())
    # Deleting comes last: nothing is left then.
    for action in sorted(CALLS, key=lambda each: each == Action.DELETE):
        method, path, body = CALLS[action]
        answer = client.ask(method, path, body)
        if action in allowed:
            assert answer.status_code in {200, 201}, (action, answer.json)
            continue
        # A role without the permission is told so; a dashboard that one may not see is not told from one that is not there.
        has_permission = who != "translator" and (action != Action.MAKE_GLOBAL or who == "admin")
        sees = Action.READ in allowed
        assert answer.status_code == (403 if sees or not has_permission else 404), (action, answer.json)
        assert answer.json["message"] == _refusal(action, sees=sees, has_permission=has_permission)
        assert answer.json["category"] == "danger"
    if not allowed:
        assert records.dump()["dashboard"] == before["dashboard"]


VERBS = {
    Action.READ: "view",
    Action.UPDATE: "change",
    Action.DELETE: "delete",
    Action.CLONE: "clone",
    Action.SHARE: "share",
}


def _refusal(action, *, sees, has_permission):
    if not has_permission:
        if action == Action.MAKE_GLOBAL:
            return "You do not have access to show dashboards to everybody."
        return f"You do not have access to {VERBS[action]} dashboards."
    return f"You do not have access to {VERBS[action]} this dashboard." if sees else NOT_SEEN


NOT_SEEN = "There is no dashboard “it” that you can see."


def test_a_dashboard_that_is_hidden_answers_as_one_that_is_not_there(app, readers, board):
    client = ApiClient(app, readers["stranger"], base=API)
    asked = [(method, path, body) for action, (method, path, body) in CALLS.items() if action != Action.MAKE_GLOBAL]
    missing = [client.ask(*call).json for call in asked]
    board(is_global=False)
    assert [client.ask(*call).json for call in asked] == missing
    assert {answer["message"] for answer in missing} == {NOT_SEEN}


def test_deleting_what_is_not_there_is_an_error(app, cast):
    client = ApiClient(app, cast.host, base=API)
    DashboardFactory(owner=cast.host, slug="it")
    assert client.delete("/it")["message"].endswith("was deleted.")
    assert client.delete("/it", status=404)["message"] == NOT_SEEN


def test_visitors_have_no_dashboards(app):
    assert app.test_client().get(API).status_code == 401


def test_each_reader_lists_what_they_see(app, readers, board):
    board(is_global=False)
    DashboardFactory(owner=readers["stranger"], slug="other", name="Soup", category="Food")
    DashboardFactory(owner=None, slug="everybody", name="Ättika", is_global=True)
    seen = {
        who: {each["id"] for each in ApiClient(app, member, base=API).get()["result"]}
        for who, member in readers.items()
        if who != "translator"
    }
    # The dashboards of a new site are there already.
    assert {who: ids - {"hosts-season"} for who, ids in seen.items()} == {
        "host": {"it", "everybody"},
        "editor": {"it", "everybody"},
        "viewer": {"it", "everybody"},
        "stranger": {"other", "everybody"},
        "admin": {"it", "other", "everybody", "administrators-home"},
    }
    client = ApiClient(app, readers["admin"], base=API)
    assert [each["id"] for each in client.get("?search=attik")["result"]] == ["everybody"]
    assert [each["id"] for each in client.get("?category=Food")["result"]] == ["other"]
    assert client.get("/categories")["result"] == ["Food"]
    assert ApiClient(app, readers["host"], base=API).get("/categories")["result"] == []


def test_a_viewer_does_not_learn_with_whom_else_a_dashboard_is_shared(app, readers, board):
    board(is_global=False)
    told = {
        who: [each["username"] for each in ApiClient(app, readers[who], base=API).get("/it/members")["result"]]
        for who in ("host", "viewer")
    }
    assert told == {"host": ["friend", "ada"], "viewer": ["ada"]}
