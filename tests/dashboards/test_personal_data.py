"""The dashboards of a member in their data export, and when the account is deleted."""

import io
import json
import zipfile

from sqlalchemy import update

from app import clock
from app.accounts.models import Member
from app.accounts.users import account_deletion
from app.dashboards.data import uploads
from app.dashboards.enums import MemberRole
from app.dashboards.links import service as links
from app.dashboards.links.models import DashboardLink
from app.dashboards.models import Dashboard, DashboardMember, DashboardVersion
from app.dashboards.weekly import service as weekly
from app.dashboards.weekly.models import DashboardSubscription
from app.database import transaction
from app.extensions import db, metadata
from tests.support.factories import DashboardFactory, DashboardMemberFactory, DashboardVersionFactory


def test_every_reference_to_a_member_is_known():
    tables = [metadata.tables[name] for name in metadata.tables if name.startswith("dashboard")]
    references = {
        f"{table.name}.{column.name}"
        for table in tables
        for column in table.columns
        if any(key.column.table.name == "ab_user" for key in column.foreign_keys)
    }
    assert references == {
        "dashboard.owner_id",
        "dashboard_link.creator_id",
        "dashboard_member.member_id",
        "dashboard_subscription.member_id",
        "dashboard_version.author_id",
    }


def test_the_export_has_what_is_the_members_and_nothing_of_others(client_of, cast):
    own = DashboardFactory(owner=cast.friend, name="Mine", description="my words")
    other = DashboardFactory(owner=cast.host, name="Theirs", description="their words")
    DashboardMemberFactory(dashboard=other, member=cast.friend)
    DashboardMemberFactory(dashboard=other, member=cast.stranger)
    DashboardVersionFactory(dashboard=own, name="Mine before")
    visitor = client_of(cast.friend)
    page = visitor.submit(visitor.get("/account/data/").form("/export"))
    with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
        written = json.loads(packed.read("dashboards.json"))
    assert [(each["name"], each["configuration"]["layout"]) for each in written["own"]] == [("Mine", "grid")]
    assert [(each["name"], each["role"]) for each in written["shared_with_me"]] == [("Theirs", "viewer")]
    assert [each["name"] for each in written["changes"]] == ["Mine before"]
    assert "their words" not in json.dumps(written)


def test_the_export_has_the_files_of_the_members_dashboards(app, client_of, cast):
    own, other = DashboardFactory(owner=cast.friend, slug="mine"), DashboardFactory(owner=cast.host)
    text = "Dish,Guests,Day,Good\r\nPaella,8,2026-05-01,true\r\n=1+1,2.5,,false\r\n"
    with app.app_context(), transaction():
        key = uploads.store(db.session.merge(own), "dishes.csv", text.encode()).key
        uploads.store(db.session.merge(other), "theirs.csv", b"Secret\r\nwords\r\n")
    visitor = client_of(cast.friend)
    page = visitor.submit(visitor.get("/account/data/").form("/export"))
    with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
        files = {name: packed.read(name).decode() for name in packed.namelist() if name.startswith("dashboards/")}
    # An editor may have uploaded it: no cell is a formula.
    assert files == {f"dashboards/mine/{key}.csv": text.replace("=1+1", "'=1+1")}


def test_dashboards_that_others_rely_on_outlive_their_owner(app, cast, records):
    own = DashboardFactory(owner=cast.friend, slug="own")
    seen = DashboardFactory(owner=cast.friend, slug="seen")
    DashboardMemberFactory(dashboard=seen, member=cast.host)
    edited = DashboardFactory(owner=cast.friend, slug="edited", is_global=True)
    for member, role in (
        (cast.host, MemberRole.VIEWER),
        (cast.stranger, MemberRole.EDITOR),
        (cast.admin, MemberRole.EDITOR),
    ):
        DashboardMemberFactory(dashboard=edited, member=member, role=role)
    DashboardFactory(owner=cast.friend, slug="everybody", is_global=True)
    of_others = DashboardFactory(owner=cast.host, slug="of-others")
    DashboardMemberFactory(dashboard=of_others, member=cast.friend, role=MemberRole.EDITOR)
    DashboardVersionFactory(dashboard=of_others, author=cast.friend)
    DashboardVersionFactory(dashboard=own)
    with app.app_context():
        with transaction():
            db.session.execute(update(Member).where(Member.id == cast.friend.id).values(erase_at=clock.now()))
        assert account_deletion.run_due() == 1
    owners = {row.slug: row.owner_id for row in records.all(Dashboard)}
    assert {slug: owners.get(slug, "gone") for slug in ("own", "seen", "edited", "everybody", "of-others")} == {
        "own": "gone",
        "seen": "gone",
        "edited": cast.stranger.id,
        "everybody": None,
        "of-others": cast.host.id,
    }
    assert [(row.member_id, row.role) for row in records.all(DashboardMember)] == [
        (cast.host.id, "viewer"),
        (cast.admin.id, "editor"),
    ]
    assert cast.friend.id not in {row.author_id for row in records.all(DashboardVersion)}


def test_links_and_emails_of_a_member_are_exported_and_end_with_the_account(app, client_of, cast):
    other = DashboardFactory(owner=cast.host, name="Theirs", is_global=True)
    with app.app_context(), transaction():
        member, dashboard = db.session.merge(cast.friend), db.session.merge(other)
        weekly.subscribe(dashboard, member)
        links.create(dashboard, member, 7)
    visitor = client_of(cast.friend)
    page = visitor.submit(visitor.get("/account/data/").form("/export"))
    with zipfile.ZipFile(io.BytesIO(page.response.get_data())) as packed:
        written = json.loads(packed.read("dashboards.json"))
    assert [each["name"] for each in written["by_email"] + written["links"]] == ["Theirs", "Theirs"]
    with app.app_context(), transaction():
        db.session.execute(update(Member).where(Member.id == cast.friend.id).values(erase_at=clock.now()))
    with app.app_context():
        account_deletion.run_due()
        assert db.session.query(DashboardSubscription).count() == 0
        assert db.session.query(DashboardLink).count() == 0
