"""`flask dashboards import` and `export`, and the first dashboards of a new site."""

import json

import pytest
from flask_babel import force_locale

from app import setup
from app.dashboards import defaults, queries, texts
from app.dashboards.configuration import checking as configuration
from app.dashboards.models import Dashboard
from app.database import transaction
from app.extensions import db
from app.named_queries import QUERIES
from tests.support.factories import DashboardFactory, MemberFactory


@pytest.fixture
def run(app):
    def run(*arguments):
        return app.test_cli_runner().invoke(args=["dashboards", *map(str, arguments)])

    return run


@pytest.fixture
def ours(records):
    """Return the dashboards that are not those of a new site."""
    first = {file.stem.replace("_", "-") for file in defaults.FOLDER.glob("*.json")}
    return lambda: [row for row in records.all(Dashboard) if row.slug not in first]


def write(folder, name, value):
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return file


BOARD = {
    "id": "season-1",
    "name": "Season",
    "category": "Food",
    "layout": "grid",
    "modules": [{"id": "a", "title": "A", "row": 1, "data": {"query": "no_such_query"}}],
}


def test_a_file_is_imported_once_however_often(run, ours, tmp_path, cast):
    file = write(tmp_path, "a.json", BOARD)
    result = run("import", file, "--owner", "host", "--global")
    assert result.exit_code == 0
    assert result.output == (
        f"{file}: Season (season-1) added, 1 modules\n  A: there is no query “no_such_query” on this site.\n"
    )
    write(tmp_path, "a.json", {**BOARD, "name": "Other"})
    assert "changed" in run("import", file).output
    (made,) = ours()
    assert (made.slug, made.name, made.owner_id, made.is_global, made.version) == (
        "season-1",
        "Other",
        cast.host.id,
        True,
        3,
    )


def test_a_file_does_not_take_the_address_of_another_page(run, ours, tmp_path):
    assert run("import", write(tmp_path, "a.json", {**BOARD, "id": "new"})).exit_code == 0
    assert ours()[0].slug != "new"


def test_a_wrong_file_is_named_and_the_others_are_imported(run, ours, tmp_path):
    wrong = write(tmp_path, "wrong.json", '{"layout": "grid",\n"modules": [5]}')
    nothing = write(tmp_path, "nothing.json", "")
    good = write(tmp_path, "without name.json", {"layout": "freeform", "modules": []})
    result = run("import", wrong, nothing, good)
    assert result.exit_code == 1
    assert f"{wrong}: Line 2, column 13, modules[0]: This must be: an object: {{...}}.\n" in result.output
    assert f"{nothing}: Line 1, column 1: A value is missing here.\n" in result.output
    (made,) = ours()
    assert (made.name, made.owner_id, made.is_global) == ("without name", None, False)
    assert run("import", good, "--owner", "nobody").exit_code == 2


def test_dashboards_are_written_to_files_that_can_be_imported(run, ours, tmp_path):
    made = DashboardFactory(slug="it", name="Ättika")
    result = run("export", "it", "missing", "--to", tmp_path / "new" / "folder")
    assert result.exit_code == 1
    assert "There is no dashboard missing." in result.output
    file = tmp_path / "new" / "folder" / "it.json"
    assert json.loads(file.read_text("utf-8"))["name"] == "Ättika"
    assert "it) changed" in run("import", file).output
    # Nothing differs, so that nothing was stored.
    assert [row.version for row in ours()] == [made.version]
    assert run("export", "--to", tmp_path).exit_code == 0
    assert (tmp_path / "hosts-season.json").exists()


THEIRS = {
    "id": "72ea3c5c-7288-11e7-b810-a0999b0aebbf",
    "name": "Of flask_jsondash",
    "layout": "grid",
    "created_by": "global",
    "modules": [
        {"guid": f"m{number}", "name": f"Chart {number}", "family": "C3", "type": "line", "width": "col-12", "height": 260,
         "row": 4, "order": number, "dataSource": "http://127.0.0.1:5004/line"}
        for number in range(3)
    ] + [{"guid": "v", "name": "A film", "family": "Basic", "type": "youtube", "width": "col-6", "row": 7,
          "dataSource": "<iframe></iframe>"}],
}  # fmt: skip


def test_a_file_of_flask_jsondash_is_imported_with_a_note_about_what_is_not_drawn(run, ours, tmp_path):
    result = run("import", write(tmp_path, "theirs.json", THEIRS))
    assert result.exit_code == 0, result.output
    assert f"Of flask_jsondash ({THEIRS['id']}) added, 4 modules\n" in result.output
    assert "\n  A film: " in result.output
    # Who sees it is for the importer to say.
    assert not ours()[0].is_global
    run("export", THEIRS["id"], "--to", tmp_path)
    written = json.loads((tmp_path / f"{THEIRS['id']}.json").read_text("utf-8"))
    # What is too wide for a row begins a new one.
    assert [(module["title"], module["row"]) for module in written["modules"]] == [
        ("Chart 0", 1),
        ("Chart 1", 2),
        ("Chart 2", 3),
        ("A film", 4),
    ]


def test_the_queries_of_the_first_dashboards_exist():
    asked = {
        module["data"]["query"]
        for file in defaults.FOLDER.glob("*.json")
        for module in json.loads(file.read_text("utf-8"))["modules"]
    }
    assert asked <= QUERIES.keys()


def test_a_new_site_has_its_first_dashboards_and_does_not_get_them_again(app, records):
    assert {(row.slug, row.name, row.is_global, row.owner_id) for row in records.all(Dashboard)} == {
        ("administrators-home", "Administrator's home", False, None),
        ("hosts-season", "Host's season", True, None),
    }
    with app.app_context():
        season = queries.by_slug("hosts-season")
        assert {module["title"] for module in season.modules} == {""}
    MemberFactory()
    with app.app_context():
        with transaction():
            db.session.query(Dashboard).delete()
        setup.prepare()
    assert records.all(Dashboard) == []


def test_the_files_of_the_first_dashboards_are_translated(app):
    for file in defaults.FOLDER.glob("*.json"):
        with app.app_context():
            read = configuration.parse(file.read_bytes())
        assert [read["name"], read["description"]] == [str(each) for each in texts.FIRST[read["id"]]]


def test_the_first_dashboards_are_called_in_the_language_of_the_reader_until_somebody_renames_them(app):
    with app.test_request_context():
        first = queries.by_slug("hosts-season")
        written = first.name, first.description
        with force_locale("es"):
            assert texts.name_of(first) not in {"", *written}
            assert texts.description_of(first) not in {"", *written}
            first.name = "Season"
            assert texts.name_of(first) == "Season"
        # One of a member that is called so is called as they have written it.
        first.name, first.slug = written[0], "hosts-season-2"
        with force_locale("es"):
            assert texts.name_of(first) == written[0]
