"""Groups and their roles; API keys of all members, as administrators see them."""

import pytest
from flask_appbuilder.security.sqla.models import ApiKey, Group, Role

from app.accounts.models import Member
from app.audit.models import AuditEvent
from tests.support.factories import ApiKeyFactory, GroupFactory


@pytest.fixture
def role_id(records):
    return lambda name: next(str(role.id) for role in records.all(Role) if role.name == name)


def put_into(admin, member, *groups):
    page = admin.get(f"/users/edit/{member.id}")
    return admin.submit(page.form(f"/users/edit/{member.id}"), groups=[str(group.id) for group in groups])


def test_a_group_gives_its_roles_to_its_members(admin, client_of, cast, records, role_id):
    form = admin.get("/roles/add").form("/roles/add")
    shown = admin.get("/roles/add").text
    number = shown.split("List · Outbox")[0].rsplit('value="', 1)[1].split('"')[0]
    admin.submit(form, name="Post office", permissions=[number])
    page = admin.submit(admin.get("/groups/add").form("/groups/add"), name="clerks", roles=[role_id("Post office")])
    assert page.flashes[0][0] == "info"
    assert client_of(cast.friend).get("/letters/list/").status == 403
    friend = client_of(cast.friend)
    put_into(admin, cast.friend, records.one(Group))
    told = friend.get("/letters/list/")
    assert told.path == "/login/"
    assert (
        "danger",
        "You were signed out by an administrator: Your roles were changed. Please log in again.",
    ) in told.flashes
    assert client_of(cast.friend).get("/letters/list/").status == 200
    assert {event.action for event in records.all(AuditEvent)} >= {"group_created", "member_changed"}


def test_losing_a_role_with_a_group_signs_the_member_out(admin, client_of, cast, records, role_id):
    group = GroupFactory()
    put_into(admin, cast.friend, group)
    page = admin.get(f"/groups/edit/{group.id}")
    admin.submit(page.form(f"/groups/edit/{group.id}"), roles=[role_id("Translator")])
    friend = client_of(cast.friend)
    page = admin.get(f"/groups/edit/{group.id}")
    admin.submit(page.form(f"/groups/edit/{group.id}"), roles=[])
    assert friend.get("/account/profile/").path == "/login/"
    changes = [event for event in records.all(AuditEvent) if event.action == "group_changed"]
    assert (changes[-1].before["roles"], changes[-1].after["roles"]) == (["Translator"], [])


def test_a_group_cannot_have_the_administrator_role(admin, records, role_id):
    page = admin.submit(admin.get("/groups/add").form("/groups/add"), name="bosses", roles=[role_id("Admin")])
    assert (page.status, page.flashes) == (
        422,
        [("danger", "The administrator role can be assigned only to people, not to groups.")],
    )
    assert records.count(Group) == 0


def test_a_member_with_groups_can_be_deleted(admin, cast, records):
    put_into(admin, cast.friend, GroupFactory())
    assert [kind for kind, _text in admin.post(f"/users/delete/{cast.friend.id}").flashes] == ["info"]
    assert "friend" not in {member.username for member in records.all(Member)}


def test_a_group_with_members_cannot_be_deleted(admin, cast, records):
    group = GroupFactory()
    put_into(admin, cast.friend, group)
    assert admin.post(f"/groups/delete/{group.id}").flashes == [
        ("danger", "This group has members and cannot be deleted.")
    ]
    put_into(admin, cast.friend)
    assert admin.post(f"/groups/delete/{group.id}").flashes[0][0] == "info"
    assert records.count(Group) == 0


def test_administrators_list_and_revoke_api_keys(admin, cast, records):
    key = ApiKeyFactory(member=cast.friend)
    page = admin.get("/apikeys/list/")
    assert key.name in page.text
    assert key.key_hash not in page.text + admin.get(f"/apikeys/show/{key.id}").text
    form = page.form("/apikeys/action_post")
    revoke = {"button": ("action", "revoke"), "rowid": [str(key.id)]}
    assert admin.submit(form, **revoke).flashes == [("info", "1 key revoked.")]
    assert records.one(ApiKey).revoked_on is not None
    told = ("warning", "None of the selected keys is still active.")
    assert admin.submit(form, **revoke).flashes == [told]


@pytest.mark.parametrize("path", ["/groups/list/", "/groups/add", "/apikeys/list/"])
def test_groups_and_api_keys_are_for_administrators(client_of, cast, path):
    assert client_of(cast.friend).get(path).status == 403
