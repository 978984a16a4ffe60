"""The pages of dashboards: who sees, makes, changes, shares, restores and deletes one, and what they are told."""

import dataclasses
import io
import json
import re
from html import unescape

import pytest
from sqlalchemy import text

from app import named_queries
from app.charts import png, png_process
from app.charts.model import Refusal
from app.dashboards import service
from app.dashboards.data import modules
from app.dashboards.data import service as data
from app.dashboards.enums import MemberRole
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import db
from app.named_queries import NamedQuery
from tests.site.test_statements import statements_of
from tests.support.factories import DinnerPartyFactory

TWO = {
    "version": 1,
    "layout": "grid",
    "modules": [
        {
            "id": "first",
            "title": "First <figure>",
            "type": "bar",
            "data": {"values": [{"month": "May", "parties": 3}, {"month": "June", "parties": 5}]},
            "row": 1,
            "order": 0,
            "width": 6,
            "refresh_seconds": 60,
            "inputs": [
                {"name": "months", "label": "Months", "type": "number", "default": 12},
                {"name": "kind", "type": "select", "options": [["a", "Alpha"], ["b", "Beta"]], "default": "b"},
                {"name": "axes", "label": "Axes", "type": "checkbox", "default": True},
            ],
        },
        {"id": "second", "title": "Second", "type": "number", "data": {"values": 7}, "row": 1, "order": 1, "width": 6},
    ],
}


@pytest.fixture
def board(app, cast):
    """Store a dashboard; `shared` has roles by the names of the cast."""

    def make(owner="host", configuration=TWO, *, is_global=False, name="Season", category="", **shared):
        with app.app_context(), transaction():
            made = service.create(
                owner and db.session.merge(getattr(cast, owner)), name, configuration, category=category
            )
            service.share(made, {getattr(cast, who).username: MemberRole(role) for who, role in shared.items()})
            if is_global:
                service.make_global(made, is_global=True)
            return made.slug

    return make


@pytest.fixture
def stored(app):
    """Return a stored dashboard with its configuration."""

    def read(slug):
        with app.app_context():
            found = db.session.query(Dashboard).filter_by(slug=slug).one()
            _ = found.configuration
            return found

    return read


# -- what there is


def test_the_list_has_own_shared_and_global_dashboards_and_no_others(board, host, cast):
    board(name="Mine")
    board("friend", name="Theirs for me", host="viewer")
    board("friend", name="Theirs for all", is_global=True)
    board("friend", name="Theirs alone")
    for scope, expected in {
        "": {"Mine", "Theirs for me", "Theirs for all"},
        "own": {"Mine"},
        "shared": {"Theirs for me"},
        "global": {"Theirs for all"},
        "nonsense": {"Mine", "Theirs for me", "Theirs for all"},
    }.items():
        text = host.get(f"/dashboards/?scope={scope}").text
        assert {
            name
            for name in ("Mine", "Theirs for me", "Theirs for all", "Theirs alone")
            if f"<bdi>{name}</bdi></a></h2>" in text
        } == expected


def test_the_list_is_searched_by_words_and_category(board, host):
    board(name="Summer", category="Seasons")
    board(name="Winter", category="Seasons")
    board(name="Mail")
    page = host.get("/dashboards/")
    found = host.submit(page.form("/dashboards/"), q="wint", category="Seasons")
    assert "Winter</bdi></a></h2>" in found.text
    assert "Summer</bdi></a></h2>" not in found.text
    assert "No dashboard matches." in host.get("/dashboards/?q=nothing").text


def test_an_empty_list_says_what_to_do(host):
    assert "Create one from the figures of this site" in host.get("/dashboards/?scope=own").text
    assert "Its owner can add you by your username." in host.get("/dashboards/?scope=shared").text


