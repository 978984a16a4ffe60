"""Administrators ban, sign out, unlock and help members, and change roles."""

import re
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import PermissionView, Role
from sqlalchemy import select

from app import clock
from app.accounts.models import LoginSession, Totp
from app.audit.models import AuditEvent
from app.database import transaction
from app.extensions import db
from app.outbox.models import OutboxEmail
from tests.support.factories import PASSWORD, MemberFactory

REASON = "You shouted at the cook."


@pytest.fixture
def new_role(app):
    """Store a role with permissions, named as Flask-AppBuilder does."""

    def make(name, *permissions, **columns):
        with app.app_context(), transaction():
            found = [row for row in db.session.scalars(select(PermissionView)) if str(row) in permissions]
            db.session.add(Role(name=name, permissions=found, **columns))
            db.session.flush()
            return db.session.scalars(select(Role.id).where(Role.name == name)).one()

    return make


def act(admin, action, *members, **fields):
    return admin.post(
        "/users/action_post", {"action": action, "rowid": [str(member.id) for member in members], **fields}
    )


def give_reason(admin, action, *members, reason=REASON):
    return admin.submit(act(admin, action, *members).form("/users/action_post"), reason=reason)


def entries(records, action):
    return [event for event in records.all(AuditEvent) if event.action == action]


# -- bans


@pytest.mark.both_databases
def test_a_banned_member_is_signed_out_at_once_and_reads_why(admin, client_of, new_visitor, cast, records):
    friend = client_of(cast.friend)
    page = act(admin, "ban", cast.friend)
    assert (page.status, page.flashes) == (200, [("info", "One more step: give a reason.")])
    assert records.fresh(cast.friend).banned_at is None
    page = admin.submit(page.form("/users/action_post"), reason=REASON)
    assert page.flashes == [("info", "1 user banned.")]
    assert page.path == "/users/list/"
    told = ("danger", f"Your account was banned: {REASON}")
    assert told in friend.get("/parties/new").flashes
    assert told not in friend.get("/parties/new").flashes
    assert new_visitor().log_in("friend", PASSWORD).flashes == [told]
    assert told not in new_visitor().log_in("friend", "not the password").flashes
    (entry,) = entries(records, "member_banned")
    assert (entry.actor, entry.subject, entry.after) == ("boss", "friend", {"reason": REASON})


def test_a_ban_requires_a_reason(admin, cast, records):
    page = give_reason(admin, "ban", cast.friend, reason="  ")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])
    page = admin.submit(page.form("/users/action_post"), reason="x" * 501)
    assert page.status == 422
    assert "x" * 501 in page.text
    assert records.fresh(cast.friend).banned_at is None


def test_several_members_are_banned_and_unbanned_with_one_flash(admin, client_of, cast, records):
    assert give_reason(admin, "ban", cast.friend, cast.stranger).flashes == [("info", "2 users banned.")]
    assert records.fresh(cast.stranger).ban_reason == REASON
    page = act(admin, "unban", cast.friend, cast.stranger, cast.host)
    assert page.flashes == [("info", "2 bans lifted.")]
    assert client_of(cast.friend).get("/parties/new").status == 200
    page = act(admin, "unban", cast.friend)
    assert page.flashes == [("warning", "Nothing changed: none of the selected users is banned.")]
    assert len(entries(records, "member_unbanned")) == 2


def test_administrators_cannot_ban_themselves(admin, cast, records):
    assert act(admin, "ban", cast.friend, cast.admin).flashes == [("danger", "You cannot ban yourself.")]
    assert records.fresh(cast.friend).banned_at is None


def test_a_banned_administrator_does_not_count_as_a_remaining_one(admin, cast, records):
    second = MemberFactory(admin=True, banned_at=clock.now())
    page = admin.get(f"/users/edit/{cast.admin.id}")
    page = admin.submit(page.form(f"/users/edit/{cast.admin.id}"), roles=[])
    assert page.flashes == [("danger", "The last administrator cannot be removed.")]
    assert records.fresh(second).banned_at


# -- sessions, lockouts and factors


@pytest.mark.both_databases
def test_signing_a_member_out_ends_all_their_sessions_and_says_why(admin, client_of, cast):
    devices = [client_of(cast.friend), client_of(cast.friend)]
    page = give_reason(admin, "sign_out", cast.friend)
    assert page.flashes == [("info", "Friend Doe has been signed out everywhere.")]
    told = ("danger", f"You were signed out by an administrator: {REASON}")
    for device in devices:
        assert device.get("/parties/new").flashes == [told, ("info", "Please log in to access this page.")]
        assert told not in device.get("/parties/new").flashes


