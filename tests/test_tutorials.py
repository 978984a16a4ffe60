"""The documents for developers are correct: paths and names exist, the plug-in installs, and the code runs."""

import ast
import importlib
import re
import subprocess
import sys
from types import ModuleType

import pytest
from flask import Blueprint, render_template
from flask_babel import gettext
from sqlalchemy import text

from app import plugins, setup
from app.database import transaction
from app.extensions import appbuilder_of, db
from app.i18n import force_locale
from app.outbox.models import Unsubscription
from config import ROOT, ConfigurationError
from tests.support.client import Visitor
from tests.support.factories import PASSWORD, MemberFactory

DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
# Without decision records, which keep the names of their time.
DOCUMENTS = [*TUTORIALS, DOCS / "glossary.md", *(ROOT / f"{name}.md" for name in ("ARCHITECTURE", "CONTRIBUTING"))]
TABLE_HEAD = ["term", "what it means", "class", "table", "folder"]
FOLDERS = ("app", "docs", "examples", "findings", "migrations", "tests", "translations")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")
APPLICANT = {
    "username": "ada",
    "first_name": "Ada",
    "last_name": "Byron",
    "password": "a loom of numbers",
    "confirm": "a loom of numbers",
}


def named(path):
    return path.relative_to(ROOT).as_posix()


def prose(path):
    """Return a document without its code blocks."""
    return FENCE.sub("", path.read_text("utf-8"))


def blocks(path):
    """Return the Python code blocks of a document."""
    return [code for language, code in FENCE.findall(path.read_text("utf-8")) if language == "python"]


def is_there(name):
    """Whether `app.some.module.name` can be imported."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def glossary():
    """Return the rows of the glossary by column, without backticks."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in (DOCS / "glossary.md").read_text("utf-8").splitlines()
        if line.startswith("|")
    ]
    assert [cell.strip() for cell in rows[0]] == TABLE_HEAD
    return [dict(zip(TABLE_HEAD, (cell.strip(" `|") for cell in row), strict=True)) for row in rows[2:]]


# -- names in documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_path_in_a_document_exists(document):
    mentioned = [code for code in CODE.findall(prose(document)) if code.split("/")[0] in FOLDERS and "/" in code]
    wrong = [path for path in mentioned if "<" not in path and not (ROOT / path.removeprefix("/")).exists()]
    wrong += [path for path in LINK.findall(prose(document)) if not (document.parent / path).exists()]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_every_name_in_a_document_exists(document):
    mentioned = [code for code in CODE.findall(prose(document)) if re.fullmatch(r"app(\.\w+)+", code)]
    assert [name for name in mentioned if not is_there(name)] == []


@pytest.mark.parametrize("document", TUTORIALS, ids=named)
def test_every_import_in_a_tutorial_works(document):
    statements = [node for code in blocks(document) for node in ast.walk(ast.parse(code))]
    imported = {
        f"{node.module}.{alias.name}"
        for node in statements
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "app"
        for alias in node.names
    }
    assert [name for name in sorted(imported) if not is_there(name)] == []


def test_the_glossary_names_classes_with_their_tables():
    tables = {(mapper.class_.__name__, mapper.local_table.name) for mapper in db.Model.registry.mappers}
    wrong = [(row["class"], row["table"]) for row in glossary() if row["table"]]
    assert [pair for pair in wrong if pair not in tables] == []


def test_classes_in_the_glossary_are_in_their_folders():
    missing = []
    for row in glossary():
        if row["class"] and not row["table"]:
            place = ROOT / row["folder"]
            files = [place] if place.is_file() else place.rglob("*.py")
            if not any(f"\nclass {row['class']}" in file.read_text("utf-8") for file in files):
                missing.append((row["class"], row["folder"]))
    assert missing == []


def test_the_glossary_is_in_order():
    terms = [row["term"].lower() for row in glossary()]
    assert terms == sorted(set(terms))


# -- the plug-in


@pytest.fixture(scope="module")
def installed_plugin(tmp_path_factory):
    """The folder that the example plug-in was installed to; uv builds it offline."""
    target = tmp_path_factory.mktemp("packages")
    offline = ("--offline", "--no-cache", "--no-deps", "--quiet")
    command = (sys.executable, "-m", "uv", "pip", "install", *offline, "--python", sys.executable, "--target", target)
    subprocess.run([*command, ROOT / "examples" / "plugin_example"], check=True)
    return target


