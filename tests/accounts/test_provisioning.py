"""The security API: programs keep users, groups and roles as another system has them, by the rules of the pages."""

import contextlib

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.accounts.api_keys import service as api_key_service
from app.accounts.api_keys.service import KeyScope
from app.accounts.models import ADMIN, LoginSession, Member
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.databases import Database, SqliteFiles
from tests.support.factories import PASSWORD, DinnerPartyFactory, GroupFactory

ADA = {"username": "ada", "email": "ada@example.com", "first_name": "Ada", "last_name": "", "active": True}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with the security API."""
    directory = tmp_path_factory.mktemp("provisioning")
    with contextlib.closing(Database(SqliteFiles(directory), directory, FAB_ADD_SECURITY_API="yes")) as database:
        yield database


@pytest.fixture
def database(site):
    site.reset()
    return site


@pytest.fixture
def ask(app, cast):
    """Send a request with a key of an administrator; `ask.as_(member)` uses a key of somebody else."""

    def asking(member):
        with app.app_context(), transaction():
            key = api_key_service.create(db.session.get(Member, member.id), "HR", KeyScope.READ_AND_WRITE).secret
        client = app.test_client(use_cookies=False)

        def ask(method, path, body=None, **headers):
            headers = {"Authorization": f"Bearer {key}", **headers}
            return client.open(f"/api/v1/security/{path}", method=method, json=body, headers=headers)

        ask.as_ = asking
        return ask

    return asking(cast.admin)


def role_key(records, name):
    return next(role.id for role in records.all(Role) if role.name == name)


def test_a_program_adds_changes_and_deletes_a_user(ask, records):
    added = ask("POST", "users/", {**ADA, "roles": [role_key(records, "Guest")], "password": PASSWORD})
    assert added.status_code == 201
    # The password, and its hash, stay here.
    assert "password" not in added.get_json()["result"]
    key = added.get_json()["id"]
    shown = ask("GET", f"users/{key}").get_json()["result"]
    assert (shown["username"], [role["name"] for role in shown["roles"]], shown["groups"]) == ("ada", ["Guest"], [])
    assert "password" not in shown
    assert ask("PUT", f"users/{key}", {"first_name": "Augusta", "hour_cycle": "h12"}).status_code == 200
    assert ask("GET", f"users/{key}").json["result"]["hour_cycle"] == "h12"
    assert ask("PUT", f"users/{key}", {"hour_cycle": None}).status_code == 200
    assert records.fresh(records.all(Member)[-1]).first_name == "Augusta"
    assert ask("DELETE", f"users/{key}").status_code == 200
    actions = [event.action for event in records.all(AuditEvent) if event.subject == "ada"]
    assert actions == ["member_created", "member_changed", "member_deleted"]


def test_the_token_of_a_login_is_as_good_as_a_key(app, ask, cast, records):
    login = {"username": cast.admin.username, "password": PASSWORD}
    token = app.test_client(use_cookies=False).post("/api/v1/security/login", json=login).get_json()["access_token"]
    path, with_token = f"users/{cast.friend.id}", {"Authorization": f"Bearer {token}"}
    assert ask("PUT", path, {"first_name": "Augusta"}, **with_token).status_code == 200
    assert ask("DELETE", path, **with_token).status_code == 200
    events = [event for event in records.all(AuditEvent) if event.action in {"member_changed", "member_deleted"}]
    assert [event.actor_id for event in events] == [cast.admin.id] * 2


def test_a_user_without_a_password_gets_an_email_to_choose_one(ask, records):
    assert ask("POST", "users/", {**ADA, "roles": [role_key(records, "Guest")]}).status_code == 201
    assert [email.kind for email in records.all(OutboxEmail) if email.recipient == "ada@example.com"] == [
        "account_created"
    ]


def test_losing_a_role_ends_the_sessions_of_the_user(ask, client_of, cast, records):
    browser = client_of(cast.translator)
    groups = [GroupFactory(name="cooks").id]
    assert ask("PUT", f"users/{cast.translator.id}", {"roles": [], "groups": groups}).status_code == 200
    assert [group["name"] for group in ask("GET", f"users/{cast.translator.id}").get_json()["result"]["groups"]] == [
        "cooks"
    ]
    assert all(login.ended_at for login in records.all(LoginSession) if login.member_id == cast.translator.id)
    assert browser.get("/account/profile/").path == "/login/"


@pytest.mark.parametrize("body", [{"active": False}, {"roles": []}])
def test_the_last_administrator_stays(ask, cast, records, body):
    refused = ask("PUT", f"users/{cast.admin.id}", body)
    assert (refused.status_code, "administrator" in refused.get_json()["message"] or body == {"active": False}) == (
        422,
        True,
    )
    assert records.fresh(cast.admin).active


@pytest.mark.parametrize(
    ("change", "field"),
    [({"username": "a b"}, "username"), ({"email": "nowhere"}, "email"), ({"timezone": "Mars/Olympus"}, "timezone"), ({"hour_cycle": "h24"}, "hour_cycle"),
     ({"colour": "red"}, "colour"), ({"first_name": ""}, "first_name")],
)  # fmt: skip
def test_invalid_values_are_refused_at_their_field(ask, records, change, field):
    refused = ask("POST", "users/", {**ADA, "roles": [role_key(records, "Guest")], **change})
    assert refused.status_code == 422
    assert field in refused.get_json()["errors"]


def test_a_name_that_is_taken_is_refused_in_words(ask, cast):
    refused = ask("POST", "users/", {**ADA, "username": "FRIEND", "roles": []})
    assert (refused.status_code, refused.get_json()["message"]) == (422, "This username is already taken.")


def test_roles_and_groups_are_provisioned_too(ask, records):
    permissions = ask("GET", "permissions-resources/?q=(page_size:3)").get_json()["result"]
    keys = [permission["id"] for permission in permissions]
    role = ask("POST", "roles/", {"name": "Cook", "second_factor_required": False, "permissions": keys})
    assert role.status_code == 201
    key = role.get_json()["id"]
    shown = ask("GET", f"roles/{key}").get_json()["result"]
    assert sorted(permission["id"] for permission in shown["permissions"]) == sorted(keys)
    group = ask("POST", "groups/", {"name": "kitchen", "roles": [key]})
    assert group.status_code == 201
    assert ask("DELETE", f"roles/{key}").status_code == 422
    assert ask("PUT", f"roles/{role_key(records, ADMIN)}", {"name": "Boss"}).status_code == 422
    assert ask("POST", "groups/", {"name": "bosses", "roles": [role_key(records, ADMIN)]}).status_code == 422
    for path in ("permissions/", "resources/"):
        assert ask("GET", path).get_json()["count"] > 10
        assert ask("POST", path, {"name": "can_everything"}).status_code == 405


def test_others_may_do_none_of_it(ask, cast, records):
    before = records.dump()
    for member in (cast.friend, cast.translator):
        other = ask.as_(member)
        for method, path in (
            ("GET", "users/"),
            ("POST", "users/"),
            ("GET", "roles/"),
            ("PUT", f"users/{cast.host.id}"),
        ):
            assert other(method, path, ADA if method != "GET" else None).status_code == 403, (member, path)
    assert records.dump()["ab_user"] == before["ab_user"]


# -- who has a role, and what it may do


def test_a_role_gets_its_users_and_loses_the_others(ask, client_of, cast, records):
    key, browser = role_key(records, "Translator"), client_of(cast.translator)
    answer = ask("PUT", f"roles/{key}/users", {"user_ids": [cast.friend.id, cast.host.id]})
    assert (answer.status_code, answer.get_json()["result"]) == (
        200,
        {"user_ids": sorted([cast.friend.id, cast.host.id])},
    )
    holders = records.all(select(Member.username).where(Member.roles.any(Role.id == key)).order_by(Member.username))
    assert holders == ["friend", "host"]
    assert browser.get("/account/profile/").path == "/login/"
    changes = [event for event in records.all(AuditEvent) if event.action == "member_changed"]
    assert sorted(event.subject for event in changes) == ["friend", "host", "translator"]


def test_the_administrators_of_a_role_cannot_all_go_but_can_be_others(ask, cast, records):
    key = role_key(records, ADMIN)
    refused = ask("PUT", f"roles/{key}/users", {"user_ids": []})
    assert (refused.status_code, refused.get_json()["message"]) == (422, "The last administrator cannot be removed.")
    assert ask("PUT", f"roles/{key}/users", {"user_ids": [cast.friend.id]}).status_code == 200
    assert ask("GET", "users/").status_code in {401, 403}


def test_a_group_gets_its_users(ask, cast, records):
    kitchen = ask("POST", "groups/", {"name": "kitchen", "roles": [role_key(records, "Translator")]}).get_json()["id"]
    path = f"groups/{kitchen}"
    assert ask("PUT", path, {"users": [cast.friend.id, cast.translator.id]}).status_code == 200
    shown = ask("GET", path).get_json()["result"]["users"]
    assert {user["username"] for user in shown} == {"friend", "translator"}
    stamp = records.fresh(cast.friend).session_stamp
    assert ask("PUT", path, {"users": [cast.translator.id]}).status_code == 200
    # A role was lost, so the sessions are over, and the audit log has the member.
    assert records.fresh(cast.friend).session_stamp != stamp
    lost = next(event for event in records.all(AuditEvent) if event.before == {"groups": ["kitchen"]})
    assert (lost.subject_id, lost.after) == (cast.friend.id, {"groups": []})
    refused = ask("PUT", path, {"users": [cast.translator.id, 999999]})
    assert (refused.status_code, [*refused.get_json()["errors"]]) == (422, ["users"])
    assert ask("DELETE", path).status_code == 422


def test_a_role_gets_its_groups(ask, cast, records):
    key = role_key(records, "Translator")
    cooks, waiters = GroupFactory(name="cooks").id, GroupFactory(name="waiters").id
    assert ask("PUT", f"users/{cast.friend.id}", {"groups": [waiters]}).status_code == 200
    for groups in ([cooks, waiters], [cooks]):
        assert ask("PUT", f"roles/{key}/groups", {"group_ids": groups}).status_code == 200
        shown = ask("GET", "groups/").get_json()["result"]
        assert {group["id"] for group in shown if group["roles"]} == set(groups)
    refused = ask("PUT", f"roles/{role_key(records, ADMIN)}/groups", {"group_ids": [cooks]})
    assert (refused.status_code, "only to people" in refused.get_json()["message"]) == (422, True)


def test_a_role_gets_its_permissions(ask, records):
    key = role_key(records, "Translator")
    chosen = [each["id"] for each in ask("GET", "permissions-resources/?q=(page_size:2)").get_json()["result"]]
    assert ask("POST", f"roles/{key}/permissions", {"permission_view_menu_ids": chosen}).status_code == 200
    shown = ask("GET", f"roles/{key}/permissions/").get_json()["result"]
    assert sorted(each["id"] for each in shown) == sorted(chosen)
    assert set(shown[0]) == {"id", "permission_name", "view_menu_name"}
    assert records.all(AuditEvent)[-1].action == "role_changed"


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [("PUT", "users", "user_ids"), ("PUT", "groups", "group_ids"), ("POST", "permissions", "permission_view_menu_ids")],
)
def test_what_is_not_there_changes_no_role(ask, records, cast, method, path, name):
    key, before = role_key(records, "Translator"), records.dump()
    for role, body, status in (
        (key, {name: [9999]}, 404),
        (key, {name: [2**63]}, 404),
        (9999, {name: []}, 404),
        (key, {name: ["x"]}, 422),
        (key, {}, 422),
        (key, [], 400),
    ):
        assert ask(method, f"roles/{role}/{path}", body).status_code == status, body
    assert ask.as_(cast.friend)(method, f"roles/{key}/{path}", {name: []}).status_code == 403
    after = records.dump()
    for table in ("ab_role", "ab_user_role", "ab_group_role", "ab_permission_view_role"):
        assert after[table] == before[table]


# -- passwords


def test_a_new_password_ends_the_sessions_of_the_user(ask, client_of, visitor, cast, records):
    browser, stamp = client_of(cast.friend), cast.friend.session_stamp
    answer = ask("PUT", f"users/{cast.friend.id}", {"password": "another evening, another soup"})
    assert answer.status_code == 200
    assert "password" not in answer.get_json()["result"]
    assert browser.get("/account/profile/").path == "/login/"
    assert records.fresh(cast.friend).session_stamp != stamp
    assert visitor.log_in("friend", PASSWORD).status == 401
    assert visitor.log_in("friend", "another evening, another soup").path == "/"
    assert "password_changed" in [email.kind for email in records.all(OutboxEmail)]
    assert "password_changed" in [event.action for event in records.all(AuditEvent)]


@pytest.mark.parametrize("password", ["short", "friend@example.com", "", None])
def test_a_password_that_cannot_be_used_changes_nothing(ask, visitor, cast, records, password):
    refused = ask("PUT", f"users/{cast.friend.id}", {"first_name": "Else", "password": password})
    assert refused.status_code == 422
    assert records.fresh(cast.friend).first_name == cast.friend.first_name
    assert visitor.log_in("friend", PASSWORD).path == "/"


# -- accounts


def test_a_user_who_is_in_use_is_not_deleted_and_it_is_said_where(ask, cast):
    DinnerPartyFactory(host=cast.host)
    refused = ask("DELETE", f"users/{cast.host.id}")
    assert refused.status_code == 422
    assert refused.json == {
        "message": "It is still in use elsewhere and cannot be deleted: Dinner parties (1) and Answers (1).",
        "in_use": [
            {"list": "Dinner parties", "count": 1, "url": "/dinnerparties/list/?_flt_0_host=host"},
            {"list": "Answers", "count": 1, "url": "/rsvps/list/?_flt_0_member=host"},
        ],
    }


def test_a_program_deletes_an_account_after_the_days_of_grace(ask, cast, records):
    path = f"users/{cast.friend.id}/deletion"
    assert ask("POST", path, {}).json["errors"] == {"reason": ["This field must be filled in."]}
    scheduled = ask("POST", path, {"reason": "Asked by mail"})
    assert scheduled.status_code == 200
    assert "Friend Doe will be deleted on" in scheduled.json["message"]
    assert ask("GET", f"users/{cast.friend.id}").json["result"]["erase_at"]
    assert "account_deletion_requested" in {letter.kind for letter in records.all(OutboxEmail)}
    assert ask("DELETE", path).status_code == 200
    assert records.fresh(cast.friend).erase_at is None
    assert ask("POST", f"users/{cast.admin.id}/deletion", {"reason": "x"}).json == {
        "message": "You cannot delete yourself."
    }
    assert ask("POST", "users/987654/deletion", {"reason": "x"}).status_code == 404
    assert ask.as_(cast.host)("POST", path, {"reason": "x"}).status_code == 403
