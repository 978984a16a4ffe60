"""flask_jsondash: dashboards as JSON, by form and as text; rights for each object; its own files; nothing of other hosts."""

import io
import json
import re

import pytest
from flask_babel import gettext

from app.dashboards import service, texts
from app.dashboards.enums import MemberRole
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import db
from app.i18n.selectors import force_locale

# In the shape that it stores: the layout is told by `mode`, the modules by their families.
FILE = {
    "name": "Kitchen",
    "mode": "grid",
    "modules": [
        {"family": "C3", "type": "line", "name": "Soups", "row": 1, "width": "col-6", "height": 300, "dataSource": ""},
        {
            "family": "Basic",
            "type": "iframe",
            "name": "Frame",
            "row": 1,
            "width": "col-6",
            "height": 300,
            "dataSource": "",
        },
    ],
}
MODULE = {"id": "soups", "title": "Soups", "type": "bar", "data": {"values": {"leek": 3}}, "row": 1, "width": 6}
BOARD = {"version": 1, "layout": "grid", "modules": [MODULE]}


@pytest.fixture
def people(member, client_of):
    """Browsers of an owner and of three others, and the dashboard of the first, which some of them may see."""
    found = {name: member(username=name) for name in ("owner", "editor", "viewer", "stranger")}
    return found, {name: client_of(each) for name, each in found.items()}


@pytest.fixture
def slug(app, people):
    with app.app_context(), transaction():
        made = service.create(db.session.merge(people[0]["owner"]), "Kitchen", BOARD, category="Food")
        service.share(made, {"editor": MemberRole.EDITOR, "viewer": MemberRole.VIEWER})
        return made.slug


def named(records, name):
    return next((each for each in records.all(Dashboard) if each.name == name), None)


def test_a_dashboard_is_seen_changed_cloned_downloaded_and_deleted(people, slug, records, says):
    owner, url = people[1]["owner"], f"/dashboards/{slug}"
    assert owner.get(url).text.count("<svg") >= 1
    form = owner.get(f"{url}/json").form("/json")
    wanted = {**BOARD, "modules": [{**MODULE, "width": 12}]}
    says(owner.submit(form, text=json.dumps(wanted)), "info", "The dashboard “%(name)s” was saved.", name="Kitchen")
    copied = owner.submit(owner.get(url).form("/clone"))
    copy = next(each for each in records.all(Dashboard) if each.slug != slug and each.owner_id == people[0]["owner"].id)
    says(copied, "info", "The copy is called “%(name)s”. It is yours.", name=copy.name)
    assert json.loads(owner.get(f"{url}/dashboard.json").text)["modules"][0]["width"] == 12
    deleted = owner.submit(owner.get(f"{url}/delete").form("/delete"))
    says(deleted, "info", "The dashboard “%(name)s” was deleted.", name="Kitchen")
    assert owner.get(url).status == 404


def test_rights_are_those_of_each_object(people, slug, says):
    url = f"/dashboards/{slug}"
    for who, change, delete in (("editor", 200, 403), ("viewer", 403, 403), ("stranger", 404, 404)):
        assert people[1][who].get(f"{url}/json", follow=False).status == change
        assert people[1][who].get(f"{url}/delete", follow=False).status == delete
    refused = people[1]["viewer"].post(f"{url}/delete")
    says(refused, "danger", "You do not have access to delete this dashboard.")


def test_a_wrong_text_is_refused_with_its_lines_and_kept(people, slug):
    owner = people[1]["owner"]
    text = json.dumps({**BOARD, "modules": [{**MODULE, "width": 13}]}, indent=1)
    page = owner.submit(owner.get(f"/dashboards/{slug}/json").form("/json"), text=text)
    assert page.status == 422
    assert "modules[0].width" in page.text
    assert page.form("/json").fields["text"].replace("\r\n", "\n").strip() == text
    assert json.loads(owner.get(f"/dashboards/{slug}/dashboard.json").text)["modules"][0]["width"] == 6


def test_a_grid_needs_rows(people, slug, app, locale):
    owner = people[1]["owner"]
    modules = [{name: value for name, value in MODULE.items() if name != "row"}]
    form = owner.get(f"/dashboards/{slug}/json").form("/json")
    page = owner.submit(form, text=json.dumps({**BOARD, "modules": modules}))
    assert page.status == 422
    assert len(page.flashes) == 1
    with app.app_context(), force_locale(locale, "UTC"):
        assert str(texts.NO_ROWS) in page.text


def test_its_files_are_imported_and_what_is_not_drawn_says_so(people, records):
    owner = people[1]["owner"]
    content = {"file": (io.BytesIO(json.dumps(FILE).encode()), "kitchen.json")}
    page = owner.post("/dashboards/import", content, content_type="multipart/form-data")
    assert page.status == 200
    made = named(records, "Kitchen")
    stored = json.loads(owner.get(f"/dashboards/{made.slug}/dashboard.json").text)
    assert [module["type"] for module in stored["modules"]] == ["line", "iframe"]
    shown = owner.get(f"/dashboards/{made.slug}").text
    assert re.search("[“«]iframe[”»]", shown)
    assert "<iframe" not in shown


def test_what_is_not_there_is_an_error_and_no_success(people, says):
    page = people[1]["owner"].post("/dashboards/never-was/delete")
    says(page, "danger", "There is no dashboard “%(id)s” that you can see.", id="never-was")


def test_an_input_is_a_parameter_of_the_query_and_a_wrong_value_is_told_in_its_place(app, people, slug, locale):
    owner, months = people[1]["owner"], {"name": "months", "label": "Months", "type": "number", "default": 2}
    module = {**MODULE, "type": "table", "data": {"query": "my_parties_per_month"}, "inputs": [months]}
    form = owner.get(f"/dashboards/{slug}/json").form("/json")
    shown = owner.submit(form, text=json.dumps({**BOARD, "modules": [module]}))
    assert shown.text.count('<th scope="row">') + shown.text.count("<tr>") - 1 == 2
    asked = owner.submit(shown.form(f"/dashboards/{slug}", index=0), **{"soups.months": "5"})
    assert asked.text.count("<tr>") - 1 == 5
    wrong = owner.submit(asked.form(f"/dashboards/{slug}", index=0), **{"soups.months": "many"})
    assert wrong.status == 200
    assert wrong.form(f"/dashboards/{slug}", index=0).fields["soups.months"] == "many"
    with app.app_context(), force_locale(locale, "UTC"):
        assert gettext("Enter a whole number from %(least)d to %(most)d.", least=1, most=60) in wrong.text
