"""The catalogs of the project are complete and valid."""

from pathlib import Path

import pytest
from babel.messages.catalog import Message

from app.i18n import catalogs, checks, files, runtime, validity
from app.i18n.plurals import rule_of

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "translations"
KEYS = [files.key_of(path) for path in files.po_paths(DIRECTORY)]
NUMBERS = (0, 1, 2, 3, 5, 11, 21, 100, 101)


def entries(key: str) -> list[Message]:
    return list(catalogs.messages(catalogs.read(files.po_path(DIRECTORY, key))))


@pytest.mark.slow
def test_every_catalog_is_complete_valid_and_canonical() -> None:
    assert [str(problem) for problem in checks.check(ROOT, DIRECTORY)] == []


@pytest.mark.parametrize("key", ["ar", "en", "es"])
def test_the_first_languages_stay_complete(key: str) -> None:
    assert catalogs.read(files.po_path(DIRECTORY, key)).is_kept_complete


@pytest.mark.parametrize("key", KEYS)
def test_every_text_can_be_formatted_for_every_number(key: str, caplog: pytest.LogCaptureFixture) -> None:
    rule = rule_of(key)
    for message in entries(key):
        sources, texts = catalogs.sources_of(message), catalogs.texts_of(message)
        names = {found["name"] for source in sources for found in validity.PLACEHOLDER.finditer(source)}
        for number in NUMBERS:
            text = texts[rule.form(number)] if len(texts) > 1 else texts[0]
            filled = runtime.fill(text, sources[-1], dict.fromkeys(names, number))
            assert not validity.has_placeholders(filled)
    assert caplog.text == ""


@pytest.mark.parametrize("key", sorted(set(KEYS) - {"en"}))
def test_most_translations_differ_from_their_source(key: str) -> None:
    same = [message.id for message in entries(key) if catalogs.sources_of(message) == catalogs.texts_of(message)]
    assert len(same) < len(entries(key)) / 20, same