def test_visitors_are_asked_to_log_in(visitor, board):
    slug = board(is_global=True)
    for path in ("", slug, f"{slug}/layout.css", f"{slug}/edit", "new", f"{slug}/modules/first"):
        page = visitor.get(f"/dashboards/{path}", follow=False)
        assert page.status in {302, 303}
        assert "/login/" in page.location


def test_the_number_of_statements_does_not_grow(board, host, client_of, cast):
    slug = board(friend="viewer")
    few = [len(statements_of(host, path)) for path in ("/dashboards/", f"/dashboards/{slug}")]
    for number in range(4):
        board(name=f"Board {number}", stranger="viewer", friend="editor")
    more = [len(statements_of(host, path)) for path in ("/dashboards/", f"/dashboards/{slug}")]
    assert more == few
    # The login, the permissions, the rows with their owners and members, and the categories.
    assert few[0] <= 5
    # And whether the reader gets it by e-mail.
    assert few[1] <= 4


def test_a_module_without_a_title_is_called_by_its_id(board, host):
    slug = board(configuration={**TWO, "modules": [{**each, "title": ""} for each in TWO["modules"]]})
    assert "<bdi>first</bdi></a>" in host.get(f"/dashboards/{slug}").text
    assert "<title>first ·" in host.get(f"/dashboards/{slug}/modules/first").text


# -- what goes wrong


@pytest.fixture
def failing(monkeypatch):
    """Declare a query that asks the database this."""

    def declare(statement):
        def read():
            db.session.execute(text(statement))
            return []

        query = NamedQuery("failing", "Failing", (), read, None)
        monkeypatch.setitem(named_queries.QUERIES, "failing", query)
        failed = {**TWO["modules"][0], "id": "third", "title": "Third", "data": {"query": "failing"}}
        return {**TWO, "modules": [failed | {"row": 1}, *({**each, "row": 2} for each in TWO["modules"])]}

    return declare


@pytest.mark.both_databases
def test_a_query_that_fails_leaves_the_other_charts_of_its_page(board, host, failing):
    slug = board(configuration=failing("SELECT * FROM nowhere"))
    page = host.get(f"/dashboards/{slug}")
    assert page.status == 200
    assert page.text.count("This chart could not be drawn.") == 1
    assert "<svg" in page.text