@pytest.fixture
def new_app_with_plugin(new_app, installed_plugin, monkeypatch):
    """Make an application where the example plug-in is installed."""
    monkeypatch.syspath_prepend(installed_plugin)
    yield new_app
    for name in [name for name in sys.modules if name.partition(".")[0] == "email_domains"]:
        del sys.modules[name]


def register(app, email):
    visitor = Visitor(app)
    form = visitor.get("/register/form").form("/register/form")
    typed = {name: text for name, text in APPLICANT.items() if name in form.names}
    return visitor.submit(form, email=email, **typed)


def test_the_plugin_refuses_other_domains_at_the_field(new_app_with_plugin):
    app = new_app_with_plugin(ALLOWED_EMAIL_DOMAINS="example.com, Example.org")
    page = register(app, "ada@elsewhere.example")
    assert page.status == 422
    assert "Please use an e-mail address of one of these domains: example.com, example.org." in page.words
    assert register(app, "ada@EXAMPLE.org").status == 200


@pytest.fixture
def site_with_plugin(new_app_with_plugin):
    """A site that was set up with the plug-in."""
    app = new_app_with_plugin(ALLOWED_EMAIL_DOMAINS="example.com")
    with app.app_context():
        setup.prepare()
    return app


def logged_in(app, member, password=PASSWORD):
    visitor = Visitor(app)
    return visitor, visitor.log_in(member.username, password)


@pytest.mark.both_databases
def test_the_plugin_has_a_page_in_the_menu_with_rows_of_its_own_table(site_with_plugin, cast):
    for email in ("ada@elsewhere.example", "bob@elsewhere.example", "eve@other.example"):
        register(site_with_plugin, email)
    visitor, _page = logged_in(site_with_plugin, cast.admin)
    assert 'href="/refused-domains/"' in visitor.get("/manage/").text
    page = visitor.get("/refused-domains/")
    assert (page.status, page.title) == (200, "Refused domains · DinnerParty")
    assert re.findall(r"<td[^>]*>([^<]*)</td>", page.text) == ["elsewhere.example", "2", "other.example", "1"]
    visitor, page = logged_in(site_with_plugin, cast.friend)
    assert "/refused-domains/" not in page.text
    assert visitor.get("/refused-domains/").status == 403


@pytest.mark.usefixtures("app")
def test_the_plugin_refuses_logins_in_the_language_of_the_reader(site_with_plugin):
    member = MemberFactory(email="ada@elsewhere.example")
    _visitor, page = logged_in(site_with_plugin, member)
    told = "Members with an e-mail address at elsewhere.example may not log in."
    assert (page.status, page.flashes) == (403, [("danger", told)])
    visitor = Visitor(site_with_plugin)
    visitor.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "es"
    page = visitor.log_in(member.username, PASSWORD)
    told = "Los miembros con una dirección de correo de elsewhere.example no pueden iniciar sesión."
    assert page.flashes == [("danger", told)]
    assert logged_in(site_with_plugin, member, "wrong")[1].flashes == [("warning", "Invalid login. Please try again.")]


def test_an_unreadable_rule_of_the_plugin_refuses_all_logins(site_with_plugin, cast):
    # The receiver is marked as required.
    del site_with_plugin.config["ALLOWED_EMAIL_DOMAINS"]
    _visitor, page = logged_in(site_with_plugin, cast.friend)
    told = "A check that this site requires is not working at the moment. Please try again later."
    assert page.flashes == [("danger", told)]


@pytest.mark.both_databases
def test_the_site_waits_for_the_migrations_of_the_plugin_and_outlives_it(new_app_with_plugin, new_app, monkeypatch):
    app = new_app_with_plugin(ALLOWED_EMAIL_DOMAINS="example.com")
    with app.app_context():
        with pytest.raises(ConfigurationError, match="flask --app app setup"):
            setup.refuse_other_schema()
        for _again in range(2):
            setup.prepare()
        setup.refuse_other_schema()
        assert db.session.execute(text("SELECT version_num FROM alembic_version_email_domains")).scalar_one() == "0001"
    monkeypatch.setattr("app.plugins.entry_points", lambda **_group: [])
    app = new_app()
    with app.app_context():
        setup.refuse_other_schema()
        setup.prepare()
    assert Visitor(app).get("/refused-domains/").status == 404