def test_signing_oneself_out_everywhere_keeps_the_current_session(admin, client_of, cast):
    elsewhere = client_of(cast.admin)
    page = give_reason(admin, "sign_out", cast.admin, cast.friend)
    assert page.flashes == [("info", "2 users have been signed out everywhere.")]
    assert admin.get("/users/list/").path == "/users/list/"
    assert elsewhere.get("/users/list/").path == "/login/"


def test_ending_the_sessions_revokes_api_tokens(app, admin, cast):
    program = app.test_client(use_cookies=False)
    body = {"username": "host", "password": PASSWORD, "provider": "db"}
    token = program.post("/api/v1/security/login", json=body).get_json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert program.get("/api/v1/dinnerparties/", headers=headers).status_code == 403
    give_reason(admin, "sign_out", cast.host)
    assert program.get("/api/v1/dinnerparties/", headers=headers).status_code == 401


def test_an_administrator_ends_a_lockout(admin, new_visitor, cast):
    visitor = new_visitor()
    for _attempt in range(6):
        visitor.log_in("friend", "wrong")
    assert visitor.log_in("friend", PASSWORD).status == 429
    assert act(admin, "unlock", cast.friend).flashes == [("info", "1 user can try to log in again.")]
    assert visitor.log_in("friend", PASSWORD).flashes == [("info", "Welcome, Friend Doe!")]


def test_an_administrator_sends_a_password_reset_link(admin, cast, records):
    page = act(admin, "send_password_link", cast.friend)
    sent = "A link to choose a new password is on its way to friend@example.com."
    assert page.flashes == [("info", sent)]
    letter = records.one(OutboxEmail)
    assert (letter.kind, letter.recipient) == ("reset_password", "friend@example.com")
    page = act(admin, "send_password_link", cast.friend, cast.host)
    assert page.flashes == [("info", "Links to choose a new password are on their way to 2 users.")]
    give_reason(admin, "ban", cast.friend)
    assert [category for category, _text in act(admin, "send_password_link", cast.friend).flashes] == ["warning"]


def test_an_administrator_removes_a_lost_second_factor(app, admin, cast, records, new_visitor):
    with app.app_context(), transaction():
        db.session.add(Totp(member_id=cast.friend.id, secret="x", confirmed_at=clock.now()))
    assert new_visitor().log_in("friend", PASSWORD).path != "/"
    path = f"/users/action/reset_second_factor/{cast.friend.id}"
    assert admin.post(path).flashes == [("info", "Friend Doe can now log in with just the password.")]
    assert new_visitor().log_in("friend", PASSWORD).flashes == [("info", "Welcome, Friend Doe!")]
    assert [category for category, _text in admin.post(path).flashes] == ["info"]
    assert len(entries(records, "second_factor_reset")) == 1


# -- sensitive pages


@pytest.mark.parametrize("path", ["/users/add", "/users/edit/1", "/users/delete/1", "/roles/edit/1", "/roles/add"])
def test_changing_members_or_roles_requires_reauthentication(admin, path):
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = admin.get(path)
    assert (page.path, page.flashes) == ("/login/again", [("warning", "Please reauthenticate to access this page.")])
    assert admin.get("/users/list/").path == "/users/list/"
    assert admin.get("/roles/show/1").path == "/roles/show/1"


def test_an_action_is_offered_again_after_reauthentication(admin, cast, records):
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = act(admin, "deactivate", cast.friend)
    assert (page.status, page.flashes) == (401, [("warning", "Please reauthenticate to access this page.")])
    page = admin.submit(page.form("/login/again"), password=PASSWORD)
    page = admin.submit(page.form("/users/action_post"))
    assert page.flashes == [("info", "1 user deactivated.")]
    assert not records.fresh(cast.friend).active


# -- deleted members


def test_deleted_members_are_listed_as_such_and_unchanged(admin, records):
    gone = MemberFactory(username="erased-1", active=False, erased_at=clock.now())
    assert "Deleted" in admin.get(f"/users/show/{gone.id}").text
    told = ("warning", "The account of this person has been deleted and can no longer be changed.")
    assert admin.get(f"/users/edit/{gone.id}").flashes == [told]
    assert admin.post(f"/users/edit/{gone.id}", {"username": "back"}).flashes == [told]
    for action in ("activate", "deactivate", "ban", "unban", "sign_out"):
        assert act(admin, action, gone).flashes == [told]
    assert records.fresh(gone).username == "erased-1"


# -- roles


def role_ids(records, *names):
    return [str(role.id) for role in records.all(Role) if role.name in names]


