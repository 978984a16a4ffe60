"""The tools for translators, on a small project of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po, write_po
from click.testing import Result

from app.i18n import catalogs, files, validity
from app.i18n.cli import group
from app.i18n.plurals import rule_of
from tests.i18n.conftest import MakeSite

Run = Callable[..., Result]

UNMARKED = files.UNMARKED
KEPT = f"# {catalogs.KEEP_COMPLETE}\n"
VIEWS = """
from flask_babel import gettext as _, lazy_gettext, lazy_ngettext, lazy_pgettext, ngettext

# Translators: above the list
TITLE = lazy_gettext("Dinner")
_l = lazy_gettext
OTHER = _l("Table")
MONTH = lazy_pgettext("month", "May")
SEATS = lazy_ngettext("%(num)d seat", "%(num)d seats", num=2)
HALF = _("100 % cotton")

def greet(name, n):
    return _("Hi %(name)s", name=name) + ngettext("%(num)d guest", "%(num)d guests", n)
"""
TEMPLATE = """
{% trans %}
  Welcome
  in
{% endtrans %}
<input title="{{ _('Dinner') }}">
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project with two sources; the packages' texts are left out, to keep the tests short."""
    monkeypatch.setattr(files, "PACKAGES", ())
    monkeypatch.setattr(files, "UNMARKED", {})
    (tmp_path / "app" / "templates").mkdir(parents=True)
    (tmp_path / "app" / "views.py").write_text(VIEWS)
    (tmp_path / "app" / "templates" / "page.html").write_text(TEMPLATE)
    (tmp_path / "app" / "templates" / "subject.txt").write_text("{{ _('Your seat') }}")
    (tmp_path / "babel.cfg").write_text((Path(__file__).parents[2] / "babel.cfg").read_text())
    (tmp_path / "other.py").write_text('_("Not ours")')
    return tmp_path


@pytest.fixture
def run(project: Path, make_site: MakeSite) -> Run:
    """Run `flask i18n ...` and return what it did."""
    assert (project / "babel.cfg").exists()
    app = make_site()

    def invoke(*arguments: str) -> Result:
        return app.test_cli_runner().invoke(group, arguments)

    return invoke


@pytest.fixture
def complete(run: Run, translations: Path) -> Path:
    """Make catalogs that pass every gate, and return the Spanish one."""
    run()
    for path in files.po_paths(translations):
        catalog = catalogs.read(path)
        for message in catalogs.messages(catalog):
            sources = catalogs.sources_of(message)
            message.string = sources[0] if len(sources) == 1 else (sources[1],) * len(catalogs.texts_of(message))
        catalog.is_kept_complete = True
        files.write(catalog, path, files.key_of(path))
    assert run("check").output == "3 catalogs are valid, 3 of them complete.\n"
    return files.po_path(translations, "es")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_extraction_finds_python_templates_and_mails_of_the_application_only(run: Run, translations: Path) -> None:
    assert run("extract").exit_code == 0
    text = (translations / "messages.pot").read_text()
    for msgid in ("Dinner", "Table", "May", "Hi %(name)s", "Welcome in", "Your seat", "100 % cotton"):
        assert f'msgid "{msgid}"' in text
    assert 'msgctxt "month"\nmsgid "May"' in text
    assert '#. above the list\nmsgid "Dinner"' in text
    assert 'msgid "%(num)d seat"\nmsgid_plural "%(num)d seats"' in text
    assert '#, python-format\nmsgid "100 % cotton"' not in text
    assert "Not ours" not in text


