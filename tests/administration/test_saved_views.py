"""Views of lists that a member saves."""

import io
import json
import zipfile

import pytest
from sqlalchemy import select

from app.accounts.models import Member
from app.accounts.users import merging
from app.administration import saved_view_views, service
from app.administration.models import SavedView
from app.database import transaction
from app.extensions import db
from tests.support.factories import MemberFactory
from tests.support.statements import count_statements

LIST = "/dinnerparties/list/"


def save(visitor, name, query="_flt_0_status=draft"):
    page = visitor.get(f"{LIST}?{query}")
    return visitor.submit(page.form("/save/DinnerPartyModelView"), name=name)


def test_a_view_is_saved_used_renamed_and_deleted(admin, records):
    page = save(
        admin, " My  drafts ", "_flt_0_status=draft&page_DinnerPartyModelView=0&_col_DinnerPartyModelView=title"
    )
    assert page.flashes == [("info", "The view “My drafts” is saved.")]
    url = f"{LIST}?_flt_0_status=draft&amp;_col_DinnerPartyModelView=title"
    assert f'<a href="{url}" aria-current="true"><bdi>My drafts</bdi></a>' in page.text
    assert "My drafts" in admin.get(LIST).text
    overview = admin.get("/manage/views/")
    assert admin.submit(overview.form("/rename"), name="Drafts").flashes == [("info", "Renamed.")]
    assert [each.name for each in records.all(select(SavedView))] == ["Drafts"]
    deleted = admin.submit(admin.get("/manage/views/").form("/delete"))
    assert deleted.flashes == [("info", "The view “Drafts” is deleted.")]
    assert "You have saved no view yet." in deleted.text


def test_a_view_of_the_same_name_is_replaced(admin, records):
    save(admin, "Mine")
    save(admin, "Mine", "_flt_0_status=done")
    assert [each.query for each in records.all(select(SavedView))] == ["_flt_0_status=done"]


@pytest.mark.parametrize(
    ("name", "query", "said"),
    [
        ("", "q=a", "Give the view a name"),
        ("x" * 61, "q=a", "Give the view a name"),
        ("All", "", "Choose a filter"),
        ("Long", f"q={'a' * 2000}", "too long"),
    ],
)
def test_what_cannot_be_saved_is_said(admin, records, name, query, said):
    form = admin.get(LIST).form("/save/DinnerPartyModelView")
    page = admin.submit(form, name=name, query=query)
    ((category, text), *_others) = page.flashes
    assert category == "warning"
    assert said in text
    assert records.all(select(SavedView)) == []


def test_nobody_saves_more_than_twenty_of_a_list(admin, monkeypatch):
    monkeypatch.setattr(service, "MAX_VIEWS", 1)
    save(admin, "One")
    assert "You have saved 1 views of this list already." in str(save(admin, "Two").flashes)


def test_nobody_sees_or_changes_the_views_of_others(admin, client_of, records, app, cast):
    save(admin, "Secret drafts")
    other = client_of(MemberFactory(roles=[]))
    assert "Secret drafts" not in other.get("/manage/views/").text
    for action in ("rename", "delete"):
        assert other.post("/manage/views/1/" + action, {"name": "x"}).status == 404
    # Who may not open a list saves no view of it.
    assert other.post("/manage/views/save/DinnerPartyModelView", {"name": "x", "query": "q=a"}).status == 404
    assert [each.name for each in records.all(select(SavedView))] == ["Secret drafts"]


def test_another_process_shows_at_once_what_was_just_saved(admin, app, monkeypatch):
    admin.get(LIST)
    before = dict(app.extensions[saved_view_views.KNOWN])
    save(admin, "Mine")
    # As a process that has read them a moment ago.
    app.extensions[saved_view_views.KNOWN] = dict(before)
    assert "<bdi>Mine</bdi>" in admin.get(LIST).text
    # Later they are not read for each page.
    monkeypatch.setattr(saved_view_views, "SKEW_SECONDS", -1)
    admin.get(LIST)
    with count_statements() as statements:
        assert "<bdi>Mine</bdi>" in admin.get(LIST).text
    assert not any("saved_view" in statement for statement in statements)


def test_the_data_export_has_them(admin, app, cast):
    save(admin, "Mine")
    page = admin.get("/account/data/")
    assert page.status == 200
    file = admin.submit(page.form("/export"))
    with zipfile.ZipFile(io.BytesIO(file.response.get_data())) as packed:
        (view,) = json.loads(packed.read("saved_views.json"))
    assert (view["view"], view["name"], view["query"]) == ("DinnerPartyModelView", "Mine", "_flt_0_status=draft")


@pytest.mark.both_databases
def test_of_two_merged_accounts_each_view_is_kept_once(app, cast, records):
    with app.app_context(), transaction():
        for owner, name in ((cast.friend, "Both"), (cast.friend, "One"), (cast.stranger, "Both")):
            service.save(owner.id, "DinnerPartyModelView", name, f"q={owner.username}")
    with app.app_context(), transaction():
        merging.merge(db.session.get_one(Member, cast.friend.id), db.session.get_one(Member, cast.stranger.id), None)
    kept = records.all(select(SavedView).order_by(SavedView.name))
    assert {each.owner_id for each in kept} == {cast.stranger.id}
    assert [(each.name, each.query) for each in kept] == [("Both", "q=stranger"), ("One", "q=friend")]