@pytest.mark.both_databases
def test_losing_a_role_signs_the_member_out_with_a_message(admin, client_of, cast, records):
    friend = client_of(cast.friend)
    path = f"/users/edit/{cast.friend.id}"
    admin.submit(admin.get(path).form(path), roles=role_ids(records, "Guest", "Translator"))
    assert friend.get("/parties/new").status == 200
    admin.submit(admin.get(path).form(path), roles=role_ids(records, "Translator"))
    told = "You were signed out by an administrator: Your roles were changed. Please log in again."
    assert ("danger", told) in friend.get("/parties/new").flashes
    (given, taken) = entries(records, "member_changed")
    assert (given.before, given.after) == ({"roles": ["Guest"]}, {"roles": ["Guest", "Translator"]})
    assert taken.after == {"roles": ["Translator"]}


def test_a_member_who_becomes_staff_has_to_log_in_again(admin, client_of, cast, records):
    client_of(cast.friend)
    path = f"/users/edit/{cast.friend.id}"
    admin.submit(admin.get(path).form(path), roles=role_ids(records, "Guest", "Admin"))
    login = next(login for login in records.all(LoginSession) if login.member_id == cast.friend.id)
    assert login.ended_at is not None
    client_of(cast.friend)
    assert records.all(LoginSession)[-1].staff


def test_a_deactivated_member_reads_so(admin, client_of, cast):
    friend = client_of(cast.friend)
    act(admin, "deactivate", cast.friend)
    told = ("danger", "You were signed out by an administrator: Your account was deactivated.")
    assert told in friend.get("/parties/new").flashes


def test_changes_of_a_user_are_in_the_audit_log_without_the_password(admin, cast, records):
    path = f"/users/edit/{cast.friend.id}"
    form = admin.get(path).form(path)
    admin.submit(form)
    assert entries(records, "member_changed") == []
    admin.submit(form, email="New@Example.com", first_name="Fred")
    (entry,) = entries(records, "member_changed")
    assert entry.before == {"email": "friend@example.com", "first_name": "Friend"}
    assert entry.after == {"email": "new@example.com", "first_name": "Fred"}
    assert "argon2" not in str([(event.before, event.after) for event in records.all(AuditEvent)])
    admin.post(f"/users/delete/{cast.stranger.id}")
    assert [event.subject for event in entries(records, "member_deleted")] == ["stranger"]


def test_changes_of_a_role_are_in_the_audit_log(admin, new_role, records):
    role_id = new_role("Cook", "can list on RsvpModelView")
    path = f"/roles/edit/{role_id}"
    page = admin.get(path)
    wanted = next(row for row in records.all(PermissionView) if row.permission.name == "can_host")
    page = admin.submit(page.form(path), permissions=[str(wanted.id)], name="Chef")
    assert page.flashes == [("info", "Saved.")]
    (entry,) = entries(records, "role_changed")
    assert entry.before == {"name": "Cook", "removed": ["can list on RsvpModelView"]}
    assert entry.after == {"name": "Chef", "added": ["can host on PartyView"]}
    admin.post(f"/roles/delete/{role_id}")
    assert len(entries(records, "role_deleted")) == 1


@pytest.mark.both_databases
def test_a_role_that_requires_a_second_factor_also_affects_open_sessions(admin, client_of, cast, records):
    friend, host = client_of(cast.friend), client_of(cast.host)
    with admin.app.app_context(), transaction():
        db.session.add(Totp(member_id=cast.host.id, secret="x", confirmed_at=clock.now()))
    path = f"/roles/edit/{role_ids(records, 'Guest')[0]}"
    admin.submit(admin.get(path).form(path), second_factor_required="y")
    page = friend.get("/parties/new")
    assert ("warning", "Your role requires a second factor. Add one to continue.") in page.flashes
    assert host.get("/parties/new").path == "/parties/new"


def test_permissions_are_labelled_like_their_pages(admin, records):
    page = admin.get("/roles/add")
    for words in ("Edit · Dinner parties", "Host dinner parties", "See in the menu · Audit log"):
        assert words in page.text
    of_users = page.text[page.text.index('<th scope="row">Users</th>') :]
    assert re.search(r">\s+Ban</label>", of_users[: of_users.index("</tr>")])
    assert "DinnerPartyModelView" not in page.text
    assert "Host dinner parties" in admin.get(f"/roles/show/{role_ids(records, 'Guest')[0]}").text


# -- list


def test_the_list_shows_and_filters_by_second_factor(app, admin, cast):
    with app.app_context(), transaction():
        db.session.add(Totp(member_id=cast.friend.id, secret="x", confirmed_at=clock.now()))
        db.session.add(Totp(member_id=cast.host.id, secret="x"))
    page = admin.get("/users/list/?_flt_0_has_second_factor=yes")
    assert f"/users/show/{cast.friend.id}" in page.text
    assert f"/users/show/{cast.host.id}" not in page.text