@pytest.mark.postgresql
def test_a_database_that_goes_away_in_the_middle_of_a_page_is_told_once(board, host, failing):
    slug = board(configuration=failing("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert host.get(f"/dashboards/{slug}").status == 503


def test_a_page_draws_for_seconds_at_most_and_leads_to_the_rest(app, cast, reading_as):
    with reading_as(cast.host), app.app_context():
        dashboard = Dashboard(configuration=TWO, slug="two")
        urls = {"module": "/alone", "svg": "/file"}
        (late, _second) = modules.show_all(dashboard, {}, lambda _module: urls, seconds=-1)
        (early, _second) = modules.show_all(dashboard, {}, lambda _module: urls)
    assert isinstance(late.chart, Refusal)
    assert late.urls == {"module": "/alone"}
    assert early.shown_chart is early.chart
    assert isinstance(dataclasses.replace(early, until=0.0).shown_chart, Refusal)


# -- one


def test_a_dashboard_shows_its_modules_as_drawings_without_javascript(board, host):
    page = host.get(f"/dashboards/{board()}")
    assert page.status == 200
    assert "First &lt;figure&gt;" in page.text
    assert "<svg" in page.text
    assert page.text.index("First &lt;") < page.text.index("Second")
    css = host.get(re.search(r'href="([^"]*layout\.css[^"]*)"', page.text)[1])
    assert ".place-0{grid-column:span 6}" in css.text
    assert css.headers["Content-Type"].startswith("text/css")


def test_a_module_that_fails_says_so_in_its_place(board, host, monkeypatch, caplog):
    def broken(source, *more):
        if source["values"] == 7:
            raise RuntimeError("secret")
        return load(source, *more)

    load = data.load
    monkeypatch.setattr(data, "load", broken)
    page = host.get(f"/dashboards/{board()}")
    assert page.status == 200
    assert "This chart could not be drawn." in page.text
    assert "secret" not in page.text
    assert "<svg" in page.text
    assert "'second' could not be drawn" in caplog.text


def test_inputs_are_a_form_whose_values_become_parameters(board, host, monkeypatch):
    asked = []
    load = data.load
    monkeypatch.setattr(
        data, "load", lambda source, inputs, *more: (asked.append(dict(inputs)), load(source, inputs, *more))[1]
    )
    slug = board()
    page = host.get(f"/dashboards/{slug}?other.x=1")
    assert asked[0] == {"months": "12", "kind": "b", "axes": "true"}
    form = page.form(f"/dashboards/{slug}", index=0)
    assert form.fields["other.x"] == "1"
    form.fields.poplist("first.axes")
    form.fields.add("first.axes", "false")
    asked.clear()
    shown = host.submit(form, **{"first.months": "3", "first.kind": "a"})
    assert asked[0] == {"months": "3", "kind": "a", "axes": "false"}
    assert "first.months=3" in shown.text  # in the links to its files
    asked.clear()
    host.get(f"/dashboards/{slug}?first.kind=hostile")
    assert asked[0]["kind"] == "b"


def test_a_module_is_sent_alone_and_as_files(board, host, client_of, cast):
    slug = board()
    alone = host.get(f"/dashboards/{slug}/modules/first")
    assert "First &lt;figure&gt;</h1>" in alone.text
    assert "<svg" in alone.text
    part = host.get(f"/dashboards/{slug}/modules/first", headers={"X-Fragment": "yes"})
    assert "<html" not in part.text
    assert "<svg" in part.text
    for kind, content_type in {"svg": "image/svg+xml", "csv": "text/csv"}.items():
        file = host.get(f"/dashboards/{slug}/modules/first.{kind}")
        assert (file.status, file.response.mimetype) == (200, content_type)
        assert f"first.{kind}" in file.headers["Content-Disposition"]
        assert client_of(cast.friend).get(f"/dashboards/{slug}/modules/first.{kind}").status == 404
    assert host.get(f"/dashboards/{slug}/modules/gone").status == 404


def test_a_picture_is_drawn_in_another_process(board, host, monkeypatch):
    slug = board()
    code = "import json, sys; sys.stdout.buffer.write(b'PNG' + json.load(sys.stdin)['svg_string'][:4].encode())"
    monkeypatch.setattr(png, "find_fonts", lambda: ("Any", []))
    monkeypatch.setattr(png_process, "CODE", code)
    file = host.get(f"/dashboards/{slug}/modules/first.png")
    assert (file.response.mimetype, file.response.data) == ("image/png", b"PNG<svg")
    monkeypatch.setattr(png_process, "CODE", "raise MemoryError")
    page = host.get(f"/dashboards/{slug}/modules/first.png")
    assert page.status == 404
    assert "Take the SVG file instead." in page.text


def test_a_picture_that_hangs_is_given_up(board, host, monkeypatch):
    slug = board()
    monkeypatch.setattr(png, "find_fonts", lambda: ("Any", []))
    monkeypatch.setattr(png_process, "CODE", "import sys; sys.stdin.read(); sys.stdin.close()\nwhile True: pass")
    monkeypatch.setattr(png_process, "SECONDS", 0.3)
    page = host.get(f"/dashboards/{slug}/modules/first.png")
    assert page.status == 404
    assert "Take the SVG file instead." in page.text


# -- who may


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (None, "", 404),
        (None, "/edit", 404),
        ("viewer", "", 200),
        ("viewer", "/history", 200),
        ("viewer", "/edit", 403),
        ("viewer", "/json", 403),
        ("viewer", "/arrange", 403),
        ("viewer", "/members", 403),
        ("editor", "/edit", 200),
        ("editor", "/arrange", 200),
        ("editor", "/delete", 403),
        ("editor", "/members", 403),
    ],
)
def test_each_object_has_its_own_rights(board, client_of, cast, role, path, status):
    slug = board(**({"friend": role} if role else {}))
    page = client_of(cast.friend).get(f"/dashboards/{slug}{path}")
    assert page.status == status
    if status == 403:
        assert "You do not have access to" in page.text
    if status == 404:
        assert "There is no dashboard" in page.text


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("viewer", {"history"}),
        ("editor", {"edit", "arrange", "json", "files", "history"}),
        ("owner", {"edit", "arrange", "json", "files", "history", "members", "links", "delete"}),
    ],
)
def test_a_page_offers_what_its_reader_may_do(board, client_of, cast, role, offered):
    slug = board("friend") if role == "owner" else board(friend=role)
    page = client_of(cast.friend).get(f"/dashboards/{slug}")
    linked = set(re.findall(rf'href="/dashboards/{slug}/(\w+)"', page.text))
    assert linked == offered