def test_extraction_includes_visible_texts_of_packages(
    run: Run, translations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PACKAGES", ("flask_appbuilder", "wtforms"))
    monkeypatch.setattr(files, "UNMARKED", UNMARKED)
    run("extract")
    text = (translations / "messages.pot").read_text()
    for msgid in (
        "This field is required.",
        "List Users",
        "Access is Denied",
        "Please log in to access this page.",
    ):
        assert f'msgid "{msgid}"' in text
    assert str(Path.home()) not in text


def test_the_template_and_the_catalogs_name_no_files(run: Run, complete: Path, translations: Path) -> None:
    for path in (complete, translations / "messages.pot"):
        assert "#:" not in path.read_text()


def test_the_places_of_a_text_are_found_on_demand(run: Run) -> None:
    assert run("where", "dinner").output.splitlines() == ["app/templates/page.html:6: Dinner", "app/views.py:5: Dinner"]
    assert run("where", "guests").output.splitlines() == ["app/views.py:13: %(num)d guest"]
    missing = run("where", "breakfast")
    assert (missing.exit_code, missing.output) == (1, "Error: No text contains “breakfast”.\n")


def test_a_second_extraction_changes_nothing(run: Run, translations: Path) -> None:
    run("extract")
    before = (translations / "messages.pot").read_bytes()
    assert "nothing changed" in run("extract").output
    assert (translations / "messages.pot").read_bytes() == before


def test_an_update_keeps_translations_and_drops_removed_texts(run: Run, complete: Path, project: Path) -> None:
    edit(complete, 'msgstr "Dinner"', 'msgstr "Cena"')
    edit(complete, 'msgid "Table"', '# checked with the cook\nmsgid "Table"')
    edit(project / "app" / "views.py", '"Hi %(name)s"', '"Hello %(name)s"')
    run("extract")
    output = run("update").output
    text = complete.read_text()
    assert 'msgid "Dinner"\nmsgstr "Cena"' in text
    assert "# checked with the cook" in text
    assert "Hi %(name)s" not in text
    assert 'msgid "Hello %(name)s"\nmsgstr ""' in text
    assert "translations/es/LC_MESSAGES/messages.po: written, 1 to translate" in output
    assert "fuzzy" not in text


def test_a_text_that_becomes_a_plural_is_translated_anew(run: Run, complete: Path, project: Path) -> None:
    edit(project / "app" / "views.py", '_l("Table")', 'ngettext("Table", "Tables", 2)')
    run("extract")
    run("update")
    assert 'msgid "Table"\nmsgid_plural "Tables"\nmsgstr[0] ""\nmsgstr[1] ""' in complete.read_text()


def test_english_is_its_own_translation(run: Run, translations: Path) -> None:
    run()
    text = files.po_path(translations, "en").read_text()
    assert 'msgid "Dinner"\nmsgstr "Dinner"' in text
    assert 'msgstr[0] "%(num)d guest"\nmsgstr[1] "%(num)d guests"' in text


def test_a_new_locale_starts_with_the_translations_of_packages(
    run: Run, translations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PACKAGES", ("wtforms",))
    run("extract")
    result = run("add", "pl")
    assert result.exit_code == 0, result.output
    text = files.po_path(translations, "pl").read_text()
    assert 'msgid "This field is required."\nmsgstr "To pole jest wymagane."' in text
    assert "nplurals=3" in text
    assert 'msgid_plural "%(num)d guests"\nmsgstr[0] ""\nmsgstr[1] ""\nmsgstr[2] ""\n' in text


@pytest.mark.parametrize(
    ("locale", "reason"),
    [("xx", "not a locale"), ("pt-BR", "did you mean pt_BR"), ("../es", "not a locale"), ("es", "already exists"),
     ("zh_TW", "did you mean zh_Hant")],
)  # fmt: skip
def test_a_locale_that_cannot_be_added_is_refused(run: Run, locale: str, reason: str) -> None:
    run("extract")
    result = run("add", locale)
    assert result.exit_code != 0
    assert reason in result.output


@pytest.mark.parametrize("tool", ["wrapped", "with line numbers", "with dates and obsolete texts"])
def test_formatting_makes_files_of_different_editors_equal(run: Run, complete: Path, tool: str) -> None:
    before = complete.read_text()
    with complete.open(encoding="utf-8") as file:
        catalog = read_po(file, locale="es")
    if tool == "with line numbers":
        for message in catalog:
            message.locations = [("app/views.py", 7)]
    with complete.open("wb") as saved:
        write_po(saved, catalog, width=20 if tool == "wrapped" else 76, sort_output=False)
    if tool == "with dates and obsolete texts":
        complete.write_text(complete.read_text() + '\n#~ msgid "Gone"\n#~ msgstr "Ido"\n')
    assert complete.read_text() != before
    assert run("format").exit_code == 0
    assert complete.read_text() == before
    assert run("format").output.count("nothing changed") == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('msgstr "Hi %(name)s"', 'msgstr "Hola"', '"Hi %(name)s": placeholder %(name)s is missing'),
        (
            'msgstr "Hi %(name)s"',
            'msgstr "%(name)s %(x)d"',
            '"Hi %(name)s": placeholder %(x)d is not in the source',
        ),
        (
            'msgstr "Hi %(name)s"',
            'msgstr "%(name)s 100 %"',
            '"Hi %(name)s": placeholder % is not in the source',
        ),
        (
            'msgstr[1] "%(num)d seats"',
            'msgstr[1] "sillas"',
            '"%(num)d seat": form 1: placeholder %(num)d is missing',
        ),
        ('msgstr "Dinner"', 'msgstr "<b>Cena"', '"Dinner": tag <b> is not in the source'),
        ('msgstr "Dinner"', 'msgstr "Cena "', '"Dinner": the end must not be white space as in the source'),
        (
            'msgstr "Dinner"',
            'msgstr " Cena"',
            '"Dinner": the beginning must not be white space as in the source',
        ),
        ('msgstr "Dinner"', 'msgstr "Ce\u202ena"', '"Dinner": character U+202E is not allowed'),
        ('msgstr "Dinner"', 'msgstr "Ce\x07na"', '"Dinner": character U+0007 is not allowed'),
        ('msgstr "Dinner"', 'msgstr "Ce\u200bna"', '"Dinner": character U+200B is not allowed'),
        ('msgstr "Dinner"', 'msgstr ""', '"Dinner": is not translated'),
        ('msgstr[0] "%(num)d seats"', 'msgstr[0] ""', '"%(num)d seat": is not translated'),
        ('msgid "Dinner"', '#, fuzzy\nmsgid "Dinner"', '"Dinner": is marked fuzzy'),
        ('msgid "Dinner"', 'msgid "Diner"', '"Diner": is not in the sources: run `flask i18n update`'),
        ('msgid "Dinner"', 'msgid "Diner"', '"Dinner": is missing: run `flask i18n update`'),
        ('msgid "Table"', '#~ msgid "Gone"\n#~ msgstr "Ido"\n\nmsgid "Table"', '"Gone": is obsolete'),
        (
            'msgid "Table"',
            '#: app/views.py:7\nmsgid "Table"',
            "not in the canonical form: run `flask i18n format`",
        ),
        ("nplurals=2", "nplurals=3", "not in the canonical form"),
        ("plural=(n != 1)", "plural=EXPRESSION", "the header's Plural-Forms is damaged"),
        ("nplurals=2", "nplurals=1", "the header's Plural-Forms is damaged"),
        ("(n != 1)", "(n > 1)", "not in the canonical form"),
        ('msgid "Table"', 'msgxx "Table"', 'this cannot be read: msgxx "Table"'),
    ],
)
def test_the_check_reports_problems_with_their_line(run: Run, complete: Path, old: str, new: str, reason: str) -> None:
    edit(complete, old, new)
    result = run("check")
    assert result.exit_code == 1
    found = [line for line in result.output.splitlines() if reason in line]
    assert found
    assert found[0].startswith("translations/es/LC_MESSAGES/messages.po:")


