"""Links to dashboards: what strangers see by one, and until when."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app import clock
from app.dashboards import service
from app.dashboards.enums import MemberRole
from app.dashboards.links import service as links
from app.dashboards.models import DashboardVersion
from app.database import transaction
from app.extensions import db
from tests.parties.api_client import ApiClient
from tests.support.factories import DinnerPartyFactory

BOARD = {
    "version": 1,
    "layout": "grid",
    "modules": [
        {
            "id": "mine",
            "title": "My dinners",
            "type": "table",
            "data": {"query": "my_parties_per_month"},
            "row": 1,
            "width": 6,
        },
        {
            "id": "all",
            "title": "All dinners",
            "type": "bar",
            "data": {"query": "parties_per_month"},
            "row": 1,
            "width": 6,
        },
    ],
}


@pytest.fixture
def board(app, cast):
    with app.app_context(), transaction():
        made = service.create(db.session.merge(cast.host), "Season", BOARD)
        service.share(made, {cast.friend.username: MemberRole.VIEWER})
        return made.slug


@pytest.fixture
def host(new_visitor, cast):
    visitor = new_visitor()
    visitor.log_in_as(cast.host)
    return visitor


def create(host, slug):
    page = host.submit(host.get(f"/dashboards/{slug}/links").form("/links"), days="7")
    assert page.flashes == [("info", "The link was created. Copy it now: it cannot be shown again.")]
    return re.search(r">[^<]*(/dashboards/shared/[^<]+)<", page.text).group(1)


@pytest.mark.both_databases
def test_a_stranger_sees_what_its_creator_may_see(board, cast, host, new_visitor):
    DinnerPartyFactory(host=cast.host, title="Soup")
    url = create(host, board)
    stranger = new_visitor()
    page = stranger.get(url)
    assert page.status == 200
    assert "Season" in page.text
    assert "There is nothing here yet." not in page.text
    assert "You may not see these data." in page.text
    # It changes nothing, and shows nothing of the creator's menus.
    assert "Edit" not in page.text
    assert cast.host.email not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert stranger.get(f"{url}/layout.css").status == 200
    assert stranger.get(f"/dashboards/{board}", follow=False).status == 303


def test_who_may_change_the_dashboard_does_not_read_with_the_rights_of_who_shares_it(
    app, board, cast, host, new_visitor
):
    url = create(host, board)
    secret = {"id": "secret", "title": "Secrets", "type": "table", "data": {"api": "/api/v1/profile"}, "row": 1}

    def change(who, *modules):
        with app.app_context(), transaction():
            dashboard = db.session.query(service.Dashboard).filter_by(slug=board).one()
            service.update(
                dashboard, dashboard.version, db.session.merge(who), configuration={**BOARD, "modules": [*modules]}
            )

    change(cast.friend, secret)
    shown = new_visitor().get(url).text
    assert "My dinners" in shown
    assert "Secrets" not in shown
    assert ".place-1" in new_visitor().get(f"{url}/layout.css").text
    change(cast.host, {**BOARD["modules"][0], "title": "New"})
    assert "New</bdi>" in new_visitor().get(url).text
    # What the creator knew is no longer kept.
    with app.app_context(), transaction():
        db.session.query(DashboardVersion).delete()
    assert new_visitor().get(url).status == 404


def test_a_link_ends_when_it_is_revoked_or_expires(board, host, new_visitor):
    first, second = create(host, board), create(host, board)
    stranger = new_visitor()
    page = host.get(f"/dashboards/{board}/links")
    assert first not in page.text
    revoked = host.submit(page.form("/links/revoke"))
    assert revoked.flashes == [("info", "The link was revoked. It shows nothing any more.")]
    # The newest is the first in the list.
    assert stranger.get(second).status == 404
    assert stranger.get(first).status == 200
    clock.set_now(clock.now() + timedelta(days=8))
    gone = stranger.get(first)
    assert gone.status == 404
    assert "This link is not valid any more." in gone.text
    assert stranger.get(f"{first}/layout.css").status == 404


@pytest.mark.parametrize("change", ["owner", "active"])
def test_a_link_ends_with_the_rights_of_its_creator(app, board, cast, host, new_visitor, change):
    url = create(host, board)
    with app.app_context(), transaction():
        if change == "owner":
            db.session.query(service.Dashboard).filter_by(slug=board).one().owner_id = cast.stranger.id
        else:
            db.session.merge(cast.host).active = False
    assert new_visitor().get(url).status == 404


def test_only_who_may_share_the_dashboard_makes_links(board, cast, new_visitor):
    viewer, stranger = new_visitor(), new_visitor()
    viewer.log_in_as(cast.friend)
    stranger.log_in_as(cast.stranger)
    assert viewer.get(f"/dashboards/{board}/links").status == 403
    assert stranger.get(f"/dashboards/{board}/links").status == 404
    assert viewer.post(f"/dashboards/{board}/links/revoke", {"link": "1"}).status == 403


def test_there_is_a_limit(board, host, monkeypatch):
    monkeypatch.setattr(links, "MAX_LINKS", 1)
    create(host, board)
    page = host.submit(host.get(f"/dashboards/{board}/links").form("/links"), days="7")
    assert page.status == 422
    assert page.flashes == [("danger", "A dashboard can have 1 link. Revoke one first.")]


def test_a_lifetime_that_is_not_offered_is_refused(board, host):
    page = host.post(f"/dashboards/{board}/links", {"days": "100000"})
    assert page.status == 422
    assert page.flashes[0][0] == "danger"


def test_links_and_the_weekly_email_are_in_the_api(app, board, cast, new_visitor):
    owner, viewer = (ApiClient(app, member, base=f"/api/v1/dashboards/{board}") for member in (cast.host, cast.friend))
    made = owner.post("/links", body={"days": 7}, status=201)["result"]
    stranger, path = new_visitor(), urlsplit(made["url"]).path
    assert stranger.get(path).status == 200
    assert [(each["id"], each["creator"], "url" in each) for each in owner.get("/links")["result"]] == [
        (made["id"], cast.host.username, False)
    ]
    assert "days" in owner.ask("POST", "/links", {"days": 366}).json["errors"]
    assert viewer.ask("POST", "/links", {"days": 7}).status_code == 403
    assert viewer.ask("DELETE", f"/links/{made['id']}").status_code == 403
    assert owner.delete(f"/links/{made['id']}")["code"] == "revoked"
    assert stranger.get(path).status == 404
    assert owner.ask("DELETE", f"/links/{made['id']}").status_code == 404
    assert viewer.ask("PUT", "/weekly", {"is_weekly": True}).json["code"] == "subscribed"
    assert viewer.get("/weekly")["result"] == {"is_weekly": True}
    assert owner.get("/weekly")["result"] == {"is_weekly": False}
    assert viewer.ask("PUT", "/weekly", {"is_weekly": False}).json["code"] == "unsubscribed"
    assert viewer.get("/weekly")["result"] == {"is_weekly": False}


def test_expired_links_are_deleted(app, board, host):
    create(host, board)
    clock.set_now(clock.now() + timedelta(days=8))
    with app.app_context(), transaction():
        assert links.delete_expired() == 1