def test_a_refused_post_changes_nothing_and_is_told_once(board, client_of, cast, stored):
    slug, friend = board(friend="viewer"), client_of(cast.friend)
    for path in ("edit", "json", "arrange", "restore", "undo", "delete", "members", "members/remove", "global"):
        page = friend.post(f"/dashboards/{slug}/{path}", {"version": "1", "action": "right:first"})
        assert page.status == 403, path
        assert len(page.flashes) == 1
        assert page.flashes[0][0] == "danger"
    assert friend.post("/dashboards/nothing/delete").status == 404
    assert stored(slug).version == 1


# -- create and change


def test_a_dashboard_is_created_with_modules(host, stored):
    page = host.get("/dashboards/new")
    page = host.submit(page.form("/dashboards/new"), name="My season", category="Mine", button=("action", "add"))
    assert page.flashes == [("info", "This is not saved yet. Save to keep it.")]
    fields = {"modules-0-title": "Guests", "modules-0-values": "[1, 2", "modules-0-source": "values"}
    page = host.submit(page.form("/dashboards/new"), button=("action", "save"), **fields)
    assert page.status == 422
    assert "[1, 2" in page.text
    assert "This is not valid JSON." in page.text
    page = host.submit(page.form("/dashboards/new"), button=("action", "save"), **{"modules-0-values": "[1, 2]"})
    assert [kind for kind, _text in page.flashes] == ["info"]
    made = stored(page.path.rpartition("/")[2])
    assert (made.name, made.category, made.modules[0]["title"]) == ("My season", "Mine", "Guests")
    assert made.modules[0]["data"] == {"values": [1, 2]}