def test_the_line_of_a_problem_is_that_of_its_text(run: Run, complete: Path) -> None:
    edit(complete, 'msgstr "Hi %(name)s"', 'msgstr "Hola"')
    line = complete.read_text().splitlines().index('msgid "Hi %(name)s"') + 1
    expected = f'translations/es/LC_MESSAGES/messages.po:{line}: "Hi %(name)s": placeholder %(name)s is missing'
    assert expected in run("check").output.splitlines()


def test_a_plural_form_for_a_single_number_may_omit_the_number(run: Run, complete: Path) -> None:
    edit(complete, 'msgstr[0] "%(num)d seats"', 'msgstr[0] "una silla"')
    assert run("check").exit_code == 0


def test_a_catalog_with_too_many_tags_or_too_few_is_refused(run: Run, complete: Path, project: Path) -> None:
    edit(project / "app" / "views.py", '"Dinner"', "'<a href=\"/\">Dinner</a>'")
    run()
    text = complete.read_text()
    source = r'msgid "<a href=\"/\">Dinner</a>"' + "\nmsgstr "
    complete.write_text(text.replace(source + '""', source + r'"<a href=\"//evil\">Cena</a>"'))
    output = run("check").output
    assert 'tag <a href="/"> is missing' in output
    assert 'tag <a href="//evil"> is not in the source' in output


