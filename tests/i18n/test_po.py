"""Files that programs and people have damaged, or only written in another way."""

import tracemalloc
from pathlib import Path

import pytest

from app.i18n import catalogs, po
from app.i18n.plurals import rule_of

HEAD = 'msgid ""\nmsgstr ""\n"Language: es\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
TEXTS = 'msgid "Yes"\nmsgstr "Sí"\n\nmsgid "No"\nmsgstr "No"\n\nmsgctxt "month"\nmsgid "May"\nmsgstr "Mayo"\n'
GOOD = HEAD + TEXTS
READ = {(None, "Yes"): ("Sí",), (None, "No"): ("No",), ("month", "May"): ("Mayo",)}


def texts(file: po.File) -> dict[tuple[str | None, str], tuple[str, ...]]:
    return {entry.key: entry.texts for entry in file.entries}


@pytest.mark.parametrize(
    "data",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace("\n", "\r").encode(),
        GOOD.replace("\n\n", "\n").encode(),
        GOOD.rstrip("\n").encode(),
        GOOD.replace('msgstr "Sí"', 'msgstr ""\n  "S"\n\t"í"').encode(),
        GOOD.replace("Sí", "S\\303\\255").replace("S\\303\\255", "S\\xed").encode(),
        GOOD.replace('msgid "No"', '#: app/a.py:7\n#| msgid "Non"\n#. why\nmsgid "No"').encode(),
        (GOOD + '\n#~ msgid "Gone"\n#~ msgstr "Ido"\n#~ msgstr broken\n').encode(),
        (GOOD + '\nmsgid "Yes"\nmsgstr "Sí"\n').encode(),
    ],
)
def test_what_programs_do_to_a_file_is_read_and_changes_nothing(data: bytes) -> None:
    file = po.parse(data)
    assert (file.faults, texts(file), file.header["language"]) == ([], READ, "es")


@pytest.mark.parametrize(
    ("data", "line", "text", "reason"),
    [
        (GOOD.replace('"Sí"', '"Sí'), 7, "Yes", "the closing quote is missing"),
        (GOOD.replace('"Sí"', '"S"í"'), 7, "Yes", 'a quote inside of a text must be written as \\"'),
        (GOOD.replace('"Sí"', "“Sí”"), 7, "Yes", 'after msgstr there must be a text in quotes, "like this"'),
        (GOOD.replace("Sí", "S\\q"), 7, "Yes", "\\q means nothing: write \\\\ for a backslash"),
        (GOOD.replace('msgstr "Sí"\n', ""), 6, "Yes", "its translation is missing: there is no msgstr"),
        (GOOD.replace('msgstr "Sí"', 'msgstr "Sí"\nmsgstr "Si"'), 8, "Yes", "msgstr is there twice"),
        (GOOD.replace('msgstr "Sí"', 'msgstr[0] "Sí"'), 6, "Yes", "it has no msgid_plural, so its translation must be msgstr"),
        (GOOD.replace('msgstr "Sí"', '<<<<<<< a\nmsgstr "Sí"\n=======\nmsgstr "Si"\n>>>>>>> b'), 7, "Yes",
         "this is a merge conflict: choose one of the two sides, and remove the marks"),
        (GOOD.replace('msgstr "Sí"', 'msgstr "Sí"\n\nmsgid "Yes"\nmsgstr "Si"'), 9, "Yes",
         "is defined twice: here and in line 6; keep the right one"),
        (GOOD[: GOOD.index('"Mayo"')], 14, "May", 'after msgstr there must be a text in quotes, "like this"'),
        (GOOD[: GOOD.index('\nmsgstr "Mayo')], 13, "May", "the file is cut off here"),
        (GOOD.replace("Language: es", "Language es"), 1, "", "the header is damaged: Language es"),
        (TEXTS, 1, "", 'the header is missing: an empty msgid "" at the beginning'),
        (GOOD.replace("UTF-8", "ISO-8859-1"), 1, "", "the header says iso-8859-1: save the file as UTF-8"),
        ("", 1, "", "the file is empty"),
    ],
)  # fmt: skip
def test_damage_is_named_with_its_line_and_the_rest_is_read(data: str, line: int, text: str, reason: str) -> None:
    file = po.parse(data.encode())
    assert [(fault.line, fault.text, fault.reason) for fault in file.faults] == [(line, text, reason)]
    if data.startswith(HEAD):
        assert len(READ.items() - texts(file).items()) <= 1


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_another_encoding_is_named(encoding: str) -> None:
    assert "UTF-8" in po.parse(GOOD.encode(encoding)).faults[0].reason


def test_a_file_cut_off_within_a_text_never_passes_for_a_whole_one() -> None:
    data = GOOD.encode()
    for length in range(len(HEAD.encode()), len(data) - 1):
        file = po.parse(data[:length])
        assert file.faults or texts(file).items() <= READ.items(), data[:length][-30:]


def test_what_is_damaged_is_served_as_before_and_the_rest_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "texts" / "es" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    cache = tmp_path / "cache"
    path.write_text(GOOD)
    assert catalogs.load("es", tmp_path / "texts", cache=cache).gettext("Yes") == "Sí"
    path.write_text(GOOD.replace('"Sí"', '"Sí').replace("Mayo", "mayo"))
    for _process in range(2):
        found = catalogs.load("es", tmp_path / "texts", cache=cache)
        assert (found.gettext("Yes"), found.pgettext("month", "May")) == ("Sí", "mayo")
        status = catalogs.status("es", tmp_path / "texts", cache=cache)
        assert status.faults == (f'{path}:7: "Yes": the closing quote is missing',)
        assert status.progress.translated == 3
    path.write_text(GOOD.replace('"Sí"', '"¡Sí!"'))
    assert catalogs.load("es", tmp_path / "texts", cache=cache).gettext("Yes") == "¡Sí!"
    assert catalogs.status("es", tmp_path / "texts", cache=cache).faults == ()


def test_a_damaged_copy_of_what_was_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "texts" / "es" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(GOOD)
    for damage in (None, "", "[]", "{", '["x"]\n[]'):
        if damage is not None:
            (tmp_path / "es.json").write_text(damage)
        catalogs.forget()
        assert catalogs.load("es", tmp_path / "texts", cache=tmp_path).gettext("Yes") == "Sí"


def test_further_languages_take_little_memory() -> None:
    keys = [(None, f"This is the text number {number} of a large site.") for number in range(3000)]
    first = catalogs.Translations({key: (key[1],) for key in keys}, rule_of("en"))
    tracemalloc.start()
    try:
        more = [
            catalogs.Translations(
                {key: (f"{language} هذا هو النص من موقع كبير {key[1][:30]}",) for key in keys}, rule_of("ar")
            )
            for language in range(11)
        ]
        used, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert first.gettext(keys[7][1]) == keys[7][1]
    assert more[3].gettext(keys[7][1]).startswith("3 هذا")
    assert used < 4 * 1024 * 1024, used
