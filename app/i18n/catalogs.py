"""Catalogs as the site uses them: the site's own translations, else those of FAB and WTForms; unsafe ones are left out.

The .po files are read once per process and locale, so no compiled file can be outdated or missing (20 ms for 550
texts). A translation that fails the checks of `validity` is logged, and the English text is shown.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import flask_appbuilder
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.pofile import PoFileError, read_po
from wtforms.i18n import messages_path

from app.i18n import locales, validity
from app.i18n.plurals import ENGLISH, PluralRule, rule_of

log = logging.getLogger(__name__)

Key = tuple[str | None, str]
UPSTREAM = (
    (Path(flask_appbuilder.__file__).parent / "translations", "messages"),
    (Path(messages_path()), "wtforms"),
)


class CatalogError(ValueError):
    """A catalog that cannot be read; `line` is the number of the line in `path`."""

    def __init__(self, path: Path, line: int, message: str) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path = path
        self.line = line
        self.message = message


class Translations:
    """The texts of one locale. The names of the methods are gettext's, with and without Flask-Babel's u."""

    def __init__(self, texts: Mapping[Key, tuple[str, ...]], rule: PluralRule) -> None:
        self._texts = texts
        self._rule = rule

    def gettext(self, msgid: str) -> str:
        return self._singular(None, msgid)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self._plural(None, singular, plural, n)

    def pgettext(self, context: str, msgid: str) -> str:
        return self._singular(context, msgid)

    def npgettext(self, context: str, singular: str, plural: str, n: int) -> str:
        return self._plural(context, singular, plural, n)

    ugettext, ungettext, upgettext, unpgettext = gettext, ngettext, pgettext, npgettext

    def _singular(self, context: str | None, msgid: str) -> str:
        texts = self._texts.get((context, msgid), (msgid,))
        return texts[0] if len(texts) == 1 else texts[self._rule.form(1)]

    def _plural(self, context: str | None, singular: str, plural: str, n: int) -> str:
        texts = self._texts.get((context, singular), ())
        if len(texts) == self._rule.count:
            return texts[self._rule.form(int(n))]
        # Not translated: English texts have English plurals.
        return (singular, plural)[ENGLISH.form(int(n))]


def load(key: str, *directories: Path) -> Translations:
    """Return all texts of a shipped locale; later directories take precedence. Errors in the files are logged."""
    rule = rule_of(key)
    texts = upstream(key, rule)
    for directory in directories:
        for parent in reversed(locales.chain(key)):
            path = directory / parent / "LC_MESSAGES" / "messages.po"
            if path.exists():
                texts.update(_own_texts(path, parent, rule))
    return Translations(texts, rule)


def upstream(key: str, rule: PluralRule) -> dict[Key, tuple[str, ...]]:
    """Return the translations of FAB and WTForms for a locale, or for its language in the same script."""
    texts: dict[Key, tuple[str, ...]] = {}
    for root, domain in UPSTREAM:
        name = _nearest(key, (path.name for path in root.iterdir() if path.is_dir()))
        if name:
            texts.update(_compiled(root / name / "LC_MESSAGES" / f"{domain}.mo", rule))
    return texts


def read(path: Path) -> Catalog:
    """Return a .po or .pot file as it stands; raises CatalogError."""
    try:
        with path.open(encoding="utf-8") as lines:
            return read_po(lines, abort_invalid=True)
    except PoFileError as error:
        raise CatalogError(path, error.lineno + 1, str(error)) from error
    # Babel raises these for unterminated strings and invalid headers.
    except (ValueError, LookupError, TypeError, AttributeError, SyntaxError) as error:
        raise CatalogError(path, 1, f"cannot be read: {error}") from error


def messages(catalog: Catalog) -> Iterator[Message]:
    """Yield the messages of a catalog without its header."""
    return (message for message in catalog if message.id)


def sources_of(message: Message) -> tuple[str, ...]:
    """Return the English text of a message, or its singular and plural."""
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def texts_of(message: Message) -> tuple[str, ...]:
    """Return the translation of a message, or all of its plural forms; missing ones are empty."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _own_texts(path: Path, key: str, rule: PluralRule) -> dict[Key, tuple[str, ...]]:
    try:
        catalog = read(path)
    except (CatalogError, OSError):
        log.exception("Texts could not be read from %s", path)
        return {}
    texts_by_key = {}
    for message in messages(catalog):
        sources, texts = sources_of(message), texts_of(message)
        if message.fuzzy or not all(texts):
            continue
        broken = next(validity.problems(sources, texts, rule), None)
        if broken:
            log.error("%s:%s: not served in %s: %s", path, message.lineno, key, broken)
        else:
            texts_by_key[message.context, sources[0]] = texts
    return texts_by_key


def _compiled(path: Path, rule: PluralRule) -> dict[Key, tuple[str, ...]]:
    """Return the texts of a package's catalog, without plurals, because its plural rules may differ."""
    try:
        with path.open("rb") as file:
            catalog = read_mo(file)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        log.warning("Texts could not be read from %s", path, exc_info=True)
        return {}
    return {
        (message.context, message.id): (message.string,)
        for message in messages(catalog)
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.string
        and not any(validity.problems((message.id,), (message.string,), rule))
    }


def _nearest(key: str, names: Iterator[str]) -> str | None:
    """Return the directory for a locale, or else one for the same language and script."""
    wanted = locales.language_and_script(key)
    found = sorted(name for name in names if locales.language_and_script(name) == wanted)
    return next((name for name in found if name == key), found[0] if found else None)