def test_the_form_keeps_what_it_does_not_show(board, host, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/edit").form("/edit")
    page = host.submit(form, **{"modules-1-title": "Other"}, button=("action", "save"))
    assert page.flashes == [("info", "The dashboard “Season” was saved.")]
    first, second = stored(slug).modules
    assert len(first["inputs"]) == 3
    assert second["title"] == "Other"


def test_who_may_not_show_dashboards_to_everybody_is_not_offered_it(host, admin, board, stored):
    slug = board()
    assert "is_global" not in host.get(f"/dashboards/{slug}/edit").form("/edit").names
    admin.submit(admin.get(f"/dashboards/{slug}/edit").form("/edit"), is_global="y", button=("action", "save"))
    assert stored(slug).is_global


def test_two_people_who_edit_by_form_see_both_texts(board, host, client_of, cast, stored):
    slug, friend = board(friend="editor"), client_of(cast.friend)
    mine, theirs = (reader.get(f"/dashboards/{slug}/edit").form("/edit") for reader in (host, friend))
    friend.submit(theirs, **{"modules-1-title": "Theirs"}, button=("action", "save"))
    page = host.submit(mine, **{"modules-1-title": "Mine"}, button=("action", "save"))
    assert page.status == 409
    assert [kind for kind, _text in page.flashes] == ["warning"]
    assert "Theirs" in page.text
    assert 'value="Mine"' in page.text
    again = host.submit(page.form("/edit"), button=("action", "save"))
    assert again.status == 200
    assert stored(slug).modules[1]["title"] == "Mine"


def test_json_is_edited_and_each_mistake_has_its_line_and_path(board, host, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/json").form("/json")
    text = form.fields["text"]
    wrong = text.replace('"width": 6', '"width": 60', 1)
    line = wrong[: wrong.index('"width": 60')].count("\n") + 1
    page = host.submit(form, text=wrong)
    assert page.status == 422
    assert len(page.flashes) == 1
    assert f'data-line="{line}"' in page.text
    assert "modules[0].width" in page.text
    assert page.form("/json").fields["text"].strip() == wrong.strip()
    page = host.submit(page.form("/json"), text=text.replace("Second", "Third").replace("Season", "Summer"))
    assert page.status == 200
    assert (stored(slug).name, stored(slug).modules[1]["title"]) == ("Summer", "Third")


def test_two_people_who_edit_json_see_both_texts(board, host, stored):
    slug = board()
    mine, other = (host.get(f"/dashboards/{slug}/json").form("/json") for _number in range(2))
    host.submit(other, text=other.fields["text"].replace("Second", "Theirs"))
    page = host.submit(mine, text=mine.fields["text"].replace("Second", "Mine"))
    assert page.status == 409
    assert "<del>" in page.text
    assert "Theirs" in page.text
    assert "Mine" in page.form("/json").fields["text"]
    assert host.submit(page.form("/json")).status == 200
    assert stored(slug).modules[1]["title"] == "Mine"


def test_a_long_configuration_can_be_edited_and_a_longer_one_is_refused_in_words(board, host, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/json").form("/json")
    long = json.dumps(
        {**TWO, "modules": [{**TWO["modules"][1], "data": {"values": ["é" * 99_000] * 5}}]}, ensure_ascii=False
    )
    assert host.submit(form, text=long).status == 200
    assert len(stored(slug).modules[0]["data"]["values"]) == 5
    form = host.get(f"/dashboards/{slug}/json").form("/json")
    page = host.submit(form, text=long.replace("é" * 99_000, "é" * 110_000))
    assert page.status == 422
    assert "A dashboard has at most 1024 KB of text." in page.text


def test_a_dashboard_is_created_from_json(host, stored):
    form = host.get("/dashboards/new/json").form("/json")
    page = host.submit(form, text=json.dumps({"name": "From text", **TWO}))
    assert stored(page.path.rpartition("/")[2]).name == "From text"
    page = host.submit(form, text="{")
    assert page.status == 422
    assert page.form("/json").fields["text"] == "{"


def test_a_file_that_was_downloaded_is_imported(board, host, stored):
    file = host.get(f"/dashboards/{board()}/dashboard.json")
    assert "attachment" in file.headers["Content-Disposition"]
    content = {"file": (io.BytesIO(file.response.data), "season.json")}
    page = host.post("/dashboards/import", content, content_type="multipart/form-data")
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert stored(page.path.rpartition("/")[2]).modules == stored(page.path.rpartition("/")[2]).modules
    for wrong in (b"", b"nothing", b"[]", b"\xff\xfe"):
        content = {"file": (io.BytesIO(wrong), "wrong.json")}
        page = host.post("/dashboards/import", content, content_type="multipart/form-data")
        assert page.status == 422
        assert len(page.flashes) == 1


def test_a_csv_file_is_added_shown_by_a_module_and_deleted(board, host, client_of, cast, stored):
    slug = board(friend="viewer")
    path = f"/dashboards/{slug}/files"
    page = host.post(path, {"file": (io.BytesIO(b"month,guests\nMay,3\nJune,5\n"), "guests.csv")})
    assert [kind for kind, _text in page.flashes] == ["info"]
    form = host.get(f"/dashboards/{slug}/edit").form("/edit")
    key = page.form("/files/delete").fields["key"]
    page = host.submit(
        form, **{"modules-1-source": f"upload:{key}", "modules-1-kind": "bar"}, button=("action", "save")
    )
    assert stored(slug).modules[1]["data"] == {"upload": key}
    assert "June" in client_of(cast.friend).get(f"/dashboards/{slug}/modules/second").text
    wrong = host.post(path, {"file": (io.BytesIO(b""), "empty.csv")})
    assert (wrong.status, len(wrong.flashes)) == (422, 1)
    page = host.submit(host.get(path).form("/files/delete"))
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert [kind for kind, _text in host.post(f"{path}/delete", {"key": key}).flashes] == ["warning"]
    assert "There is no uploaded file" in host.get(f"/dashboards/{slug}").text
    assert host.submit(host.get(f"/dashboards/{slug}/edit").form("/edit"), button=("action", "save")).status == 200


# -- arrange


def test_a_module_moves_and_grows_by_buttons(board, host, stored):
    slug = board()
    page = host.get(f"/dashboards/{slug}/arrange")
    page = host.submit(page.form("/arrange"), button=("action", "right:first"))
    ((kind, text),) = page.flashes
    assert (kind, unescape(text)) == (
        "info",
        "“First <figure>” is number 2 of 2 in row 1, 6 of 12 columns wide and 300 pixels tall.",
    )
    page = host.submit(page.form("/arrange"), button=("action", "narrower:first"))
    places = {each["id"]: (each["row"], each["order"], each["width"]) for each in stored(slug).modules}
    assert places == {"first": (1, 1, 5), "second": (1, 0, 6)}
    page = host.submit(page.form("/arrange"), button=("action", "right:first"))
    assert "cannot go further" in page.flashes[0][1]
    assert stored(slug).version == 3


@pytest.mark.parametrize("sent", [{"action": "right:gone"}, {"action": ""}, {"action": "resize:first", "width": "x"}])
def test_what_cannot_be_moved_is_told(board, host, stored, sent):
    slug = board()
    page = host.post(f"/dashboards/{slug}/arrange", {"version": "1", **sent})
    assert [kind for kind, _text in page.flashes] == ["warning"]
    assert stored(slug).version == 1


def test_who_arranges_an_old_version_sees_the_new_one(board, host, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/arrange").form("/arrange")
    host.submit(form, button=("action", "down:first"))
    page = host.submit(form, button=("action", "wider:second"))
    assert "nothing was moved" in page.flashes[0][1]
    assert stored(slug).version == 2


# -- history, copies, the end


def test_the_history_tells_what_changed_and_restores(board, host, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/edit").form("/edit")
    host.submit(form, name="Summer", **{"modules-1-title": "Other"}, button=("action", "save"))
    page = host.get(f"/dashboards/{slug}/history/2")
    assert "It was called “Season” before." in page.text
    assert "The module “Other” was changed." in page.text
    assert "<del>" in page.text
    page = host.submit(host.get(f"/dashboards/{slug}/history").form("/undo"))
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert (stored(slug).name, stored(slug).modules[1]["title"]) == ("Season", "Second")
    page = host.submit(host.get(f"/dashboards/{slug}/history/2").form("/restore"), button=("number", "2"))
    assert stored(slug).name == "Summer"
    assert host.get(f"/dashboards/{slug}/history/99").status == 404


def test_a_dashboard_is_cloned_and_deleted(board, client_of, cast, host, records, stored):
    slug, friend = board(friend="viewer"), client_of(cast.friend)
    page = friend.submit(friend.get(f"/dashboards/{slug}").form("/clone"))
    copy = stored(page.path.rpartition("/")[2])
    assert (copy.name, copy.owner_id) == ("Clone of Season", cast.friend.id)
    page = host.submit(host.get(f"/dashboards/{slug}/delete").form("/delete"))
    assert page.flashes == [("info", "The dashboard “Season” was deleted.")]
    assert host.get(f"/dashboards/{slug}").status == 404
    page = host.post(f"/dashboards/{slug}/delete")
    assert (page.status, page.flashes[0][0]) == (404, "danger")


def test_members_are_added_and_removed(board, host, client_of, cast, stored):
    slug = board()
    form = host.get(f"/dashboards/{slug}/members").form("/members")
    page = host.submit(form, username="nobody-at-all")
    assert (page.status, len(page.flashes)) == (422, 1)
    assert 'value="nobody-at-all"' in page.text
    page = host.submit(page.form("/members"), username="friend", role="editor")
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert client_of(cast.friend).get(f"/dashboards/{slug}/edit").status == 200
    page = host.submit(page.form("/members/remove"))
    assert [kind for kind, _text in page.flashes] == ["info"]
    assert client_of(cast.friend).get(f"/dashboards/{slug}").status == 404


def test_an_administrator_shows_a_dashboard_to_everybody(board, admin, client_of, cast, stored):
    slug = board()
    page = admin.submit(admin.get(f"/dashboards/{slug}/members").form("/global"), button=("is_global", "yes"))
    assert len(page.flashes) == 1
    assert client_of(cast.stranger).get(f"/dashboards/{slug}").status == 200


@pytest.mark.parametrize(("locale", "title"), [("en", "My parties per month"), ("es", "Mis cenas por mes")])
def test_a_module_without_a_title_has_that_of_its_query(app, board, cast, client_of, locale, title):
    module = {"id": "mine", "title": "", "type": "bar", "data": {"query": "my_parties_per_month"}, "row": 1, "width": 6}
    slug = board(configuration={**TWO, "modules": [module, {**module, "id": "again"}]})
    with app.app_context(), transaction():
        db.session.merge(cast.host).locale = locale
    visitor = client_of(cast.host)
    page = visitor.get(f"/dashboards/{slug}")
    assert len(re.findall(rf"<bdi>{title}</bdi>", page.text)) >= 2
    # The form keeps it so, and asks for a title only where there is no query.
    page = visitor.submit(visitor.get(f"/dashboards/{slug}/edit").form("/edit"), button=("action", "save"))
    assert page.flashes[0][0] == "info"
    form = visitor.get(f"/dashboards/{slug}/edit").form("/edit")
    page = visitor.submit(form, button=("action", "save"), **{"modules-0-source": "values", "modules-0-values": "[1]"})
    assert page.status == 422


def test_of_modules_with_one_title_the_one_that_was_moved_is_told(board, host):
    module = {"title": "Twin", "type": "number", "data": {"values": 7}, "row": 1, "width": 4}
    slug = board(configuration={**TWO, "modules": [{**module, "id": each} for each in ("a", "b", "c")]})
    page = host.post(f"/dashboards/{slug}/arrange", {"version": "1", "action": "right:b"})
    assert "“Twin” is number 3 of 3 in row 1" in page.flashes[0][1]


def test_hosts_and_administrators_find_the_dashboards_that_came_with_the_site(app, cast, client_of):
    host, link = client_of(cast.host), "/dashboards/?first=hosts-season"
    own = f"/user/{cast.host.username}"
    assert link not in host.get(own).text
    DinnerPartyFactory(host=cast.host)
    assert link in host.get(own).text
    assert link not in client_of(cast.friend).get(own).text
    assert host.get(link).path == "/dashboards/hosts-season"
    admin = client_of(cast.admin)
    assert "/dashboards/?first=administrators-home" in admin.get("/statistics/").text
    assert admin.get("/dashboards/?first=administrators-home").path == "/dashboards/administrators-home"
    admin.post("/dashboards/hosts-season/delete")
    # A link to what is no longer there leads to those that are.
    assert (host.get(link).status, host.get(link).path) == (200, "/dashboards/")
    assert host.get("/dashboards/?first=elsewhere").path == "/dashboards/"
