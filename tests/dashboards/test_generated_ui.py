"""Administrators see and change every dashboard in the generated UI, with its history."""

import json

from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from tests.support.factories import DashboardFactory, DashboardMemberFactory, DashboardVersionFactory


def test_an_administrator_adds_changes_and_deletes_a_dashboard(admin, cast, records):
    text = json.dumps({"layout": "freeform", "modules": [{"id": "a", "title": "A"}]})
    path = "/dashboardadmin/add"
    page = admin.submit(admin.get(path).form(path), name="Season", owner="host", configuration=text)
    assert page.flashes == [("info", "The dashboard “Season” was created.")]
    (made,) = [row for row in records.all(Dashboard) if row.name == "Season"]
    assert (made.owner_id, made.layout, made.version) == (cast.host.id, "freeform", 1)

    path = f"/dashboardadmin/edit/{made.id}"
    page = admin.submit(admin.get(path).form(path), name="The season", is_global="y")
    assert page.flashes == [("info", "The dashboard “The season” was saved.")]
    versions = [(row.number, row.name, row.author_id) for row in records.all(DashboardVersion)]
    assert versions[-2:] == [(1, "Season", cast.admin.id), (2, "The season", cast.admin.id)]

    page = admin.get(f"/dashboardadmin/show/{made.id}")
    assert "&#34;title&#34;: &#34;A&#34;" in page.text
    path = f"/dashboardadmin/delete/{made.id}"
    assert admin.submit(admin.get(path).form(path)).flashes == [("info", "The dashboard “The season” was deleted.")]


def test_a_wrong_configuration_stays_in_the_form_with_line_and_path_of_each_mistake(admin, records):
    made = DashboardFactory(slug="it")
    path = f"/dashboardadmin/edit/{made.id}"
    text = '{"layout": "grid",\n "modules": [{"id": "a", "title": "A", "row": 2, "width": 13},\n 5]}'
    page = admin.submit(admin.get(path).form(path), configuration=text)
    assert page.status == 422
    assert page.form(path).fields["configuration"].replace("\r\n", "\n") == text
    assert "Line 2, column 50, modules[0].width: This must be a number from 1 to 12." in page.text
    assert "Line 3, column 2, modules[1]: This must be: an object: {...}." in page.text
    assert records.fresh(made).version == 1


def test_an_administrator_restores_a_version(admin, records):
    made = DashboardFactory(slug="it", name="Now")
    version = DashboardVersionFactory(dashboard=made, name="As it was")
    page = admin.post("/dashboardversions/action_post", {"action": "restore", "rowid": [str(version.id)]})
    assert page.flashes == [("info", "Version 1 was restored. The one before is kept in the history.")]
    assert records.fresh(made).name == "As it was"


def test_an_administrator_shares_a_dashboard(admin, records):
    made = DashboardFactory(slug="it")
    DashboardMemberFactory(dashboard=made)
    path = "/dashboardmembers/add"
    page = admin.submit(admin.get(path).form(path), dashboard="it", member="friend", role="editor")
    assert page.flashes[0][0] == "info"
    assert [row.role for row in records.all(DashboardMember)] == ["viewer", "editor"]


def test_lists_leave_the_configurations_where_they_are(admin, app):
    DashboardFactory(slug="it")
    page = admin.get("/dashboardadmin/list/")
    assert "Dashboard number" in page.text
    assert "modules" not in page.text


def test_others_see_none_of_it(host):
    for path in ("dashboardadmin", "dashboardversions", "dashboardmembers"):
        assert host.get(f"/{path}/list/").status == 403