def test_texts_and_templates_of_the_site_come_before_those_of_a_plugin(new_app, tmp_path):
    app = new_app()
    catalog = tmp_path / "catalogs" / "es" / "LC_MESSAGES" / "messages.po"
    catalog.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    catalog.write_text(f'{head}msgid "Log in"\nmsgstr "Hackear"\n\nmsgid "Soup"\nmsgstr "Sopa"\n')
    plugins.add_translations(app, tmp_path / "catalogs")
    login = tmp_path / "pages" / "appbuilder" / "general" / "security" / "login_db.html"
    login.parent.mkdir(parents=True)
    login.write_text("stolen")
    (tmp_path / "pages" / "soup.html").write_text("{{ _('Soup') }}")
    app.register_blueprint(Blueprint("soup", __name__, template_folder=str(tmp_path / "pages")))
    with app.test_request_context(), force_locale("es", None):
        assert (gettext("Log in"), gettext("Soup"), render_template("soup.html")) == ("Iniciar sesión", "Sopa", "Sopa")
    assert Visitor(app).get("/login/").title.startswith("Log in")


@pytest.mark.parametrize(
    ("name", "folder", "told"),
    [("Soup", ".", "must be letters"), ("soup", "nowhere", "there is no folder"), ("taken", ".", "another plug-in")],
)
def test_migrations_of_a_plugin_need_a_name_and_a_folder(new_app, tmp_path, name, folder, told):
    app = new_app()
    plugins.add_migrations(app, "taken", tmp_path)
    with pytest.raises(ValueError, match=told):
        plugins.add_migrations(app, name, tmp_path / folder)


def test_the_plugin_fails_at_startup_without_domains(new_app_with_plugin):
    with pytest.raises(ConfigurationError, match=r"email-domains.*set ALLOWED_EMAIL_DOMAINS"):
        new_app_with_plugin()


def test_the_tutorial_shows_the_code_of_the_plugin():
    tutorial = (DOCS / "tutorials" / "write-a-plugin.md").read_text("utf-8")
    for path in ("pyproject.toml", "email_domains/__init__.py", "email_domains/views.py"):
        assert (ROOT / "examples" / "plugin_example" / path).read_text("utf-8") in tutorial


# -- the admin view


def view_of(code):
    """Return the view that a block of the tutorial declares."""
    module = ModuleType("unsubscriptions")
    exec(compile(code, "add-an-admin-view.md", "exec"), module.__dict__)  # noqa: S102 - our own document
    return module.UnsubscriptionModelView


@pytest.fixture
def administrator(new_app, monkeypatch):
    """Make a browser with every permission, on a site with the view of one code block."""

    def make(number):
        app = new_app()
        with app.app_context():
            appbuilder = appbuilder_of(app)
            appbuilder.add_view_no_menu(view_of(blocks(DOCS / "tutorials" / "add-an-admin-view.md")[number]))
            with transaction():
                rows = [
                    Unsubscription(email=f"{name}@example.com", topic="reminders") for name in ("ana", "tom", "mei")
                ]
                db.session.add_all(rows)
        monkeypatch.setattr(appbuilder.sm, "has_access", lambda *_asked: True)
        monkeypatch.setattr(appbuilder.sm, "is_item_public", lambda *_asked: True)
        return Visitor(app)

    return make


@pytest.mark.parametrize("number", [0, 1])
def test_the_admin_view_lists_and_filters(administrator, number):
    visitor = administrator(number)
    page = visitor.get("/unsubscriptions/list/")
    assert (page.status, page.title.partition(" ")[0]) == (200, "Unsubscriptions")
    assert "ana@example.com" in page.words
    page = visitor.get("/unsubscriptions/list/?_flt_2_email=tom")
    assert "tom@example.com" in page.words
    assert "ana@example.com" not in page.words
    assert visitor.get("/unsubscriptions/show/1").status == 200
    assert visitor.get("/unsubscriptions/add").flashes == [("danger", "Access is Denied")]


def test_the_admin_view_deletes_acts_and_exports(administrator):
    visitor = administrator(1)
    page = visitor.get("/unsubscriptions/delete/1")
    page = visitor.submit(page.form("/unsubscriptions/delete/1"))
    assert page.flashes == [("info", "ana@example.com gets these e-mails again.")]
    file = visitor.get("/unsubscriptions/csv")
    assert [line.split(",")[0] for line in file.text.splitlines()[1:]] == ["mei@example.com", "tom@example.com"]
    page = visitor.post("/unsubscriptions/action_post", {"action": "subscribe_again", "rowid": ["2", "3"]})
    assert page.flashes == [("info", "2 rows deleted.")]
    assert "@example.com" not in visitor.get("/unsubscriptions/csv").text
