"""An administrator sets the password of a member who gets no e-mail."""

from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role

from app import clock
from app.accounts.models import Member
from app.audit.models import AuditEvent
from tests.support.factories import PASSWORD, MemberFactory

TOLD = "porridge for seven bears"
OWN = "a loom of many numbers"
ASKED = [("info", "One more step: choose a password.")]
REQUIRED = ("warning", "An administrator has set your password. Choose one of your own to continue.")


def ask(admin, member):
    return admin.post(f"/users/action/set_password/{member.id}")


def set_password(admin, member, password=TOLD):
    return admin.submit(ask(admin, member).form(f"/users/action/set_password/{member.id}"), new_password=password)


@pytest.mark.both_databases
def test_the_member_logs_in_with_it_and_chooses_another_one(admin, client_of, new_visitor, cast, records):
    elsewhere = client_of(cast.friend)
    assert ask(admin, cast.friend).flashes == ASKED
    page = set_password(admin, cast.friend)
    told = "Password set. Tell it to Friend Doe, who has to choose another one at the next login."
    assert page.flashes == [("info", told)]
    assert elsewhere.get("/account/profile/").path == "/login/"
    friend = new_visitor()
    page = friend.log_in(cast.friend.username, TOLD)
    assert page.path == "/password/change"
    assert REQUIRED in page.flashes
    assert friend.get("/user/friend").path == "/password/change"
    page = friend.submit(friend.get("/password/change").form("/password/change"), password=TOLD, new_password=TOLD)
    assert (page.status, page.flashes) == (422, [("danger", "The new password must differ from the current one.")])
    friend.submit(page.form("/password/change"), password=TOLD, new_password=OWN)
    assert friend.get("/user/friend").path == "/user/friend"
    again = new_visitor()
    assert again.log_in(cast.friend.username, OWN).flashes == [("info", "Welcome, Friend Doe!")]
    assert TOLD not in str(records.dump())
    (entry,) = [event for event in records.all(AuditEvent) if event.action == "password_set"]
    assert (entry.actor, entry.subject) == (cast.admin.username, cast.friend.username)


def test_it_has_to_be_changed_at_every_login_until_it_is(admin, new_visitor, cast):
    set_password(admin, cast.friend)
    for _ in range(2):
        visitor = new_visitor()
        visitor.log_in(cast.friend.username, TOLD)
        assert visitor.get("/user/friend").path == "/password/change"


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("shorty", "Use at least 8 characters."),
        ("friend friend", "Your name is easy to guess. Do not use it in your password."),
    ],
)
def test_a_password_against_the_rules_is_refused_at_the_field(admin, cast, records, password, told):
    page = set_password(admin, cast.friend, password)
    assert (page.status, page.flashes) == (422, [("danger", told)])
    assert f'id="new_password-error">{told}' in page.text.replace("\n", "").replace("  ", "")
    assert password not in page.text
    assert not records.fresh(cast.friend).password_is_temporary


def test_nothing_typed_is_refused(admin, cast):
    page = set_password(admin, cast.friend, "")
    assert (page.status, page.flashes) == (422, [("danger", "Please correct the fields that are marked.")])


def test_a_required_second_factor_is_still_required_afterwards(admin, new_visitor, cast, records):
    role = next(role for role in records.all(Role) if role.name == "Guest")
    path = f"/roles/edit/{role.id}"
    admin.submit(admin.get(path).form(path), second_factor_required="y")
    set_password(admin, cast.friend)
    friend = new_visitor()
    friend.log_in(cast.friend.username, TOLD)
    page = friend.get("/password/change")
    page = friend.submit(page.form("/password/change"), password=TOLD, new_password=OWN)
    assert friend.get("/user/friend").path == "/account/second-factor/"


@pytest.mark.parametrize("state", [{"inactive": True}, {"banned_at": clock.now()}, {"erased_at": clock.now()}])
def test_a_password_of_somebody_who_cannot_log_in_is_refused(admin, state):
    page = ask(admin, MemberFactory(**state))
    assert [category for category, _text in page.flashes] == ["warning"]
    assert "would have no effect" in page.flashes[0][1]


def test_administrators_choose_their_own_password_in_their_account(admin, cast, records):
    assert ask(admin, cast.admin).flashes == [("warning", "Choose your own password under “My account”.")]


def test_it_needs_a_fresh_login(admin, cast, records):
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = admin.post(f"/users/action/set_password/{cast.friend.id}", {"new_password": TOLD})
    assert ("warning", "Please reauthenticate to access this page.") in page.flashes
    assert not records.fresh(cast.friend).password_is_temporary


def test_others_cannot_set_passwords(client_of, cast, records):
    page = client_of(cast.host).post(f"/users/action/set_password/{cast.friend.id}", {"new_password": TOLD})
    assert page.status == 403
    assert [member.password_is_temporary for member in records.all(Member)] == [False] * records.count(Member)


def test_the_old_password_no_longer_works(admin, new_visitor, cast):
    set_password(admin, cast.friend)
    assert new_visitor().log_in(cast.friend.username, PASSWORD).status == 401