@pytest.mark.usefixtures("complete")
def test_a_stale_template_is_found(run: Run, project: Path) -> None:
    edit(project / "app" / "views.py", '"Dinner"', '"Supper"')
    result = run("check")
    assert result.exit_code == 1
    assert "translations/messages.pot:1: not what the sources say: run `flask i18n extract`" in result.output


def test_a_catalog_without_a_known_plural_rule_is_refused(run: Run, complete: Path) -> None:
    tlh = complete.parents[2] / "tlh" / "LC_MESSAGES" / "messages.po"
    tlh.parent.mkdir(parents=True)
    tlh.write_text(complete.read_text())
    assert "tlh/LC_MESSAGES/messages.po:1: The plural rule of tlh is unknown" in run("check").output


def test_an_unreadable_catalog_is_reported_with_its_line(run: Run, complete: Path) -> None:
    edit(complete, 'msgid "Table"', 'msgxx "Table"')
    for command in ("update", "format", "compile", "stats"):
        result = run(command)
        assert result.exit_code == 1
        assert "translations/es/LC_MESSAGES/messages.po:" in result.output


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('msgstr "Dinner"', 'msgstr "Dinner', 2, '"Dinner": the closing quote is missing'),
        ('msgid "Dinner"', '<<<<<<< HEAD\nmsgid "Dinner"', 1, "this is a merge conflict"),
        ('msgid "Dinner"', 'msgid "Dinner"\nmsgstr "Cena"\n\nmsgid "Dinner"', 4, '"Dinner": is defined twice'),
        ('"Language: es', '"Language: de', 0, "the header says that this is de, the folder that it is es"),
    ],
)
def test_nothing_is_written_while_a_file_is_damaged(
    run: Run, complete: Path, project: Path, old: str, new: str, line: int, reason: str
) -> None:
    edit(project / "app" / "views.py", '_l("Table")', '_l("Desk")')
    number = complete.read_text().splitlines().index('msgid "Dinner"') + line if line else 1
    edit(complete, old, new)
    before = {path: path.read_bytes() for path in complete.parents[2].rglob("*.po*")}
    for command in ([], ["update"], ["format"]):
        result = run(*command)
        assert result.exit_code == 1
        assert f"translations/es/LC_MESSAGES/messages.po:{number}: {reason}" in result.output
        assert {path: path.read_bytes() for path in before} == before
    assert f"messages.po:{number}: {reason}" in run("check").output


