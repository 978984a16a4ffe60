"""Which people have a role or are in a group, and what belongs to a person."""

import re
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import Role

from app import clock
from app.audit.models import AuditEvent
from tests.support.factories import DinnerPartyFactory, GroupFactory, MemberFactory, RsvpFactory

NAME = re.compile(r'data-label="Username" class="name"><a[^>]*><bdi>([\w.]+)')


def role_named(records, name):
    return next(role for role in records.all(Role) if role.name == name)


def join(admin, member, group):
    path = f"/users/edit/{member.id}"
    return admin.submit(admin.get(path).form(path), groups=[str(group.id)])


@pytest.mark.both_databases
def test_users_are_found_by_role_and_by_group(admin, cast):
    group = GroupFactory(name="clerks")
    join(admin, cast.friend, group)
    assert NAME.findall(admin.get("/users/list/?_flt_0_roles=Admin").text) == [cast.admin.username]
    page = admin.get("/users/list/?_flt_0_groups=clerks")
    assert (NAME.findall(page.text), page.flashes) == ([cast.friend.username], [])
    assert NAME.findall(admin.get("/users/list/?_flt_0_groups=clerks&_flt_0_roles=Admin").text) == []


def test_the_filter_suggests_roles_and_groups(admin):
    GroupFactory(name="clerks")
    assert {"value": "Guest", "label": "Guest"} in admin.get("/users/options/roles?q=gue").json
    assert [each["value"] for each in admin.get("/users/options/groups?q=cle").json] == ["clerks"]


def test_roles_stay_checkboxes_in_the_forms_of_users(admin, cast):
    form = admin.get(f"/users/edit/{cast.friend.id}").form(f"/users/edit/{cast.friend.id}")
    assert len(form.fields.getlist("roles")) == 1
    assert form.fields.getlist("roles")[0].isdigit()


@pytest.mark.both_databases
def test_the_page_of_a_role_names_its_people_and_groups(admin, cast, records):
    group = GroupFactory(name="clerks")
    path = f"/groups/edit/{group.id}"
    guest = role_named(records, "Guest")
    admin.submit(admin.get(path).form(path), roles=[str(guest.id)])
    text = admin.get(f"/roles/show/{guest.id}").text
    assert set(NAME.findall(text)) >= {cast.friend.username, cast.host.username}
    assert cast.admin.username not in NAME.findall(text)
    assert f"/users/show/{cast.friend.id}" in text
    assert "clerks" in text


def test_the_page_of_a_group_names_its_people(admin, cast):
    group = GroupFactory(name="clerks")
    join(admin, cast.friend, group)
    page = admin.get(f"/groups/show/{group.id}")
    assert NAME.findall(page.text) == [cast.friend.username]
    assert "1 entry" in page.text


def test_a_long_list_of_people_has_pages(admin, records):
    for _ in range(30):
        MemberFactory()
    guest = role_named(records, "Guest")
    first = admin.get(f"/roles/show/{guest.id}")
    assert len(NAME.findall(first.text)) == 25
    assert "page_UserModelView=1" in first.text


def test_a_user_added_from_a_role_or_group_has_it(admin, records):
    group = GroupFactory(name="clerks")
    translator = role_named(records, "Translator")
    link = re.search(r'/users/add[?][^"]*', admin.get(f"/roles/show/{translator.id}").text).group()
    form = admin.get(link).form("/users/add")
    assert set(form.fields.getlist("roles")) == {str(translator.id), str(role_named(records, "Guest").id)}
    link = re.search(r'/users/add[?][^"]*', admin.get(f"/groups/show/{group.id}").text).group()
    assert admin.get(link).form("/users/add").fields.getlist("groups") == [str(group.id)]


def test_the_page_of_a_person_links_to_their_parties_and_answers(admin, cast):
    party = DinnerPartyFactory(host=cast.host, title="Soup night")
    DinnerPartyFactory(title="Of somebody else")
    RsvpFactory(party=party, member=cast.friend)
    text = admin.get(f"/users/show/{cast.host.id}").text
    parties = admin.get(re.search(r'/dinnerparties/list/[?][^"]*', text).group()).text
    assert "Soup night" in parties
    assert "Of somebody else" not in parties
    text = admin.get(f"/users/show/{cast.friend.id}").text
    assert "1 entry" in admin.get(re.search(r'/rsvps/list/[?][^"]*', text).group()).text


@pytest.mark.both_databases
def test_a_copied_role_has_the_permissions_and_a_name_to_change(admin, cast, records):
    guest = role_named(records, "Guest")
    for name in ("Copy of Guest", "Copy of Guest 2"):
        page = admin.post(f"/roles/action/copyrole/{guest.id}")
        told = f"“{name}” has all permissions of “Guest”. Nobody has it yet."
        assert page.flashes == [("info", told)]
        assert page.path == f"/roles/edit/{role_named(records, name).id}"
    shown = [admin.get(f"/roles/show/{role_named(records, name).id}").text for name in ("Guest", "Copy of Guest")]
    original, copy = (re.findall(r"<li>([^<]+)</li>", text) for text in shown)
    assert set(copy) == set(original)
    entry = next(event for event in records.all(AuditEvent) if event.action == "role_created")
    assert (entry.subject, bool(entry.after["added"])) == ("Copy of Guest", True)


def test_copying_a_role_needs_a_fresh_login(admin, records):
    clock.set_now(clock.now() + timedelta(minutes=11))
    page = admin.post(f"/roles/action/copyrole/{role_named(records, 'Guest').id}")
    assert page.path == "/login/again"
    assert "Copy of Guest" not in {role.name for role in records.all(Role)}