def test_a_file_cut_off_between_two_texts_is_not_filled_with_empty_ones(
    run: Run, complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOST_TEXTS", 3)
    text = complete.read_text()
    complete.write_text(text[: text.index('msgid "Hi %(name)s"')].removesuffix("#, python-format\n"))
    before = complete.read_bytes()
    assert "texts are missing after this one: the file was cut off" in run("update").output
    assert complete.read_bytes() == before


def test_without_a_template_the_commands_say_what_to_do(run: Run) -> None:
    result = run("update")
    assert result.exit_code == 1
    assert "translations/messages.pot does not exist: run `flask i18n extract`" in result.output


def test_compiled_files_omit_fuzzy_and_incomplete_texts(run: Run, complete: Path, tmp_path: Path) -> None:
    edit(complete, 'msgstr "Dinner"', 'msgstr "Cena"')
    edit(complete, 'msgstr[0] "%(num)d seats"', 'msgstr[0] ""')
    edit(complete, 'msgid "Table"', '#, fuzzy\nmsgid "Table"')
    assert run("compile").exit_code == 0
    compiled = tmp_path / "instance" / "translations" / "es" / "LC_MESSAGES" / "messages.mo"
    with compiled.open("rb") as file:
        catalog = read_mo(file)
    assert catalog["Dinner"].string == "Cena"
    assert "Table" not in catalog
    assert "%(num)d seat" not in catalog


def test_the_statistics_count_unreviewed_texts(run: Run, complete: Path) -> None:
    edit(complete, 'msgid "Table"', '# machine: draft 2026-01-31\nmsgid "Table"')
    edit(complete, 'msgstr "Dinner"', 'msgstr ""')
    total = len(list(catalogs.messages(catalogs.read(complete))))
    expected = f"es: {100 * (total - 1) // total} %, {total - 1} of {total}; 0 fuzzy, 1 unchecked"
    assert expected in run("stats").output.splitlines()


def test_the_bare_command_updates_and_fails_while_a_complete_language_lacks_texts(
    run: Run, complete: Path, project: Path, translations: Path
) -> None:
    edit(project / "app" / "views.py", 'TITLE = lazy_gettext("Dinner")', 'TITLE = lazy_gettext("Supper")')
    edit(complete.parents[2] / "ar" / "LC_MESSAGES" / "messages.po", KEPT, "")
    result = run()
    assert result.exit_code == 1
    assert "es/LC_MESSAGES/messages.po:" in result.output
    assert '"Supper": is not translated' in result.output
    assert "ar/LC_MESSAGES/messages.po:" not in result.output.partition("not translated")[2]
    assert (translations / "messages.pot").exists()


def test_a_table_has_a_row_for_each_plural_form_and_comes_back_the_same(
    run: Run, complete: Path, tmp_path: Path
) -> None:
    edit(complete, "#. above the list", "# machine: draft 2026-01-31\n#. above the list")
    before = complete.read_text()
    table = tmp_path / "es.csv"
    assert run("export", "es", "--to", str(table)).exit_code == 0
    text = table.read_text(encoding="utf-8-sig")
    assert ",%(num)d guest,%(num)d guests,1,%(num)d guests,,,\n" in text
    assert ',%(num)d guest,%(num)d guests,"0, 2, 3, 4, 5, 6, 7, 8, …",%(num)d guests,,,\n' in text
    assert "month,May,,,May,,,\n" in text
    assert ",Dinner,,,Dinner,,machine: draft 2026-01-31,above the list\n" in text
    assert "es/LC_MESSAGES/messages.po: 0 texts changed" in run("import", "es", str(table)).output
    assert complete.read_text() == before
    changed = text.replace(",Dinner,,,Dinner,", ",Dinner,,,Cena,").replace(",1,%(num)d guests", ",1,un invitado")
    table.write_text(changed.replace(",", ";").replace('"0; 2; 3; 4; 5; 6; 7; 8; …"', "0, 2, 3, 4, 5, 6, 7, 8, …"))
    assert "2 texts changed" in run("import", "es", str(table)).output
    assert '\n#. above the list\nmsgid "Dinner"\nmsgstr "Cena"' in complete.read_text()
    assert 'msgstr[0] "un invitado"\nmsgstr[1] "%(num)d guests"' in complete.read_text()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",Breakfast,,,Desayuno,,,", '2: "Breakfast": is not in the catalog'),
        (',%(num)d guest,,"2, 3",dos,,,', '2: "%(num)d guest": there is no form for the numbers “2, 3”'),
        (",Hi %(name)s,,,Hola,,,", '"Hi %(name)s": placeholder %(name)s is missing'),
        (None, "1: the columns english, translation are missing"),
    ],
)
def test_a_table_with_a_mistake_changes_nothing(
    run: Run, complete: Path, tmp_path: Path, row: str | None, reason: str
) -> None:
    table = tmp_path / "es.csv"
    head = "context,english,english_plural,numbers,translation,flags,comments,notes"
    table.write_text(f"{head}\n{row}\n,Dinner,,,Cena,,,\n" if row else "Word\n")
    before = complete.read_text()
    result = run("import", "es", str(table))
    assert result.exit_code == 1
    assert reason in result.output
    assert complete.read_text() == before


def test_a_file_of_another_program_is_taken_by_the_numbers_of_its_forms(
    run: Run, complete: Path, tmp_path: Path
) -> None:
    sent = tmp_path / "sent.po"
    sent.write_text(
        'msgid ""\nmsgstr ""\n"Language: es\\n"\n"Plural-Forms: nplurals=3; plural=n==1 ? 0 : n!=0 && n%1000000==0 ? 1 : 2;\\n"\n\n'
        'msgid "%(num)d guest"\nmsgid_plural "%(num)d guests"\nmsgstr[0] "un invitado"\nmsgstr[1] "%(num)d de invitados"\n'
        'msgstr[2] "%(num)d invitados"\n\nmsgid "Dinner"\nmsgstr ""\n'
    )
    assert "1 texts changed" in run("import", "es", str(sent)).output
    assert 'msgstr[0] "un invitado"\nmsgstr[1] "%(num)d invitados"' in complete.read_text()
    assert 'msgid "Dinner"\nmsgstr "Dinner"' in complete.read_text()


def test_a_reworded_text_keeps_its_translations(run: Run, complete: Path, project: Path) -> None:
    edit(complete, 'msgstr "Hi %(name)s"', 'msgstr "Hola, %(name)s"')
    assert "Nothing was written" in run("reword", "Hi %(name)s", "Hello").output
    assert run("reword", "Hi %(name)s", "Hello %(name)s").exit_code == 0
    edit(project / "app" / "views.py", '"Hi %(name)s"', '"Hello %(name)s"')
    assert run().output.endswith("3 catalogs are valid, 3 of them complete.\n")
    assert 'msgid "Hello %(name)s"\nmsgstr "Hola, %(name)s"' in complete.read_text()
    assert "No catalog has the text “Bye”" in run("reword", "Bye", "Ciao").output


@pytest.mark.usefixtures("complete")
def test_a_pseudo_catalog_is_valid_and_alters_every_text(run: Run, tmp_path: Path) -> None:
    assert run("pseudo", str(tmp_path / "pseudo"), "--locale", "pl").exit_code == 0
    found = catalogs.read(files.po_path(tmp_path / "pseudo", "pl"))
    for message in catalogs.messages(found):
        assert list(validity.problems(catalogs.sources_of(message), catalogs.texts_of(message), rule_of("pl"))) == []
        assert all(text.startswith("[") for text in catalogs.texts_of(message))
    assert catalogs.texts_of(found["Hi %(name)s"]) == ("[Hî %(name)s~~~]",)


def test_a_region_starts_with_the_texts_of_its_language(run: Run, complete: Path, translations: Path) -> None:
    edit(complete, 'msgstr "Dinner"', 'msgstr "Cena"')
    assert run("add", "es_MX").exit_code == 0
    assert 'msgid "Dinner"\nmsgstr "Cena"' in files.po_path(translations, "es_MX").read_text()
